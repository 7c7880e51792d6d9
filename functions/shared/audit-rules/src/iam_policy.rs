//! Reads resource policies: the JSON that `GetBucketPolicy` and Lambda's `GetPolicy` answer with.
//!
//! It follows the [grammar of the IAM policy language][grammar] and refuses what is outside it: a policy that was half
//! understood must not lead to a verdict.
//!
//! [grammar]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

use std::fmt;
use std::marker::PhantomData;

use audit_model::{Unreadable, UnreadableCause};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A resource policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct PolicyDocument {
    #[serde(rename = "Version")]
    _version: Option<IgnoredAny>,
    #[serde(rename = "Id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "Statement", deserialize_with = "one_or_many")]
    pub(crate) statements: Vec<Statement>,
}

impl PolicyDocument {
    /// Reads a policy's text. `action` is the IAM action that the text came from.
    ///
    /// # Errors
    /// The text is no policy. The error says where it went wrong and repeats nothing of the text.
    pub(crate) fn parse(text: &str, action: &str) -> Result<Self, Unreadable> {
        serde_json::from_str(text).map_err(|error| Unreadable {
            action: action.to_owned(),
            cause: UnreadableCause::Malformed,
            detail: format!(
                "the policy does not follow the grammar of the IAM policy language at line {}, column {}",
                error.line(),
                error.column()
            ),
        })
    }

    /// The statements of one effect, each with a name that a reader of the policy can find it by.
    pub(crate) fn statements(&self, effect: Effect) -> impl Iterator<Item = (String, &Statement)> {
        let numbered = self.statements.iter().enumerate().filter(move |(_, statement)| statement.effect == effect);
        numbered.map(|(index, statement)| (statement.name(index + 1), statement))
    }
}

/// A statement of a policy.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RawStatement")]
pub(crate) struct Statement {
    sid: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) principals: Principals,
    pub(crate) actions: Actions,
    /// The patterns under `Resource`; empty where the statement has none or says `NotResource`.
    pub(crate) resources: Vec<String>,
    /// All must hold for the statement to apply.
    pub(crate) conditions: Vec<Condition>,
}

impl Statement {
    fn name(&self, number: usize) -> String {
        match &self.sid {
            Some(sid) if !sid.is_empty() => format!("statement \"{sid}\""),
            _ => format!("statement {number}"),
        }
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// Whom a statement is about.
#[derive(Debug)]
pub(crate) enum Principals {
    /// `Principal`.
    Listed(Vec<Principal>),
    /// `NotPrincipal`: everybody but a few.
    AllBut,
}

impl Principals {
    /// Whether people whom nobody chose are among them: a wildcard, an empty principal, or everybody but a few.
    pub(crate) fn include_anyone(&self) -> bool {
        match self {
            Self::Listed(principals) => {
                principals.iter().any(|principal| principal.id.is_empty() || principal.id.contains('*'))
            }
            Self::AllBut => true,
        }
    }

    /// Whether nobody at all is left out.
    pub(crate) fn are_everyone(&self) -> bool {
        match self {
            Self::Listed(principals) => {
                principals.iter().any(|principal| principal.kind == PrincipalKind::Aws && principal.id == "*")
            }
            Self::AllBut => false,
        }
    }

    /// Whether the AWS service with this principal name is named.
    pub(crate) fn name_service(&self, service: &str) -> bool {
        match self {
            Self::Listed(principals) => {
                principals.iter().any(|principal| principal.kind == PrincipalKind::Service && principal.id == service)
            }
            Self::AllBut => false,
        }
    }
}

/// One principal.
#[derive(Debug)]
pub(crate) struct Principal {
    pub(crate) kind: PrincipalKind,
    pub(crate) id: String,
}

/// The kinds of principals that a verdict tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrincipalKind {
    /// Accounts, users, roles, and `*`.
    Aws,
    /// AWS services.
    Service,
    /// Identity providers and canonical user ids.
    Other,
}

/// Which actions a statement is about, as patterns in lower case: IAM does not tell upper from lower case here.
#[derive(Debug)]
pub(crate) enum Actions {
    /// `Action`.
    Listed(Vec<String>),
    /// `NotAction`: all but these.
    AllBut(Vec<String>),
}

/// One condition of a statement; it holds when any of its values matches.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    /// The condition key in lower case: IAM does not tell upper from lower case here.
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// A condition operator, for instance `ForAnyValue:StringLikeIfExists`.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    /// The comparison in lower case, for instance `stringlike`.
    pub(crate) comparison: String,
    /// `IfExists`: a request without the key matches.
    pub(crate) if_exists: bool,
    /// `ForAllValues`: a request without the key matches.
    pub(crate) for_all_values: bool,
}

