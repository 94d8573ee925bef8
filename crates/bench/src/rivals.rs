//! Today's tools, each image by image.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use portolan_testkit::process;

use crate::Outcome;
use crate::layouts::Prepared;
use crate::material::TAG;

/// `skopeo copy docker-archive:` for one image after another; gives seconds.
pub(crate) fn skopeo(program: &PathBuf, host: &str, images: &[Prepared]) -> f64 {
    let began = Instant::now();
    for image in images {
        let source = format!("docker-archive:{}", image.archive.display());
        let target = format!("docker://{host}/{}:{TAG}", image.repository);
        process::run(Command::new(program).args([
            "copy",
            "--quiet",
            "--dest-tls-verify=false",
            &source,
            &target,
        ]));
    }
    began.elapsed().as_secs_f64()
}

/// `crane push` of layouts, one after another; gives seconds.
pub(crate) fn crane(program: &PathBuf, host: &str, images: &[Prepared]) -> f64 {
    let began = Instant::now();
    for image in images {
        process::run(&mut crane_push(program, host, image));
    }
    began.elapsed().as_secs_f64()
}

/// `crane push` of layouts, so many at once; gives seconds.
pub(crate) fn crane_at_once(program: &PathBuf, host: &str, images: &[Prepared], many: usize) -> Outcome<f64> {
    let began = Instant::now();
    for group in images.chunks(many) {
        let children: Vec<_> = group
            .iter()
            .map(|image| crane_push(program, host, image).stdout(Stdio::null()).stderr(Stdio::null()).spawn())
            .collect::<Result<_, _>>()?;
        for mut child in children {
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("crane push: {status}").into());
            }
        }
    }
    Ok(began.elapsed().as_secs_f64())
}

fn crane_push(program: &PathBuf, host: &str, image: &Prepared) -> Command {
    let mut command = Command::new(program);
    command.args(["push", "--insecure"]).arg(&image.layout);
    command.arg(format!("{host}/{}:{TAG}", image.repository));
    command
}
