//! Security groups in EC2. Types of the AWS SDK stop here.

use async_trait::async_trait;
use audit_task::{TaskError, error_code, task_error};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::IpPermission;

/// Security groups, and what they let through.
#[async_trait]
pub trait SecurityGroups: Send + Sync {
    /// Some rules of a group, as they were read; only the same can be revoked.
    type Permission: Send + Sync;

    /// The group with that id.
    async fn group(&self, id: &str) -> Result<Group<Self::Permission>, TaskError>;

    /// Takes permissions away, at least one. When one of them is gone already, the others may stay.
    async fn revoke(&self, id: &str, direction: Direction, permissions: &[Self::Permission]) -> Result<(), TaskError>;
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<P> {
    /// Its name.
    pub name: String,
    /// What it lets in.
    pub ingress: Vec<P>,
    /// What it lets out.
    pub egress: Vec<P>,
}

impl<P> Group<P> {
    /// Whether it lets nothing through.
    pub const fn is_closed(&self) -> bool {
        self.ingress.is_empty() && self.egress.is_empty()
    }
}

/// Which traffic a permission is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What comes in.
    Ingress,
    /// What goes out.
    Egress,
}

/// The security groups of EC2.
#[derive(Debug, Clone)]
pub struct Ec2SecurityGroups {
    client: Client,
}

impl Ec2SecurityGroups {
    /// Those of the client's account and region.
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}

/// EC2's answer when a permission was revoked meanwhile. It then revokes none of the call's permissions.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html>
const GONE: Option<&str> = Some("InvalidPermission.NotFound");

#[async_trait]
impl SecurityGroups for Ec2SecurityGroups {
    type Permission = IpPermission;

    async fn group(&self, id: &str) -> Result<Group<IpPermission>, TaskError> {
        let answer = self
            .client
            .describe_security_groups()
            .group_ids(id)
            .send()
            .await
            .map_err(|error| task_error("ec2:DescribeSecurityGroups", &error))?;
        let group = answer.security_groups.unwrap_or_default().into_iter().find(|it| it.group_id() == Some(id));
        let (name, ingress, egress) = group
            .and_then(|it| Some((it.group_name?, it.ip_permissions?, it.ip_permissions_egress?)))
            .ok_or_else(|| TaskError::Corrupt("ec2:DescribeSecurityGroups answered no such group, whole".to_owned()))?;
        Ok(Group { name, ingress, egress })
    }

    async fn revoke(&self, id: &str, direction: Direction, permissions: &[IpPermission]) -> Result<(), TaskError> {
        let permissions = Some(permissions.to_vec());
        match direction {
            Direction::Ingress => {
                let call = self.client.revoke_security_group_ingress().group_id(id).set_ip_permissions(permissions);
                revoked("ec2:RevokeSecurityGroupIngress", call.send().await)
            }
            Direction::Egress => {
                let call = self.client.revoke_security_group_egress().group_id(id).set_ip_permissions(permissions);
                revoked("ec2:RevokeSecurityGroupEgress", call.send().await)
            }
        }
    }
}

