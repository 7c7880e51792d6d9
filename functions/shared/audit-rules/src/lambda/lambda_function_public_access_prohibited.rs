//! Nobody from the public invokes a function.

use audit_model::resource::Function;
use audit_model::{Policy, Reading, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::lambda::{FunctionPolicy, policies};
use crate::listing::first_of;
use crate::resource_policy::{ActionKind, Exposure, PolicyDocument, Question, exposure, lets_in_service_for_anyone};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-function-public-access-prohibited",
    title: "Lambda function policy prohibits public access",
    severity: Severity::Critical,
    rationale: "Anyone can run a function whose policy lets in the public: read what it returns, write what it writes, \
        and run up its bill. A function that Amazon S3 may invoke for any account can be called by a stranger who \
        takes over a deleted bucket's name. AWS's rule fails every wildcard in a condition; one that keeps to a fixed \
        account gets no verdict here. Each published version and each alias has a policy of its own, which counts as \
        the function's does; where there is no time to read them all, there is no pass.",
    expected: "The function policy lets in named principals only, and Amazon S3 only under a condition on \
        aws:SourceAccount",
    remediation: "Remove the permission, or put one in its place that names the accounts, roles or services that may \
        invoke the function. For Amazon S3, give the account ID as source account.",
    console: "In the Lambda console, open the function, then Configuration, Permissions. Under Resource-based policy \
        statements add one that names who may invoke the function, for Amazon S3 with the source account, and delete \
        the public one.",
    cli: "aws lambda get-policy --function-name FUNCTION\n\
        aws lambda add-permission --function-name FUNCTION --statement-id NEW_STATEMENT_ID --action \
        lambda:InvokeFunction --principal s3.amazonaws.com --source-arn BUCKET_ARN --source-account ACCOUNT_ID\n\
        aws lambda remove-permission --function-name FUNCTION --statement-id STATEMENT_ID",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html",
    parameters: &[],
    references: &[
        fsbp::LAMBDA_1,
        pci_dss_4_0_1::R7_2_1,
        nist_800_53_r5::AC_3,
        nist_800_53_r5::AC_3_7,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::AC_6,
        nist_800_53_r5::AC_21,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_3,
        nist_800_53_r5::SC_7_4,
        nist_800_53_r5::SC_7_9,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_20,
        nist_800_53_r5::SC_7_21,
    ],
    reads: &["lambda:GetPolicy", "lambda:ListAliases", "lambda:ListFunctions"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let (policies, mut missing) = policies(function);
    let (mut openings, mut closed) = (Vec::new(), Vec::new());
    for FunctionPolicy { place, text, resources } in policies {
        match opening(&place, text, &resources) {
            Ok(Answer::NoPolicy) => {}
            Ok(Answer::Closed) => closed.push(place),
            Ok(Answer::Open(how)) => openings.push(how),
            Err(why) => missing.push(why),
        }
    }
    Ok(if !openings.is_empty() {
        Outcome::non_compliant(first_of(&openings))
    } else if !missing.is_empty() {
        Outcome::insufficient_data(missing)
    } else if closed.is_empty() {
        Outcome::compliant("there is no function policy")
    } else {
        Outcome::compliant(format!("named principals only are let in by {}", first_of(&closed)))
    })
}

/// What one of the policies comes to.
enum Answer {
    NoPolicy,
    Closed,
    /// The text says where and how.
    Open(String),
}

/// Whether a policy lets in the public to one of these resources.
///
/// # Errors
/// The policy could not be read, or what it says does not settle the matter.
fn opening(place: &str, policy: &Reading<String>, resources: &[String]) -> Result<Answer, Unreadable> {
    let Some(text) = policy.known()? else { return Ok(Answer::NoPolicy) };
    let document = PolicyDocument::parse(text, ACTION)?;
    let question = Question { actions: INVOCATIONS_AND_MORE, resources };
    let for_any_bucket = lets_in_service_for_anyone(&document, "s3.amazonaws.com", "lambda:invokefunction");
    match (exposure(&document, &question), for_any_bucket) {
        (Exposure::Public(how), _) => Ok(Answer::Open(format!("in {place} {how}"))),
        (_, Some(name)) => {
            Ok(Answer::Open(format!("in {place} {name} lets in Amazon S3 without a condition on aws:SourceAccount")))
        }
        (Exposure::Undecided(how), None) => {
            let detail = format!("in {place} {how}: whether that is public cannot be told from the policy alone");
            Err(Unreadable::undecidable(ACTION, detail))
        }
        (Exposure::NotPublic, None) => Ok(Answer::Closed),
    }
}

const ACTION: &str = "lambda:GetPolicy";

const INVOCATIONS_AND_MORE: ActionKind =
    ActionKind::of(&["lambda:invokefunction", "lambda:invokefunctionurl", "lambda:getfunction", "*"]);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use audit_model::resource::VersionPolicy;
    use audit_model::{Status, UnreadableCause};
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures;

    fn judge(principal: &str, condition: &str, denials: &[&str]) -> &'static str {
        let statement = format!(
            r#"{{"Sid":"s","Effect":"Allow","Principal":{principal},"Action":"lambda:InvokeFunction",
                "Resource":"arn:aws:lambda:us-east-1:111122223333:function:settle","Condition":{condition}}}"#
        );
        let statements = [&[statement.as_str()], denials].concat();
        let function = Function { policy: fixtures::policy_text(&statements), ..fixtures::good_function() };
        match evaluate(&function, &fixtures::policy()).unwrap() {
            Outcome::Compliant { .. } => "pass",
            Outcome::NonCompliant { .. } => "violation",
            Outcome::NotApplicable { .. } => "not applicable",
            Outcome::InsufficientData { missing } => {
                assert!(missing.iter().all(|why| why.cause == UnreadableCause::Undecidable), "{missing:?}");
                "no verdict"
            }
        }
    }

    #[test]
    fn the_public_is_kept_out() {
        let s3 = r#"{"Service":"s3.amazonaws.com"}"#;
        let any_bucket = r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::ledger"}}"#;
        let own_bucket = r#"{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::ledger"},
            "StringEquals":{"AWS:SourceAccount":"111122223333"}}"#;
        let cases = [
            (r#""*""#, "{}", "violation"),
            (r#"{"AWS":"*"}"#, "{}", "violation"),
            (r#"{"AWS":""}"#, "{}", "violation"),
            (r#""*""#, r#"{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}"#, "violation"),
            (r#""*""#, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1"}}"#, "pass"),
            (r#""*""#, r#"{"StringLike":{"aws:SourceAccount":"1111*"}}"#, "violation"),
            (r#""*""#, r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#, "no verdict"),
            (s3, "{}", "violation"),
            (s3, any_bucket, "violation"),
            (s3, own_bucket, "pass"),
            (s3, r#"{"StringEqualsIfExists":{"AWS:SourceAccount":"111122223333"}}"#, "violation"),
            (s3, r#"{"StringEquals":{"aws:SourceOrgID":"o-a1b2c3d4e5"}}"#, "pass"),
            (s3, r#"{"StringEquals":{"aws:SourceOrgID":"*"}}"#, "violation"),
            (r#"{"Service":"events.amazonaws.com"}"#, "{}", "pass"),
            (r#"{"AWS":"arn:aws:iam::444455556666:root"}"#, "{}", "pass"),
        ];
        for (principal, condition, expected) in cases {
            assert_eq!(judge(principal, condition, &[]), expected, "{principal} {condition}");
        }
    }

    #[test]
    fn a_denial_keeps_out_whom_it_names() {
        let s3 = r#"{"Service":"s3.amazonaws.com"}"#;
        let deny = |who: &str, actions: &str, condition: &str| {
            format!(r#"{{"Effect":"Deny",{who},"Action":"{actions}","Resource":"*","Condition":{condition}}}"#)
        };
        let (all, other) = (r#""Principal":"*""#, r#""Principal":{"AWS":"444455556666"}"#);
        let own = r#"{"StringNotEquals":{"aws:SourceAccount":"111122223333"}}"#;
        let vpc = r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#;
        let cases = [
            (r#""*""#, deny(all, "lambda:*", vpc), "pass"),
            (r#""*""#, deny(all, "lambda:GetFunction", vpc), "violation"),
            (r#""*""#, deny(other, "lambda:*", "{}"), "violation"),
            (r#""*""#, deny(all, "lambda:*", r#"{"StringNotEquals":{"aws:PrincipalTag/a":"b"}}"#), "no verdict"),
            (s3, deny(all, "lambda:*", own), "pass"),
            (s3, deny(r#""Principal":{"Service":"s3.amazonaws.com"}"#, "*", own), "pass"),
            (s3, deny(all, "lambda:GetFunction", own), "violation"),
            (s3, deny(other, "lambda:*", own), "violation"),
            (s3, deny(all, "lambda:*", vpc), "violation"),
        ];
        for (principal, denial, expected) in cases {
            assert_eq!(judge(principal, "{}", &[&denial]), expected, "{principal} {denial}");
        }
    }

    /// What lets in this principal to the function, or to its alias `live`.
    fn statement(qualifier: &str, principal: &str, condition: &str) -> String {
        format!(
            r#"{{"Sid":"s","Effect":"Allow","Principal":{principal},"Action":"lambda:InvokeFunctionUrl",
                "Resource":"arn:aws:lambda:us-east-1:111122223333:function:settle{qualifier}",
                "Condition":{condition}}}"#
        )
    }

    fn with_alias(function_policy: Reading<String>, alias_policy: Reading<String>) -> Function {
        Function {
            policy: function_policy,
            alias_policies: Reading::seen(vec![fixtures::alias_policy("live", alias_policy)]),
            ..fixtures::good_function()
        }
    }

    #[test]
    fn the_policy_of_each_alias_counts() {
        let events = r#"{"Service":"events.amazonaws.com"}"#;
        let without_authentication = r#"{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}"#;
        let team = r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#;
        let of = |qualifier: &str, principal: &str, condition: &str| {
            fixtures::policy_text(&[&statement(qualifier, principal, condition)])
        };
        let denied = || fixtures::unreadable("lambda:GetPolicy");
        let open = |place: &str| Outcome::non_compliant(format!("in {place} statement \"s\" lets anyone in"));
        let unread = || Outcome::insufficient_data(vec![fixtures::denied("lambda:GetPolicy")]);
        let (on_function, on_alias) = ("the function policy", "the policy of alias live");
        // (the function's own policy, the alias's, what it comes to)
        let cases = [
            (Reading::Absent, of(":live", r#""*""#, without_authentication), open(on_alias)),
            (of("", events, "{}"), of(":live", r#""*""#, "{}"), open(on_alias)),
            (denied(), of(":live", r#""*""#, "{}"), open(on_alias)),
            (of("", r#""*""#, "{}"), denied(), open(on_function)),
            (of("", events, "{}"), denied(), unread()),
            (Reading::Absent, denied(), unread()),
            (denied(), Reading::Absent, unread()),
            (Reading::Absent, Reading::Absent, Outcome::compliant("there is no function policy")),
            (
                Reading::Absent,
                of(":live", events, "{}"),
                Outcome::compliant("named principals only are let in by the policy of alias live"),
            ),
            (
                of("", events, "{}"),
                of(":live", events, "{}"),
                Outcome::compliant("named principals only are let in by the function policy, the policy of alias live"),
            ),
        ];
        for (function_policy, alias_policy, expected) in cases {
            let function = with_alias(function_policy, alias_policy);
            assert_eq!(evaluate(&function, &fixtures::policy()), Ok(expected), "{function:?}");
        }

        let undecided = with_alias(Reading::Absent, of(":live", r#""*""#, team));
        let Ok(Outcome::InsufficientData { missing }) = evaluate(&undecided, &fixtures::policy()) else {
            panic!("whom the alias lets in hangs on a tag")
        };
        assert_eq!(missing[0].cause, UnreadableCause::Undecidable);
        assert!(missing[0].detail.starts_with("in the policy of alias live"), "{}", missing[0].detail);
    }

    /// A permission that is given with a version as qualifier is in the version's policy alone:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html>
    #[test]
    fn the_policy_of_each_version_counts() {
        let of = |version: &str, policy| VersionPolicy { version: version.to_owned(), policy };
        let open = || fixtures::policy_text(&[&statement(":2", r#""*""#, "{}")]);
        let judge = |versions: Reading<Vec<String>>, version_policies: Vec<VersionPolicy>| {
            let function = Function { versions, version_policies, ..with_alias(Reading::Absent, Reading::Absent) };
            evaluate(&function, &fixtures::policy()).unwrap()
        };
        let versions = |versions: &[&str]| Reading::seen(versions.iter().map(ToString::to_string).collect());
        let found = Outcome::non_compliant("in the policy of version 2 statement \"s\" lets anyone in");
        let none = Outcome::compliant("there is no function policy");
        assert_eq!(judge(versions(&["1", "2"]), vec![of("2", open()), of("1", Reading::Absent)]), found);
        assert_eq!(judge(versions(&["1"]), vec![of("1", Reading::Absent)]), none);
        assert_eq!(judge(versions(&[]), vec![]), none);

        // What was not read is no pass, and hides no violation.
        let action = "lambda:ListFunctions";
        let unlisted = Outcome::insufficient_data(vec![fixtures::denied(action)]);
        assert_eq!(judge(fixtures::unreadable(action), vec![of("2", Reading::Absent)]), unlisted);
        assert_eq!(judge(fixtures::unreadable(action), vec![of("2", open())]), found);
        let unread = Outcome::insufficient_data(vec![fixtures::denied("lambda:GetPolicy")]);
        assert_eq!(judge(versions(&["1"]), vec![of("1", fixtures::unreadable("lambda:GetPolicy"))]), unread);
        let Outcome::InsufficientData { missing } = judge(versions(&["1", "2"]), vec![of("2", Reading::Absent)]) else {
            panic!("the policy of version 1 was not asked for")
        };
        assert_eq!((missing.len(), missing[0].cause), (1, UnreadableCause::NotLookedAt));
        assert!(missing[0].detail.ends_with("not read: 1"), "{}", missing[0].detail);
        assert_eq!(judge(versions(&["1", "2"]), vec![of("2", open())]), found);
    }

    #[test]
    fn aliases_that_nobody_knows_leave_only_what_is_open_for_certain() {
        let action = "lambda:ListAliases";
        let unread = |policy| Function {
            policy,
            aliases: fixtures::unreadable(action),
            alias_policies: fixtures::unreadable(action),
            ..fixtures::good_function()
        };
        let open = fixtures::policy_text(&[&statement("", r#""*""#, "{}")]);
        let outcome = evaluate(&unread(open), &fixtures::policy()).unwrap();
        assert!(matches!(outcome, Outcome::NonCompliant { .. }), "{outcome:?}");
        let expected = Outcome::insufficient_data(vec![fixtures::denied(action)]);
        assert_eq!(evaluate(&unread(Reading::Absent), &fixtures::policy()), Ok(expected.clone()));
        // Those that have a URL are known all the same.
        let of_urls = Function { aliases: fixtures::unreadable(action), ..fixtures::function_with_open_alias() };
        let outcome = evaluate(&of_urls, &fixtures::policy()).unwrap();
        assert!(matches!(outcome, Outcome::NonCompliant { .. }), "{outcome:?}");
        let of_urls = Function { aliases: fixtures::unreadable(action), ..fixtures::good_function() };
        assert_eq!(evaluate(&of_urls, &fixtures::policy()), Ok(expected));
    }

    /// What one of a function's policies may be.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Given {
        None,
        ToService,
        ToAnyone,
        Undecided,
        Unread,
    }

    fn given() -> impl Strategy<Value = Given> {
        use Given::{None, ToAnyone, ToService, Undecided, Unread};
        prop::sample::select(vec![None, None, None, ToService, ToService, ToAnyone, Undecided, Unread])
    }

    /// Policies by their qualifiers, and of each whether it is asked for.
    type OfQualifiers = BTreeMap<&'static str, (Given, bool)>;

    fn of_some(qualifiers: &'static [&'static str]) -> impl Strategy<Value = OfQualifiers> {
        let some = prop::sample::subsequence(qualifiers, 0..=qualifiers.len());
        some.prop_flat_map(|some| {
            let policies = prop::collection::vec((given(), prop::bool::weighted(0.8)), some.len());
            policies.prop_map(move |policies| some.iter().copied().zip(policies).collect())
        })
    }

    fn written(qualifier: &str, given: Given) -> Reading<String> {
        let tag = r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#;
        let of = |resource: &str, principal: &str, condition: &str| {
            fixtures::policy_text(&[&statement(resource, principal, condition)])
        };
        match given {
            Given::None => Reading::Absent,
            Given::ToService => of(qualifier, r#"{"Service":"events.amazonaws.com"}"#, "{}"),
            Given::ToAnyone => of(qualifier, r#""*""#, "{}"),
            Given::Undecided => of(qualifier, r#""*""#, tag),
            Given::Unread => fixtures::unreadable("lambda:GetPolicy"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Whoever calls a function, an alias or a version needs the policy of what they call. So the function is open if one of
        /// them is; and it passes only if each is known, and known to be closed.
        #[test]
        fn the_verdict_is_that_of_all_policies_together(
            own in given(),
            aliases in of_some(&["live", "next"]),
            versions in of_some(&["1", "2", "10"]),
            lists_aliases in prop::bool::weighted(0.9),
            lists_versions in prop::bool::weighted(0.9),
        ) {
            let list = |is_listed: bool, action: &str, of: &OfQualifiers| {
                if is_listed {
                    Reading::seen(of.keys().map(ToString::to_string).collect())
                } else {
                    fixtures::unreadable(action)
                }
            };
            let (of_aliases, of_versions) = (aliases.iter(), versions.iter().filter(|(_, (_, is_asked))| *is_asked));
            let of_aliases = of_aliases.map(|(alias, (given, _))| fixtures::alias_policy(alias, written(&format!(":{alias}"), *given)));
            let of_versions = of_versions.map(|(version, (given, _))| VersionPolicy {
                version: (*version).to_owned(),
                policy: written(&format!(":{version}"), *given),
            });
            let function = Function {
                policy: written("", own),
                aliases: list(lists_aliases, "lambda:ListAliases", &aliases),
                alias_policies: Reading::seen(of_aliases.collect()),
                versions: list(lists_versions, "lambda:ListFunctions", &versions),
                version_policies: of_versions.collect(),
                ..fixtures::good_function()
            };
            let read: Vec<Given> = [own]
                .into_iter()
                .chain(aliases.values().map(|(given, _)| *given))
                .chain(versions.values().filter(|(_, is_asked)| *is_asked).map(|(given, _)| *given))
                .collect();
            let is_known = |given: &Given| !matches!(given, Given::Undecided | Given::Unread);
            let all_asked = versions.values().all(|(_, is_asked)| *is_asked);
            let expected = if read.contains(&Given::ToAnyone) {
                Status::NonCompliant
            } else if read.iter().all(is_known) && lists_aliases && lists_versions && all_asked {
                Status::Compliant
            } else {
                Status::InsufficientData
            };
            let outcome = evaluate(&function, &fixtures::policy());
            prop_assert_eq!(fixtures::status(&outcome), expected, "{:?}", outcome);
        }
    }

    #[test]
    fn no_policy_lets_in_nobody_and_nonsense_gives_no_verdict() {
        let with = |policy| Function { policy, ..fixtures::good_function() };
        let none = evaluate(&with(Reading::Absent), &fixtures::policy());
        assert_eq!(none, Ok(Outcome::compliant("there is no function policy")));
        let nonsense = evaluate(&with(Reading::seen("nonsense".to_owned())), &fixtures::policy());
        let Ok(Outcome::InsufficientData { missing }) = nonsense else { panic!("{nonsense:?}") };
        assert_eq!(missing[0].cause, UnreadableCause::Malformed);
    }
}
