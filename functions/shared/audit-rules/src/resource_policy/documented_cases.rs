//! Cases from AWS's documentation, or reasoned from what it says, each with the page it comes from.

use Verdict::{NotPublic, Public, Undecided};

use super::*;

/// What a case must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    NotPublic,
    Undecided,
    Public,
}

struct Case {
    /// The page, with the section.
    source: &'static str,
    statements: String,
    expected: Verdict,
}

const PUBLIC_MEANING: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status";
const BUCKET_EXAMPLES: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html";
const VPC_EXAMPLES: &str =
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies-vpc-endpoint.html";
const ACCESS_POINTS: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html";
const OPERATORS: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html";
const IF_EXISTS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists";
const NULL: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null";
const ARN_OPERATORS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN";
const SEVERAL: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html";
const SETS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html";
const KEYS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html";
const VARIABLES: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html";
const DATES: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws-dates.html";
const PRINCIPAL: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html";
const NOT_PRINCIPAL: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html";
const NOT_ACTION: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html";
const NOT_RESOURCE: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html";
const RESOURCE: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html";
const ACTION: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html";
const EVALUATION: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html";
const PERIMETER: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html";
const ANALYZER: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-concepts.html";
const LAMBDA_CONFIG: &str =
    "https://docs.aws.amazon.com/config/latest/developerguide/lambda-function-public-access-prohibited.html";
const LAMBDA_POLICY: &str = "https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html";
const LAMBDA_URLS: &str = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";
const ENDPOINT_POLICY: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html";
const S3_ENDPOINT: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html";

