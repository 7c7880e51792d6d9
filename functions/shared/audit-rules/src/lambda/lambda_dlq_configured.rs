//! Events that a function failed on are kept.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::lambda::configuration;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-dlq-configured",
    title: "Lambda function has a dead-letter queue",
    severity: Severity::Low,
    rationale: "An event of an asynchronous invocation that still fails after its retries is gone, unless a \
        dead-letter queue or topic keeps it. On-failure destinations, which keep such events as well, and the settings \
        of event source mappings are not read: each would take a call of its own out of the 15 a second that Lambda \
        grants the whole account, its deployments included. Give a function with a destination instead of a queue an \
        exception.",
    expected: "An Amazon SQS queue or Amazon SNS topic receives the events of failed asynchronous invocations",
    remediation: "Give the function's role the right to send to a queue or topic, name that as dead-letter queue, and \
        set an alarm on what arrives there.",
    console: "In the Lambda console, open the function, then Configuration, Asynchronous invocation, Edit. Under \
        Dead-letter queue service choose Amazon SQS or Amazon SNS, then the queue or topic, and save.",
    cli: "aws lambda update-function-configuration --function-name FUNCTION --dead-letter-config \
        TargetArn=QUEUE_OR_TOPIC_ARN",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
    parameters: &[],
    references: &[],
    reads: &["lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    Ok(match &configuration(function)?.dead_letter_target {
        None => Outcome::non_compliant("there is no dead-letter queue"),
        Some(target) => Outcome::compliant(format!("failed invocations go to {target}")),
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::FunctionConfiguration;

    use super::*;
    use crate::fixtures;

    #[test]
    fn a_queue_or_a_topic_is_asked_for() {
        let kept = |target| Outcome::compliant(format!("failed invocations go to {target}"));
        let none = || Outcome::non_compliant("there is no dead-letter queue");
        let (queue, topic) = ("arn:aws:sqs:us-east-1:111122223333:failed", "arn:aws:sns:us-east-1:111122223333:failed");
        let cases = [(Some(queue), kept(queue)), (Some(topic), kept(topic)), (None, none())];
        for (target, expected) in cases {
            let dead_letter_target = target.map(ToOwned::to_owned);
            let configuration =
                Reading::seen(FunctionConfiguration { dead_letter_target, ..fixtures::configuration() });
            let function = Function { configuration, ..fixtures::good_function() };
            assert_eq!(evaluate(&function, &fixtures::policy()), Ok(expected));
        }
        let action = "lambda:GetFunction";
        let unread = Function { configuration: fixtures::unreadable(action), ..fixtures::good_function() };
        assert_eq!(evaluate(&unread, &fixtures::policy()), Err(fixtures::denied(action)));
    }
}
