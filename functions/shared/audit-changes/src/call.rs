//! What a row of the table says.

use audit_model::Service;

/// So many resources of a list are told apart; of a call that names more, the whole service is looked at. An event has to
/// stay small: a hundred of them start one execution, whose input is limited.
pub(crate) const LISTED: usize = 5;

/// A call that can change a verdict.
#[derive(Debug)]
pub(crate) struct Call {
    /// The service that takes it.
    pub(crate) source: Source,
    /// `CloudTrail`'s `eventName`. Those of AWS Lambda often end with the version of its API.
    pub(crate) name: &'static str,
    /// The `EventBridge` rule that delivers it.
    #[cfg_attr(not(test), expect(dead_code, reason = "the rules' patterns are written from the table by a test"))]
    pub(crate) rule: Rule,
    /// What it names, and where.
    pub(crate) names: Names,
    /// What has to be looked at.
    pub(crate) reach: Reach,
    /// What it can change, by the names of the type and field in `audit_model::resource`.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares it with all readings that there are"))]
    pub(crate) readings: &'static [&'static str],
}

/// The services whose calls count, as `CloudTrail`'s `eventSource` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Amazon S3 and S3 Control.
    S3,
    /// Directory buckets.
    S3Express,
    /// Amazon EC2, Amazon VPC with it.
    Ec2,
    /// AWS Lambda.
    Lambda,
    /// AWS `CloudTrail`.
    CloudTrail,
}

impl Source {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::S3, Self::S3Express, Self::Ec2, Self::Lambda, Self::CloudTrail];

    /// The name in `eventSource`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3.amazonaws.com",
            Self::S3Express => "s3express.amazonaws.com",
            Self::Ec2 => "ec2.amazonaws.com",
            Self::Lambda => "lambda.amazonaws.com",
            Self::CloudTrail => "cloudtrail.amazonaws.com",
        }
    }

    /// The audited service whose scan reads what these calls change.
    pub(crate) const fn service(self) -> Service {
        match self {
            Self::S3 | Self::S3Express | Self::CloudTrail => Service::S3,
            Self::Ec2 => Service::Vpc,
            Self::Lambda => Service::Lambda,
        }
    }
}

/// The `EventBridge` rules. Several, for a pattern has at most 2,048 characters, and an input transformer 100 paths:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Buckets, access points and the account's own settings.
    S3,
    /// Directory buckets.
    DirectoryBuckets,
    /// Trails of `CloudTrail`.
    Trails,
    /// Security groups, network ACLs and prefix lists: what filters traffic.
    Filters,
    /// VPCs, subnets, route tables, endpoints and flow logs.
    Networks,
    /// What the account has in its network outside of VPCs.
    Connections,
    /// Tags in EC2: of everything, instances and volumes as well, which the pattern leaves out.
    NetworkTags,
    /// Lambda functions.
    Lambda,
}

/// What has to be looked at after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What the call names.
    Named,
    /// Nothing: what the call names is no more.
    Deleted,
    /// What the call names is no more, and what it belonged to, which the call does not name, is another without it.
    DeletedFromUnnamed,
    /// What the service has of its own, outside of any other resource.
    Account,
    /// Every resource of the service: any of them may be concerned.
    Service,
}

/// What a call names, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Names {
    /// Nothing that would matter.
    Nothing,
    /// A general purpose bucket.
    Bucket,
    /// A directory bucket.
    DirectoryBucket,
    /// An access point.
    AccessPoint,
    /// Anything of S3's, by its ARN; only buckets matter.
    S3Arn,
    /// A function, and perhaps one of its versions or aliases.
    Function,
    /// Anything of AWS Lambda's, by its ARN; only functions matter.
    LambdaArn,
    /// Resources of EC2, whose ids tell what they are.
    Ec2 {
        /// Where their ids may be.
        places: &'static [Place],
        /// The kinds that matter.
        kinds: &'static [Kind],
        /// Whether a call that names only other kinds is one to leave alone; else it is not understood.
        may_name_others: bool,
    },
}

