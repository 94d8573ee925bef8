//! The files that a node has for itself: users, passwords, rights, keys, and the configurations of its daemons.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::{NodeOptions, Sudo};
use crate::components;
use crate::process::run;

/// [`super::PASSWORD`] as `openssl passwd -6` gives it.
const HASH: &str = "$6$portolantestkit$EG1etI3iID5qAzjM.BkU0ABj70nEb2Z0z2b/HhxRCpZknAvv6Dqpr5E6hY5fVJOUJdDFzs/qphn4ulBqP4RLb.";

/// Numbers that machines give to nobody (Debian policy, 9.2.2: 60000 and up are its own).
const FIRST_USER: u32 = 58_000;

/// Writes them all into `folder`.
pub(super) fn write(folder: &Path, options: &NodeOptions) {
    let put = |name: &str, mode: u32, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).expect("the folder takes a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file is ours");
    };
    for name in ["run", "root", "bin", "sudoers.d"] {
        fs::create_dir(folder.join(name)).expect("the folder takes a folder");
    }
    put("passwd", 0o644, &passwd(options));
    put("shadow", 0o600, &shadow(options));
    put("sudoers.d/users", 0o440, &sudoers(options));
    put("authorized_keys", 0o644, "");
    put("sshd_config", 0o644, &sshd(folder, options));
    put("containerd.toml", 0o644, &containerd(folder));
    put("uname", 0o755, &uname(options));
    let keygen = components::SSH_KEYGEN.find().expect("it was there when this began");
    run(Command::new(keygen)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(folder.join("host_key")));
}

/// A `uname` that tells another processor.
fn uname(options: &NodeOptions) -> String {
    let machine = options.machine.unwrap_or_default();
    format!("#!/bin/sh\ncase $1 in -m) echo {machine} ;; *) echo Linux ;; esac\n")
}

/// The machine's users, and those of the node.
fn passwd(options: &NodeOptions) -> String {
    let own = fs::read_to_string("/etc/passwd").expect("every machine has users");
    let users = (FIRST_USER..).zip(&options.users);
    users.fold(own, |text, (id, user)| format!("{text}{}:x:{id}:{id}::/:/bin/sh\n", user.name))
}

/// Passwords of root and of the node's users; nobody else has one.
fn shadow(options: &NodeOptions) -> String {
    let names = ["root"].into_iter().chain(options.users.iter().map(|user| user.name));
    names.map(|name| format!("{name}:{HASH}:19000:0:99999:7:::\n")).collect()
}

fn sudoers(options: &NodeOptions) -> String {
    let line = |name: &str, sudo: Sudo| match sudo {
        Sudo::Never => String::new(),
        Sudo::Freely => format!("{name} ALL=(ALL) NOPASSWD: ALL\n"),
        Sudo::WithPassword => format!("{name} ALL=(ALL) ALL\n"),
    };
    options.users.iter().map(|user| line(user.name, user.sudo)).collect()
}

fn sshd(folder: &Path, options: &NodeOptions) -> String {
    let folder = folder.display();
    let (asks, takes) = if options.asks { ("yes", "no") } else { ("no", "yes") };
    format!(
        "Port 22\nListenAddress 0.0.0.0\nHostKey {folder}/host_key\nPidFile none\nStrictModes no\n\
         AuthorizedKeysFile {folder}/authorized_keys\nPermitRootLogin yes\nUseDNS no\nMaxStartups 100\n\
         UsePAM {asks}\nKbdInteractiveAuthentication {asks}\nPasswordAuthentication {takes}\nPrintMotd no\n"
    )
}

/// With the version of 1.6, which newer ones read too.
fn containerd(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "version = 2\nroot = \"{folder}/root\"\nstate = \"{folder}/state\"\n\
         disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
         [grpc]\naddress = \"/run/containerd/containerd.sock\"\n\
         [ttrpc]\naddress = \"/run/containerd/containerd.sock.ttrpc\"\n"
    )
}
