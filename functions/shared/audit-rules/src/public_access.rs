//! Whether a resource policy lets in the public, by AWS's own meaning of the word.
//!
//! A policy counts as public unless it grants access only to fixed values: see [the meaning of "public"][s3] for
//! buckets, and the note in [`lambda-function-public-access-prohibited`][lambda] for functions. What these pages leave
//! open is [`Exposure::Undecided`] here.
//!
//! [s3]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
//! [lambda]: https://docs.aws.amazon.com/config/latest/developerguide/lambda-function-public-access-prohibited.html

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::iam_policy::{Actions, Condition, Effect, PolicyDocument, Statement};

/// How far a policy opens a resource, from the least to the most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exposure {
    /// Only to principals or places that the policy names.
    NotPublic,
    /// AWS's documentation does not settle it; the text says what is unsettled.
    Undecided(String),
    /// To the public; the text says through which statement.
    Public(String),
}

/// How far a policy opens the actions that `concerns` picks.
pub(crate) fn exposure(policy: &PolicyDocument, concerns: impl Fn(&Actions) -> bool) -> Exposure {
    let denials: Vec<String> = policy
        .statements(Effect::Deny)
        .filter(|(_, deny)| concerns(&deny.actions) && may_shut_out_the_public(deny))
        .map(|(name, _)| name)
        .collect();
    let grants = policy
        .statements(Effect::Allow)
        .filter(|(_, allow)| allow.principals.include_anyone() && concerns(&allow.actions));
    let exposures = grants.map(|(name, allow)| match (narrowing(&allow.conditions), denials.first()) {
        (Narrowing::Fixed, _) => Exposure::NotPublic,
        (Narrowing::Unsettled(key), _) => {
            Exposure::Undecided(format!("{name} lets anyone in under a condition on {key}"))
        }
        (Narrowing::None, Some(denial)) => {
            Exposure::Undecided(format!("{name} lets anyone in, and {denial} may take that back"))
        }
        (Narrowing::None, None) => Exposure::Public(format!("{name} lets anyone in")),
    });
    exposures.max().unwrap_or(Exposure::NotPublic)
}

/// Whether a denial might leave nothing of a grant to the public. One that names its principals leaves the others in,
/// and one that hangs on how a request is made leaves in those who make it otherwise.
fn may_shut_out_the_public(deny: &Statement) -> bool {
    let by_the_way_of_asking = deny.conditions.iter().any(|condition| {
        matches!(condition.key.as_str(), "aws:securetransport" | "aws:referer" | "aws:useragent" | "s3:tlsversion")
            || condition.key.starts_with("s3:x-amz-")
    });
    deny.principals.include_anyone() && !by_the_way_of_asking
}

/// What conditions leave of "anyone".
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Narrowing {
    /// Those that a fixed value describes.
    Fixed,
    /// Nobody can say without more knowledge; the condition key.
    Unsettled(String),
    /// Anyone.
    None,
}

/// What the conditions of one statement, which must all hold, leave of "anyone".
fn narrowing(conditions: &[Condition]) -> Narrowing {
    let mut result = Narrowing::None;
    for condition in conditions {
        match narrowing_of(condition) {
            Narrowing::Fixed => return Narrowing::Fixed,
            unsettled @ Narrowing::Unsettled(_) => result = unsettled,
            Narrowing::None => {}
        }
    }
    result
}

/// What one condition leaves of "anyone".
pub(crate) fn narrowing_of(condition: &Condition) -> Narrowing {
    let Condition { operator, key, values } = condition;
    let unsettled = || Narrowing::Unsettled(key.clone());
    let is_fixed: fn(&str) -> Narrowing = match key.as_str() {
        "aws:sourceip" if operator.if_exists => return unsettled(),
        "aws:sourceip" => return narrowing_by_address(condition),
        "aws:sourcearn" | "aws:principalarn" => fixed_arn,
        "aws:principalorgpaths" => fixed_or_unsettled,
        "aws:principalaccount"
        | "aws:principalorgid"
        | "aws:sourceaccount"
        | "aws:sourceowner"
        | "aws:sourcevpc"
        | "aws:sourcevpce"
        | "aws:userid"
        | "s3:dataaccesspointaccount" => fixed,
        "s3:dataaccesspointarn" => fixed_access_point,
        // An older edition of the page lists this key, the current one does not.
        "s3:x-amz-server-side-encryption-aws-kms-key-id" => return unsettled(),
        // These say how, when or for what a request is made, and nothing of who makes it.
        "aws:currenttime"
        | "aws:epochtime"
        | "aws:referer"
        | "aws:requestedregion"
        | "aws:securetransport"
        | "aws:useragent"
        | "lambda:functionarn"
        | "lambda:functionurlauthtype"
        | "lambda:invokedviafunctionurl" => {
            return Narrowing::None;
        }
        other if other.starts_with("s3:") => return Narrowing::None,
        _ => return unsettled(),
    };
    // A request without the key passes `IfExists` and `ForAllValues`, and everybody can leave the key out.
    if operator.if_exists || operator.for_all_values || !compares_for_equality(&operator.comparison) {
        return Narrowing::None;
    }
    let mut result = Narrowing::Fixed;
    for value in values {
        match is_fixed(value) {
            Narrowing::None => return Narrowing::None,
            Narrowing::Unsettled(_) => result = unsettled(),
            Narrowing::Fixed => {}
        }
    }
    result
}

