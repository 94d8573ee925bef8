//! What a node does from its first process on: the script that becomes its sshd.

use std::path::Path;
use std::process::Command;

use super::{Link, NodeOptions, NodeRuntime, Programs};
use crate::components;

/// What it prints when its namespaces stand and it waits for its interface.
pub(super) const NETWORK_WANTED: &str = "waiting for eth0";

/// Where programs lie.
const FOLDERS: &str = "/usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin";

/// The program that runs the script in namespaces of its own, and takes it along when it is killed.
pub(super) fn command(folder: &Path) -> Command {
    let mut command = Command::new(components::UNSHARE.find().expect("it was there when this began"));
    command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"]);
    command.arg(folder.join("start.sh"));
    command
}

/// The script.
pub(super) fn script(
    folder: &Path,
    options: &NodeOptions,
    sshd: &Path,
    programs: &Programs,
    link: &Link,
) -> String {
    let at = folder.display();
    let begin = format!("set -e\nPATH=$PATH:/usr/sbin:/sbin\n{}", copies(folder, programs));
    let network = format!(
        "echo '{NETWORK_WANTED}'\nip link set lo up\n\
         until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done\n\
         ip addr add {}/30 dev eth0\nip link set eth0 up\n",
        link.theirs()
    );
    let own = format!(
        "mount -t tmpfs tmpfs /run\nmkdir -p /run/sshd /run/containerd\n\
         mount --bind {at}/run /run/containerd\nmount --bind {at}/passwd /etc/passwd\n\
         mount --bind {at}/shadow /etc/shadow\nmount --bind {at}/sudoers.d /etc/sudoers.d\n"
    );
    // What root's shell does on this machine is none of a node's business: it takes its time for every command,
    // and what it locks stays locked where the node dies meanwhile.
    let shell = "if [ -f /root/.bashrc ]; then mount --bind /dev/null /root/.bashrc; fi\n".to_owned();
    let programs_there = format!(
        "for folder in {FOLDERS}; do for name in ctr docker; do\n\
         if [ -f $folder/$name ]; then mount --bind /dev/null $folder/$name; fi\ndone; done\n\
         mount --bind {at}/bin /usr/local/bin\n"
    );
    let machine = options.machine.map(|_| format!("mount --bind {at}/uname $(command -v uname)\n"));
    let daemon = format!("exec {} -D -e -f {at}/sshd_config\n", sshd.display());
    let runtime = runtime(folder, options, programs);
    [begin, network, own, shell, programs_there, machine.unwrap_or_default(), runtime, daemon].concat()
}

/// The clients that there are come into a folder of `PATH` of the node's own, since the machine's are hidden.
fn copies(folder: &Path, programs: &Programs) -> String {
    let clients = [("ctr", &programs.ctr), ("docker", &programs.docker)];
    let there = clients.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?)));
    there.map(|(name, path)| format!("cp {} {}/bin/{name}\n", path.display(), folder.display())).collect()
}

fn runtime(folder: &Path, options: &NodeOptions, programs: &Programs) -> String {
    let at = folder.display();
    let disk = options.disk.map(|size| format!("mount -t tmpfs -o size={size}m tmpfs {at}/root\n"));
    let containerd = programs.containerd.as_ref().map(|program| {
        format!(
            "PATH={}:$PATH {} --config {at}/containerd.toml >{at}/containerd.log 2>&1 &\n\
             until [ -S /run/containerd/containerd.sock ]; do sleep 0.02; done\n",
            // One that was built brings its shim, and looks for it there.
            program.parent().expect("because it is a file in a folder").display(),
            program.display()
        )
    });
    let docker = match &options.runtime {
        NodeRuntime::Docker(socket) => {
            format!("touch /run/docker.sock\nmount --bind {} /run/docker.sock\n", socket.display())
        }
        _ => String::new(),
    };
    [disk.unwrap_or_default(), containerd.unwrap_or_default(), docker].concat()
}
