//! What a rule is, and what it may answer.

use std::borrow::Cow;

use audit_model::policy::FrameworkPolicy;
use audit_model::resource::{
    AccessPoint, Audited, Bucket, ClientVpnEndpoint, DirectoryBucket, ElasticIp, EndpointService, Function,
    LaunchTemplate, NetworkAccount, NetworkAcl, NetworkInterface, PeeringConnection, RouteTable, S3Account,
    SecurityGroup, Subnet, TransitGateway, Vpc, VpcEndpoint, VpnConnection,
};
use audit_model::{Guidance, Policy, RuleInForce, Rules, Service, Severity, Unreadable};

use crate::catalogue::CATALOGUE;
use crate::frameworks::{Control, Framework};
use crate::parameter::Parameter;

/// One demand on one type of resource.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// AWS Config's name of the managed rule where there is one; also the name of the rule's file, in snake case.
    pub id: &'static str,
    /// The demand in a few words.
    pub title: &'static str,
    /// How bad a violation is.
    pub severity: Severity,
    /// Why it matters: what can happen to a resource that violates it.
    pub rationale: &'static str,
    /// What a compliant resource looks like; findings set it beside what was observed.
    pub expected: &'static str,
    /// What to do about a violation, in a sentence or two.
    pub remediation: &'static str,
    /// How it is done in the AWS Management Console.
    pub console: &'static str,
    /// How it is done with the AWS CLI: one command or more, with placeholders in capitals.
    pub cli: &'static str,
    /// AWS's page on what to do.
    pub documentation: &'static str,
    /// What of the audit policy it compares with.
    pub parameters: &'static [Parameter],
    /// The controls of the frameworks that this rule answers to.
    pub references: &'static [Control],
    /// The IAM actions of what it judges by, in order. One that no rule needs is not called: see
    /// [`crate::Needed`].
    pub reads: &'static [&'static str],
    /// Whether `remediate-s3-encryption` repairs its violations.
    pub remediable: bool,
    /// How a resource is judged.
    pub check: Check,
    /// The rule's source file.
    pub source: &'static str,
}

impl Rule {
    /// The service whose scan evaluates the rule.
    pub fn service(&self) -> Service {
        match self.check {
            Check::S3Account(_) | Check::S3Bucket(_) | Check::AccessPoint(_) | Check::DirectoryBucket(_) => Service::S3,
            Check::NetworkAccount(_)
            | Check::Vpc(_)
            | Check::SecurityGroup(_)
            | Check::NetworkAcl(_)
            | Check::Subnet(_)
            | Check::RouteTable(_)
            | Check::VpcEndpoint(_)
            | Check::EndpointService(_)
            | Check::PeeringConnection(_)
            | Check::ElasticIp(_)
            | Check::NetworkInterface(_)
            | Check::LaunchTemplate(_)
            | Check::VpnConnection(_)
            | Check::ClientVpnEndpoint(_)
            | Check::TransitGateway(_) => Service::Vpc,
            Check::Function(_) => Service::Lambda,
        }
    }

    /// Whether it is evaluated under the policy.
    pub fn is_on(&self, policy: &Policy) -> bool {
        self.off_under(policy).is_none()
    }

    /// Why it is not evaluated under the policy, where it is not: it is switched off itself, or all frameworks that it
    /// answers to are.
    pub fn off_under(&self, policy: &Policy) -> Option<&'static str> {
        if policy.rules.get(self.id).is_some_and(|tuned| !tuned.enabled) {
            return Some("the audit policy switches the rule off");
        }
        self.off_with(&policy.frameworks)
    }

    /// Why it is not evaluated as long as the audit policy switches nothing on, where it is not.
    pub fn off_by_default(&self) -> Option<&'static str> {
        self.off_with(&FrameworkPolicy::default())
    }

    fn off_with(&self, frameworks: &FrameworkPolicy) -> Option<&'static str> {
        let mut off = self.references.iter().map(|control| control.framework.off_with(frameworks));
        let first = off.next()??;
        off.all(|reason| reason.is_some()).then_some(first)
    }

    /// The controls that it answers to, by framework.
    pub fn controls(&self) -> Vec<(Framework, Vec<&'static str>)> {
        let of = |framework| self.references.iter().filter(move |control| control.framework == framework);
        Framework::ALL
            .into_iter()
            .map(|framework| (framework, of(framework).map(|control| control.id).collect()))
            .filter(|(_, ids): &(_, Vec<_>)| !ids.is_empty())
            .collect()
    }

    /// The severity of its violations under the policy.
    pub fn severity_under(&self, policy: &Policy) -> Severity {
        policy.rules.get(self.id).and_then(|tuned| tuned.severity).unwrap_or(self.severity)
    }
}

