//! What the conditions of a statement leave of "anyone".
//!
//! - [Condition operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html):
//!   a request without the key fails a condition, and passes one with a negated operator or with `IfExists`.
//! - [Set operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html):
//!   without the key, `ForAllValues` is passed and `ForAnyValue` is not.
//! - [Global condition keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html):
//!   what a key says, and when a request has it.
//! - [The meaning of "public"](https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status):
//!   which keys make a policy non-public, with which values.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::grantee::{Grantee, Organization};
use super::narrowing::Narrowing;
use super::pattern::Value;
use super::principal::{fixed_account, is_account};
use super::wildcard::has_wildcard;

/// One condition of a statement. A plain one holds when any of its values matches, a negated one when none does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    /// The condition key in lower case: IAM does not tell upper from lower case here.
    pub(crate) key: String,
    pub(crate) values: Vec<Value>,
    /// The ids of the organizations that are trusted.
    pub(crate) trusted_organizations: Vec<String>,
}

/// What the conditions of one Allow, which must all hold, leave of "anyone".
pub(crate) fn all_hold(conditions: &[Condition]) -> Narrowing {
    let narrowings = conditions.iter().map(|condition| {
        let is_there = conditions.iter().any(|other| other.key == condition.key && other.demands_the_key());
        condition.holds(is_there)
    });
    narrowings.fold(Narrowing::None, Narrowing::and)
}

/// What the conditions of one Deny, which must all hold for it to apply, leave of "anyone": those for whom one fails.
pub(crate) fn any_fails(conditions: &[Condition]) -> Narrowing {
    conditions.iter().map(Condition::fails).fold(Narrowing::NOBODY, Narrowing::or)
}

/// Whether those for whom one of a Deny's conditions fails may be nobody at all: none of them is about who asks, and
/// whether each request meets them, no policy tells.
pub(crate) fn may_shut_out_all(conditions: &[Condition]) -> bool {
    let left_open = matches!(any_fails(conditions), Narrowing::Unsettled { within: None, .. });
    left_open && !conditions.iter().any(Condition::is_on_who_asks)
}

/// What those conditions of an Allow leave of "anyone" that are not about on whose behalf a service asks.
pub(crate) fn all_hold_of_who_asks(conditions: &[Condition]) -> Narrowing {
    let of_who_asks: Vec<Condition> = conditions.iter().filter(|it| !it.is_on_the_source()).cloned().collect();
    all_hold(&of_who_asks)
}

/// On whose behalf the conditions of an Allow let services ask.
pub(crate) fn source_holds(conditions: &[Condition]) -> Narrowing {
    let on_the_source: Vec<Condition> = conditions.iter().filter(|it| it.is_on_the_source()).cloned().collect();
    let token = conditions.iter().find_map(Condition::event_source_token);
    all_hold(&on_the_source).and(token.map_or(Narrowing::None, Narrowing::fixed))
}

/// On whose behalf services may still ask where these are the conditions of a Deny. A condition that holds for every
/// service fails for none.
pub(crate) fn source_fails(conditions: &[Condition]) -> Narrowing {
    let of_services = |condition: &&Condition| {
        !(condition.subject() == Subject::IsService && !condition.operator.negated && condition.truth() == Some(true))
    };
    let left = conditions.iter().filter(of_services).map(|condition| match condition.is_on_the_source() {
        true => condition.fails(),
        false => Narrowing::None,
    });
    left.fold(Narrowing::NOBODY, Narrowing::or)
}

impl Condition {
    /// Whether it is about on whose behalf a service asks.
    fn is_on_the_source(&self) -> bool {
        SOURCE_KEYS.contains(&self.key.as_str())
    }

    /// Whether it is about who asks, so that others may ask whom it does not mean.
    fn is_on_who_asks(&self) -> bool {
        !matches!(self.subject(), Subject::Manner | Subject::Circumstance | Subject::ResourceOwner)
            && !self.asks_in_vain()
            && self.operator.comparison != Comparison::Unknown
    }

    /// The one token, if it demands one, that [Lambda gets from services][page] that name no source, such as Alexa.
    ///
    /// [page]: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html#lambda-AddPermission-request-EventSourceToken
    fn event_source_token(&self) -> Option<Grantee> {
        let Operator { comparison, negated, if_exists, .. } = self.operator;
        let demanded =
            self.key == "lambda:eventsourcetoken" && comparison == Comparison::Equals && !negated && !if_exists;
        let value = self.values.first().filter(|_| self.values.iter().all(Value::is_fixed))?;
        demanded.then(|| Grantee::Other(format!("{} {}", self.key, value.written)))
    }

