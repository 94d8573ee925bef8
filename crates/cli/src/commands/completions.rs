//! `portolan completions`: scripts that complete commands and flags in a shell.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Exit;
use crate::output::Console;

/// Prints the script that completes portolan's commands and flags in a shell.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  portolan completions bash > /etc/bash_completion.d/portolan
  portolan completions zsh > /usr/local/share/zsh/site-functions/_portolan
  portolan completions fish > ~/.config/fish/completions/portolan.fish";

/// Carries out the command for `program`, whose arguments are all described there.
pub fn run(arguments: &CompletionsArgs, program: &Command, console: &Console) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut offered(program), program.get_name(), &mut script);
    console.result(&String::from_utf8_lossy(&script));
    Exit::Done
}

/// The command without what its help doesn't show: the generator for bash, for one, would offer that too.
fn offered(command: &Command) -> Command {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set()).cloned();
    let subcommands = command.get_subcommands().filter(|command| !command.is_hide_set()).map(offered);
    let mut offered = Command::new(command.get_name().to_owned()).args(arguments).subcommands(subcommands);
    if let Some(about) = command.get_about() {
        offered = offered.about(about.clone());
    }
    match command.get_version() {
        Some(version) => offered.version(version.to_owned()),
        None => offered,
    }
}
