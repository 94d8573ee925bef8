//! What `portolan serve` takes on its command line, and what the depot is told by it.

use std::time::Duration;

use clap::{Args, ValueEnum};
use portolan_depot::{ChartDepth, Limits, MetricsAccess, MinFree, MissingParts, Mode, Options, Projects};

use super::access::AccessArgs;
use super::listen::ListenArgs;
use crate::args::rate::size;
use crate::commands::depot::data::DataArgs;

/// Serves a container registry and chart repository from one data directory.
///
/// It runs in the foreground until Ctrl-C or SIGTERM, and finishes the requests in flight then. Once it can be
/// reached it says where, one line for each address.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    #[command(flatten)]
    pub(super) data: DataArgs,
    #[command(flatten)]
    pub(super) listen: ListenArgs,
    /// Let projects exist on their own, as in Harbor: a push into one that was not made is refused
    #[arg(long)]
    projects: bool,
    /// How many path elements stand before a chart repository: 1, one for each project, or 0, one alone
    #[arg(long, value_name = "N", value_enum, default_value_t = Depth::One)]
    chart_depth: Depth,
    /// Take manifests that name layers or platforms which their repository does not hold (sparse copies)
    #[arg(long)]
    allow_missing_parts: bool,
    #[command(flatten)]
    pub(super) access: AccessArgs,
    /// Take nothing new, and change nothing: who pushes is refused
    #[arg(long)]
    pub(super) read_only: bool,
    /// Take nothing new once the disk has less than this left [default: a hundredth of it, at most 512MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    min_free: Option<u64>,
    /// Let everybody read /metrics: numbers, without names of what the depot holds
    #[arg(long)]
    open_metrics: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

const EXAMPLES: &str = "\
Examples:
  portolan serve --data /var/lib/portolan
  portolan serve --data /var/lib/portolan --listen 127.0.0.1:8081 --chart-depth 0
  portolan serve --data /var/lib/portolan --listen http://0.0.0.0:5000 --read-only --anonymous-pull
  portolan serve --data /var/lib/portolan --tls-auto --listen https://0.0.0.0 --listen http://127.0.0.1:8081";

/// How many path elements stand before a chart repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Depth {
    /// One chart repository, at the root
    #[value(name = "0")]
    Zero,
    /// A chart repository for each project
    #[value(name = "1")]
    One,
}

/// How much clients may ask at once, and how long they may take.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Connections at once; further ones wait
    #[arg(long, value_name = "N", value_parser = connections, default_value_t = Limits::default().connections)]
    max_connections: usize,
    /// How long a connection may wait for its next request
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "90s")]
    idle_timeout: Duration,
    /// How long a client may keep the server waiting for the next bytes of a body, or with taking them
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "60s")]
    body_timeout: Duration,
    /// How long requests in flight may go on after a stop
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "30s")]
    stop_timeout: Duration,
}

/// More descriptors than this no process gets.
const MOST_CONNECTIONS: usize = 1_000_000;

fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=MOST_CONNECTIONS) => Ok(number),
        _ => Err(format!("a number from 1 to {MOST_CONNECTIONS} is expected")),
    }
}

/// Beyond a day a limit limits nothing.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a time that is neither nothing nor for ever.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() && time <= LONGEST => Ok(time),
        _ => Err("a time up to a day is expected, as in 90s, 5m or 500ms".to_owned()),
    }
}

impl ServeArgs {
    /// What the depot is told.
    pub(super) fn options(&self) -> Options {
        Options {
            projects: if self.projects { Projects::Enforced } else { Projects::Implicit },
            chart_depth: match self.chart_depth {
                Depth::Zero => ChartDepth::Root,
                Depth::One => ChartDepth::Project,
            },
            missing_parts: match self.allow_missing_parts {
                true => MissingParts::Taken,
                false => MissingParts::Refused,
            },
            mode: if self.read_only { Mode::ReadOnly } else { Mode::ReadWrite },
            min_free: self.min_free.map_or(MinFree::Usual, MinFree::Bytes),
            metrics: if self.open_metrics { MetricsAccess::Open } else { MetricsAccess::Guarded },
            access: self.access.options(),
            limits: self.limits.limits(),
            ..Options::default()
        }
    }
}

impl LimitArgs {
    fn limits(self) -> Limits {
        Limits {
            connections: self.max_connections,
            idle: self.idle_timeout,
            patience: self.body_timeout,
            drain: self.stop_timeout,
            ..Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use portolan_depot::{AnonymousPull, Challenge, ProjectMakers};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn options(line: &str) -> Result<Options, String> {
        let parsed = Line::try_parse_from(format!("serve {line}").split_whitespace());
        parsed.map(|line| line.serve.options()).map_err(|error| error.to_string())
    }

    #[test]
    fn without_flags_everything_is_at_its_default() {
        assert_eq!(format!("{:?}", options("").unwrap()), format!("{:?}", Options::default()));
    }

    #[test]
    fn flags_and_what_they_tell() {
        let told = options("--projects --chart-depth 0 --max-connections 7 --body-timeout 1m").unwrap();
        assert_eq!((told.projects, told.chart_depth), (Projects::Enforced, ChartDepth::Root));
        assert_eq!(options("--allow-missing-parts").unwrap().missing_parts, MissingParts::Taken);
        assert_eq!((told.limits.connections, told.limits.patience), (7, Duration::from_secs(60)));
        let told = options("--read-only --open-metrics --min-free 2GiB").unwrap();
        assert_eq!((told.mode, told.metrics), (Mode::ReadOnly, MetricsAccess::Open));
        assert_eq!(told.min_free, MinFree::Bytes(2 << 30));
        let told = options(
            "--projects --anonymous-pull --htpasswd u --sign-in password --public-url https://d.site --project-makers admins",
        );
        let access = told.unwrap().access;
        assert_eq!(access.anonymous_pull, AnonymousPull::Everything);
        assert_eq!(access.password_file.unwrap().to_str(), Some("u"));
        assert_eq!((access.challenge, access.project_makers), (Challenge::Password, ProjectMakers::Admins));
        assert_eq!(access.public_url.unwrap().to_string(), "https://d.site");
        let check = |line: &str, expected: &str| {
            let refused = options(line).unwrap_err();
            assert!(refused.contains(expected), "{line}: {refused}");
        };
        check("--min-free lots", "a number with K, M, G, KiB, MiB or GiB is expected");
        check("--public-url d.site/x", "http://HOST[:PORT] or https://HOST[:PORT], without a path");
        check("--project-makers admins", "--projects");
        check("--chart-depth 2", "[possible values: 0, 1]");
        check("--max-connections 0", "a number from 1 to 1000000 is expected");
        check("--idle-timeout 0s", "a time up to a day is expected, as in 90s, 5m or 500ms");
        check("--stop-timeout 2d", "a time up to a day is expected");
        check("--stop-timeout soon", "a time up to a day is expected");
    }
}
