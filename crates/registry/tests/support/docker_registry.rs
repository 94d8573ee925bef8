//! A real `docker-registry` on a free port of loopback, with its data in a directory of its own.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// What the registry asks of its clients.
#[derive(Clone, Copy, PartialEq)]
pub enum Door {
    Open,
    /// User `alice`, password `s3cret`.
    Password,
    /// A certificate for 127.0.0.1 that is its own authority.
    Tls,
}

/// A running registry; it ends with the value.
pub struct DockerRegistry {
    process: Child,
    pub host: String,
    pub dir: TempDir,
}

impl DockerRegistry {
    /// Starts one, or says loudly that the test is skipped.
    pub fn start(door: Door) -> Option<Self> {
        if !is_there("docker-registry") || (door == Door::Password && !is_there("htpasswd")) {
            eprintln!("SKIPPED: docker-registry or htpasswd is not installed (Debian: docker-registry, apache2-utils)");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let config = dir.path().join("config.yml");
        fs::write(&config, configuration(door, dir.path(), port)).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        wait_for(port, &mut process);
        Some(Self { process, host: format!("127.0.0.1:{port}"), dir })
    }

    pub fn certificate(&self) -> std::path::PathBuf {
        self.dir.path().join("cert.pem")
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn is_there(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_for(port: u16, process: &mut Child) {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(process.try_wait().unwrap().is_none(), "docker-registry ended at once");
        assert!(start.elapsed() < Duration::from_secs(20), "docker-registry does not answer");
        thread::sleep(Duration::from_millis(20));
    }
}

fn configuration(door: Door, dir: &Path, port: u16) -> String {
    let shown = dir.display();
    let mut config = format!(
        "version: 0.1\nlog: {{level: warn, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: {shown}/data}}, delete: {{enabled: true}}}}\n"
    );
    let mut http = format!("addr: \"127.0.0.1:{port}\"");
    match door {
        Door::Open => {}
        Door::Password => {
            run(dir, "htpasswd", &["-Bbc", "users", "alice", "s3cret"]);
            config += &format!("auth: {{htpasswd: {{realm: test, path: {shown}/users}}}}\n");
        }
        Door::Tls => {
            make_certificate(dir);
            http += &format!(", tls: {{certificate: {shown}/cert.pem, key: {shown}/key.pem}}");
        }
    }
    config + &format!("http: {{{http}}}\n")
}

fn make_certificate(dir: &Path) {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                     -keyout key.pem -out cert.pem -subj /CN=registry -addext subjectAltName=IP:127.0.0.1";
    run(dir, "openssl", &arguments.split_whitespace().collect::<Vec<_>>());
}

fn run(dir: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}
