/*
 * A library that is preloaded into a program and writes down what the program does to the files
 * under one directory, in the order in which it does it: `power_loss.rs` says what for.
 *
 * It stands below everything that calls the C library, so below Rust's files and SQLite's alike.
 * Each change is made and written down under one lock, so that the order in the trace is the order
 * in which the kernel saw the changes. A sync takes two records, where it began and where it ended:
 * only what was written down before it began is promised to be on the disk once it has ended.
 *
 * Told by the environment:
 *   RECORDER_ROOT    the directory, its path without links; it exists
 *   RECORDER_TRACE   the file that records are appended to
 *   RECORDER_KILL    `before N` or `after N`: the process ends itself by SIGKILL at its N-th call
 *   RECORDER_LINGER  most microseconds that a sync takes longer, so that others run beside it
 *
 * What it does not know it refuses aloud (abort), and changes that pass it by show when the whole
 * trace is replayed and compared with the directory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8 && sizeof(off_t) == 8, "offsets are passed as one word");

/* Renamed or removed, a kind would be read as another: `trace.rs` has the same numbers. */
enum kind {
    STARTED = 1,
    CREATED = 2,
    DIRECTORY_MADE = 3,
    WRITTEN = 4,
    TRUNCATED = 5,
    EXTENDED = 6,
    RENAMED = 7,
    LINKED = 8,
    REMOVED = 9,
    SYNC_BEGAN = 10,
    SYNC_ENDED = 11,
};

/* Before each record's names and data; little-endian, as every machine of the tests is. */
struct head {
    uint32_t kind;
    uint32_t mode;
    uint32_t name_length;
    uint32_t target_length;
    uint64_t inode; /* in records of syncs 0 stands for everything */
    uint64_t offset; /* in records of syncs: their number */
    uint64_t length;
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static char root[PATH_MAX];
static dev_t device;
static uint64_t calls, syncs, kill_call;
static int kill_before;
static unsigned linger;

static void fail(const char *what) {
    dprintf(STDERR_FILENO, "recorder: %s: %s\n", what, strerror(errno));
    abort();
}

/* ---- the trace ---- */

static void append(const void *data, size_t length) {
    while (length > 0) {
        ssize_t count = syscall(SYS_write, trace, data, length);
        if (count < 0) fail("cannot write the trace");
        data = (const char *)data + count;
        length -= count;
    }
}

static void record(struct head head, const char *name, const char *target) {
    head.name_length = name ? strlen(name) : 0;
    head.target_length = target ? strlen(target) : 0;
    char buffer[sizeof head + 2 * PATH_MAX];
    memcpy(buffer, &head, sizeof head);
    if (name) memcpy(buffer + sizeof head, name, head.name_length);
    if (target) memcpy(buffer + sizeof head + head.name_length, target, head.target_length);
    append(buffer, sizeof head + head.name_length + head.target_length);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Begins a call that may change something; nobody else changes anything until `end`. */
static void begin(void) {
    pthread_mutex_lock(&turn);
    calls++;
    if (kill_before && calls == kill_call) die();
}

static void end(uint64_t call) {
    if (!kill_before && call == kill_call) die();
    int saved = errno;
    pthread_mutex_unlock(&turn);
    errno = saved;
}

/* ---- what is watched ---- */

/* The path below the root, "" for the root itself; 0 where it lies elsewhere. */
static int inside(int directory, const char *path, char *below) {
    char whole[2 * PATH_MAX];
    if (trace < 0 || !path) return 0;
    size_t length = 0;
    if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t count = readlink(directory == AT_FDCWD ? "/proc/self/cwd" : link, whole, PATH_MAX);
        if (count < 0) return 0;
        length = count;
    }
    char *saved, *part, copy[PATH_MAX];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) return 0;
    for (part = strtok_r(copy, "/", &saved); part; part = strtok_r(NULL, "/", &saved)) {
        if (strcmp(part, ".") == 0) continue;
        if (strcmp(part, "..") == 0) {
            while (length > 0 && whole[--length] != '/') {}
            continue;
        }
        whole[length++] = '/';
        memcpy(whole + length, part, strlen(part));
        length += strlen(part);
    }
    whole[length] = 0;
    size_t above = strlen(root);
    if (strncmp(whole, root, above) != 0 || (whole[above] && whole[above] != '/')) return 0;
    snprintf(below, PATH_MAX, "%s", whole[above] ? whole + above + 1 : "");
    return 1;
}

