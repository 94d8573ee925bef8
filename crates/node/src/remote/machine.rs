//! What a node is, and where its programs lie.

use portolan_oci::Platform;

use super::of_connection;
use crate::error::RuntimeError;
use crate::ssh::{Session, command_line};

/// Asks for all of it at once. A shell without a login, and `sudo` even more, know fewer folders than the
/// ones that programs are installed into.
const LOOK: &str = "PATH=\"$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"; \
    uname -s; uname -m; id -u; command -v ctr || echo; command -v docker || echo";

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) platform: Platform,
    /// Whether whoever signed in is root.
    pub(super) is_root: bool,
    /// The program's full path, where it is there.
    pub(super) ctr: Option<String>,
    /// The program's full path, where it is there.
    pub(super) docker: Option<String>,
}

impl Machine {
    /// Looks at the node.
    pub(super) async fn look(session: &Session) -> Result<Self, RuntimeError> {
        let address = session.endpoint().to_string();
        let lost = |error| of_connection(&error, "SSH", &address);
        let ended = session.start(&command_line(["sh", "-c", LOOK])).await.map_err(lost)?.ended().await;
        let ended = ended.map_err(lost)?;
        Self::parse(&ended.text()).ok_or_else(|| RuntimeError::Nonsense {
            runtime: "the node",
            doing: format!("{address}: asking for its platform and programs"),
            why: format!("{:?}; {}", ended.text().chars().take(200).collect::<String>(), ended.reason()),
        })
    }

    fn parse(text: &str) -> Option<Self> {
        // What a profile prints comes first.
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let [system, machine, user, ctr, docker] = lines.get(lines.len().checked_sub(5)?..)? else {
            return None;
        };
        let path = |line: &str| line.starts_with('/').then(|| line.to_owned());
        let user: u32 = user.parse().ok()?;
        let platform = platform(system, machine);
        Some(Self { platform, is_root: user == 0, ctr: path(ctr), docker: path(docker) })
    }
}

/// What `uname` calls a processor, in Go's words.
fn platform(system: &str, machine: &str) -> Platform {
    let (architecture, variant) = match machine {
        "armv6l" => ("arm", Some("v6")),
        "armv7l" | "armv8l" => ("arm", Some("v7")),
        "i386" | "i486" | "i586" | "i686" => ("386", None),
        "loongarch64" => ("loong64", None),
        other => (other, None),
    };
    let platform = Platform::new(system.to_lowercase(), architecture);
    Platform { variant: variant.map(str::to_owned), ..platform }.normalized()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_every_kind() {
        #[track_caller]
        fn check(text: &str, platform: &str, is_root: bool, programs: (Option<&str>, Option<&str>)) {
            let (ctr, docker) = (programs.0.map(str::to_owned), programs.1.map(str::to_owned));
            let platform = platform.parse().unwrap();
            assert_eq!(Machine::parse(text), Some(Machine { platform, is_root, ctr, docker }));
        }
        let ctr = Some("/usr/bin/ctr");
        check("Linux\nx86_64\n0\n/usr/bin/ctr\n\n", "linux/amd64", true, (ctr, None));
        check(
            "Welcome!\nLinux\naarch64\n1000\n\n/usr/bin/docker\n",
            "linux/arm64",
            false,
            (None, Some("/usr/bin/docker")),
        );
        check("Linux\narmv7l\n0\n\n\n", "linux/arm/v7", true, (None, None));
        check("Linux\ni686\n0\nalias ctr=x\n\n", "linux/386", true, (None, None));
        assert_eq!(Machine::parse(""), None);
        assert_eq!(Machine::parse("Linux\nx86_64\nnobody\n\n\n"), None);
    }
}