impl From<&str> for Operator {
    fn from(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let (set, comparison) = text.split_once(':').unwrap_or(("", &text));
        let (comparison, if_exists) = match comparison.strip_suffix("ifexists") {
            Some(comparison) => (comparison, true),
            None => (comparison, false),
        };
        Self { comparison: comparison.to_owned(), if_exists, for_all_values: set == "forallvalues" }
    }
}

/// A statement as the JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawStatement {
    sid: Option<String>,
    effect: Effect,
    principal: Option<RawPrincipal>,
    not_principal: Option<RawPrincipal>,
    action: Option<Texts>,
    not_action: Option<Texts>,
    resource: Option<Texts>,
    not_resource: Option<Texts>,
    condition: Option<Pairs<Pairs<Scalars>>>,
}

impl TryFrom<RawStatement> for Statement {
    type Error = &'static str;

    fn try_from(raw: RawStatement) -> Result<Self, Self::Error> {
        let principals = match (raw.principal, raw.not_principal) {
            (Some(listed), None) => Principals::Listed(listed.into_principals()?),
            (None, Some(_)) => Principals::AllBut,
            _ => return Err("a statement takes either Principal or NotPrincipal"),
        };
        let actions = match (raw.action, raw.not_action) {
            (Some(Texts(listed)), None) => Actions::Listed(lower_case(listed)),
            (None, Some(Texts(left_out))) => Actions::AllBut(lower_case(left_out)),
            _ => return Err("a statement takes either Action or NotAction"),
        };
        let resources = match (raw.resource, raw.not_resource) {
            (Some(Texts(listed)), None) => listed,
            (None, _) => Vec::new(),
            (Some(_), Some(_)) => return Err("a statement takes either Resource or NotResource"),
        };
        let conditions = raw.condition.map_or_else(Vec::new, |Pairs(operators)| {
            let conditions = operators.into_iter().flat_map(|(operator, Pairs(keys))| {
                let operator = Operator::from(operator.as_str());
                keys.into_iter().map(move |(key, Scalars(values))| Condition {
                    operator: operator.clone(),
                    key: key.to_ascii_lowercase(),
                    values,
                })
            });
            conditions.collect()
        });
        Ok(Self { sid: raw.sid, effect: raw.effect, principals, actions, resources, conditions })
    }
}

fn lower_case(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().map(|text| text.to_ascii_lowercase()).collect()
}

/// `"*"`, or an object of kinds.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawPrincipal {
    Text(String),
    Kinds(Pairs<Texts>),
}

impl RawPrincipal {
    fn into_principals(self) -> Result<Vec<Principal>, &'static str> {
        let principals: Vec<Principal> = match self {
            Self::Text(id) => vec![Principal { kind: PrincipalKind::Aws, id }],
            Self::Kinds(Pairs(kinds)) => kinds
                .into_iter()
                .flat_map(|(kind, Texts(ids))| {
                    let kind = match kind.as_str() {
                        "AWS" => PrincipalKind::Aws,
                        "Service" => PrincipalKind::Service,
                        _ => PrincipalKind::Other,
                    };
                    ids.into_iter().map(move |id| Principal { kind, id })
                })
                .collect(),
        };
        if principals.is_empty() { Err("a principal names somebody") } else { Ok(principals) }
    }
}

/// A text or a list of texts.
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_many(deserializer).map(Self)
    }
}

/// A text, number or truth value, or a list of them, all as text.
struct Scalars(Vec<String>);

impl<'de> Deserialize<'de> for Scalars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Scalar {
            Text(String),
            Truth(bool),
            Number(serde_json::Number),
        }
        let scalars: Vec<Scalar> = one_or_many(deserializer)?;
        let texts = scalars.into_iter().map(|scalar| match scalar {
            Scalar::Text(text) => text,
            Scalar::Truth(truth) => truth.to_string(),
            Scalar::Number(number) => number.to_string(),
        });
        Ok(Self(texts.collect()))
    }
}