/* Whether it is a file or directory that could lie below the root. Files of the same file system
 * that don't are written down too: a reader knows none of them. */
static int watched(int fd, struct stat *found) {
    if (trace < 0 || fstat(fd, found) != 0 || found->st_dev != device) return 0;
    return S_ISREG(found->st_mode) || S_ISDIR(found->st_mode);
}

__attribute__((constructor)) static void start(void) {
    const char *below = getenv("RECORDER_ROOT"), *file = getenv("RECORDER_TRACE");
    const char *point = getenv("RECORDER_KILL"), *most = getenv("RECORDER_LINGER");
    struct stat found;
    if (!below || !file) return;
    if (stat(below, &found) != 0) fail("RECORDER_ROOT");
    snprintf(root, sizeof root, "%s", below);
    device = found.st_dev;
    if (most) linger = strtoul(most, NULL, 10);
    if (point) {
        kill_before = strncmp(point, "before ", 7) == 0;
        kill_call = strtoull(strchr(point, ' ') + 1, NULL, 10);
    }
    trace = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace < 0) fail("RECORDER_TRACE");
    record((struct head){.kind = STARTED, .inode = found.st_ino}, NULL, NULL);
}

/* ---- opening ---- */

static int opened(int directory, const char *path, int flags, mode_t mode) {
    char below[PATH_MAX];
    struct stat before, after;
    int unnamed = (flags & O_TMPFILE) == O_TMPFILE;
    if (!(unnamed || flags & (O_CREAT | O_TRUNC)) || !inside(directory, path, below))
        return syscall(SYS_openat, directory, path, flags, mode);
    begin();
    uint64_t call = calls;
    int there = !unnamed && fstatat(directory, path, &before, 0) == 0;
    int fd = syscall(SYS_openat, directory, path, flags, mode);
    if (fd >= 0 && fstat(fd, &after) == 0 && S_ISREG(after.st_mode)) {
        if (!there) {
            struct head head = {.kind = CREATED, .mode = after.st_mode & 07777, .inode = after.st_ino};
            record(head, unnamed ? NULL : below, NULL);
        } else if (flags & O_TRUNC) {
            record((struct head){.kind = TRUNCATED, .inode = after.st_ino}, NULL, NULL);
        }
    }
    end(call);
    return fd;
}

#define MODE(flags, last) \
    mode_t mode = 0; \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, last); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, flags)
    return opened(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, flags)
    return opened(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
    MODE(flags, flags)
    return opened(directory, path, flags, mode);
}

int openat64(int directory, const char *path, int flags, ...) {
    MODE(flags, flags)
    return opened(directory, path, flags, mode);
}

int creat(const char *path, mode_t mode) {
    return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode) {
    return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* ---- writing ---- */

/* Writes down `count` bytes that were written from these pieces. */
static void record_pieces(uint64_t inode, off_t offset, const struct iovec *pieces, ssize_t count) {
    struct head head = {.kind = WRITTEN, .inode = inode, .offset = offset, .length = count};
    record(head, NULL, NULL);
    for (; count > 0; pieces++) {
        ssize_t part = (ssize_t)pieces->iov_len < count ? (ssize_t)pieces->iov_len : count;
        append(pieces->iov_base, part);
        count -= part;
    }
}

static ssize_t written(int fd, const struct iovec *pieces, int number) {
    struct stat found;
    if (!watched(fd, &found)) return syscall(SYS_writev, fd, pieces, number);
    begin();
    uint64_t call = calls;
    ssize_t count = syscall(SYS_writev, fd, pieces, number);
    if (count > 0) record_pieces(found.st_ino, lseek(fd, 0, SEEK_CUR) - count, pieces, count);
    end(call);
    return count;
}

static ssize_t written_at(int fd, const struct iovec *pieces, int number, off_t offset) {
    struct stat found;
    if (!watched(fd, &found)) return syscall(SYS_pwritev, fd, pieces, number, offset, 0);
    begin();
    uint64_t call = calls;
    ssize_t count = syscall(SYS_pwritev, fd, pieces, number, offset, 0);
    if (count > 0) record_pieces(found.st_ino, offset, pieces, count);
    end(call);
    return count;
}

ssize_t write(int fd, const void *data, size_t length) {
    return written(fd, &(struct iovec){(void *)data, length}, 1);
}

ssize_t writev(int fd, const struct iovec *pieces, int number) { return written(fd, pieces, number); }

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return written_at(fd, &(struct iovec){(void *)data, length}, 1, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    return written_at(fd, &(struct iovec){(void *)data, length}, 1, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int number, off_t offset) {
    return written_at(fd, pieces, number, offset);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int number, off64_t offset) {
    return written_at(fd, pieces, number, offset);
}

ssize_t pwritev2(int fd, const struct iovec *pieces, int number, off_t offset, int flags) {
    struct stat found;
    if (!watched(fd, &found)) return syscall(SYS_pwritev2, fd, pieces, number, offset, 0, flags);
    return offset == -1 ? written(fd, pieces, number) : written_at(fd, pieces, number, offset);
}

ssize_t pwritev64v2(int fd, const struct iovec *pieces, int number, off64_t offset, int flags) {
    return pwritev2(fd, pieces, number, offset, flags);
}

/* What the kernel copied is read back from the file. */
static void record_copied(int fd, const struct stat *found, off_t offset, ssize_t count) {
    char name[64], piece[65536];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int reader = syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0);
    if (reader < 0) fail("cannot read what was copied");
    while (count > 0) {
        size_t wanted = count < (ssize_t)sizeof piece ? (size_t)count : sizeof piece;
        ssize_t got = syscall(SYS_pread64, reader, piece, wanted, offset);
        if (got <= 0) fail("cannot read what was copied");
        record_pieces(found->st_ino, offset, &(struct iovec){piece, got}, got);
        offset += got;
        count -= got;
    }
    close(reader);
}

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *into, size_t length, unsigned flags) {
    struct stat found;
    if (!watched(to, &found)) return syscall(SYS_copy_file_range, from, at, to, into, length, flags);
    begin();
    uint64_t call = calls;
    ssize_t count = syscall(SYS_copy_file_range, from, at, to, into, length, flags);
    if (count > 0) record_copied(to, &found, (into ? *into : lseek(to, 0, SEEK_CUR)) - count, count);
    end(call);
    return count;
}

