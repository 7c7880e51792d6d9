//! The command `compliance-audit`.

use std::process::ExitCode;

fn main() -> ExitCode {
    compliance_audit::main()
}
