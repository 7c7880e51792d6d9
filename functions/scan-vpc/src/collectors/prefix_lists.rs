use audit_model::{Reading, Unreadable};
use audit_task::{Budget, unreadable};
use aws_sdk_ec2::Client;

use super::malformed;

const ACTION: &str = "ec2:GetManagedPrefixListEntries";

/// Entries on a page, the most that EC2 gives.
const PAGE_SIZE: i32 = 100;

/// The ranges of a prefix list in CIDR notation, the customer's own and AWS's alike.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetManagedPrefixListEntries.html>
pub(super) async fn entries(client: &Client, budget: &Budget, prefix_list_id: &str) -> Reading<Vec<String>> {
    read(client, budget, prefix_list_id).await.map_or_else(Reading::Unreadable, Reading::seen)
}

async fn read(client: &Client, budget: &Budget, prefix_list_id: &str) -> Result<Vec<String>, Unreadable> {
    let mut entries = Vec::new();
    let mut next_token = None;
    loop {
        budget.acquire().await;
        let request = client.get_managed_prefix_list_entries().prefix_list_id(prefix_list_id).max_results(PAGE_SIZE);
        let page = request.set_next_token(next_token).send().await.map_err(|error| unreadable(ACTION, &error))?;
        for entry in page.entries.unwrap_or_default() {
            entries.push(entry.cidr.ok_or_else(|| malformed(ACTION, "an entry has no range"))?);
        }
        next_token = page.next_token.filter(|token| !token.is_empty());
        if next_token.is_none() {
            return Ok(entries);
        }
    }
}
