//! One message in the forms in which Amazon SNS delivers it: to people, to programs, and to chat channels.

use std::fmt;

use audit_model::{Service, Severity};
use audit_task::TaskError;
use serde::Serialize;
use serde_json::json;

use crate::layout::clipped;
use crate::{Deployment, Gathered, body, chat, document, subject};

/// Bytes that Amazon SNS takes, with all forms of a message and its attributes together.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
#[cfg(test)]
pub(crate) const LARGEST: usize = 256 * 1024;

/// What a message is for, the most urgent first: what people are told by it beside that is no matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Violations that nobody was told of, known ones that are out of sight now, or an exception that has expired.
    Violations,
    /// Something was not looked at that people take for looked at.
    Partial,
    /// Remediation failed, or a report or the figures could not be delivered.
    Failure,
    /// The next scan changes buckets, or what was changed was set back again and again.
    Remediation,
    /// What people know is still so.
    Reminder,
    /// Nothing is left of what people were told.
    Resolved,
}

impl Kind {
    /// Every kind, the most urgent first.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 6] =
        [Self::Violations, Self::Partial, Self::Failure, Self::Remediation, Self::Reminder, Self::Resolved];

    /// The name in message attributes and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Violations => "violations",
            Self::Partial => "partial",
            Self::Failure => "failure",
            Self::Remediation => "remediation",
            Self::Reminder => "reminder",
            Self::Resolved => "resolved",
        }
    }

    /// Whether it tells something that people do not know.
    pub(crate) const fn is_news(self) -> bool {
        !matches!(self, Self::Reminder | Self::Resolved)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The subject of the e-mail.
    pub subject: String,
    /// All forms in one JSON object, by the protocols of the subscriptions.
    pub forms: String,
    /// By which subscriptions pick messages.
    pub attributes: Attributes,
}

/// By which subscriptions pick messages. The documents say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// What the message is for.
    pub kind: Kind,
    /// The worst severity of what it tells of; `None` when it tells of no violation.
    pub severity: Option<Severity>,
    /// The services that the scan was to look at.
    pub services: Vec<Service>,
}

impl Attributes {
    /// The severity's name, or `NONE`.
    pub fn severity(&self) -> &'static str {
        self.severity.map_or("NONE", Severity::as_str)
    }
}

impl Message {
    /// The message of that kind about a scan.
    ///
    /// # Errors
    /// `Internal` when a form cannot be written as JSON.
    pub(crate) fn new(gathered: &Gathered<'_>, kind: Kind, deployment: &Deployment) -> Result<Self, TaskError> {
        let attributes = Attributes {
            kind,
            severity: gathered.worst(kind == Kind::Violations),
            services: gathered.record.plan.services.clone(),
        };
        let subject = subject::subject(gathered, kind, deployment);
        let document = json_text(&document::document(gathered, &attributes, deployment))?;
        let chat = json_text(&chat::notification(gathered, &attributes, &subject, deployment))?;
        let forms = json!({
            // Whatever has no form of its own, text messages for instance.
            "default": clipped(&format!("{subject}. {}", gathered.execution()), 1000),
            "email": body::body(gathered, kind, deployment),
            "sqs": document,
            "lambda": document,
            "http": document,
            // Chat channels subscribe by HTTPS, and no attribute of a subscription tells one receiver from another.
            "https": chat,
        });
        Ok(Self { subject, forms: json_text(&forms)?, attributes })
    }
}

fn json_text(value: &impl Serialize) -> Result<String, TaskError> {
    serde_json::to_string(value)
        .map_err(|error| TaskError::Internal(format!("a form of the message cannot be written as JSON: {error}")))
}
