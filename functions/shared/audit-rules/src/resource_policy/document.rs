//! Reads resource policies: the JSON that `GetBucketPolicy` and Lambda's `GetPolicy` answer with.
//!
//! It follows the [grammar of the IAM policy language][grammar] and refuses what is outside it: a policy that was half
//! understood must not lead to a verdict.
//!
//! [grammar]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use audit_model::Unreadable;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::condition::{Condition, Operator};
use super::pattern::{Patterns, Value};
use super::principal::{Principal, PrincipalKind, Principals};

/// A resource policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct PolicyDocument {
    #[serde(default)]
    version: Version,
    #[serde(rename = "Id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "Statement", deserialize_with = "one_or_many")]
    statements: Vec<Statement>,
}

/// The edition of the policy language.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Version {
    /// Without policy variables; what a policy has that names no version.
    #[default]
    #[serde(rename = "2008-10-17")]
    V2008,
    #[serde(rename = "2012-10-17")]
    V2012,
}

impl PolicyDocument {
    /// Reads a policy's text. `action` is the IAM action that the text came from.
    ///
    /// # Errors
    /// The text is no policy. The error says where it went wrong and repeats nothing of the text.
    pub(crate) fn parse(text: &str, action: &str) -> Result<Self, Unreadable> {
        let mut document: Self = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let detail = "the policy does not follow the grammar of the IAM policy language at";
            Unreadable::malformed(action, format!("{detail} line {line}, column {column}"))
        })?;
        if document.version == Version::V2008 {
            document.statements.iter_mut().for_each(Statement::take_variables_literally);
        }
        Ok(document)
    }

    /// The policy as somebody reads it who trusts these organizations.
    pub(crate) fn trusting(mut self, organizations: &[String]) -> Self {
        for condition in self.statements.iter_mut().flat_map(|statement| &mut statement.conditions) {
            condition.trusted_organizations = organizations.to_vec();
        }
        self
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
    effect: Effect,
    pub(crate) principals: Principals,
    /// In lower case: IAM does not tell upper from lower case here.
    pub(crate) actions: Patterns,
    /// Everything where the statement names none: the resource that the policy belongs to.
    pub(crate) resources: Patterns,
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

    fn take_variables_literally(&mut self) {
        let (Patterns::Only(resources) | Patterns::AllBut(resources)) = &mut self.resources;
        let values = self.conditions.iter_mut().flat_map(|condition| &mut condition.values);
        for value in values.chain(resources) {
            *value = Value::literal(&value.written);
        }
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Effect {
    Allow,
    Deny,
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
            (Some(listed), None) => Principals::Only(listed.into_principals()?),
            (None, Some(left_out)) => Principals::AllBut(left_out.into_principals()?),
            _ => return Err("a statement takes either Principal or NotPrincipal"),
        };
        let action =
            |Texts(texts): Texts| texts.iter().map(|text| Value::literal(&text.to_ascii_lowercase())).collect();
        let actions = match (raw.action, raw.not_action) {
            (Some(listed), None) => Patterns::Only(action(listed)),
            (None, Some(left_out)) => Patterns::AllBut(action(left_out)),
            _ => return Err("a statement takes either Action or NotAction"),
        };
        let resource = |Texts(texts): Texts| texts.iter().map(|text| Value::with_variables(text)).collect();
        let resources = match (raw.resource, raw.not_resource) {
            (Some(listed), None) => Patterns::Only(resource(listed)),
            (None, Some(left_out)) => Patterns::AllBut(resource(left_out)),
            (None, None) => Patterns::AllBut(Vec::new()),
            (Some(_), Some(_)) => return Err("a statement takes either Resource or NotResource"),
        };
        let conditions = raw.condition.map_or_else(|| Ok(Vec::new()), into_conditions)?;
        Ok(Self { sid: raw.sid, effect: raw.effect, principals, actions, resources, conditions })
    }
}

