//! The command `compliance-audit`: a scan from a laptop, and what people do with what scans have left. It works with the
//! handlers, ports and rules of the functions, and has no second way to do anything.

mod arguments;
mod clients;
mod completions;
mod diff;
mod end;
mod explain;
mod found;
mod permissions;
mod policy;
mod report;
mod scan;
mod terminal;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use end::{End, Failure};
use terminal::{PROBLEM, Styled};

/// Does what the command line asks for, and tells how it ended.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments.command)),
        Err(error) => Err(Failure::new(format!("the program cannot start: {error}"))),
    };
    match ended {
        Ok(end) => end.into(),
        Err(failure) => {
            // Where nobody can be told there is nothing left to do but to end.
            drop(writeln!(anstream::stderr(), "{} {failure}", Styled("error:", PROBLEM)));
            End::NotDone.into()
        }
    }
}

async fn run(command: Command) -> Result<End, Failure> {
    let out = &mut anstream::stdout().lock();
    let end = match command {
        Command::Scan(asked) => scan::run(&asked, out).await,
        Command::Verify(asked) => verify::run(&asked, out).await,
        Command::Report(asked) => report::run(&asked, out).await,
        Command::Diff(asked) => diff::run(&asked, out).await,
        Command::Explain(asked) => explain::run(&asked, out),
        Command::Policy(asked) => policy::run(&asked, out),
        Command::Permissions => permissions::run(out),
        Command::Completions(asked) => completions::run(&asked, out),
        Command::Man => completions::man(out),
    };
    match end {
        // Whoever reads no further, as `head` does, wants no message either; but what nobody has read to its end is not done.
        Err(failure) if failure.is_broken_pipe() => Ok(End::NotDone),
        end => end,
    }
}
