use audit_model::Tags;
use aws_sdk_ec2::types::Tag;

/// A resource's tags, or `None` when one lacks its key or value.
pub(super) fn tags(listed: Option<Vec<Tag>>) -> Option<Tags> {
    listed.unwrap_or_default().into_iter().map(|tag| Some((tag.key?, tag.value?))).collect()
}

/// What people call a resource: its `Name` tag, or its id where it has none.
pub(super) fn name<'a>(tags: &'a Tags, id: &'a str) -> &'a str {
    tags.get("Name").map(String::as_str).filter(|name| !name.is_empty()).unwrap_or(id)
}