/// IAM does not tell upper from lower case in operators and keys. Which of two that are the same then it heeds is not
/// written down. Two operators on one key are two conditions: a [period][dates] is one after a date and one before.
///
/// [dates]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws-dates.html
fn into_conditions(Pairs(operators): Pairs<Pairs<Scalars>>) -> Result<Vec<Condition>, &'static str> {
    let mut written = BTreeSet::new();
    let mut conditions = Vec::new();
    for (operator, Pairs(keys)) in operators {
        for (key, Scalars(values)) in keys {
            let key = key.to_ascii_lowercase();
            if !written.insert((operator.to_ascii_lowercase(), key.clone())) {
                return Err("a condition comes twice");
            }
            let values = values.iter().map(|value| Value::with_variables(value)).collect();
            let operator = Operator::from(operator.as_str());
            conditions.push(Condition { operator, key, values, trusted_organizations: Vec::new() });
        }
    }
    Ok(conditions)
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
        let kinds = match self {
            // AWS Config knows an empty principal of functions, and takes it for everybody.
            Self::Text(id) if id == "*" || id.is_empty() => {
                return Ok(vec![Principal { kind: PrincipalKind::Aws, id }]);
            }
            Self::Text(_) => return Err("a principal that is a text is a star"),
            Self::Kinds(Pairs(kinds)) => kinds,
        };
        let mut principals = Vec::new();
        for (kind, Texts(ids)) in kinds {
            let kind = match kind.as_str() {
                "AWS" => PrincipalKind::Aws,
                "Service" => PrincipalKind::Service,
                "Federated" => PrincipalKind::Federated,
                "CanonicalUser" => PrincipalKind::CanonicalUser,
                _ => return Err("a principal is of one of four kinds"),
            };
            principals.extend(ids.into_iter().map(|id| Principal { kind, id }));
        }
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
    use audit_model::UnreadableCause;

    use super::*;
    use crate::resource_policy::condition::{Comparison, SetOperator};

    fn parse(text: &str) -> Result<PolicyDocument, Unreadable> {
        PolicyDocument::parse(text, "s3:GetBucketPolicy")
    }

    fn only_statement(members: &str) -> Statement {
        let mut document = parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{{{members}}}]}}"#)).unwrap();
        document.statements.remove(0)
    }

    #[test]
    fn a_single_statement_needs_no_list() {
        let text = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":["S3:Get*"],"Resource":"*"}}"#;
        let document = parse(text).unwrap();
        assert_eq!(document.statements[0].actions, Patterns::Only(vec![Value::literal("s3:get*")]));
    }

    #[test]
    fn conditions_come_with_operator_key_and_values() {
        let statement = only_statement(
            r#""Effect":"Allow","Principal":"*","Action":"*","Condition":
               {"ForAllValues:StringNotLikeIfExists":{"AWS:PrincipalOrgPaths":["o-a/*","o-b/*"]},
                "Bool":{"aws:SecureTransport":false}}"#,
        );
        let [paths, transport] = statement.conditions.as_slice() else { panic!("two conditions") };
        assert_eq!(paths.key, "aws:principalorgpaths");
        assert_eq!(paths.values, ["o-a/*", "o-b/*"].map(Value::literal));
        assert_eq!(paths.operator.comparison, Comparison::Like);
        assert_eq!(paths.operator.set, SetOperator::ForAllValues);
        assert!(paths.operator.negated && paths.operator.if_exists);
        assert_eq!(transport.values, [Value::literal("false")]);
        assert_eq!(transport.operator.comparison, Comparison::Bool);
        assert!(!transport.operator.negated && !transport.operator.if_exists);
    }

    /// The first is the page's example of a period; the others are operators of one kind that differ all the same.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws-dates.html>
    #[test]
    fn different_operators_on_one_key_are_different_conditions() {
        let pairs = [
            ("DateGreaterThan", "DateLessThan", "aws:CurrentTime"),
            ("NumericGreaterThanEquals", "NumericLessThanEquals", "s3:max-keys"),
            ("NumericNotEquals", "DateNotEquals", "aws:EpochTime"),
            ("StringEquals", "StringEqualsIgnoreCase", "aws:PrincipalOrgID"),
            ("ArnEquals", "ArnLike", "aws:SourceArn"),
            ("ArnNotEqualsIfExists", "ArnNotLikeIfExists", "aws:SourceArn"),
            ("ForSomeValues:StringLike", "StringMatches", "aws:userid"),
        ];
        for (one, other, key) in pairs {
            let members = format!(
                r#""Effect":"Allow","Principal":"*","Action":"*",
                   "Condition":{{"{one}":{{"{key}":"1"}},"{other}":{{"{key}":"2"}}}}"#
            );
            assert_eq!(only_statement(&members).conditions.len(), 2, "{one} {other}");
        }
    }

    #[test]
    fn only_the_newer_edition_has_variables() {
        let statement = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}",
            "Condition":{"StringEquals":{"aws:userid":"${aws:userid}"}}}"#;
        for (version, variable) in
            [(r#""Version":"2012-10-17","#, true), (r#""Version":"2008-10-17","#, false), ("", false)]
        {
            let document = parse(&format!(r#"{{{version}"Statement":[{statement}]}}"#)).unwrap();
            let statement = &document.statements[0];
            let Patterns::Only(resources) = &statement.resources else { panic!("resources") };
            assert_eq!(resources[0].variable, variable, "{version}");
            assert_eq!(statement.conditions[0].values[0].variable, variable, "{version}");
        }
    }

    #[test]
    fn what_is_no_policy_is_unreadable_and_does_not_leak() {
        let secret = "AKIAEXAMPLE";
        let allow =
            |rest: &str| format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"*",{rest}}}]}}"#);
        let texts = [
            String::new(),
            secret.to_owned(),
            r#"{"Version":"2012-10-17"}"#.to_owned(),
            format!(r#"{{"Statement":[],"{secret}":1}}"#),
            format!(r#"{{"Version":"{secret}","Statement":[]}}"#),
            r#"{"Statement":[],"Statement":[]}"#.to_owned(),
            r#"{"Statement":[{"Effect":"Allow","Action":"*"}]}"#.to_owned(),
            r#"{"Statement":[{"Effect":"Allow","Principal":{},"Action":"*"}]}"#.to_owned(),
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":[]},"Action":"*"}]}"#.to_owned(),
            format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"{secret}","Action":"*"}}]}}"#),
            format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"{secret}":"*"}},"Action":"*"}}]}}"#),
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"1","AWS":"2"},"Action":"*"}]}"#.to_owned(),
            r#"{"Statement":[{"Effect":"Allow","Principal":"*"}]}"#.to_owned(),
            format!(r#"{{"Statement":[{{"Effect":"{secret}","Principal":"*","Action":"*"}}]}}"#),
            allow(r#""NotAction":"*""#),
            allow(r#""NotPrincipal":"*""#),
            allow(r#""Resource":"*","NotResource":"*""#),
            allow(r#""Action":"*""#),
            allow(r#""Condition":{"Bool":{"a":"b"},"Bool":{"c":"d"}}"#),
            allow(r#""Condition":{"Bool":{"a":"b"},"bool":{"A":"d"}}"#),
            allow(r#""Condition":{"Bool":{"a":{}}}"#),
            allow(&format!(r#""{secret}":"*""#)),
        ];
        for text in texts {
            let why = parse(&text).unwrap_err();
            assert_eq!(why.cause, UnreadableCause::Malformed, "{text}");
            assert_eq!(why.action, "s3:GetBucketPolicy");
            assert!(!why.detail.contains(secret), "{}", why.detail);
        }
    }
}
