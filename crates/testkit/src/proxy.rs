//! A real HTTP proxy on loopback: Debian's tinyproxy.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::components;
use crate::ports;
use crate::process::Daemon;

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    daemon: Daemon,
    port: u16,
    // held for its end
    _folder: TempDir,
}

impl Proxy {
    /// Starts one, for everybody or for one user and password, and waits until it listens. `None` where the
    /// program is missing and the test is to be skipped.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start(login: Option<(&str, &str)>) -> Option<Self> {
        let program = components::TINYPROXY.require()?;
        let folder = tempfile::tempdir().expect("a folder for the proxy");
        let port = ports::free();
        let auth = login.map(|(user, password)| format!("BasicAuth {user} {password}\n"));
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 100\nLogLevel Info\n{}",
            auth.unwrap_or_default()
        );
        let file = folder.path().join("tinyproxy.conf");
        fs::write(&file, text).expect("the folder takes the configuration");
        let mut command = Command::new(program);
        command.arg("-d").arg("-c").arg(file);
        let mut daemon = Daemon::start(command, &folder.path().join("log"));
        daemon.wait_for(|log| log.contains("Accepting connections").then_some(()));
        Some(Self { daemon, port, _folder: folder })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `METHOD target` of each request so far: `GET http://…`, `CONNECT HOST:PORT`.
    pub fn requests(&self) -> Vec<String> {
        self.daemon.log().lines().filter_map(request).collect()
    }
}

/// A line of the log: `CONNECT   Nov 26 13:00:00.000 [7]: Request (file descriptor 5): GET http://r/ HTTP/1.1`.
fn request(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("Request (file descriptor ")?;
    let (_, request) = rest.split_once("): ")?;
    Some(request.trim_end().rsplit_once(' ')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_log() {
        let line = "CONNECT   Nov 26 13:00:00.000 [7]: Request (file descriptor 5): CONNECT r:443 HTTP/1.1";
        assert_eq!(request(line).as_deref(), Some("CONNECT r:443"));
        assert_eq!(request("INFO      Nov 26 13:00:00.000 [7]: Starting main loop."), None);
    }
}
