//! Whether a bucket policy applies to what a service of AWS delivers.
//!
//! A delivery is one known request: the service, the action, the object and on whose behalf are given, so that most
//! conditions either hold or fail. What is not known of it leaves a doubt.

use super::condition::{Comparison, Condition};
use super::document::{Effect, PolicyDocument, Statement};
use super::pattern::{Patterns, Value};
use super::principal::{Principal, PrincipalKind, Principals};
use super::wildcard::{covers, overlap};

/// What is delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery<'a> {
    /// The principal name of the service that delivers.
    pub(crate) service: &'a str,
    /// The action in lower case.
    pub(crate) action: &'a str,
    /// A pattern of the ARNs of the objects that are delivered.
    pub(crate) objects: &'a str,
    /// The account on whose behalf.
    pub(crate) source_account: &'a str,
    /// The resource on whose behalf.
    pub(crate) source_arn: &'a str,
}

/// Whether the statements of one effect apply to a delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Applies {
    /// None does.
    No,
    /// The named one may.
    Perhaps(String),
    /// The named one does.
    Yes(String),
}

impl PolicyDocument {
    /// Whether the policy's statements of this effect apply to all of the delivery.
    pub(crate) fn applies(&self, effect: Effect, delivery: &Delivery) -> Applies {
        let each = self.statements(effect).map(|(name, statement)| match statement.applies(effect, delivery) {
            Some(true) => Applies::Yes(name),
            Some(false) => Applies::No,
            None => Applies::Perhaps(name),
        });
        // The first of the most certain ones.
        each.fold(Applies::No, |most, next| match (&most, &next) {
            (Applies::Yes(_), _) | (Applies::Perhaps(_), Applies::No | Applies::Perhaps(_)) => most,
            _ => next,
        })
    }
}

impl Statement {
    /// `None` where nobody can say.
    fn applies(&self, effect: Effect, delivery: &Delivery) -> Option<bool> {
        let parts = [
            self.principals.include(delivery.service, effect),
            self.actions.name(delivery.action),
            self.resources.name(delivery.objects),
        ];
        let conditions = self.conditions.iter().map(|condition| condition.holds_for(delivery));
        let answers: Vec<Option<bool>> = parts.into_iter().chain(conditions).collect();
        if answers.contains(&Some(false)) {
            Some(false)
        } else if answers.contains(&None) {
            None
        } else {
            Some(true)
        }
    }
}

impl Principals {
    /// Whether these are the service, or include it. A Deny for `*` [is for services, too][page]; whether an Allow for `*`
    /// is, AWS does not say.
    ///
    /// [page]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    fn include(&self, service: &str, effect: Effect) -> Option<bool> {
        let is_named = |who: &Principal| who.kind == PrincipalKind::Service && who.id == service;
        match self {
            Self::Only(principals) if principals.iter().any(is_named) => Some(true),
            Self::Only(_) if self.are_everyone() => (effect == Effect::Deny).then_some(true),
            Self::Only(principals) if principals.iter().any(|who| who.id == "*") => None,
            Self::Only(_) => Some(false),
            Self::AllBut(left_out) if left_out.iter().any(is_named) => Some(false),
            Self::AllBut(_) => None,
        }
    }
}

impl Patterns {
    /// Whether they name everything that the pattern does, or nothing of it.
    fn name(&self, pattern: &str) -> Option<bool> {
        let (Self::Only(values) | Self::AllBut(values)) = self;
        let matched = if values.iter().any(|value| !value.variable && covers(&value.glob, pattern)) {
            Some(true)
        } else if values.iter().any(|value| overlap(&value.glob, pattern)) {
            None
        } else {
            Some(false)
        };
        match self {
            Self::Only(_) => matched,
            Self::AllBut(_) => matched.map(|matched| !matched),
        }
    }
}

impl Condition {
    /// Whether it holds for a delivery. Services [call Amazon S3 over TLS][tls] and say on whose behalf they do.
    ///
    /// [tls]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    fn holds_for(&self, delivery: &Delivery) -> Option<bool> {
        let actual = match self.key.as_str() {
            "aws:sourceaccount" => delivery.source_account,
            "aws:sourcearn" => delivery.source_arn,
            "aws:principalservicename" => delivery.service,
            "aws:principalisawsservice" | "aws:securetransport" => "true",
            _ => return None,
        };
        let matches = |value: &Value| match self.operator.comparison {
            Comparison::Null => Some(value.written.eq_ignore_ascii_case("false")),
            Comparison::Bool => Some(value.written.eq_ignore_ascii_case(actual)),
            Comparison::Equals if !value.variable => Some(value.written == actual),
            Comparison::Like | Comparison::Arn if !covers(&value.glob, actual) => Some(false),
            Comparison::Like | Comparison::Arn if !value.variable => Some(true),
            _ => None,
        };
        let answers: Vec<Option<bool>> = self.values.iter().map(matches).collect();
        let any = if answers.contains(&Some(true)) {
            Some(true)
        } else if answers.contains(&None) {
            None
        } else {
            Some(false)
        };
        any.map(|any| any != self.operator.negated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGS: Delivery<'static> = Delivery {
        service: "logging.s3.amazonaws.com",
        action: "s3:putobject",
        objects: "arn:aws:s3:::access-logs/ledger/*",
        source_account: "111122223333",
        source_arn: "arn:aws:s3:::ledger",
    };

