//! Lists that AWS answers page by page.

use std::collections::BTreeMap;
use std::future::Future;

use audit_model::Unreadable;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::failure::SdkError;
use crate::{Budget, unreadable};

/// What AWS lists, by id, each entry once. `page` asks for the page that a token stands for, and gives its entries and the
/// token of the next; `read` gives an entry's id and what is kept of it, so that no more than a page of AWS's answer is
/// held.
///
/// Resources come and go while the pages are read, and what moves from one page to the next is listed twice. The copy
/// that was read last is the newest, and counts.
///
/// # Errors
/// Why a page could not be read: a list that lacks some entries is no list. `Malformed` for a page without a list, and
/// for an entry without an id, for nobody knows whether it was listed before.
pub async fn listed<T, U, E, F>(
    action: &str,
    budget: &Budget,
    page: impl Fn(Option<String>) -> F,
    read: impl Fn(T) -> (Option<String>, U),
) -> Result<BTreeMap<String, U>, Unreadable>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<(Option<Vec<T>>, Option<String>), SdkError<E>>>,
{
    let mut listed = BTreeMap::new();
    let mut next_token = None;
    loop {
        let (entries, token) = budget.spend(page(next_token)).await.map_err(|error| unreadable(action, &error))?;
        let entries = entries.ok_or_else(|| Unreadable::malformed(action, "the answer has no list"))?;
        for (id, entry) in entries.into_iter().map(&read) {
            listed.insert(id.ok_or_else(|| Unreadable::malformed(action, "an entry has no id"))?, entry);
        }
        next_token = token.filter(|token| !token.is_empty());
        if next_token.is_none() {
            return Ok(listed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use audit_model::UnreadableCause;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    /// A page, or the code of an error.
    type Page = Result<(Option<Vec<(Option<&'static str>, u32)>>, Option<String>), &'static str>;

    /// What is listed where AWS answers so, first with the page that no token stands for.
    async fn list(answer: impl Fn(Option<&str>) -> Page) -> Result<BTreeMap<String, u32>, Unreadable> {
        let budget = Budget::new(NonZeroU32::new(1_000).unwrap());
        let failed = |code| {
            let answer = HttpResponse::new(503.try_into().unwrap(), SdkBody::empty());
            SdkError::service_error(ErrorMetadata::builder().code(code).build(), answer)
        };
        let page = |token: Option<String>| std::future::ready(answer(token.as_deref()).map_err(failed));
        listed("ec2:DescribeSubnets", &budget, page, |(id, entry)| (id.map(ToOwned::to_owned), entry)).await
    }

    fn page(entries: &[(&'static str, u32)], next: &str) -> Page {
        Ok((Some(entries.iter().map(|(id, entry)| (Some(*id), *entry)).collect()), Some(next.to_owned())))
    }

    #[tokio::test]
    async fn of_an_entry_listed_twice_the_copy_that_was_read_last_counts() {
        let twice = |token: Option<&str>| match token {
            None => page(&[("b", 1), ("a", 1)], "more"),
            Some(_) => page(&[("b", 2), ("c", 2), ("c", 3)], ""),
        };
        let expected = [("a", 1), ("b", 2), ("c", 3)].map(|(id, entry)| (id.to_owned(), entry));
        assert_eq!(list(twice).await, Ok(expected.into()));
    }

    #[tokio::test]
    async fn a_list_that_breaks_off_is_missing_or_has_a_nameless_entry_is_no_list() {
        let broken = |token: Option<&str>| match token {
            None => page(&[("a", 1)], "more"),
            Some(_) => Err("SlowDown"),
        };
        let nameless = |_: Option<&str>| Ok((Some(vec![(Some("a"), 1), (None, 2)]), None));
        let missing = |token: Option<&str>| match token {
            None => page(&[("a", 1)], "more"),
            Some(_) => Ok((None, None)),
        };
        let cause = |listed: Result<_, Unreadable>| listed.map_err(|why| (why.action, why.cause));
        let action = || "ec2:DescribeSubnets".to_owned();
        assert_eq!(cause(list(broken).await), Err((action(), UnreadableCause::Throttled)));
        assert_eq!(cause(list(nameless).await), Err((action(), UnreadableCause::Malformed)));
        assert_eq!(cause(list(missing).await), Err((action(), UnreadableCause::Malformed)));
        assert_eq!(list(|_| page(&[], "")).await, Ok(BTreeMap::new()));
    }
}