fn revoked<T, E: ProvideErrorMetadata>(action: &str, answer: Result<T, SdkError<E>>) -> Result<(), TaskError> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) if error_code(&error) == GONE => Ok(()),
        Err(error) => Err(task_error(action, &error)),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::config::retry::RetryConfig;
    use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_smithy_types::body::SdkBody;
    use pretty_assertions::assert_eq;

    use super::*;

    /// The default group as AWS makes it: everything in from itself, everything out.
    const AS_AWS_MAKES_IT: &str = "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId>\
        <groupName>default</groupName><vpcId>vpc-1</vpcId><ownerId>111122223333</ownerId><ipPermissions><item>\
        <ipProtocol>-1</ipProtocol><groups><item><userId>111122223333</userId><groupId>sg-1</groupId></item></groups>\
        </item></ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item>\
        <cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissionsEgress></item></securityGroupInfo>\
        </DescribeSecurityGroupsResponse>";

    const BOTH: [Direction; 2] = [Direction::Ingress, Direction::Egress];

    /// EC2 as it answers, one answer after the other.
    fn ec2_answering(answers: &[(u16, &str)]) -> (Ec2SecurityGroups, StaticReplayClient) {
        let events = answers.iter().map(|(status, body)| {
            ReplayEvent::new(
                http::Request::builder().body(SdkBody::empty()).unwrap(),
                http::Response::builder().status(*status).body(SdkBody::from(*body)).unwrap(),
            )
        });
        let http = StaticReplayClient::new(events.collect());
        let config = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(RetryConfig::disabled())
            .http_client(http.clone())
            .build();
        (Ec2SecurityGroups::new(Client::from_conf(config)), http)
    }

    /// The parameters of the requests that were sent.
    fn sent(http: &StaticReplayClient) -> Vec<String> {
        let form = |body: &SdkBody| String::from_utf8(body.bytes().unwrap().to_vec()).unwrap();
        http.actual_requests().map(|request| form(request.body())).collect()
    }

    fn error(code: &str) -> String {
        format!("<Response><Errors><Error><Code>{code}</Code><Message>said so</Message></Error></Errors></Response>")
    }

    #[tokio::test]
    async fn what_was_read_is_what_is_revoked() {
        let (groups, http) = ec2_answering(&[
            (200, AS_AWS_MAKES_IT),
            (200, "<RevokeSecurityGroupIngressResponse><return>true</return></RevokeSecurityGroupIngressResponse>"),
            (200, "<RevokeSecurityGroupEgressResponse><return>true</return></RevokeSecurityGroupEgressResponse>"),
        ]);
        let group = groups.group("sg-1").await.unwrap();
        assert_eq!((group.name.as_str(), group.ingress.len(), group.egress.len()), ("default", 1, 1));
        groups.revoke("sg-1", Direction::Ingress, &group.ingress).await.unwrap();
        groups.revoke("sg-1", Direction::Egress, &group.egress).await.unwrap();
        let expected = [
            "Action=DescribeSecurityGroups&Version=2016-11-15&GroupId.1=sg-1",
            "Action=RevokeSecurityGroupIngress&Version=2016-11-15&GroupId=sg-1&IpPermissions.1.IpProtocol=-1&\
             IpPermissions.1.Groups.1.UserId=111122223333&IpPermissions.1.Groups.1.GroupId=sg-1",
            "Action=RevokeSecurityGroupEgress&Version=2016-11-15&GroupId=sg-1&IpPermissions.1.IpProtocol=-1&\
             IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0%2F0",
        ];
        // The order of parameters means nothing.
        let sorted = |form: &str| {
            let mut parameters: Vec<String> = form.split('&').map(str::to_owned).collect();
            parameters.sort_unstable();
            parameters
        };
        let sent: Vec<_> = sent(&http).iter().map(|form| sorted(form)).collect();
        assert_eq!(sent, expected.map(sorted));
    }

    #[tokio::test]
    async fn a_permission_that_is_gone_already_is_no_failure() {
        for direction in BOTH {
            let (groups, _) = ec2_answering(&[(400, &error("InvalidPermission.NotFound"))]);
            assert_eq!(groups.revoke("sg-1", direction, &[IpPermission::builder().build()]).await, Ok(()));
        }
    }

    #[tokio::test]
    async fn a_refused_call_is_an_error_with_its_action() {
        let denied = error("UnauthorizedOperation");
        let detail = "was denied (UnauthorizedOperation: said so)";
        for (direction, action) in BOTH.into_iter().zip(["RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"]) {
            let (groups, _) = ec2_answering(&[(403, &denied)]);
            let error = groups.revoke("sg-1", direction, &[IpPermission::builder().build()]).await.unwrap_err();
            assert!(error.to_string().starts_with(&format!("ec2:{action} {detail}")), "{error}");
        }
        let (groups, _) = ec2_answering(&[(403, &denied)]);
        let error = groups.group("sg-1").await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("ec2:DescribeSecurityGroups {detail}")), "{error}");
    }

    #[tokio::test]
    async fn a_group_that_is_not_answered_is_not_a_closed_one() {
        let nothing = "<DescribeSecurityGroupsResponse><securityGroupInfo/></DescribeSecurityGroupsResponse>";
        let other = AS_AWS_MAKES_IT.replace("sg-1", "sg-2");
        let nameless = AS_AWS_MAKES_IT.replace("<groupName>default</groupName>", "");
        for body in [nothing, &other, &nameless] {
            let (groups, _) = ec2_answering(&[(200, body)]);
            assert_eq!(groups.group("sg-1").await.unwrap_err().name(), "Corrupt", "{body}");
        }
    }
}