fn one_or_many<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::Many(many) => many,
        OneOrMany::One(one) => vec![one],
    })
}

/// The members of a JSON object. A name that comes twice is refused: which of the two AWS heeds is not written down.
struct Pairs<V>(Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs: Vec<(String, V)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, V>()? {
                    if pairs.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom("a member comes twice"));
                    }
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PolicyDocument, Unreadable> {
        PolicyDocument::parse(text, "s3:GetBucketPolicy")
    }

    fn only_statement(members: &str) -> Statement {
        let mut document = parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{{{members}}}]}}"#)).unwrap();
        document.statements.remove(0)
    }

    #[test]
    fn every_form_of_principal_is_told_apart() {
        // (the members of the statement that say whom it is about, anyone, everyone)
        let cases = [
            (r#""Principal":"*""#, true, true),
            (r#""Principal":{"AWS":"*"}"#, true, true),
            (r#""Principal":{"AWS":["arn:aws:iam::111122223333:root","*"]}"#, true, true),
            (r#""Principal":"""#, true, false),
            (r#""Principal":{"Federated":"*"}"#, true, false),
            (r#""Principal":{"AWS":"arn:aws:iam::*:root"}"#, true, false),
            (r#""NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"}"#, true, false),
            (r#""Principal":{"AWS":"111122223333"}"#, false, false),
            (r#""Principal":{"Service":"cloudtrail.amazonaws.com"}"#, false, false),
            (r#""Principal":{"CanonicalUser":"79a59df900b949e5"}"#, false, false),
        ];
        for (principal, anyone, everyone) in cases {
            let statement = only_statement(&format!(r#""Effect":"Allow",{principal},"Action":"s3:GetObject""#));
            assert_eq!(statement.principals.include_anyone(), anyone, "{principal}");
            assert_eq!(statement.principals.are_everyone(), everyone, "{principal}");
        }
    }

    #[test]
    fn a_single_statement_needs_no_list() {
        let text = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":["S3:Get*"],"Resource":"*"}}"#;
        let document = parse(text).unwrap();
        assert!(matches!(&document.statements[0].actions, Actions::Listed(actions) if actions == &["s3:get*"]));
    }

    #[test]
    fn conditions_come_with_operator_key_and_values() {
        let statement = only_statement(
            r#""Effect":"Allow","Principal":"*","Action":"*","Condition":
               {"ForAllValues:StringLikeIfExists":{"AWS:PrincipalOrgPaths":["o-a/*","o-b/*"]},
                "Bool":{"aws:SecureTransport":false}}"#,
        );
        let [paths, transport] = statement.conditions.as_slice() else { panic!("two conditions") };
        assert_eq!(paths.key, "aws:principalorgpaths");
        assert_eq!(paths.values, ["o-a/*", "o-b/*"]);
        assert_eq!(paths.operator.comparison, "stringlike");
        assert!(paths.operator.if_exists && paths.operator.for_all_values);
        assert_eq!(transport.values, ["false"]);
        assert!(!transport.operator.if_exists && !transport.operator.for_all_values);
    }

    #[test]
    fn what_is_no_policy_is_unreadable_and_does_not_leak() {
        let secret = "AKIAEXAMPLE";
        let texts = [
            String::new(),
            secret.to_owned(),
            r#"{"Version":"2012-10-17"}"#.to_owned(),
            format!(r#"{{"Statement":[],"{secret}":1}}"#),
            r#"{"Statement":[{"Effect":"Allow","Action":"*"}]}"#.to_owned(),
            r#"{"Statement":[{"Effect":"Allow","Principal":{},"Action":"*"}]}"#.to_owned(),
            r#"{"Statement":[{"Effect":"Allow","Principal":"*"}]}"#.to_owned(),
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","NotAction":"*"}]}"#.to_owned(),
            format!(r#"{{"Statement":[{{"Effect":"{secret}","Principal":"*","Action":"*"}}]}}"#),
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*",
                "Condition":{"Bool":{"a":"b"},"Bool":{"c":"d"}}}]}"#
                .to_owned(),
        ];
        for text in texts {
            let why = parse(&text).unwrap_err();
            assert_eq!(why.cause, UnreadableCause::Malformed, "{text}");
            assert_eq!(why.action, "s3:GetBucketPolicy");
            assert!(!why.detail.contains(secret), "{}", why.detail);
        }
    }
}
