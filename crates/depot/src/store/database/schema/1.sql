-- Format 2 of a depot's metadata, version 1: everything but content, which lies in blobs/.
--
-- Times are seconds since 1970 (UTC), sizes bytes, digests their text ("sha256:…").
-- A row that names a content is committed after the content's file is synced, and goes before it.
-- Rows are never written with INSERT OR REPLACE: it would fire no trigger for what it removes.

-- Projects: the first path element of a repository. One is there as soon as something is pushed
-- into it; `visibility` is NULL until somebody makes it (Harbor's interface).
-- The project '' is the root of the chart repository (ChartMuseum's depth 0).
CREATE TABLE project (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    visibility TEXT    CHECK (visibility IN ('public', 'private')),
    quota      INTEGER CHECK (quota >= 0),        -- most bytes; NULL is no limit
    bytes      INTEGER NOT NULL DEFAULT 0,        -- sum over project_content; kept by triggers
    created    INTEGER NOT NULL
) STRICT;

-- Contents whose file is in blobs/. `damaged` is when `check` found the file missing or with another
-- digest; such a content counts as absent until it is pushed again.
CREATE TABLE blob (
    id      INTEGER PRIMARY KEY,
    digest  TEXT    NOT NULL UNIQUE,
    size    INTEGER NOT NULL,
    created INTEGER NOT NULL,                     -- when it last arrived
    damaged INTEGER
) STRICT;

-- Repositories. `listed` is 1 once a manifest was put: those alone are in the catalog.
CREATE TABLE repository (
    id      INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,
    project INTEGER NOT NULL REFERENCES project (id),
    listed  INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1))
) STRICT;
CREATE INDEX repository_project ON repository (project);