ssize_t sendfile(int to, int from, off_t *at, size_t length) {
    struct stat found;
    if (!watched(to, &found)) return syscall(SYS_sendfile, to, from, at, length);
    begin();
    uint64_t call = calls;
    ssize_t count = syscall(SYS_sendfile, to, from, at, length);
    if (count > 0) record_copied(to, &found, lseek(to, 0, SEEK_CUR) - count, count);
    end(call);
    return count;
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t length) { return sendfile(to, from, at, length); }

ssize_t splice(int from, off64_t *at, int to, off64_t *into, size_t length, unsigned flags) {
    struct stat found;
    if (!watched(to, &found)) return syscall(SYS_splice, from, at, to, into, length, flags);
    begin();
    uint64_t call = calls;
    ssize_t count = syscall(SYS_splice, from, at, to, into, length, flags);
    if (count > 0) record_copied(to, &found, (into ? *into : lseek(to, 0, SEEK_CUR)) - count, count);
    end(call);
    return count;
}

/* ---- lengths ---- */

int ftruncate(int fd, off_t length) {
    struct stat found;
    if (!watched(fd, &found)) return syscall(SYS_ftruncate, fd, length);
    begin();
    uint64_t call = calls;
    int result = syscall(SYS_ftruncate, fd, length);
    struct head head = {.kind = TRUNCATED, .inode = found.st_ino, .length = length};
    if (result == 0) record(head, NULL, NULL);
    end(call);
    return result;
}

int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

int truncate(const char *path, off_t length) {
    char below[PATH_MAX];
    if (!inside(AT_FDCWD, path, below)) return syscall(SYS_truncate, path, length);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int result = fd < 0 ? -1 : ftruncate(fd, length);
    if (fd >= 0) close(fd);
    return result;
}

int truncate64(const char *path, off64_t length) { return truncate(path, length); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
    struct stat found;
    if (!watched(fd, &found)) return syscall(SYS_fallocate, fd, mode, offset, length);
    if (mode & ~FALLOC_FL_KEEP_SIZE) fail("fallocate that changes content is not known");
    begin();
    uint64_t call = calls;
    int result = syscall(SYS_fallocate, fd, mode, offset, length);
    struct head head = {.kind = EXTENDED, .inode = found.st_ino, .length = offset + length};
    if (result == 0 && mode == 0) record(head, NULL, NULL);
    end(call);
    return result;
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    return fallocate(fd, mode, offset, length);
}

int posix_fallocate(int fd, off_t offset, off_t length) {
    return fallocate(fd, 0, offset, length) == 0 ? 0 : errno;
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }

/* ---- names ---- */