    /// Whom it lets pass. `is_there`: another condition sees to it that the request has the key.
    fn holds(&self, is_there: bool) -> Narrowing {
        let Operator { comparison, negated, if_exists, set } = self.operator;
        let passes_without = (if_exists || set == SetOperator::ForAllValues) && !is_there;
        let demanded = is_there || (set == SetOperator::ForAnyValue && !if_exists);
        match self.subject() {
            _ if comparison == Comparison::Unknown || self.values.is_empty() || self.asks_in_vain() => self.unsettled(),
            Subject::Manner | Subject::Circumstance | Subject::ResourceOwner => Narrowing::None,
            Subject::Unknown => self.unsettled(),
            _ if comparison == Comparison::Null => Narrowing::None,
            Subject::IsService => match self.truth() {
                Some(true) if passes_without => Narrowing::None,
                Some(true) => self.services(),
                Some(false) => Narrowing::None,
                None => self.unsettled(),
            },
            // With the key demanded, a pattern that every value matches leaves nobody.
            _ if negated && demanded && !self.values.iter().all(Value::is_fixed) => self.unsettled(),
            _ if negated => Narrowing::None,
            // Every request has the key, so that passing without it means nothing; but whether Amazon S3 heeds that
            // when it looks for fixed values, its page does not say.
            _ if passes_without && self.is_in_every_request() => self.matches().or(self.unsettled()),
            _ if passes_without => Narrowing::None,
            _ => self.matches(),
        }
    }

    /// Whom it does not let pass.
    fn fails(&self) -> Narrowing {
        let Operator { comparison, negated, if_exists, set } = self.operator;
        match self.subject() {
            _ if comparison == Comparison::Unknown || self.values.is_empty() || self.asks_in_vain() => self.unsettled(),
            // Whoever asks can ask otherwise. But where TLS is denied, plain HTTP may be denied too, by another
            // statement.
            Subject::Manner if self.key == "aws:securetransport" && !self.is_of_plain_http() => self.unsettled(),
            Subject::Manner => Narrowing::None,
            // Anyone may ask for what belongs to an organization that is trusted, as the audited account does.
            Subject::ResourceOwner if negated && self.values.iter().any(|value| self.is_trusted(value)) => {
                Narrowing::None
            }
            Subject::ResourceOwner => self.unsettled(),
            Subject::Circumstance | Subject::Unknown => self.unsettled(),
            // Any value of the key passes, or none at all: neither is a fixed one.
            _ if comparison == Comparison::Null => Narrowing::None,
            Subject::IsService => match self.truth() {
                Some(false) if if_exists => self.services(),
                // Who asks without a name has no such key.
                Some(_) => Narrowing::None,
                None => self.unsettled(),
            },
            _ if negated && set == SetOperator::ForAnyValue && !if_exists && !self.is_in_every_request() => {
                Narrowing::None
            }
            _ if negated && set == SetOperator::ForAnyValue => self.matches().or(self.unsettled()),
            _ if negated => self.matches(),
            // Everybody but a few.
            _ if matches!(self.matches(), Narrowing::Fixed(_)) => Narrowing::None,
            _ => self.unsettled(),
        }
    }

    /// Those who have the key, with one of the values.
    fn matches(&self) -> Narrowing {
        let subject = self.subject();
        if subject == Subject::Address {
            return self.matches_address();
        }
        if !matches!(self.operator.comparison, Comparison::Equals | Comparison::Like | Comparison::Arn) {
            return self.unsettled();
        }
        let any =
            self.values.iter().map(|value| self.matches_value(subject, value)).fold(Narrowing::NOBODY, Narrowing::or);
        // A key with several values needs a set operator; what becomes of one without is not written down.
        if subject.is_multivalued() && self.operator.set == SetOperator::Absent {
            any.or(self.unsettled())
        } else {
            any
        }
    }

