//! What every task function shares: errors with stable names, the Lambda run loop with its log, the settings of the
//! AWS clients, request budgets, deadlines, and lists that AWS answers page by page.

mod answers;
mod budget;
mod clients;
mod deadline;
mod environment;
mod error;
mod failure;
mod listed;
mod run;

pub use budget::Budget;
pub use clients::{aws_config, aws_config_of};
pub use deadline::until;
pub use environment::{required, required_number, required_switch};
pub use error::TaskError;
pub use failure::{denied_action, error_code, reported, task_error, unreadable};
pub use listed::listed;
pub use run::{ScanScoped, run, start_log};
