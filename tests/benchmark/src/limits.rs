//! The time that a scan's requests take if the request budgets are used up from the first second to the last: what no
//! scan can be faster than.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

/// What goes to the reports bucket, and what lists; neither has a budget.
const WITHOUT_BUDGET: [&str; 9] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:CreateMultipartUpload",
    "s3:UploadPart",
    "s3:CompleteMultipartUpload",
    "s3:AbortMultipartUpload",
    "s3:ListAllMyBuckets",
    "s3:ListAccessPoints",
    "s3:ListBucket",
];

/// The limit for calls of these numbers. The services are scanned at the same time; functions are listed before they are
/// scanned.
pub(crate) fn limit(calls: &BTreeMap<String, u64>) -> Duration {
    let seconds = |belongs: &dyn Fn(&str) -> bool, per_second: NonZeroU32| {
        let count: u64 = calls.iter().filter(|(api, _)| belongs(api)).map(|(_, count)| count).sum();
        count as f64 / f64::from(per_second.get())
    };
    let only = |api: &'static str, per_second| seconds(&move |it: &str| it == api, per_second);
    let of_s3 = |api: &str| api.starts_with("s3:") || api == "s3express:GetLifecycleConfiguration";
    let s3 = seconds(&|api| of_s3(api) && !WITHOUT_BUDGET.contains(&api), scan_s3::REQUESTS_PER_SECOND);
    let keys = only("kms:DescribeKey", scan_s3::KEY_REQUESTS_PER_SECOND);
    let trails = seconds(&|api| api.starts_with("cloudtrail:"), scan_s3::TRAIL_REQUESTS_PER_SECOND);
    let ec2 = seconds(&|api| api.starts_with("ec2:"), scan_vpc::REQUESTS_PER_SECOND);
    let listing = only("lambda:ListFunctions", list_targets::REQUESTS_PER_SECOND);
    let lists = ["lambda:ListAliases", "lambda:ListFunctionUrlConfigs"];
    let functions = only("lambda:GetFunction", scan_lambda::GET_FUNCTION_PER_SECOND)
        .max(only("lambda:GetPolicy", scan_lambda::GET_POLICY_PER_SECOND))
        .max(seconds(&|api| lists.contains(&api), scan_lambda::LISTS_PER_SECOND));
    Duration::from_secs_f64([s3, keys, trails, ec2, listing + functions].into_iter().fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_budget_is_the_limit() {
        let calls = |list: &[(&str, u64)]| list.iter().map(|(api, count)| ((*api).to_owned(), *count)).collect();
        // 200 a second.
        assert_eq!(limit(&calls(&[("s3:GetBucketAcl", 400), ("s3:PutObject", 9_000)])), Duration::from_secs(2));
        // 10 a second each, one after the other.
        assert_eq!(limit(&calls(&[("lambda:ListFunctions", 10), ("lambda:GetPolicy", 100)])), Duration::from_secs(11));
        assert_eq!(limit(&calls(&[("ec2:DescribeVpcs", 30), ("s3:GetBucketAcl", 200)])), Duration::from_secs(3));
    }
}