/// Where in the event of a call of EC2 an id may be.
///
/// `CloudTrail` writes the parameters of EC2's older calls flat and in camel case; those of newer ones it wraps, in the
/// case of the API reference: `requestParameters.groupId`, but
/// `requestParameters.ModifySecurityGroupRulesRequest.GroupId`, and so for answers. No document says which calls are which:
/// both forms are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// A parameter of the request, in camel case.
    Request(&'static str),
    /// An element of the answer, in camel case.
    Response(&'static str),
    /// A list in the request: the element of the flat form that holds the items, and the parameter's name in an item and in
    /// the wrapped form, both in camel case.
    List(&'static str, &'static str),
}

impl Call {
    /// Where the event may name what the call is about, as paths from the event's root.
    pub(crate) fn paths(&self) -> Vec<String> {
        let request = |parameter: &str| format!("detail.requestParameters.{parameter}");
        let resources = || (0..2).map(|index| format!("detail.resources[{index}].ARN"));
        match self.names {
            Names::Nothing => Vec::new(),
            Names::Bucket | Names::DirectoryBucket => vec![request("bucketName")],
            Names::AccessPoint => [request("name")].into_iter().chain(resources()).collect(),
            Names::S3Arn => vec![request("resourceArn")],
            Names::Function => vec![request("functionName"), request("qualifier")],
            Names::LambdaArn => vec![request("resource")],
            Names::Ec2 { places, .. } => places.iter().flat_map(|place| place.paths(self.name)).collect(),
        }
    }
}

impl Place {
    fn paths(self, call: &str) -> Vec<String> {
        let wrapped = |parameter: &str| format!("detail.requestParameters.{call}Request.{}", capitalized(parameter));
        match self {
            Self::Request(parameter) => vec![format!("detail.requestParameters.{parameter}"), wrapped(parameter)],
            Self::Response(element) => vec![
                format!("detail.responseElements.{element}"),
                format!("detail.responseElements.{call}Response.{element}"),
            ],
            // One item is an object in the wrapped form, several are a list.
            Self::List(set, parameter) => [format!("{}.content", wrapped(parameter))]
                .into_iter()
                .chain((0..=LISTED).map(|index| format!("{}[{index}].content", wrapped(parameter))))
                .chain((0..=LISTED).map(|index| format!("detail.requestParameters.{set}.items[{index}].{parameter}")))
                .collect(),
        }
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

macro_rules! kinds {
    ($($kind:ident $prefix:literal $resource:literal $doc:literal;)*) => {
        /// The kinds of resources of EC2 that findings are about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $(#[doc = $doc] $kind,)*
        }

        impl Kind {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind),*];

            /// What the ids begin with.
            pub(crate) const fn prefix(self) -> &'static str {
                match self { $(Self::$kind => $prefix,)* }
            }

            /// What stands before the id in the ARN.
            pub(crate) const fn in_arn(self) -> &'static str {
                match self { $(Self::$kind => $resource,)* }
            }
        }
    };
}

kinds! {
    Vpc "vpc-" "vpc" "A VPC.";
    SecurityGroup "sg-" "security-group" "A security group.";
    NetworkAcl "acl-" "network-acl" "A network ACL.";
    Subnet "subnet-" "subnet" "A subnet.";
    RouteTable "rtb-" "route-table" "A route table.";
    VpcEndpoint "vpce-" "vpc-endpoint" "A VPC endpoint.";
    EndpointService "vpce-svc-" "vpc-endpoint-service" "An endpoint service.";
    PeeringConnection "pcx-" "vpc-peering-connection" "A VPC peering connection.";
    ElasticIp "eipalloc-" "elastic-ip" "An Elastic IP address.";
    NetworkInterface "eni-" "network-interface" "A network interface.";
    LaunchTemplate "lt-" "launch-template" "A launch template.";
    VpnConnection "vpn-" "vpn-connection" "A Site-to-Site VPN connection.";
    ClientVpnEndpoint "cvpn-endpoint-" "client-vpn-endpoint" "A Client VPN endpoint.";
    TransitGateway "tgw-" "transit-gateway" "A transit gateway.";
}