-- Which blobs may be read in which repository.
CREATE TABLE repository_blob (
    repository INTEGER NOT NULL REFERENCES repository (id),
    blob       INTEGER NOT NULL REFERENCES blob (id),
    linked     INTEGER NOT NULL,                  -- when it was last pushed or mounted
    PRIMARY KEY (repository, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX repository_blob_blob ON repository_blob (blob);

-- The manifests of a repository. `digest` is that of `blob`, repeated so that the referrers of a
-- subject come in the order of their digests from one index.
CREATE TABLE manifest (
    id            INTEGER PRIMARY KEY,
    repository    INTEGER NOT NULL REFERENCES repository (id),
    blob          INTEGER NOT NULL REFERENCES blob (id),
    digest        TEXT    NOT NULL,
    media_type    TEXT    NOT NULL,
    pushed        INTEGER NOT NULL,               -- when it was last put
    subject       TEXT,                           -- digest of the manifest it refers to
    artifact_type TEXT,                           -- as the list of referrers has it
    descriptor    TEXT,                           -- JSON, the list's entry; NULL without subject
    UNIQUE (repository, digest)
) STRICT;
CREATE INDEX manifest_blob ON manifest (blob);
CREATE INDEX manifest_subject ON manifest (repository, subject, digest) WHERE subject IS NOT NULL;

-- What a manifest names: config, layers, children; not its subject. A part need not be a content
-- that the depot has (layers that may not be passed on).
CREATE TABLE part (
    repository INTEGER NOT NULL,                  -- that of the manifest
    digest     TEXT    NOT NULL,
    manifest   INTEGER NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
    size       INTEGER NOT NULL,                  -- as the manifest says
    PRIMARY KEY (repository, digest, manifest)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_manifest ON part (manifest);

-- Tags. One whose manifest is removed goes with it.
CREATE TABLE tag (
    repository INTEGER NOT NULL REFERENCES repository (id),
    name       TEXT    NOT NULL,
    manifest   INTEGER NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
    moved      INTEGER NOT NULL,                  -- when it was last set
    PRIMARY KEY (repository, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_manifest ON tag (manifest);

-- Charts by NAME-VERSION. `entry` (JSON) is what the chart index says; `place` sorts the versions of
-- a name, the newest first (`store::charts::order`). `damaged` is that of the content, kept by a
-- trigger, so that the index is read without looking at contents.
CREATE TABLE chart (
    id      INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES project (id),
    stem    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    version TEXT    NOT NULL,
    place   BLOB    NOT NULL,
    blob    INTEGER NOT NULL REFERENCES blob (id),
    damaged INTEGER,
    entry   TEXT    NOT NULL,
    UNIQUE (project, stem)
) STRICT;
CREATE INDEX chart_blob ON chart (blob);
CREATE INDEX chart_place ON chart (project, name, place) WHERE damaged IS NULL;

-- The state of a project's chart index. `state` is its name, drawn by lot, so that no two states have
-- one name, not even where a backup was put back in between. The triggers below keep it, whoever
-- writes or removes charts.
CREATE TABLE chart_index (
    project INTEGER PRIMARY KEY REFERENCES project (id),
    state   TEXT    NOT NULL,
    changes INTEGER NOT NULL,                     -- how many there were
    changed INTEGER NOT NULL                      -- when the last one was
) STRICT;

-- The last changes of each chart index by their number: which entry came, went, was lost or healed.
-- Who has read an earlier state finds here what became of it since.
CREATE TABLE chart_change (
    project INTEGER NOT NULL REFERENCES project (id),
    number  INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    place   BLOB    NOT NULL,
    PRIMARY KEY (project, number)
) STRICT, WITHOUT ROWID;

-- Provenance files by NAME-VERSION; their charts need not be there.
CREATE TABLE provenance (
    project INTEGER NOT NULL REFERENCES project (id),
    stem    TEXT    NOT NULL,
    blob    INTEGER NOT NULL REFERENCES blob (id),
    PRIMARY KEY (project, stem)
) STRICT, WITHOUT ROWID;
CREATE INDEX provenance_blob ON provenance (blob);

-- Upload sessions while no process has them: written at a graceful stop, taken at the next start.
-- The bytes are in uploads/ID.
CREATE TABLE session (
    id         TEXT    PRIMARY KEY,
    repository TEXT    NOT NULL,
    algorithm  TEXT    NOT NULL CHECK (algorithm IN ('sha256', 'sha512')),
    written    INTEGER NOT NULL,
    touched    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Accounts; `hash` is a PHC string of argon2id.
CREATE TABLE account (
    name    TEXT    PRIMARY KEY,
    hash    TEXT    NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What accounts may do. `project` is a project's name, or '*' for all; it need not be there yet.
CREATE TABLE account_grant (
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    project TEXT NOT NULL,
    role    TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'admin')),
    PRIMARY KEY (account, project)
) STRICT, WITHOUT ROWID;

-- What a project holds, every content once, and through how many of the rows above. The triggers
-- below keep it and the project's bytes, whoever writes or removes those rows.
CREATE TABLE project_content (
    project INTEGER NOT NULL REFERENCES project (id),
    blob    INTEGER NOT NULL REFERENCES blob (id),
    holders INTEGER NOT NULL,
    PRIMARY KEY (project, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_content_blob ON project_content (blob);

CREATE TRIGGER content_enters AFTER INSERT ON project_content BEGIN
    UPDATE project SET bytes = bytes + (SELECT size FROM blob WHERE id = NEW.blob) WHERE id = NEW.project;
END;
CREATE TRIGGER content_unheld AFTER UPDATE OF holders ON project_content WHEN NEW.holders = 0 BEGIN
    DELETE FROM project_content WHERE project = NEW.project AND blob = NEW.blob;
END;
CREATE TRIGGER content_leaves AFTER DELETE ON project_content BEGIN
    UPDATE project SET bytes = bytes - (SELECT size FROM blob WHERE id = OLD.blob) WHERE id = OLD.project;
END;
-- A damaged file may have had another size than what heals it.
CREATE TRIGGER content_resized AFTER UPDATE OF size ON blob WHEN NEW.size <> OLD.size BEGIN
    UPDATE project SET bytes = bytes + NEW.size - OLD.size
        WHERE id IN (SELECT project FROM project_content WHERE blob = NEW.id);
END;

CREATE TRIGGER blob_linked AFTER INSERT ON repository_blob BEGIN
    INSERT INTO project_content (project, blob, holders)
        SELECT project, NEW.blob, 1 FROM repository WHERE id = NEW.repository
        ON CONFLICT DO UPDATE SET holders = holders + 1;
END;
CREATE TRIGGER blob_unlinked AFTER DELETE ON repository_blob BEGIN
    UPDATE project_content SET holders = holders - 1
        WHERE blob = OLD.blob AND project = (SELECT project FROM repository WHERE id = OLD.repository);
END;
CREATE TRIGGER manifest_put AFTER INSERT ON manifest BEGIN
    INSERT INTO project_content (project, blob, holders)
        SELECT project, NEW.blob, 1 FROM repository WHERE id = NEW.repository
        ON CONFLICT DO UPDATE SET holders = holders + 1;
END;
CREATE TRIGGER manifest_removed AFTER DELETE ON manifest BEGIN
    UPDATE project_content SET holders = holders - 1
        WHERE blob = OLD.blob AND project = (SELECT project FROM repository WHERE id = OLD.repository);
END;
CREATE TRIGGER chart_saved AFTER INSERT ON chart BEGIN
    INSERT INTO project_content (project, blob, holders) VALUES (NEW.project, NEW.blob, 1)
        ON CONFLICT DO UPDATE SET holders = holders + 1;
END;
CREATE TRIGGER chart_removed AFTER DELETE ON chart BEGIN
    UPDATE project_content SET holders = holders - 1 WHERE project = OLD.project AND blob = OLD.blob;
END;
CREATE TRIGGER provenance_saved AFTER INSERT ON provenance BEGIN
    INSERT INTO project_content (project, blob, holders) VALUES (NEW.project, NEW.blob, 1)
        ON CONFLICT DO UPDATE SET holders = holders + 1;
END;
CREATE TRIGGER provenance_removed AFTER DELETE ON provenance BEGIN
    UPDATE project_content SET holders = holders - 1 WHERE project = OLD.project AND blob = OLD.blob;
END;
-- Each change of what a chart index says gets the next number; the last 512 are remembered.
CREATE TRIGGER chart_changed AFTER UPDATE OF changes ON chart_index BEGIN
    UPDATE chart_index SET state = lower(hex(randomblob(16))), changed = unixepoch()
        WHERE project = NEW.project;
    DELETE FROM chart_change WHERE project = NEW.project AND number <= NEW.changes - 512;
END;
CREATE TRIGGER chart_listed AFTER INSERT ON chart BEGIN
    INSERT INTO chart_index (project, state, changes, changed) VALUES (NEW.project, '', 0, 0)
        ON CONFLICT DO NOTHING;
    UPDATE chart_index SET changes = changes + 1 WHERE project = NEW.project;
    INSERT INTO chart_change SELECT project, changes, NEW.name, NEW.place FROM chart_index
        WHERE project = NEW.project;
END;
CREATE TRIGGER chart_unlisted AFTER DELETE ON chart BEGIN
    UPDATE chart_index SET changes = changes + 1 WHERE project = OLD.project;
    INSERT INTO chart_change SELECT project, changes, OLD.name, OLD.place FROM chart_index
        WHERE project = OLD.project;
END;
CREATE TRIGGER chart_lost_or_healed AFTER UPDATE OF damaged ON chart WHEN NEW.damaged IS NOT OLD.damaged BEGIN
    UPDATE chart_index SET changes = changes + 1 WHERE project = NEW.project;
    INSERT INTO chart_change SELECT project, changes, NEW.name, NEW.place FROM chart_index
        WHERE project = NEW.project;
END;
CREATE TRIGGER blob_lost_or_healed AFTER UPDATE OF damaged ON blob WHEN NEW.damaged IS NOT OLD.damaged BEGIN
    UPDATE chart SET damaged = NEW.damaged WHERE blob = NEW.id;
END;

-- The rows that hold a content are removed and written anew, never pointed elsewhere.
CREATE TRIGGER manifest_fixed BEFORE UPDATE OF repository, blob ON manifest BEGIN
    SELECT RAISE(ABORT, 'a manifest is never pointed to another content');
END;
CREATE TRIGGER chart_fixed BEFORE UPDATE OF project, name, place, blob ON chart BEGIN
    SELECT RAISE(ABORT, 'a chart is replaced by removing it first');
END;
CREATE TRIGGER provenance_fixed BEFORE UPDATE OF project, blob ON provenance BEGIN
    SELECT RAISE(ABORT, 'a provenance file is replaced by removing it first');
END;
