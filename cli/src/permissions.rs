//! The IAM policy that a scan needs.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::{Value, json};

use crate::end::{End, Failure};

/// The policy that all of a scan's reads need, as `make read-only-policy` writes it from the functions' permissions.
const POLICY: &str = include_str!("../read-only-policy.json");

pub(crate) fn run(out: &mut impl Write) -> Result<End, Failure> {
    out.write_all(POLICY.as_bytes())?;
    Ok(End::Well)
}

/// The smallest policy that allows these IAM actions, on what a scan reads with each; on everything for an action that no
/// scan is known to need.
pub(crate) fn policy_for(actions: &BTreeSet<String>) -> String {
    // That it can be read, the tests show.
    let document: Value = serde_json::from_str(POLICY).unwrap_or_default();
    let mut unknown = actions.clone();
    let mut statements = Vec::new();
    for statement in document["Statement"].as_array().into_iter().flatten() {
        let allowed = statement["Action"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let wanted: Vec<&str> = allowed.filter(|action| unknown.remove(*action)).collect();
        if !wanted.is_empty() {
            statements.push(allow(&json!(wanted), &statement["Resource"]));
        }
    }
    if !unknown.is_empty() {
        statements.push(allow(&json!(unknown), &json!("*")));
    }
    format!("{:#}", json!({ "Version": document["Version"], "Statement": statements }))
}

fn allow(actions: &Value, resource: &Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn policy(actions: &[&str]) -> Value {
        serde_json::from_str(&policy_for(&actions.iter().map(|action| (*action).to_owned()).collect())).unwrap()
    }

    #[test]
    fn the_policy_is_printed_as_it_is_kept() {
        let mut out = Vec::new();
        assert_eq!(run(&mut out).unwrap(), End::Well);
        assert_eq!(String::from_utf8(out).unwrap(), POLICY);
    }

    #[test]
    fn what_was_denied_is_allowed_on_what_is_read_with_it_and_nothing_else() {
        let denied = ["s3:GetBucketAcl", "ec2:DescribeVpcs", "s3:GetBucketPolicy", "lambda:GetFunction"];
        let on = |resource, actions: &[&str]| json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
        let expected = [
            on("*", &["ec2:DescribeVpcs"]),
            on("arn:aws:lambda:*:*:function:*", &["lambda:GetFunction"]),
            on("arn:aws:s3:::*", &["s3:GetBucketAcl", "s3:GetBucketPolicy"]),
        ];
        assert_eq!(policy(&denied), json!({ "Version": "2012-10-17", "Statement": expected }));
    }

    /// The environment of a function is encrypted with a key whose policy may deny a reader to decrypt; no scan asks for that.
    #[test]
    fn an_action_that_no_scan_is_known_to_need_is_allowed_on_everything() {
        let statements = json!([{ "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": "*" }]);
        assert_eq!(policy(&["kms:Decrypt"])["Statement"], statements);
        assert_eq!(policy(&[])["Statement"], json!([]));
    }

    #[test]
    fn every_action_of_the_policy_can_be_asked_for_alone() {
        let document: Value = serde_json::from_str(POLICY).unwrap();
        for statement in document["Statement"].as_array().unwrap() {
            for action in statement["Action"].as_array().unwrap() {
                let [alone] =
                    policy(&[action.as_str().unwrap()])["Statement"].as_array().unwrap().clone().try_into().unwrap();
                assert_eq!((&alone["Action"], &alone["Resource"]), (&json!([action]), &statement["Resource"]));
            }
        }
    }
}
