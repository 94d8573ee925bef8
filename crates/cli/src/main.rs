//! The program `portolan`; all of it is in the library.

use std::process::ExitCode;

use portolan_cli::config::Environment;

fn main() -> ExitCode {
    let environment = Environment::read(|name| std::env::var(name).ok());
    portolan_cli::run(std::env::args_os(), &environment)
}
