use audit_model::Unreadable;
use audit_task::{Budget, unreadable};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

/// Hands every entry of a list to `take`, page by page, so that no more than a page of AWS's answer is held. `page`
/// asks for the page that a token stands for, and gives its entries and the token of the next.
pub(super) async fn each<T, E, F>(
    action: &str,
    budget: &Budget,
    page: impl Fn(Option<String>) -> F,
    mut take: impl FnMut(T) -> Result<(), Unreadable>,
) -> Result<(), Unreadable>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<(Option<Vec<T>>, Option<String>), SdkError<E>>>,
{
    let mut next_token = None;
    loop {
        let (entries, token) = budget.spend(page(next_token)).await.map_err(|error| unreadable(action, &error))?;
        entries.unwrap_or_default().into_iter().try_for_each(&mut take)?;
        next_token = token.filter(|token| !token.is_empty());
        if next_token.is_none() {
            return Ok(());
        }
    }
}
