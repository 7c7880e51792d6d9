//! Completions for shells, and the manual page.

use std::io::Write;

use clap::builder::StyledStr;
use clap::{Args, Command, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::arguments::Arguments;
use crate::end::{End, Failure};

/// Prints completions for a shell
///
/// The shell then completes commands, options and their values when Tab is pressed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    compliance-audit completions bash > ~/.local/share/bash-completion/completions/compliance-audit\n  \
    compliance-audit completions zsh > \"${fpath[1]}/_compliance-audit\"\n  \
    compliance-audit completions fish > ~/.config/fish/completions/compliance-audit.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(asked: &Completions, out: &mut impl Write) -> Result<End, Failure> {
    // Whoever generates them panics where they cannot be written.
    let mut text = Vec::new();
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    generate(asked.shell, &mut command, name, &mut text);
    out.write_all(&text)?;
    Ok(End::Well)
}

/// Prints the manual page: all commands on one, for several could not be piped into `man`.
pub(crate) fn man(out: &mut impl Write) -> Result<End, Failure> {
    let mut command = Arguments::command();
    command.build();
    let mut text = Vec::new();
    let page = Man::new(command.clone());
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    for command in described(&command) {
        of_command(command, &mut text)?;
    }
    as_it_stands(command.get_after_help(), &mut text)?;
    out.write_all(&text)?;
    Ok(End::Well)
}

/// The commands that do something themselves, in the order of the help.
pub(crate) fn described(command: &Command) -> Vec<&Command> {
    let own = command.get_subcommands().filter(|command| command.get_name() != "help");
    own.flat_map(|command| if command.has_subcommands() { described(command) } else { vec![command] }).collect()
}

/// A section of the page: what would be the sections of the command's own page, as parts.
fn of_command(command: &Command, text: &mut Vec<u8>) -> Result<(), Failure> {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_uppercase();
    Roff::new().control("SH", [name.as_str()]).to_writer(text)?;
    let page = Man::new(command.clone());
    let mut sections = Vec::new();
    page.render_synopsis_section(&mut sections)?;
    page.render_description_section(&mut sections)?;
    page.render_options_section(&mut sections)?;
    // What is no request does not begin with a dot.
    text.extend_from_slice(String::from_utf8_lossy(&sections).replace("\n.SH ", "\n.SS ").as_bytes());
    as_it_stands(command.get_after_help(), text)
}

/// What follows the options, whose lines are laid out already.
fn as_it_stands(after_help: Option<&StyledStr>, text: &mut Vec<u8>) -> Result<(), Failure> {
    let Some(after_help) = after_help else { return Ok(()) };
    let mut lines = Roff::new();
    lines.control("PP", []).control("nf", []);
    for line in after_help.to_string().lines() {
        lines.text([roman(line)]);
    }
    lines.control("fi", []).to_writer(text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn every_shell_completes_every_command() {
        for shell in Shell::value_variants() {
            let mut out = Vec::new();
            assert_eq!(run(&Completions { shell: *shell }, &mut out).unwrap(), End::Well);
            let script = String::from_utf8(out).unwrap();
            for command in Arguments::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
    }

    #[test]
    fn the_manual_page_describes_every_command_with_its_options() {
        let mut out = Vec::new();
        assert_eq!(man(&mut out).unwrap(), End::Well);
        let page = String::from_utf8(out).unwrap();
        assert_eq!(page.matches("\n.TH ").count(), 1);
        let mut command = Arguments::command();
        command.build();
        let mut rest = page.as_str();
        for command in described(&command) {
            let heading = format!("\n.SH \"{}\"\n", command.get_bin_name().unwrap().to_uppercase());
            let (_, section) = rest.split_once(&heading).unwrap_or_else(|| panic!("no section {heading}"));
            rest = section;
            let section = section.split("\n.SH ").next().unwrap();
            for option in command.get_arguments().filter_map(|argument| argument.get_long()) {
                assert!(section.contains(&option.replace('-', "\\-")), "{heading} does not tell of --{option}");
            }
            for line in command.get_after_help().map(ToString::to_string).unwrap_or_default().lines() {
                let as_roff = line.replace('-', "\\-").replace('\'', "\\*(Aq");
                assert!(section.contains(&as_roff), "{heading} does not say: {line}");
            }
        }
        assert!(rest.contains("Exit codes:"));
    }
}