/// Everybody may get the bucket's objects under a condition.
fn get_if(source: &'static str, condition: &str, expected: Verdict) -> Case {
    allow(source, &format!(r#""Principal":"*","Condition":{condition}"#), expected)
}

/// Some may get the bucket's objects.
fn allow(source: &'static str, who: &str, expected: Verdict) -> Case {
    let statements = format!(
        r#"{{"Effect":"Allow",{who},"Action":"s3:GetObject","Resource":"arn:aws:s3:::amzn-s3-demo-bucket/*"}}"#
    );
    Case { source, statements, expected }
}

/// Everybody may do everything, but for these members of a Deny, or for several such.
fn all_but(source: &'static str, denials: &[&str], expected: Verdict) -> Case {
    let denials: String = denials.iter().map(|members| format!(r#",{{"Effect":"Deny",{members}}}"#)).collect();
    let all = r#"{"Effect":"Allow","Principal":"*","Action":"s3:*",
        "Resource":["arn:aws:s3:::amzn-s3-demo-bucket","arn:aws:s3:::amzn-s3-demo-bucket/*"]}"#;
    Case { source, statements: format!("{all}{denials}"), expected }
}

/// Everybody may do everything, but nobody under a condition.
fn deny_if(source: &'static str, condition: &str, expected: Verdict) -> Case {
    all_but(source, &[&format!(r#"{EVERYTHING},"Condition":{condition}"#)], expected)
}

/// The members of a statement on everybody, every action, and all of the bucket.
const EVERYTHING: &str = r#""Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::amzn-s3-demo-bucket",
    "arn:aws:s3:::amzn-s3-demo-bucket/*"]"#;

/// Everybody may put objects into one folder.
const INCOMING: &str = r#"{"Effect":"Allow","Principal":"*","Action":"s3:PutObject",
    "Resource":"arn:aws:s3:::amzn-s3-demo-bucket/incoming/*"}"#;

fn whole(source: &'static str, statements: &str, expected: Verdict) -> Case {
    Case { source, statements: statements.to_owned(), expected }
}

/// Which values of which keys narrow, and which principals are fixed.
fn meaning_of_public() -> Vec<Case> {
    vec![
        // The examples of the page.
        whole(
            PUBLIC_MEANING,
            r#"{"Principal":{"Federated":"graph.facebook.com"},"Resource":"*","Action":"s3:PutObject",
               "Effect":"Allow"}"#,
            Public,
        ),
        whole(PUBLIC_MEANING, r#"{"Principal":"*","Resource":"*","Action":"s3:PutObject","Effect":"Allow"}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}}"#, Public),
        get_if(
            PUBLIC_MEANING,
            r#"{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:123456789012:accesspoint/*"}}"#,
            NotPublic,
        ),
        whole(
            PUBLIC_MEANING,
            r#"{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject",
               "Resource":"*"},
               {"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:GetObject","Resource":"*"}"#,
            NotPublic,
        ),
        // The same with the third statement, "which renders the entire policy public".
        whole(
            PUBLIC_MEANING,
            r#"{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject",
               "Resource":"*"},
               {"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:GetObject","Resource":"*"},
               {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}"#,
            Public,
        ),
        // Each key of the list with a fixed value, and with another one.
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::amzn-s3-demo-source"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"StringLike":{"aws:SourceVpce":"vpce-1a2b????"}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"aws:SourceOwner":"111122223333"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"StringLike":{"aws:SourceAccount":"1111*"}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"aws:userid":"AIDACKCEVSQ6C2EXAMPLE"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"StringLike":{"aws:userid":"AROADBQP57FF2AEXAMPLE:*"}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"s3:DataAccessPointAccount":"123456789012"}}"#, NotPublic),
        get_if(
            PUBLIC_MEANING,
            r#"{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:*:accesspoint/mine"}}"#,
            Public,
        ),
        get_if(
            PUBLIC_MEANING,
            r#"{"StringEquals":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:123456789012:accesspoint/mine"}}"#,
            NotPublic,
        ),
        // Older editions list this key, the newest one does not.
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"s3:x-amz-server-side-encryption-aws-kms-key-id":"k"}}"#, Undecided),
        // Ranges: /8 and /32 are the limits, RFC 1918 is none, pieces make the whole.
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":"54.0.0.0/8"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":"54.0.0.0/7"}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":["54.0.0.0/8","55.0.0.0/8"]}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","11.0.0.0/8"]}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":["192.168.0.0/16","0.0.0.0/0"]}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}"#, NotPublic),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":"2001:db8::/31"}}"#, Public),
        get_if(PUBLIC_MEANING, r#"{"IpAddress":{"aws:SourceIp":"somewhere"}}"#, Undecided),
        // A policy variable is no fixed value.
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"aws:SourceAccount":"${aws:PrincipalAccount}"}}"#, Public),
        // One value with a wildcard among fixed ones: it grants to more than fixed values.
        get_if(PUBLIC_MEANING, r#"{"StringLike":{"aws:SourceVpce":["vpce-1a2b3c4d","*"]}}"#, Public),
        // "Anyone" and "one account" are two grants.
        allow(PUBLIC_MEANING, r#""Principal":{"AWS":["111122223333","*"]}"#, Public),
        // What the page does not name, though it could shut out strangers.
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#, Undecided),
        get_if(PUBLIC_MEANING, r#"{"StringEquals":{"s3:AccessPointNetworkOrigin":"VPC"}}"#, Undecided),
        get_if(PUBLIC_MEANING, r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}"#, Undecided),
        get_if(PUBLIC_MEANING, r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin"}}"#, Public),
    ]
}

fn buckets() -> Vec<Case> {
    vec![
        whole(
            BUCKET_EXAMPLES,
            r#"{"Sid":"AddCannedAcl","Effect":"Allow",
                "Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::444455556666:root"]},
                "Action":["s3:PutObject","s3:PutObjectAcl"],"Resource":"arn:aws:s3:::amzn-s3-demo-bucket/*",
                "Condition":{"StringEquals":{"s3:x-amz-acl":["public-read"]}}}"#,
            NotPublic,
        ),
        whole(
            BUCKET_EXAMPLES,
            r#"{"Sid":"PublicRead","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:GetObjectVersion"],
                "Resource":["arn:aws:s3:::amzn-s3-demo-bucket/*"]}"#,
            Public,
        ),
        deny_if(BUCKET_EXAMPLES, r#"{"NotIpAddress":{"aws:SourceIp":"54.240.143.0/24"}}"#, NotPublic),
        get_if(
            BUCKET_EXAMPLES,
            r#"{"IpAddress":{"aws:SourceIp":["54.240.143.0/24","2001:DB8:1234:5678::/64"]},
                "NotIpAddress":{"aws:SourceIp":["54.240.143.128/30","2001:DB8:1234:5678:ABCD::/80"]}}"#,
            NotPublic,
        ),
        get_if(BUCKET_EXAMPLES, r#"{"StringLike":{"aws:Referer":["http://www.example.com/*"]}}"#, Public),
        deny_if(BUCKET_EXAMPLES, r#"{"StringNotLike":{"aws:Referer":["http://www.example.com/*"]}}"#, Public),
        allow(
            BUCKET_EXAMPLES,
            r#""Principal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC"}"#,
            NotPublic,
        ),
        // Any folder but the one that needs MFA.
        all_but(
            BUCKET_EXAMPLES,
            &[r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::amzn-s3-demo-bucket/taxdocuments/*",
                "Condition":{"Null":{"aws:MultiFactorAuthAge":true}}"#],
            Public,
        ),
        // MFA of whose account?
        deny_if(BUCKET_EXAMPLES, r#"{"Null":{"aws:MultiFactorAuthAge":true}}"#, Undecided),
        deny_if(BUCKET_EXAMPLES, r#"{"Bool":{"aws:SecureTransport":"false"}}"#, Public),
        deny_if(BUCKET_EXAMPLES, r#"{"NumericLessThan":{"s3:TlsVersion":1.2}}"#, Public),
        deny_if(BUCKET_EXAMPLES, r#"{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}"#, Public),
        deny_if(BUCKET_EXAMPLES, r#"{"StringNotEquals":{"aws:SecureTransport":"true"}}"#, Public),
        deny_if(BUCKET_EXAMPLES, r#"{"StringEquals":{"aws:SecureTransport":["true","false"]}}"#, Undecided),
        // Nobody gets in over TLS, and those without it may be denied elsewhere.
        deny_if(BUCKET_EXAMPLES, r#"{"Bool":{"aws:SecureTransport":"true"}}"#, Undecided),
        allow(
            BUCKET_EXAMPLES,
            r#""Principal":{"Service":"logging.s3.amazonaws.com"},
               "Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::amzn-s3-demo-source"}}"#,
            NotPublic,
        ),
        deny_if(VPC_EXAMPLES, r#"{"StringNotEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#, NotPublic),
        deny_if(VPC_EXAMPLES, r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-111bbb22"}}"#, NotPublic),
        deny_if(VPC_EXAMPLES, r#"{"StringNotEquals":{"aws:SourceVpce":["vpce-1111111","vpce-2222222"]}}"#, NotPublic),
        deny_if(VPC_EXAMPLES, r#"{"StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#, Public),
        deny_if(VPC_EXAMPLES, r#"{"StringNotLike":{"aws:SourceVpce":"vpce-*"}}"#, Public),
        get_if(ACCESS_POINTS, r#"{"StringEquals":{"s3:DataAccessPointAccount":"111122223333"}}"#, NotPublic),
        allow(ACCESS_POINTS, r#""Principal":{"AWS":"arn:aws:iam::123456789012:user/Jane"}"#, NotPublic),
    ]
}

fn operators() -> Vec<Case> {
    vec![
        // A negated operator is passed by everybody but a few, and by those without the key.
        get_if(OPERATORS, r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-91237329"}}"#, Public),
        get_if(OPERATORS, r#"{"StringNotLike":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#, Public),
        get_if(OPERATORS, r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, Public),
        get_if(OPERATORS, r#"{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}"#, NotPublic),
        get_if(OPERATORS, r#"{"StringEqualsIgnoreCase":{"aws:PrincipalOrgID":"O-A1B2C3D4E5"}}"#, NotPublic),
        // Exact matching: the star is a mere star, by these words; by Amazon S3's it is a wildcard.
        get_if(OPERATORS, r#"{"StringEquals":{"aws:SourceVpc":"vpc-*"}}"#, Undecided),
        get_if(OPERATORS, r#"{"NumericEquals":{"aws:SourceAccount":"111122223333"}}"#, Undecided),
        get_if(OPERATORS, r#"{"StringMatches":{"aws:SourceVpc":"vpc-91237329"}}"#, Undecided),
        get_if(OPERATORS, r#"{"stringequals":{"AWS:SOURCEVPC":"vpc-91237329"}}"#, NotPublic),
        get_if(OPERATORS, r#"{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}"#, Public),
        // Whether the time has come depends on when one asks.
        deny_if(OPERATORS, r#"{"DateGreaterThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}"#, Undecided),
        // A period, as the page's example has it: two operators on one key.
        get_if(
            DATES,
            r#"{"DateGreaterThan":{"aws:CurrentTime":"2020-04-01T00:00:00Z"},
               "DateLessThan":{"aws:CurrentTime":"2020-06-30T23:59:59Z"}}"#,
            Public,
        ),
        get_if(
            DATES,
            r#"{"DateGreaterThan":{"aws:CurrentTime":"2020-04-01T00:00:00Z"},
               "DateLessThan":{"aws:CurrentTime":"2020-06-30T23:59:59Z"},
               "StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#,
            NotPublic,
        ),
        deny_if(
            DATES,
            r#"{"DateGreaterThan":{"aws:CurrentTime":"2020-04-01T00:00:00Z"},
               "DateLessThan":{"aws:CurrentTime":"2020-06-30T23:59:59Z"}}"#,
            Undecided,
        ),
        get_if(
            OPERATORS,
            r#"{"NumericGreaterThanEquals":{"s3:max-keys":"1"},"NumericLessThanEquals":{"s3:max-keys":"10"}}"#,
            Public,
        ),
        get_if(
            OPERATORS,
            r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1"},"StringEqualsIgnoreCase":{"aws:PrincipalOrgID":"O-A1"}}"#,
            NotPublic,
        ),
        get_if(
            ARN_OPERATORS,
            r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012:topic"}}"#,
            NotPublic,
        ),
        // Both behave identically, wildcards included.
        get_if(ARN_OPERATORS, r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:*:topic"}}"#, Public),
        get_if(ARN_OPERATORS, r#"{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:*:topic"}}"#, Public),
        deny_if(
            ARN_OPERATORS,
            r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/reader"}}"#,
            NotPublic,
        ),
        deny_if(ARN_OPERATORS, r#"{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/reader"}}"#, Public),
        get_if(IF_EXISTS, r#"{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-91237329"}}"#, Public),
        get_if(IF_EXISTS, r#"{"IpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"}}"#, Public),
        // The example of the page: one of the two keys is always missing.
        get_if(
            IF_EXISTS,
            r#"{"IpAddressIfExists":{"aws:SourceIp":["203.0.113.0/24"]},
               "StringEqualsIfExists":{"aws:SourceVpc":["vpc-1"]}}"#,
            Public,
        ),
        // "The request is still denied even if the key is missing."
        deny_if(IF_EXISTS, r#"{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#, NotPublic),
        deny_if(IF_EXISTS, r#"{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#, Public),
        get_if(NULL, r#"{"Null":{"aws:SourceVpc":"false"}}"#, Public),
        get_if(NULL, r#"{"Null":{"aws:PrincipalOrgID":"true"}}"#, Public),
        // With the key demanded, `IfExists` has nothing to let pass.
        get_if(
            NULL,
            r#"{"Null":{"aws:SourceVpc":"false"},"StringEqualsIfExists":{"aws:SourceVpc":"vpc-91237329"}}"#,
            NotPublic,
        ),
        deny_if(NULL, r#"{"Null":{"aws:SourceVpce":"true"}}"#, Public),
        get_if(NULL, r#"{"NullIfExists":{"aws:SourceVpc":"false"}}"#, Undecided),
        // Conditions are ANDed, values are ORed, and the values of a negated operator are NORed.
        get_if(
            SEVERAL,
            r#"{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#,
            NotPublic,
        ),
        get_if(SEVERAL, r#"{"StringEquals":{"aws:SourceVpc":["vpc-1","vpc-2"],"aws:PrincipalTag/a":"b"}}"#, NotPublic),
        deny_if(
            SEVERAL,
            r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1","aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#,
            NotPublic,
        ),
        deny_if(
            SEVERAL,
            r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"},"Bool":{"aws:SecureTransport":"false"}}"#,
            Public,
        ),
        deny_if(SEVERAL, r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1","aws:PrincipalTag/team":"red"}}"#, Undecided),
        // Set operators.
        get_if(SETS, r#"{"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"o-a1/r-b1/ou-c1/"}}"#, NotPublic),
        get_if(SETS, r#"{"ForAllValues:StringEquals":{"aws:PrincipalOrgPaths":"o-a1/r-b1/ou-c1/"}}"#, Public),
        get_if(
            SETS,
            r#"{"ForAllValues:StringEquals":{"aws:PrincipalOrgPaths":"o-a1/r-b1/"},
               "Null":{"aws:PrincipalOrgPaths":"false"}}"#,
            NotPublic,
        ),
        get_if(SETS, r#"{"StringEquals":{"aws:PrincipalOrgPaths":"o-a1/r-b1/ou-c1/"}}"#, Undecided),
        get_if(SETS, r#"{"ForAnyValue:StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#, NotPublic),
        get_if(SETS, r#"{"ForAllValues:StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#, Public),
        deny_if(SETS, r#"{"ForAllValues:StringNotEquals":{"aws:PrincipalOrgPaths":"o-a1/r-b1/"}}"#, NotPublic),
        // Without the key this Deny does not apply, and everybody can be without it.
        deny_if(SETS, r#"{"ForAnyValue:StringNotEquals":{"aws:PrincipalOrgPaths":"o-a1/r-b1/"}}"#, Public),
        get_if(SETS, r#"{"ForSomeValues:StringEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#, Undecided),
    ]
}

fn keys() -> Vec<Case> {
    vec![
        get_if(KEYS, r#"{"StringEquals":{"aws:PrincipalAccount":"123456789012"}}"#, NotPublic),
        deny_if(KEYS, r#"{"StringNotEquals":{"aws:PrincipalAccount":["123456789012"]}}"#, NotPublic),
        // What the key says of those who ask without a name.
        get_if(KEYS, r#"{"StringEquals":{"aws:PrincipalAccount":"anonymous"}}"#, Public),
        deny_if(KEYS, r#"{"StringNotEquals":{"aws:PrincipalAccount":["123456789012","anonymous"]}}"#, Public),
        // The key is in every request: `IfExists` makes no difference, but is it still a fixed value?
        get_if(KEYS, r#"{"StringEqualsIfExists":{"aws:PrincipalAccount":"123456789012"}}"#, Undecided),
        get_if(KEYS, r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/role-name"}}"#, NotPublic),
        get_if(KEYS, r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":["o-a1b2c3d4e5/*"]}}"#, Undecided),
        get_if(KEYS, r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":["o-*/r-ab12/*"]}}"#, Public),
        get_if(KEYS, r#"{"StringEquals":{"aws:PrincipalServiceName":"cloudtrail.amazonaws.com"}}"#, NotPublic),
        get_if(
            KEYS,
            r#"{"ForAnyValue:StringEquals":{"aws:PrincipalServiceNamesList":"s3.us-east-1.amazonaws.com"}}"#,
            NotPublic,
        ),
        // "This key is included in the request context for all requests": a set operator, or the question whether the key
        // is missing, changes nothing; but is it still a fixed value?
        deny_if(KEYS, r#"{"ForAnyValue:StringNotEquals":{"aws:PrincipalAccount":"123456789012"}}"#, Undecided),
        deny_if(KEYS, r#"{"Null":{"aws:PrincipalAccount":"false"}}"#, Undecided),
        get_if(KEYS, r#"{"Null":{"aws:CurrentTime":"true"}}"#, Undecided),
        // Whoever has the key, with a value that no pattern matches: that may be nobody.
        get_if(KEYS, r#"{"ForAnyValue:StringNotLike":{"aws:PrincipalOrgID":"*"}}"#, Undecided),
        get_if(KEYS, r#"{"StringNotLike":{"aws:PrincipalOrgID":"*"}}"#, Public),
        // Services, yes, but on whose behalf?
        get_if(KEYS, r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#, Undecided),
        get_if(KEYS, r#"{"Bool":{"aws:PrincipalIsAWSService":"false"}}"#, Public),
        get_if(KEYS, r#"{"ForAnyValue:StringNotEquals":{"aws:PrincipalIsAWSService":"false"}}"#, Undecided),
        get_if(OPERATORS, r#"{"StringEquals":{"aws:SourceVpc":[]}}"#, Undecided),
        // The example of the key: one VPC, or any service.
        deny_if(
            KEYS,
            r#"{"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-111bbb22"},
               "BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}"#,
            Undecided,
        ),
        // "Anonymous requests do not include this key", so that they are not denied.
        deny_if(
            KEYS,
            r#"{"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-111bbb22"},
               "Bool":{"aws:PrincipalIsAWSService":"false"}}"#,
            Public,
        ),
        // The example of the key: one VPC, or one service.
        deny_if(
            KEYS,
            r#"{"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-111bbb22",
               "aws:PrincipalServiceName":"cloudtrail.amazonaws.com"}}"#,
            NotPublic,
        ),
        get_if(KEYS, r#"{"StringEquals":{"aws:SourceOrgID":"o-a1b2c3d4e5"}}"#, NotPublic),
        get_if(KEYS, r#"{"ForAnyValue:StringEquals":{"aws:SourceOrgPaths":"o-a1/r-b1/"}}"#, NotPublic),
        get_if(KEYS, r#"{"StringEquals":{"aws:VpceAccount":"111122223333"}}"#, NotPublic),
        get_if(KEYS, r#"{"StringEquals":{"aws:VpceOrgID":"o-a1b2c3d4e5"}}"#, NotPublic),
        get_if(KEYS, r#"{"ForAnyValue:StringLike":{"aws:VpceOrgPaths":"o-a1b2c3d4e5/r-b1/*"}}"#, Undecided),
        // The example of the key: a wildcard for the account, and the id of one VPC.
        deny_if(KEYS, r#"{"ArnNotEquals":{"aws:SourceVpcArn":"arn:aws:ec2:us-east-1:*:vpc/vpc-1a2b3c4d"}}"#, Undecided),
        deny_if(KEYS, r#"{"ArnNotLike":{"aws:SourceVpcArn":"arn:aws:ec2:us-east-1:*:vpc/*"}}"#, Public),
        // "Private IP addresses are not unique": whose VPC?
        get_if(KEYS, r#"{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/24"}}"#, Undecided),
        get_if(KEYS, r#"{"StringEquals":{"aws:ResourceAccount":"111122223333"}}"#, Public),
        get_if(KEYS, r#"{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#, Public),
        get_if(KEYS, r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#, Undecided),
        get_if(VARIABLES, r#"{"StringEquals":{"aws:userid":"${*}"}}"#, NotPublic),
        get_if(VARIABLES, r#"{"StringLike":{"aws:userid":"${aws:userid}"}}"#, Public),
        // Over TLS they may all the same.
        all_but(
            VARIABLES,
            &[r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::amzn-s3-demo-bucket/${aws:username}*",
                "Condition":{"Bool":{"aws:SecureTransport":"false"}}"#],
            Public,
        ),
        deny_if(VARIABLES, r#"{"StringNotEquals":{"aws:PrincipalOrgID":"${aws:resourceorgid}"}}"#, Undecided),
        // An object outside of all folders is nobody's home.
        all_but(
            VARIABLES,
            &[r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::amzn-s3-demo-bucket/${aws:username}/*""#],
            Public,
        ),
        // All that is left is what does not begin with the name of who asks, if they have one.
        all_but(
            VARIABLES,
            &[r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::amzn-s3-demo-bucket/${aws:username}*""#],
            Undecided,
        ),
    ]
}

fn principals() -> Vec<Case> {
    vec![
        allow(PRINCIPAL, r#""Principal":{"AWS":"*"}"#, Public),
        allow(PRINCIPAL, r#""Principal":{"AWS":["123456789012","555555555555"]}"#, NotPublic),
        allow(PRINCIPAL, r#""Principal":{"AWS":"arn:aws:iam::123456789012:root"}"#, NotPublic),
        allow(
            PRINCIPAL,
            r#""Principal":{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#,
            NotPublic,
        ),
        allow(
            PRINCIPAL,
            r#""Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/role-name/session"}"#,
            NotPublic,
        ),
        allow(PRINCIPAL, r#""Principal":{"Federated":"accounts.google.com"}"#, Public),
        allow(PRINCIPAL, r#""Principal":{"Federated":"cognito-identity.amazonaws.com"}"#, Public),
        allow(PRINCIPAL, r#""Principal":{"Federated":"arn:aws:iam::123456789012:saml-provider/name"}"#, NotPublic),
        allow(
            PRINCIPAL,
            r#""Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/example.com"}"#,
            Undecided,
        ),
        allow(
            PRINCIPAL,
            r#""Principal":{"Service":["ecs.amazonaws.com","elasticloadbalancing.amazonaws.com"]}"#,
            NotPublic,
        ),
        // AWS takes no wildcard within a name; were there one, it would be no fixed value.
        allow(PRINCIPAL, r#""Principal":{"AWS":"arn:aws:iam::*:role/admin"}"#, Public),
        allow(PRINCIPAL, r#""Principal":{"AWS":"arn:aws:iam::123456789012:role/*"}"#, Undecided),
        // The id of a user that was deleted.
        allow(PRINCIPAL, r#""Principal":{"AWS":"AIDACKCEVSQ6C2EXAMPLE"}"#, NotPublic),
        allow(NOT_PRINCIPAL, r#""NotPrincipal":{"AWS":"arn:aws:iam::444455556666:user/Bob"}"#, Public),
        all_but(
            NOT_PRINCIPAL,
            &[r#""NotPrincipal":{"AWS":["arn:aws:iam::444455556666:user/Bob","arn:aws:iam::444455556666:root"]},
                "Action":"s3:*","Resource":["arn:aws:s3:::amzn-s3-demo-bucket","arn:aws:s3:::amzn-s3-demo-bucket/*"]"#],
            NotPublic,
        ),
        all_but(NOT_PRINCIPAL, &[r#""NotPrincipal":{"AWS":"*"},"Action":"s3:*","Resource":"*""#], Public),
        deny_if(
            NOT_PRINCIPAL,
            r#"{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::444455556666:user/Bob"}}"#,
            NotPublic,
        ),
        // Bob and his account, or whoever comes through one VPC.
        all_but(
            NOT_PRINCIPAL,
            &[r#""NotPrincipal":{"AWS":"444455556666"},"Action":"s3:*","Resource":"*",
                "Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#],
            NotPublic,
        ),
        all_but(
            NOT_PRINCIPAL,
            &[r#""NotPrincipal":{"AWS":"444455556666"},"Action":"s3:*","Resource":"*",
                "Condition":{"Bool":{"aws:SecureTransport":"false"}}"#],
            Public,
        ),
    ]
}

fn denials() -> Vec<Case> {
    vec![
        // "An explicit deny overrides an allow": whom it names, and nobody else.
        all_but(EVALUATION, &[EVERYTHING], NotPublic),
        all_but(EVALUATION, &[r#""Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*""#], Public),
        all_but(EVALUATION, &[r#""Principal":"*","Action":"*","Resource":"*""#], NotPublic),
        all_but(EVALUATION, &[r#""Principal":"*","Action":"iam:*","Resource":"*""#], Public),
        // Two denials leave those whom both leave.
        all_but(
            EVALUATION,
            &[
                r#""Principal":"*","Action":"s3:*","Resource":"*",
                   "Condition":{"Bool":{"aws:SecureTransport":"false"}}"#,
                r#""Principal":"*","Action":"s3:*","Resource":"*",
                   "Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#,
            ],
            NotPublic,
        ),
        // Each takes some of the actions, and none the rest.
        all_but(
            ACTION,
            &[
                r#""Principal":"*","Action":"s3:Get*","Resource":"*""#,
                r#""Principal":"*","Action":"s3:List*","Resource":"*""#,
            ],
            Public,
        ),
        all_but(
            ACTION,
            &[r#""Principal":"*","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":"*""#],
            Undecided,
        ),
        whole(
            ACTION,
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"},
               {"Effect":"Deny","Principal":"*","Action":"S3:GET*","Resource":"*"}"#,
            NotPublic,
        ),
        whole(
            ACTION,
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject*","Resource":"*"},
               {"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}"#,
            Undecided,
        ),
        all_but(NOT_ACTION, &[r#""Principal":"*","NotAction":"iam:*","Resource":"*""#], NotPublic),
        all_but(NOT_ACTION, &[r#""Principal":"*","NotAction":"s3:GetObject","Resource":"*""#], Public),
        whole(NOT_ACTION, r#"{"Effect":"Allow","Principal":"*","NotAction":"s3:DeleteBucket","Resource":"*"}"#, Public),
        whole(
            NOT_ACTION,
            r#"{"Effect":"Allow","Principal":"*","NotAction":"s3:Delete*","Resource":"*"},
               {"Effect":"Deny","Principal":"*","NotAction":"s3:DeleteBucket","Resource":"*"}"#,
            NotPublic,
        ),
        whole(NOT_ACTION, r#"{"Effect":"Allow","Principal":"*","NotAction":"*","Resource":"*"}"#, NotPublic),
        all_but(
            RESOURCE,
            &[r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::amzn-s3-demo-bucket/private/*""#],
            Public,
        ),
        all_but(RESOURCE, &[r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::another-bucket/*""#], Public),
        // Some of the objects are allowed; all of those are denied, or some.
        whole(RESOURCE, INCOMING, Public),
        whole(
            RESOURCE,
            &format!(
                r#"{INCOMING},{{"Effect":"Deny","Principal":"*","Action":"s3:*",
               "Resource":"arn:aws:s3:::*/incoming/*"}}"#
            ),
            NotPublic,
        ),
        whole(
            RESOURCE,
            &format!(
                r#"{INCOMING},{{"Effect":"Deny","Principal":"*","Action":"s3:*",
                   "Resource":"arn:aws:s3:::amzn-s3-demo-bucket/*"}}"#
            ),
            NotPublic,
        ),
        whole(
            RESOURCE,
            &format!(
                r#"{INCOMING},{{"Effect":"Deny","Principal":"*","Action":"s3:*",
                   "Resource":"arn:aws:s3:::*/incoming/a/*"}}"#
            ),
            Public,
        ),
        whole(
            RESOURCE,
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::*/incoming/*"},
               {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::amzn-s3-demo-bucket/*"}"#,
            NotPublic,
        ),
        // The objects are denied; of what is allowed on the bucket itself, only the actions know.
        all_but(
            RESOURCE,
            &[r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::amzn-s3-demo-bucket/*""#],
            Undecided,
        ),
        all_but(
            NOT_RESOURCE,
            &[r#""Principal":"*","Action":"s3:*","NotResource":["arn:aws:s3:::HRBucket/Payroll",
                   "arn:aws:s3:::HRBucket/Payroll/*"]"#],
            NotPublic,
        ),
        all_but(
            NOT_RESOURCE,
            &[r#""Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::amzn-s3-demo-bucket*""#],
            Public,
        ),
        whole(
            NOT_RESOURCE,
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",
               "NotResource":"arn:aws:s3:::another-bucket/*"}"#,
            Public,
        ),
        whole(
            NOT_RESOURCE,
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",
               "NotResource":"arn:aws:s3:::amzn-s3-demo-bucket*"}"#,
            NotPublic,
        ),
        // Data perimeters.
        deny_if(
            PERIMETER,
            r#"{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},
               "BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}"#,
            Undecided,
        ),
        deny_if(
            PERIMETER,
            r#"{"NotIpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"},
               "StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#,
            NotPublic,
        ),
        deny_if(
            PERIMETER,
            r#"{"NotIpAddressIfExists":{"aws:SourceIp":"0.0.0.0/0"},
               "StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#,
            Public,
        ),
        deny_if(
            PERIMETER,
            r#"{"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-1"},"BoolIfExists":{"aws:ViaAWSService":"false"}}"#,
            Undecided,
        ),
        // Access outside of the zone of trust, and none.
        get_if(
            ANALYZER,
            r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},"Bool":{"aws:SecureTransport":"true"}}"#,
            NotPublic,
        ),
    ]
}

fn functions_and_endpoints() -> Vec<Case> {
    let invoke = |source, who: &str, expected| Case {
        source,
        statements: format!(r#"{{"Effect":"Allow",{who},"Action":"lambda:InvokeFunction","Resource":"*"}}"#),
        expected,
    };
    vec![
        invoke(LAMBDA_CONFIG, r#""Principal":"""#, Public),
        invoke(LAMBDA_CONFIG, r#""Principal":{"AWS":""}"#, Public),
        invoke(LAMBDA_CONFIG, r#""Principal":{"AWS":"*"}"#, Public),
        invoke(
            LAMBDA_CONFIG,
            r#""Principal":"*","Condition":{"StringEquals":{"AWS:SourceAccount":"${aws:PrincipalAccount}"}}"#,
            Public,
        ),
        invoke(
            LAMBDA_CONFIG,
            r#""Principal":"*","Condition":{"StringEquals":{"AWS:SourceAccount":"111122223333"}}"#,
            NotPublic,
        ),
        invoke(LAMBDA_POLICY, r#""Principal":{"AWS":"arn:aws:iam::111122223333:root"}"#, NotPublic),
        invoke(
            LAMBDA_POLICY,
            r#""Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5f"}}"#,
            NotPublic,
        ),
        invoke(
            LAMBDA_POLICY,
            r#""Principal":{"Service":"s3.amazonaws.com"},
               "Condition":{"StringEquals":{"AWS:SourceAccount":"111122223333"},
               "ArnLike":{"AWS:SourceArn":"arn:aws:s3:::amzn-s3-demo-bucket"}}"#,
            NotPublic,
        ),
        invoke(
            LAMBDA_URLS,
            r#""Principal":"*","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}"#,
            Public,
        ),
        invoke(LAMBDA_URLS, r#""Principal":"*","Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}"#, Public),
        invoke(
            LAMBDA_URLS,
            r#""Principal":{"AWS":"444455556666"},
               "Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"AWS_IAM"}}"#,
            NotPublic,
        ),
        whole(ENDPOINT_POLICY, r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#, Public),
        get_if(
            ENDPOINT_POLICY,
            r#"{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/endpointuser"}}"#,
            NotPublic,
        ),
        whole(
            S3_ENDPOINT,
            r#"{"Effect":"Allow","Principal":"*","Action":["s3:ListBucket","s3:GetObject"],
                "Resource":["arn:aws:s3:::bucket_name","arn:aws:s3:::bucket_name/*"],
                "Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/role_name"}}}"#,
            NotPublic,
        ),
        whole(
            S3_ENDPOINT,
            r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",
                "Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}}"#,
            NotPublic,
        ),
        deny_if(S3_ENDPOINT, r#"{"StringNotEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#, NotPublic),
    ]
}

fn cases() -> Vec<Case> {
    [meaning_of_public(), buckets(), operators(), keys(), principals(), denials(), functions_and_endpoints()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn there_are_at_least_a_hundred_cases_each_with_its_source() {
    let cases = cases();
    assert!(cases.len() >= 100, "{}", cases.len());
    for case in &cases {
        assert!(case.source.starts_with("https://docs.aws.amazon.com/"), "{}", case.source);
    }
    let mut statements: Vec<&str> = cases.iter().map(|case| case.statements.as_str()).collect();
    statements.sort_unstable();
    statements.dedup();
    assert!(statements.len() >= 100, "{} different ones", statements.len());
}

#[test]
fn each_case_is_judged_as_documented() {
    const KIND: ActionKind =
        ActionKind::of(&["s3:getobject", "s3:putobject", "s3:listbucket", "lambda:invokefunction", "*"]);
    let resources = ["arn:aws:s3:::amzn-s3-demo-bucket".to_owned(), "arn:aws:s3:::amzn-s3-demo-bucket/?*".to_owned()];
    let question = Question { actions: KIND, resources: &resources };
    let mut wrong = Vec::new();
    for Case { source, statements, expected } in cases() {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let policy = PolicyDocument::parse(&text, "s3:GetBucketPolicy").unwrap();
        let found = exposure(&policy, &question);
        let verdict = match &found {
            Exposure::NotPublic => NotPublic,
            Exposure::Undecided(_) => Undecided,
            Exposure::Public(_) => Public,
        };
        if verdict != expected {
            wrong.push(format!("{statements}\n  is {found:?}, not {expected:?} by {source}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
