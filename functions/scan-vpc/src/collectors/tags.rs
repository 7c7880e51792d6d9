use audit_model::Tags;
use aws_sdk_ec2::types::Tag;

/// A resource's tags, or `None` when one lacks its key or value.
pub(super) fn tags(listed: Option<Vec<Tag>>) -> Option<Tags> {
    listed.unwrap_or_default().into_iter().map(|tag| Some((tag.key?, tag.value?))).collect()
}