    fn matches_value(&self, subject: Subject, value: &Value) -> Narrowing {
        let text = value.written.as_str();
        let account = |account: &str| Grantee::Account(account.to_owned());
        let other = || Grantee::Other(format!("{} {text}", self.key));
        let organization = |id: &str| {
            let is_trusted = self.trusts(id);
            Grantee::Organization(Organization { id: id.to_owned(), is_trusted })
        };
        let within = |grantee: Grantee| Narrowing::Unsettled { on: self.on(), within: Some([grantee].into()) };
        if value.variable {
            // The resource's own account or organization is no stranger, though no fixed value either.
            let of_the_resource = text.to_ascii_lowercase().starts_with("${aws:resource");
            return if of_the_resource { self.unsettled() } else { Narrowing::None };
        }
        if !value.is_fixed() {
            return match subject {
                // The operator takes the wildcard for a mere character, the meaning of "public" for a wildcard.
                _ if self.operator.comparison == Comparison::Equals => self.unsettled(),
                Subject::AccessPointArn => match fixed_account(text) {
                    Some(id) => Narrowing::fixed(Grantee::AccessPointsOf(id.to_owned())),
                    None => Narrowing::None,
                },
                // A wildcard in an ARN of a fixed account, or below a fixed organization, keeps strangers out, though
                // it is no fixed value by Amazon S3's words.
                Subject::Arn => fixed_account(text).map_or(Narrowing::None, |id| within(account(id))),
                // The id of a VPC is its own in all of AWS.
                Subject::VpcArn => match text.rsplit_once(":vpc/") {
                    Some((_, id)) if !has_wildcard(id) => within(other()),
                    _ => Narrowing::None,
                },
                Subject::OrganizationPath | Subject::EndpointPath => match text.split_once('/') {
                    Some((id, _)) if has_wildcard(id) => Narrowing::None,
                    Some((id, _)) if subject == Subject::OrganizationPath => within(organization(id)),
                    Some(_) => within(other()),
                    None => Narrowing::None,
                },
                _ => Narrowing::None,
            };
        }
        match subject {
            // What these keys say of those who ask without a name.
            _ if self.is_in_every_request() && text == "anonymous" => Narrowing::None,
            Subject::Account if is_account(text) => Narrowing::fixed(account(text)),
            Subject::Arn => Narrowing::fixed(fixed_account(text).map_or_else(other, account)),
            Subject::Organization => Narrowing::fixed(organization(text)),
            Subject::OrganizationPath => Narrowing::fixed(match text.split_once('/') {
                Some((id, _)) => organization(id),
                None => other(),
            }),
            Subject::AccessPointAccount if is_account(text) => {
                Narrowing::fixed(Grantee::AccessPointsOf(text.to_owned()))
            }
            Subject::AccessPointArn => Narrowing::fixed(match fixed_account(text) {
                Some(id) => Grantee::AccessPointsOf(id.to_owned()),
                None => other(),
            }),
            Subject::Service | Subject::Services => Narrowing::fixed(Grantee::Service(text.to_owned())),
            _ => Narrowing::fixed(other()),
        }
    }