fn compares_for_equality(comparison: &str) -> bool {
    matches!(comparison, "stringequals" | "stringequalsignorecase" | "stringlike" | "arnequals" | "arnlike")
}

fn fixed(value: &str) -> Narrowing {
    if is_fixed(value) { Narrowing::Fixed } else { Narrowing::None }
}

fn fixed_or_unsettled(value: &str) -> Narrowing {
    if is_fixed(value) { Narrowing::Fixed } else { Narrowing::Unsettled(String::new()) }
}

/// An ARN with a wildcard but a fixed account keeps strangers out, though it is no fixed value by AWS's words.
fn fixed_arn(value: &str) -> Narrowing {
    match (is_fixed(value), has_fixed_account(value)) {
        (true, _) => Narrowing::Fixed,
        (false, true) => Narrowing::Unsettled(String::new()),
        (false, false) => Narrowing::None,
    }
}

/// In a bucket policy an access point's name may be a wildcard as long as its account is fixed.
fn fixed_access_point(value: &str) -> Narrowing {
    if is_fixed(value) || has_fixed_account(value) { Narrowing::Fixed } else { Narrowing::None }
}

/// A value without wildcards and without policy variables.
fn is_fixed(value: &str) -> bool {
    !value.contains(['*', '?']) && !value.contains("${")
}

fn has_fixed_account(arn: &str) -> bool {
    arn.split(':').nth(4).is_some_and(|account| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()))
}