/// The catalogue as it is in force under a policy: what findings leave to their rules.
pub fn in_force(policy: &Policy) -> Rules {
    let in_force = |rule: &&Rule| RuleInForce {
        service: rule.service(),
        title: rule.title.into(),
        severity: rule.severity_under(policy),
        enabled: rule.is_on(policy),
        resource_type: rule.check.resource_type().into(),
        rationale: rule.rationale.into(),
        expected: rule.expected.into(),
        remediation: Guidance {
            text: rule.remediation.into(),
            console: rule.console.into(),
            cli: rule.cli.into(),
            url: rule.documentation.into(),
        },
        references: rule.references.iter().map(Into::into).collect(),
    };
    CATALOGUE.iter().map(|rule| (rule.id.to_owned(), in_force(rule))).collect()
}

/// A rule's judgement of a resource of type `R`. An error means that a reading the rule needs is missing.
pub(crate) type Evaluate<R> = fn(&R, &Policy) -> Result<Outcome, Unreadable>;

/// A resource of a type that rules judge.
pub(crate) trait Judged: Audited + Sized {
    /// How a rule judges resources of this type, if it does.
    fn evaluate(check: &Check) -> Option<Evaluate<Self>>;
}

macro_rules! judged {
    ($($resource:ty, $check:ident;)*) => {$(
        impl Judged for $resource {
            fn evaluate(check: &Check) -> Option<Evaluate<Self>> {
                match check {
                    Check::$check(evaluate) => Some(*evaluate),
                    _ => None,
                }
            }
        }
    )*};
}

judged! {
    S3Account, S3Account;
    Bucket, S3Bucket;
    AccessPoint, AccessPoint;
    DirectoryBucket, DirectoryBucket;
    SecurityGroup, SecurityGroup;
    NetworkAcl, NetworkAcl;
    Subnet, Subnet;
    RouteTable, RouteTable;
    VpcEndpoint, VpcEndpoint;
    EndpointService, EndpointService;
    PeeringConnection, PeeringConnection;
    ElasticIp, ElasticIp;
    NetworkInterface, NetworkInterface;
    LaunchTemplate, LaunchTemplate;
    VpnConnection, VpnConnection;
    ClientVpnEndpoint, ClientVpnEndpoint;
    TransitGateway, TransitGateway;
    Function, Function;
}

/// How a rule judges, by the type of resource it judges.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Judges the account's own settings in S3.
    S3Account(Evaluate<S3Account>),
    /// Judges every S3 general purpose bucket.
    S3Bucket(Evaluate<Bucket>),
    /// Judges every S3 access point.
    AccessPoint(Evaluate<AccessPoint>),
    /// Judges every S3 directory bucket.
    DirectoryBucket(Evaluate<DirectoryBucket>),
    /// Judges the account's own settings of the region's network.
    NetworkAccount(Evaluate<NetworkAccount>),
    /// Judges every VPC.
    Vpc(Evaluate<Vpc>),
    /// Judges every security group of every VPC.
    SecurityGroup(Evaluate<SecurityGroup>),
    /// Judges every network ACL of every VPC.
    NetworkAcl(Evaluate<NetworkAcl>),
    /// Judges every subnet of every VPC.
    Subnet(Evaluate<Subnet>),
    /// Judges every route table of every VPC.
    RouteTable(Evaluate<RouteTable>),
    /// Judges every endpoint in every VPC.
    VpcEndpoint(Evaluate<VpcEndpoint>),
    /// Judges every endpoint service that the account offers.
    EndpointService(Evaluate<EndpointService>),
    /// Judges every peering connection of the account's VPCs.
    PeeringConnection(Evaluate<PeeringConnection>),
    /// Judges every Elastic IP address of the account.
    ElasticIp(Evaluate<ElasticIp>),
    /// Judges every network interface of the account that users manage.
    NetworkInterface(Evaluate<NetworkInterface>),
    /// Judges every launch template of the account.
    LaunchTemplate(Evaluate<LaunchTemplate>),
    /// Judges every Site-to-Site VPN connection of the account.
    VpnConnection(Evaluate<VpnConnection>),
    /// Judges every Client VPN endpoint of the account.
    ClientVpnEndpoint(Evaluate<ClientVpnEndpoint>),
    /// Judges every transit gateway that the account owns.
    TransitGateway(Evaluate<TransitGateway>),
    /// Judges every Lambda function.
    Function(Evaluate<Function>),
}

