//! What is kept of an alert.

use serde::{Deserialize, Serialize};

/// What is kept of an alert that was sent: `scans/<id>/alert.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertReceipt {
    /// SNS's id of the message.
    pub message_id: String,
    /// Its subject.
    pub subject: String,
    /// The buckets whose change it announced by name. A change that no alert has named is not announced.
    #[serde(default)]
    pub announced: Vec<String>,
}