    /// Addresses narrow unless they are broader than /8 in IPv4 or /32 in IPv6. Neighbouring ranges count as the one
    /// they make, so that 0.0.0.0/0 cut into pieces is still everywhere. Private ranges are the exception: no request
    /// from the internet comes from there.
    fn matches_address(&self) -> Narrowing {
        if self.operator.comparison != Comparison::Address {
            return self.unsettled();
        }
        let (mut v4, mut v6): (Vec<Ipv4Net>, Vec<Ipv6Net>) = (Vec::new(), Vec::new());
        for value in &self.values {
            let text = value.written.as_str();
            match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
                Ok(IpNet::V4(net)) => v4.push(net.trunc()),
                Ok(IpNet::V6(net)) => v6.push(net.trunc()),
                Err(_) => return self.unsettled(),
            }
        }
        v4.retain(|net| !is_private(net));
        let broad = Ipv4Net::aggregate(&v4).iter().any(|net| net.prefix_len() < 8)
            || Ipv6Net::aggregate(&v6).iter().any(|net| net.prefix_len() < 32);
        if broad {
            return Narrowing::None;
        }
        Narrowing::Fixed(
            self.values.iter().map(|value| Grantee::Other(format!("{} {}", self.key, value.written))).collect(),
        )
    }

    fn services(&self) -> Narrowing {
        Narrowing::Unsettled { on: self.on(), within: Some([Grantee::Services].into()) }
    }

    /// Whether the value is an organization that is trusted, or a place in one.
    fn is_trusted(&self, value: &Value) -> bool {
        let id = value.written.split('/').next().unwrap_or_default();
        self.key.starts_with("aws:resourceorg") && !value.variable && self.trusts(id)
    }

    fn trusts(&self, organization: &str) -> bool {
        self.trusted_organizations.iter().any(|trusted| trusted.eq_ignore_ascii_case(organization))
    }

    fn unsettled(&self) -> Narrowing {
        Narrowing::unsettled(self.on())
    }

    fn on(&self) -> String {
        format!("a condition on {}", self.key)
    }

    /// The one truth value of a condition with `Bool`.
    fn truth(&self) -> Option<bool> {
        let [value] = self.values.as_slice() else { return None };
        match value.written.to_ascii_lowercase().as_str() {
            "true" if self.operator.comparison == Comparison::Bool => Some(true),
            "false" if self.operator.comparison == Comparison::Bool => Some(false),
            _ => None,
        }
    }

    /// Whether a condition on TLS holds for requests without it, and for no others.
    fn is_of_plain_http(&self) -> bool {
        let without = if self.operator.negated { "true" } else { "false" };
        self.values.iter().all(|value| value.written.eq_ignore_ascii_case(without))
    }

    fn demands_the_key(&self) -> bool {
        let no = |value: &Value| value.written.eq_ignore_ascii_case("false");
        self.operator.comparison == Comparison::Null && matches!(self.values.as_slice(), [value] if no(value))
    }

    fn is_in_every_request(&self) -> bool {
        let of_who_asks = matches!(self.key.as_str(), "aws:principalaccount" | "aws:userid");
        of_who_asks || matches!(self.key.as_str(), "aws:currenttime" | "aws:epochtime" | "aws:securetransport")
    }

    /// Whether a key is missing that never is, which is true of nobody, or untrue of nobody.
    fn asks_in_vain(&self) -> bool {
        self.operator.comparison == Comparison::Null && self.is_in_every_request()
    }

    fn subject(&self) -> Subject {
        match self.key.as_str() {
            "aws:principalaccount" | "aws:sourceaccount" | "aws:sourceowner" => Subject::Account,
            "aws:principalarn" | "aws:sourcearn" => Subject::Arn,
            "aws:principalorgid" | "aws:sourceorgid" => Subject::Organization,
            "aws:principalorgpaths" | "aws:sourceorgpaths" => Subject::OrganizationPath,
            "aws:vpceorgpaths" => Subject::EndpointPath,
            "aws:principalservicename" => Subject::Service,
            "aws:principalservicenameslist" => Subject::Services,
            "aws:principalisawsservice" => Subject::IsService,
            "aws:sourceip" => Subject::Address,
            "aws:sourcevpc" | "aws:sourcevpce" | "aws:vpceaccount" | "aws:vpceorgid" => Subject::Value,
            "aws:sourcevpcarn" => Subject::VpcArn,
            "aws:userid" => Subject::Value,
            "s3:dataaccesspointaccount" => Subject::AccessPointAccount,
            "s3:dataaccesspointarn" => Subject::AccessPointArn,
            // An older edition of the page on "public" lists the first, the current one does not. The second says that
            // the request came from some VPC, through an access point that somebody made for it.
            "s3:x-amz-server-side-encryption-aws-kms-key-id" | "s3:accesspointnetworkorigin" => Subject::Unknown,
            "aws:referer"
            | "aws:securetransport"
            | "aws:useragent"
            | "s3:authtype"
            | "s3:signatureversion"
            | "s3:tlsversion" => Subject::Manner,
            key if key.starts_with("s3:x-amz-") => Subject::Manner,
            "aws:resourceaccount" | "aws:resourceorgid" | "aws:resourceorgpaths" => Subject::ResourceOwner,
            "aws:currenttime"
            | "aws:epochtime"
            | "aws:requestedregion"
            | "lambda:functionarn"
            | "lambda:functionurlauthtype"
            | "lambda:invokedviafunctionurl" => Subject::Circumstance,
            key if key.starts_with("s3:") => Subject::Circumstance,
            _ => Subject::Unknown,
        }
    }
}

/// What [a service says][page] of those on whose behalf it asks.
///
/// [page]: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html#cross-service-confused-deputy-prevention
const SOURCE_KEYS: [&str; 5] =
    ["aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner"];