impl Check {
    /// CloudFormation's name of the type of resource that is judged.
    pub const fn resource_type(&self) -> &'static str {
        match self {
            Self::S3Account(_) => S3Account::TYPE,
            Self::S3Bucket(_) => Bucket::TYPE,
            Self::AccessPoint(_) => AccessPoint::TYPE,
            Self::DirectoryBucket(_) => DirectoryBucket::TYPE,
            Self::NetworkAccount(_) => NetworkAccount::TYPE,
            Self::Vpc(_) => Vpc::TYPE,
            Self::SecurityGroup(_) => SecurityGroup::TYPE,
            Self::NetworkAcl(_) => NetworkAcl::TYPE,
            Self::Subnet(_) => Subnet::TYPE,
            Self::RouteTable(_) => RouteTable::TYPE,
            Self::VpcEndpoint(_) => VpcEndpoint::TYPE,
            Self::EndpointService(_) => EndpointService::TYPE,
            Self::PeeringConnection(_) => PeeringConnection::TYPE,
            Self::ElasticIp(_) => ElasticIp::TYPE,
            Self::NetworkInterface(_) => NetworkInterface::TYPE,
            Self::LaunchTemplate(_) => LaunchTemplate::TYPE,
            Self::VpnConnection(_) => VpnConnection::TYPE,
            Self::ClientVpnEndpoint(_) => ClientVpnEndpoint::TYPE,
            Self::TransitGateway(_) => TransitGateway::TYPE,
            Self::Function(_) => Function::TYPE,
        }
    }

    /// CloudFormation's name of the type that the judged resources hang on and are read with; `None` for those that are
    /// listed themselves.
    pub const fn parent_type(&self) -> Option<&'static str> {
        match self {
            Self::SecurityGroup(_)
            | Self::NetworkAcl(_)
            | Self::Subnet(_)
            | Self::RouteTable(_)
            | Self::VpcEndpoint(_) => Some(Vpc::TYPE),
            Self::EndpointService(_)
            | Self::PeeringConnection(_)
            | Self::ElasticIp(_)
            | Self::NetworkInterface(_)
            | Self::LaunchTemplate(_)
            | Self::VpnConnection(_)
            | Self::ClientVpnEndpoint(_)
            | Self::TransitGateway(_) => Some(NetworkAccount::TYPE),
            Self::S3Account(_)
            | Self::S3Bucket(_)
            | Self::AccessPoint(_)
            | Self::DirectoryBucket(_)
            | Self::NetworkAccount(_)
            | Self::Vpc(_)
            | Self::Function(_) => None,
        }
    }
}

/// A rule's verdict on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The resource is as the rule demands.
    Compliant {
        /// What was observed; never a secret.
        observed: Cow<'static, str>,
    },
    /// It is not.
    NonCompliant {
        /// What was observed; never a secret.
        observed: Cow<'static, str>,
    },
    /// The rule has nothing to say about this resource.
    NotApplicable {
        /// Why not.
        why: Cow<'static, str>,
    },
    /// What the verdict hangs on could not be read.
    InsufficientData {
        /// Each reading that is missing.
        missing: Vec<Unreadable>,
    },
}

impl Outcome {
    /// A pass.
    pub fn compliant(observed: impl Into<Cow<'static, str>>) -> Self {
        Self::Compliant { observed: observed.into() }
    }

    /// A violation.
    pub fn non_compliant(observed: impl Into<Cow<'static, str>>) -> Self {
        Self::NonCompliant { observed: observed.into() }
    }

    /// Nothing to judge.
    pub fn not_applicable(why: impl Into<Cow<'static, str>>) -> Self {
        Self::NotApplicable { why: why.into() }
    }

    /// No verdict, for want of these readings.
    pub fn insufficient_data(missing: Vec<Unreadable>) -> Self {
        Self::InsufficientData { missing }
    }
}