int renameat2(int from, const char *path, int to, const char *target, unsigned flags) {
    char old[PATH_MAX], new[PATH_MAX];
    int leaves = inside(from, path, old), arrives = inside(to, target, new);
    if (!leaves && !arrives) return syscall(SYS_renameat2, from, path, to, target, flags);
    if (flags & ~RENAME_NOREPLACE || !leaves || !arrives) fail("a rename across the root is not known");
    begin();
    uint64_t call = calls;
    int result = syscall(SYS_renameat2, from, path, to, target, flags);
    if (result == 0) record((struct head){.kind = RENAMED}, old, new);
    end(call);
    return result;
}

int renameat(int from, const char *path, int to, const char *target) {
    return renameat2(from, path, to, target, 0);
}

int rename(const char *path, const char *target) {
    return renameat2(AT_FDCWD, path, AT_FDCWD, target, 0);
}

int linkat(int from, const char *path, int to, const char *target, int flags) {
    char new[PATH_MAX];
    struct stat found;
    if (!inside(to, target, new)) return syscall(SYS_linkat, from, path, to, target, flags);
    begin();
    uint64_t call = calls;
    int result = syscall(SYS_linkat, from, path, to, target, flags);
    if (result == 0 && fstatat(to, target, &found, AT_SYMLINK_NOFOLLOW) == 0)
        record((struct head){.kind = LINKED, .inode = found.st_ino}, new, NULL);
    end(call);
    return result;
}

int link(const char *path, const char *target) { return linkat(AT_FDCWD, path, AT_FDCWD, target, 0); }

int symlinkat(const char *content, int directory, const char *path) {
    char below[PATH_MAX];
    if (inside(directory, path, below)) fail("a symbolic link is not known");
    return syscall(SYS_symlinkat, content, directory, path);
}

int symlink(const char *content, const char *path) { return symlinkat(content, AT_FDCWD, path); }

int unlinkat(int directory, const char *path, int flags) {
    char below[PATH_MAX];
    if (!inside(directory, path, below)) return syscall(SYS_unlinkat, directory, path, flags);
    begin();
    uint64_t call = calls;
    int result = syscall(SYS_unlinkat, directory, path, flags);
    if (result == 0) record((struct head){.kind = REMOVED}, below, NULL);
    end(call);
    return result;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int directory, const char *path, mode_t mode) {
    char below[PATH_MAX];
    struct stat found;
    if (!inside(directory, path, below)) return syscall(SYS_mkdirat, directory, path, mode);
    begin();
    uint64_t call = calls;
    int result = syscall(SYS_mkdirat, directory, path, mode);
    if (result == 0 && fstatat(directory, path, &found, AT_SYMLINK_NOFOLLOW) == 0) {
        struct head head = {.kind = DIRECTORY_MADE, .mode = found.st_mode & 07777, .inode = found.st_ino};
        record(head, below, NULL);
    }
    end(call);
    return result;
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* ---- syncing; sync_file_range promises nothing and passes ---- */

static int synced(long number, int fd, uint64_t inode) {
    begin();
    uint64_t call = calls, own = ++syncs;
    record((struct head){.kind = SYNC_BEGAN, .inode = inode, .offset = own}, NULL, NULL);
    pthread_mutex_unlock(&turn);
    if (linger) usleep((own * 2654435761u >> 8) % linger);
    /* Of everything only the trace knows: the disks of the machine are left alone. */
    int result = inode == 0 ? 0 : syscall(number, fd);
    int saved = errno;
    pthread_mutex_lock(&turn);
    errno = saved;
    if (result == 0) record((struct head){.kind = SYNC_ENDED, .inode = inode, .offset = own}, NULL, NULL);
    end(call);
    return result;
}

int fsync(int fd) {
    struct stat found;
    if (!watched(fd, &found)) return syscall(SYS_fsync, fd);
    return synced(SYS_fsync, fd, found.st_ino);
}

int fdatasync(int fd) {
    struct stat found;
    if (!watched(fd, &found)) return syscall(SYS_fdatasync, fd);
    return synced(SYS_fdatasync, fd, found.st_ino);
}

int syncfs(int fd) {
    struct stat found;
    if (trace < 0 || fstat(fd, &found) != 0 || found.st_dev != device) return syscall(SYS_syncfs, fd);
    return synced(SYS_syncfs, fd, 0);
}

void sync(void) {
    if (trace < 0) syscall(SYS_sync);
    else synced(SYS_sync, 0, 0);
}
