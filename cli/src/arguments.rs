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
    about,
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
    Permissions,
    Completions(Completions),
    /// Prints the manual page
    Man,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
