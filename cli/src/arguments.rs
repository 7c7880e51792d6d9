//! The command line, as people, shells and the manual page see it.

use clap::{Parser, Subcommand};

use crate::completions::Completions;
use crate::diff::Diff;
use crate::explain::Explain;
use crate::policy::Policy;
use crate::report::Report;
use crate::scan::Scan;
use crate::verify::Verify;

/// Says whether an AWS account is configured as a security policy demands, and changes nothing in it.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "Exit codes:\n  0  done, and nothing was found that the command was asked to look out for\n  \
                  1  something was found: evidence that is not as it was sealed, a mistake in a policy, violations\n     \
                  of --fail-on\n  2  the command line is wrong\n  \
                  3  it could not be done, or not all of it\n  130  it was interrupted"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Scan(Scan),
    Verify(Verify),
    Report(Report),
    Diff(Diff),
    Explain(Explain),
    Policy(Policy),
    /// Prints the IAM policy that a scan needs: it reads, and writes nothing
    ///
    /// It is of whatever account, and allows what a scan of all services in all regions asks for. A scan that may do less goes
    /// on: what it could not read has no verdict, and is named at its end.
    #[command(after_help = "Example:\n  compliance-audit permissions > policy.json\n  \
        aws iam create-policy --policy-name compliance-audit --policy-document file://policy.json")]
    Permissions,
    Completions(Completions),
    /// Prints the manual page
    ///
    /// All commands stand on one page, made from the same definitions as the help.
    #[command(after_help = "Examples:\n  compliance-audit man | man -l -\n  \
        compliance-audit man > ~/.local/share/man/man1/compliance-audit.1")]
    Man,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::completions::described;

    const WIDTH: usize = 120;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_help_teaches_within_the_columns_of_a_terminal() {
        let mut command = Arguments::command();
        command.build();
        for command in described(&command).into_iter().chain([&command]) {
            let name = command.get_bin_name().unwrap_or(command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
            }
            // What follows the options is laid out already, and would be torn.
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let help = command.clone().term_width(WIDTH).render_long_help().to_string();
            for line in examples.lines().chain(help.lines()) {
                assert!(line.chars().count() <= WIDTH, "{name}: {line}");
            }
        }
    }
}