/// Addresses narrow unless they are broader than /8 in IPv4 or /32 in IPv6. Neighbouring ranges count as the one they
/// make, so that 0.0.0.0/0 cut into pieces is still everywhere.
fn narrowing_by_address(condition: &Condition) -> Narrowing {
    if condition.operator.comparison != "ipaddress" || condition.operator.for_all_values {
        return Narrowing::None;
    }
    let (mut v4, mut v6): (Vec<Ipv4Net>, Vec<Ipv6Net>) = (Vec::new(), Vec::new());
    for value in &condition.values {
        match value.parse::<IpNet>().or_else(|_| value.parse::<IpAddr>().map(IpNet::from)) {
            Ok(IpNet::V4(net)) => v4.push(net.trunc()),
            Ok(IpNet::V6(net)) => v6.push(net.trunc()),
            Err(_) => return Narrowing::Unsettled(condition.key.clone()),
        }
    }
    let broad = Ipv4Net::aggregate(&v4).iter().any(|net| net.prefix_len() < 8)
        || Ipv6Net::aggregate(&v6).iter().any(|net| net.prefix_len() < 32);
    if broad { Narrowing::None } else { Narrowing::Fixed }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn anything(_: &Actions) -> bool {
        true
    }

    fn policy(statements: &[String]) -> PolicyDocument {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
        PolicyDocument::parse(&text, "s3:GetBucketPolicy").unwrap()
    }

    fn allow(condition: &str) -> String {
        format!(r#"{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Condition":{condition}}}"#)
    }

    /// `Exposure` without its text.
    fn level(exposure: &Exposure) -> &'static str {
        match exposure {
            Exposure::NotPublic => "not public",
            Exposure::Undecided(_) => "undecided",
            Exposure::Public(_) => "public",
        }
    }

    #[test]
    fn conditions_narrow_as_the_meaning_of_public_says() {
        let cases = [
            // The examples of the page.
            ("{}", "public"),
            (r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#, "public"),
            (r#"{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}"#, "not public"),
            (r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}}"#, "public"),
            (
                r#"{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:123456789012:accesspoint/*"}}"#,
                "not public",
            ),
            // The keys of the page, with a fixed value.
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#, "not public"),
            (r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:sns:us-east-1:111122223333:topic"}}"#, "not public"),
            (r#"{"StringEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}"#, "not public"),
            (r#"{"StringEquals":{"aws:SourceOwner":"111122223333"}}"#, "not public"),
            (r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#, "not public"),
            (r#"{"StringEquals":{"aws:userid":"AIDAEXAMPLE"}}"#, "not public"),
            (r#"{"StringLike":{"aws:userid":"AROAEXAMPLE:*"}}"#, "public"),
            (r#"{"StringEquals":{"s3:DataAccessPointAccount":"111122223333"}}"#, "not public"),
            // Wildcards and variables are no fixed values, and one loose value loosens all.
            (r#"{"StringLike":{"aws:SourceVpce":["vpce-1","*"]}}"#, "public"),
            (r#"{"StringEquals":{"aws:SourceAccount":"${aws:PrincipalAccount}"}}"#, "public"),
            // Addresses: /8 and /32 are the limits, and pieces count together.
            (r#"{"IpAddress":{"aws:SourceIp":"54.0.0.0/8"}}"#, "not public"),
            (r#"{"IpAddress":{"aws:SourceIp":"54.0.0.0/7"}}"#, "public"),
            (r#"{"IpAddress":{"aws:SourceIp":["54.0.0.0/8","55.0.0.0/8"]}}"#, "public"),
            (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}"#, "not public"),
            (r#"{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}"#, "not public"),
            (r#"{"IpAddress":{"aws:SourceIp":"2001:db8::/31"}}"#, "public"),
            (r#"{"IpAddress":{"aws:SourceIp":"here"}}"#, "undecided"),
            (r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, "public"),
            // A request that lacks the key passes.
            (r#"{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-91237329"}}"#, "public"),
            (r#"{"ForAllValues:StringEquals":{"aws:PrincipalOrgPaths":"o-a/r-b/"}}"#, "public"),
            (r#"{"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"o-a/r-b/"}}"#, "not public"),
            (r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-91237329"}}"#, "public"),
            (r#"{"Null":{"aws:SourceVpc":"false"}}"#, "public"),
            // What says nothing of who asks.
            (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, "public"),
            (r#"{"StringLike":{"aws:Referer":"https://example.com/*"}}"#, "public"),
            (r#"{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}"#, "public"),
            (r#"{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}"#, "public"),
            // All must hold, so that one fixed value is enough.
            (r#"{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:PrincipalOrgID":"o-a1"}}"#, "not public"),
            // What the pages leave open.
            (r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#, "undecided"),
            (r#"{"StringEquals":{"lambda:EventSourceToken":"token"}}"#, "undecided"),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}"#, "undecided"),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin"}}"#, "public"),
        ];
        for (condition, expected) in cases {
            assert_eq!(level(&exposure(&policy(&[allow(condition)]), anything)), expected, "{condition}");
        }
    }

    #[test]
    fn a_denial_unsettles_only_what_it_could_shut() {
        let grant = allow("{}");
        let cases = [
            (r#""Principal":"*","Action":"s3:*""#, "undecided"),
            (r#""NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*""#, "undecided"),
            (
                r#""Principal":"*","Action":"s3:*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#,
                "undecided",
            ),
            (r#""Principal":{"AWS":"111122223333"},"Action":"s3:*""#, "public"),
            (r#""Principal":"*","Action":"s3:*","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#, "public"),
        ];
        for (denial, expected) in cases {
            let denial = format!(r#"{{"Effect":"Deny",{denial}}}"#);
            assert_eq!(level(&exposure(&policy(&[grant.clone(), denial.clone()]), anything)), expected, "{denial}");
        }
    }

    #[test]
    fn the_statement_is_named() {
        let grant = r#"{"Sid":"Everybody","Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject"}"#;
        let found = exposure(&policy(&[grant.to_owned()]), anything);
        assert_eq!(found, Exposure::Public("statement \"Everybody\" lets anyone in".to_owned()));
    }

    fn statement() -> impl Strategy<Value = (bool, String)> {
        let principals = prop::sample::select(vec![
            r#""Principal":"*""#,
            r#""Principal":{"AWS":["*","111122223333"]}"#,
            r#""Principal":{"AWS":"111122223333"}"#,
            r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#,
            r#""NotPrincipal":{"AWS":"111122223333"}"#,
        ]);
        let conditions = prop::sample::select(vec![
            "{}",
            r#"{"Bool":{"aws:SecureTransport":"false"}}"#,
            r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1"}}"#,
            r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
        ]);
        (any::<bool>(), principals, conditions).prop_map(|(allows, principal, condition)| {
            let effect = if allows { "Allow" } else { "Deny" };
            let text = format!(r#"{{"Effect":"{effect}",{principal},"Action":"s3:*","Condition":{condition}}}"#);
            (allows, text)
        })
    }

    fn rank(exposure: &Exposure) -> u8 {
        match exposure {
            Exposure::NotPublic => 0,
            Exposure::Undecided(_) => 1,
            Exposure::Public(_) => 2,
        }
    }

    proptest! {
        #[test]
        fn one_more_allow_never_closes_and_one_more_deny_never_opens(
            statements in prop::collection::vec(statement(), 0..5), (allows, one_more) in statement(),
        ) {
            let mut texts: Vec<String> = statements.into_iter().map(|(_, text)| text).collect();
            let before = rank(&exposure(&policy(&texts), anything));
            texts.push(one_more);
            let after = rank(&exposure(&policy(&texts), anything));
            let stays = if allows { after >= before } else { after <= before };
            prop_assert!(stays, "from {} to {}", before, after);
        }

        #[test]
        fn the_order_of_statements_does_not_matter(
            (forth, back) in prop::collection::vec(statement(), 0..5).prop_flat_map(|statements| {
                (Just(statements.clone()), Just(statements).prop_shuffle())
            }),
        ) {
            let texts = |statements: Vec<(bool, String)>| statements.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
            let forth = rank(&exposure(&policy(&texts(forth)), anything));
            let back = rank(&exposure(&policy(&texts(back)), anything));
            prop_assert_eq!(forth, back);
        }
    }
}
