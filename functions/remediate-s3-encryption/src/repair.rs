//! Gives one bucket its key: the only place that changes anything in the account.

use audit_model::Reading;
use audit_model::resource::BucketEncryption;
use audit_task::TaskError;

use crate::decide::{intended, same};
use crate::ports::{Key, Ports, Settings, key_alias};
use crate::records::Intent;

/// A bucket that may be changed, with what was read of it.
pub(crate) struct Repair<'a> {
    pub(crate) ports: Ports<'a>,
    pub(crate) settings: &'a Settings,
    pub(crate) scan_id: &'a str,
    pub(crate) bucket: &'a str,
    pub(crate) before: Option<&'a BucketEncryption>,
    /// The bucket's own key, if its alias is there.
    pub(crate) key: Option<&'a Key>,
}

/// How a repair went.
pub(crate) struct Repaired {
    /// `Ok` when the bucket was seen to have its new encryption; otherwise what went wrong, and what was put back.
    pub(crate) outcome: Result<(), String>,
    /// Default encryption as read back last.
    pub(crate) after: Option<BucketEncryption>,
    /// ARN of the key, if there is one.
    pub(crate) key_arn: Option<String>,
}

impl Repair<'_> {
    /// Finds or makes the key, writes, reads back, and puts back what was there if that is not what was written.
    ///
    /// # Errors
    /// The intent could not be stored, and so nothing was written to the bucket. What goes wrong with the bucket or
    /// its key is no error but an outcome.
    pub(crate) async fn run(&self) -> Result<Repaired, TaskError> {
        let key_arn = match self.key_to_use().await? {
            Ok(key_arn) => key_arn,
            Err(error) => return Ok(untouched(None, format!("its key could not be made: {error}"))),
        };
        let intended = intended(self.before, &key_arn);
        // The key is in the intent before it has its alias: should the function die here, its next attempt finds it.
        self.intent(&key_arn, &intended).save(self.ports.store, self.scan_id).await?;
        if self.key.is_none() {
            let alias = key_alias(self.bucket);
            if let Err(error) = self.ports.keys.name(&key_arn, &alias).await
                && !self.is_named(&key_arn, &alias).await
            {
                let complaint = format!("the key {key_arn} was made but could not be given the alias {alias}: {error}");
                return Ok(untouched(Some(key_arn), complaint));
            }
        }
        if let Err(error) = self.ports.keys.rotate(&key_arn).await {
            let complaint = format!("the rotation of the key {key_arn} could not be switched on: {error}");
            return Ok(untouched(Some(key_arn), complaint));
        }
        let written = self.ports.buckets.set_encryption(self.bucket, &intended).await;
        let (verified, after) = self.verify(written, &intended).await;
        Ok(Repaired { outcome: verified, after, key_arn: Some(key_arn) })
    }

    /// The bucket's own key, one that an earlier attempt made and did not get to name, or a new one.
    async fn key_to_use(&self) -> Result<Result<String, TaskError>, TaskError> {
        if let Some(key) = self.key {
            return Ok(Ok(key.arn.clone()));
        }
        if let Some(intent) = Intent::find(self.ports.store, self.scan_id, self.bucket).await? {
            return Ok(Ok(intent.key_arn));
        }
        Ok(self.ports.keys.create(self.bucket).await)
    }

    /// Whether the alias names the key, whatever came of the call that should do it.
    async fn is_named(&self, key_arn: &str, alias: &str) -> bool {
        matches!(self.ports.keys.find(alias).await, Reading::Seen { value } if value.arn == key_arn)
    }

    fn intent(&self, key_arn: &str, intended: &BucketEncryption) -> Intent {
        Intent {
            bucket: self.bucket.to_owned(),
            before: self.before.cloned(),
            intended: intended.clone(),
            key_arn: key_arn.to_owned(),
            at: (self.ports.now)(),
        }
    }

    /// What the bucket shows decides, and not the answer to the write: a write that timed out may have been done.
    async fn verify(
        &self,
        written: Result<(), TaskError>,
        intended: &BucketEncryption,
    ) -> (Result<(), String>, Option<BucketEncryption>) {
        let shown = self.read_back(|shown| shown.is_some_and(|shown| same(intended, shown))).await;
        let complaint = match (&shown, written) {
            (ReadBack::AsWanted(shown), _) => return (Ok(()), shown.clone()),
            (ReadBack::Other(shown), Err(error)) if self.is_as_before(shown.as_ref()) => {
                return (Err(format!("the write was refused and nothing changed: {error}")), shown.clone());
            }
            (_, Err(error)) => format!("the write failed ({error}) and the bucket {shown}"),
            (_, Ok(())) => format!("after the write the bucket {shown}"),
        };
        let (restored, after) = self.put_back().await;
        (Err(format!("{complaint}; {restored}")), after)
    }

    async fn put_back(&self) -> (String, Option<BucketEncryption>) {
        let written = match self.before {
            Some(before) => self.ports.buckets.set_encryption(self.bucket, before).await,
            None => self.ports.buckets.clear_encryption(self.bucket).await,
        };
        let shown = self.read_back(|shown| self.is_as_before(shown)).await;
        match (shown, written) {
            (ReadBack::AsWanted(shown), _) => ("what was there before was put back".to_owned(), shown),
            (shown, Err(error)) => {
                (format!("what was there before could not be put back: {error}; the bucket {shown}"), shown.seen())
            }
            (shown, Ok(())) => (format!("what was there before was put back, but the bucket {shown}"), shown.seen()),
        }
    }

    /// Where nothing was configured, Amazon S3 shows nothing or its own SSE-S3.
    fn is_as_before(&self, shown: Option<&BucketEncryption>) -> bool {
        match (self.before, shown) {
            (Some(before), Some(shown)) => same(before, shown),
            (Some(_), None) => false,
            (None, shown) => shown.is_none_or(|shown| shown.algorithm == "AES256"),
        }
    }

    /// Reads until the bucket shows what is wanted, and says what it showed last.
    async fn read_back(&self, wanted: impl Fn(Option<&BucketEncryption>) -> bool) -> ReadBack {
        let mut last = ReadBack::Unreadable(String::new());
        for attempt in 0..self.settings.read_back_attempts.get() {
            if attempt > 0 {
                tokio::time::sleep(self.settings.read_back_pause).await;
            }
            last = match self.ports.buckets.encryption(self.bucket).await {
                Reading::Unreadable(why) => ReadBack::Unreadable(why.to_string()),
                Reading::Seen { value } if wanted(Some(&value)) => return ReadBack::AsWanted(Some(value)),
                Reading::Absent if wanted(None) => return ReadBack::AsWanted(None),
                Reading::Seen { value } => ReadBack::Other(Some(value)),
                Reading::Absent => ReadBack::Other(None),
            };
        }
        last
    }
}

fn untouched(key_arn: Option<String>, complaint: String) -> Repaired {
    Repaired { outcome: Err(format!("{complaint}; the bucket was not changed")), after: None, key_arn }
}

/// What a bucket showed after a write.
enum ReadBack {
    AsWanted(Option<BucketEncryption>),
    Other(Option<BucketEncryption>),
    Unreadable(String),
}

impl ReadBack {
    fn seen(self) -> Option<BucketEncryption> {
        match self {
            Self::AsWanted(shown) | Self::Other(shown) => shown,
            Self::Unreadable(_) => None,
        }
    }
}

impl std::fmt::Display for ReadBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AsWanted(shown) | Self::Other(shown) => match shown {
                Some(shown) => write!(
                    f,
                    "shows {} with {}, bucket key {}, blocked types {:?}",
                    shown.algorithm,
                    shown.kms_key_id.as_deref().unwrap_or("no key"),
                    if shown.bucket_key_enabled { "on" } else { "off" },
                    shown.blocked_encryption_types
                ),
                None => f.write_str("shows no default encryption"),
            },
            Self::Unreadable(why) => write!(f, "could not be read ({why})"),
        }
    }
}