    fn applies(effect: Effect, statement: &str) -> Applies {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        PolicyDocument::parse(&text, "s3:GetBucketPolicy").unwrap().applies(effect, &LOGS)
    }

    fn allow(principal: &str, action: &str, resource: &str, condition: &str) -> Applies {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":{action},"Resource":"{resource}","Condition":{{{condition}}}}}"#
        );
        applies(Effect::Allow, &statement)
    }

    const SERVICE: &str = r#"{"Service":"logging.s3.amazonaws.com"}"#;
    const EVERY_LOG: &str = "arn:aws:s3:::access-logs/*";

    /// The policy of <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>, and what
    /// differs from it in one thing.
    #[test]
    fn an_allow_is_for_the_service_the_objects_and_the_source() {
        let own =
            r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::ledger"},"StringEquals":{"aws:SourceAccount":"111122223333"}"#;
        let yes = || Applies::Yes("statement 1".to_owned());
        let perhaps = || Applies::Perhaps("statement 1".to_owned());
        let put = r#""s3:PutObject""#;
        let cases = [
            (SERVICE, r#"["s3:PutObject"]"#, "arn:aws:s3:::access-logs/ledger/*", own, yes()),
            (SERVICE, r#""s3:*""#, EVERY_LOG, own, yes()),
            (SERVICE, put, EVERY_LOG, "", yes()),
            (SERVICE, put, EVERY_LOG, r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::l*"}"#, yes()),
            (SERVICE, put, EVERY_LOG, r#""Bool":{"aws:SecureTransport":"true"}"#, yes()),
            (SERVICE, put, EVERY_LOG, r#""Null":{"aws:SourceArn":"false"}"#, yes()),
            (SERVICE, put, "arn:aws:s3:::access-logs/other/*", own, Applies::No),
            (SERVICE, put, "arn:aws:s3:::access-logs", own, Applies::No),
            (SERVICE, r#""s3:GetObject""#, EVERY_LOG, own, Applies::No),
            (SERVICE, put, EVERY_LOG, r#""ArnLike":{"aws:SourceArn":"arn:aws:s3:::payments"}"#, Applies::No),
            (SERVICE, put, EVERY_LOG, r#""StringEquals":{"aws:SourceAccount":"777788889999"}"#, Applies::No),
            (SERVICE, put, EVERY_LOG, r#""Null":{"aws:SourceArn":"true"}"#, Applies::No),
            (r#"{"Service":"delivery.logs.amazonaws.com"}"#, put, EVERY_LOG, own, Applies::No),
            (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, put, EVERY_LOG, "", Applies::No),
            (r#""*""#, put, EVERY_LOG, "", perhaps()),
            (SERVICE, put, "arn:aws:s3:::access-logs/ledger/2026*", own, perhaps()),
            (SERVICE, put, EVERY_LOG, r#""StringEquals":{"aws:SourceOrgID":"o-a1b2c3d4e5"}"#, perhaps()),
            (SERVICE, put, EVERY_LOG, r#""StringEquals":{"aws:SourceAccount":"${aws:PrincipalAccount}"}"#, perhaps()),
        ];
        for (principal, action, resource, condition, expected) in cases {
            assert_eq!(
                allow(principal, action, resource, condition),
                expected,
                "{principal} {action} {resource} {condition}"
            );
        }
    }

    #[test]
    fn a_denial_for_everybody_is_for_services_too() {
        let deny = |rest: &str| applies(Effect::Deny, &format!(r#"{{"Effect":"Deny","Action":"s3:*",{rest}}}"#));
        let yes = Applies::Yes("statement 1".to_owned());
        let all = r#""Resource":"arn:aws:s3:::access-logs/*""#;
        assert_eq!(deny(&format!(r#""Principal":"*",{all}"#)), yes);
        let tls = r#""Condition":{"Bool":{"aws:SecureTransport":"false"}}"#;
        assert_eq!(deny(&format!(r#""Principal":"*",{all},{tls}"#)), Applies::No);
        let services = r#""Condition":{"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}"#;
        assert_eq!(deny(&format!(r#""Principal":"*",{all},{services}"#)), Applies::No);
        let others = r#""Condition":{"StringNotEquals":{"aws:SourceAccount":"111122223333"}}"#;
        assert_eq!(deny(&format!(r#""Principal":"*",{all},{others}"#)), Applies::No);
        let spared = r#""NotPrincipal":{"Service":"logging.s3.amazonaws.com"}"#;
        assert_eq!(deny(&format!("{spared},{all}")), Applies::No);
        let of_the_network = r#""Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#;
        let doubt = Applies::Perhaps("statement 1".to_owned());
        assert_eq!(deny(&format!(r#""Principal":"*",{all},{of_the_network}"#)), doubt);
    }

    #[test]
    fn the_most_certain_statement_counts() {
        let both = format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"{EVERY_LOG}"}},
               {{"Sid":"Logs","Effect":"Allow","Principal":{SERVICE},"Action":"s3:PutObject","Resource":"{EVERY_LOG}"}}"#
        );
        assert_eq!(applies(Effect::Allow, &both), Applies::Yes("statement \"Logs\"".to_owned()));
        assert_eq!(applies(Effect::Deny, &both), Applies::No);
    }
}