/// What a condition key is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// The account of who asks, or on whose behalf a service asks.
    Account,
    /// The ARN of who asks, or of the resource on whose behalf a service asks.
    Arn,
    /// The ARN of the VPC that the request came through.
    VpcArn,
    /// The access point that the request came through.
    AccessPointArn,
    /// The account of that access point.
    AccessPointAccount,
    /// The organization of who asks, or on whose behalf a service asks.
    Organization,
    /// The places in organizations of who asks, or on whose behalf a service asks; several values.
    OrganizationPath,
    /// The places in organizations of the endpoint that the request came through; several values.
    EndpointPath,
    /// The service that asks.
    Service,
    /// The names of the service that asks; several values.
    Services,
    /// Whether a service asks.
    IsService,
    /// The address that the request came from.
    Address,
    /// Anything else of who asks or from where, of which a fixed value is enough.
    Value,
    /// How the request is made, which whoever makes it can choose.
    Manner,
    /// When or for what the request is made: nothing of who makes it.
    Circumstance,
    /// Whose the resource is that is asked for: nothing of who asks.
    ResourceOwner,
    /// What AWS's page on "public" does not name, and what is not seen to be one of the others.
    Unknown,
}

impl Subject {
    fn is_multivalued(self) -> bool {
        matches!(self, Self::OrganizationPath | Self::EndpointPath | Self::Services)
    }
}

/// RFC 1918.
fn is_private(net: &Ipv4Net) -> bool {
    net.network().is_private() && net.broadcast().is_private()
}

/// A condition operator, for instance `ForAnyValue:StringNotLikeIfExists`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) comparison: Comparison,
    /// No value may match.
    pub(crate) negated: bool,
    /// `IfExists`: a request without the key passes.
    pub(crate) if_exists: bool,
    pub(crate) set: SetOperator,
}

/// What an operator compares, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Texts, character by character.
    Equals,
    /// Texts, with wildcards.
    Like,
    /// ARNs: `ArnEquals` takes wildcards like `ArnLike`.
    Arn,
    /// Addresses and ranges.
    Address,
    Bool,
    /// Whether the key is missing.
    Null,
    /// Numbers, dates, bytes.
    Other,
    /// No operator of the policy language.
    Unknown,
}

/// How the several values of a key are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetOperator {
    Absent,
    /// A request without the key fails, whatever the comparison.
    ForAnyValue,
    /// A request without the key passes.
    ForAllValues,
}

impl From<&str> for Operator {
    fn from(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let (set, rest) = match text.split_once(':') {
            None => (Some(SetOperator::Absent), text.as_str()),
            Some(("foranyvalue", rest)) => (Some(SetOperator::ForAnyValue), rest),
            Some(("forallvalues", rest)) => (Some(SetOperator::ForAllValues), rest),
            Some((_, rest)) => (None, rest),
        };
        let (rest, if_exists) = match rest.strip_suffix("ifexists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (comparison, negated) = match rest {
            "stringequals" | "stringequalsignorecase" => (Comparison::Equals, false),
            "stringnotequals" | "stringnotequalsignorecase" => (Comparison::Equals, true),
            "stringlike" => (Comparison::Like, false),
            "stringnotlike" => (Comparison::Like, true),
            "arnequals" | "arnlike" => (Comparison::Arn, false),
            "arnnotequals" | "arnnotlike" => (Comparison::Arn, true),
            "ipaddress" => (Comparison::Address, false),
            "notipaddress" => (Comparison::Address, true),
            "bool" => (Comparison::Bool, false),
            // `IfExists` goes with every operator but this one.
            "null" if !if_exists => (Comparison::Null, false),
            "numericequals"
            | "numericlessthan"
            | "numericlessthanequals"
            | "numericgreaterthan"
            | "numericgreaterthanequals"
            | "dateequals"
            | "datelessthan"
            | "datelessthanequals"
            | "dategreaterthan"
            | "dategreaterthanequals"
            | "binaryequals" => (Comparison::Other, false),
            "numericnotequals" | "datenotequals" => (Comparison::Other, true),
            _ => (Comparison::Unknown, false),
        };
        match set {
            Some(set) => Self { comparison, negated, if_exists, set },
            None => Self { comparison: Comparison::Unknown, negated: false, if_exists, set: SetOperator::Absent },
        }
    }
}
