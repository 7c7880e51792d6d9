//! The patterns under `Action`, `NotAction`, `Resource` and `NotResource`, and how much of another statement's share
//! they reach.

use super::wildcard::{covers, has_wildcard, overlap};

/// A character that no action and no ARN contains: only a wildcard matches it.
const ANY: &str = "\u{0}";

/// What stands for an escaped wildcard: a character that is none.
const LITERAL: &str = "\u{fffd}";

/// A text of a policy that may hold wildcards and [policy variables][page].
///
/// [page]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    /// As the policy has it.
    pub(crate) written: String,
    /// The same with a star for each variable.
    pub(crate) glob: String,
    /// It has a variable, so that it stands for some of what `glob` matches, nobody knows which.
    pub(crate) variable: bool,
}

impl Value {
    /// A text without variables: `${` is nothing special there.
    pub(crate) fn literal(written: &str) -> Self {
        Self { written: written.to_owned(), glob: written.to_owned(), variable: false }
    }

    /// A text with the variables of policies of version 2012-10-17, where `${*}`, `${?}` and `${$}` are the mere
    /// characters.
    pub(crate) fn with_variables(written: &str) -> Self {
        let (mut glob, mut variable, mut rest) = (String::new(), false, written);
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            let escaped = matches!(name, "*" | "?" | "$");
            variable |= !escaped;
            glob.push_str(before);
            glob.push_str(if escaped { LITERAL } else { "*" });
            rest = after;
        }
        glob.push_str(rest);
        Self { written: written.to_owned(), glob, variable }
    }

    /// Neither wildcard nor variable.
    pub(crate) fn is_fixed(&self) -> bool {
        !has_wildcard(&self.glob)
    }

    fn covers(&self, other: &str) -> bool {
        !self.variable && covers(&self.glob, other)
    }
}

/// What a statement names by patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Patterns {
    /// `Action`, `Resource`.
    Only(Vec<Value>),
    /// `NotAction`, `NotResource`.
    AllBut(Vec<Value>),
}

impl Patterns {
    /// How much of a share they name.
    pub(crate) fn reach(&self, share: &Share) -> Reach {
        match self {
            Self::Only(patterns) if patterns.iter().any(|pattern| share.is_covered_by(pattern)) => Reach::Whole,
            Self::Only(patterns) => {
                let touches = patterns.iter().any(|pattern| share.overlaps(pattern));
                let leaves_a_sample = share
                    .sample
                    .as_ref()
                    .is_some_and(|sample| !patterns.iter().any(|pattern| covers(&pattern.glob, sample)));
                if touches && !leaves_a_sample { Reach::Part } else { Reach::Nothing }
            }
            Self::AllBut(left_out) if left_out.iter().any(|pattern| share.is_covered_by(pattern)) => Reach::Nothing,
            Self::AllBut(left_out) if left_out.iter().any(|pattern| share.overlaps(pattern)) => Reach::Part,
            Self::AllBut(_) => Reach::Whole,
        }
    }
}

/// How much of a share something reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Nothing, or not so much that nothing would be left.
    Nothing,
    /// Some, and whether anything is left cannot be said.
    Part,
    /// All of it.
    Whole,
}

/// Some actions or some resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    /// What matches all of these patterns,
    all_of: Vec<String>,
    /// and none of these.
    left_out: Vec<Value>,
    /// One of the share that matches as little else as possible, where the names are free to choose.
    sample: Option<String>,
}

impl Share {
    /// The actions that match a pattern. Which ones exist only AWS knows, hence no sample.
    pub(crate) fn actions(pattern: &str) -> Self {
        Self { all_of: vec![pattern.to_owned()], left_out: Vec::new(), sample: None }
    }

    /// The resources that match a pattern.
    pub(crate) fn resources(pattern: &str) -> Self {
        let sample = pattern.replace('*', &ANY.repeat(2)).replace('?', ANY);
        Self { all_of: vec![pattern.to_owned()], left_out: Vec::new(), sample: Some(sample) }
    }

    /// Of these, those that match another pattern too.
    pub(crate) fn and(mut self, pattern: &str) -> Self {
        self.all_of.push(pattern.to_owned());
        self.sample = self.sample.filter(|sample| covers(pattern, sample));
        self
    }

    /// Of these, those that match none of some patterns.
    pub(crate) fn but(mut self, left_out: &[Value]) -> Self {
        self.left_out.extend_from_slice(left_out);
        self
    }

    fn is_covered_by(&self, pattern: &Value) -> bool {
        self.all_of.iter().any(|own| pattern.covers(own))
    }

    fn overlaps(&self, pattern: &Value) -> bool {
        self.all_of.iter().all(|own| overlap(own, &pattern.glob))
            && !self.left_out.iter().any(|left_out| left_out.covers(&pattern.glob))
    }

    /// Whether it is of things inside of a bucket, not the bucket itself. The same action seldom works on both.
    pub(crate) fn is_inside(&self) -> bool {
        self.all_of.iter().any(|pattern| pattern.contains('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(texts: &[&str]) -> Vec<Value> {
        texts.iter().map(|text| Value::with_variables(text)).collect()
    }

    #[test]
    fn variables_stand_for_anything_and_escapes_for_themselves() {
        let cases = [
            ("home/${aws:username}/*", "home/*/*", true),
            ("${aws:PrincipalTag/team, 'none'}", "*", true),
            ("a${*}b${?}${$}", "a\u{fffd}b\u{fffd}\u{fffd}", false),
            ("open ${ended", "open ${ended", false),
            ("plain", "plain", false),
        ];
        for (written, glob, variable) in cases {
            let value = Value::with_variables(written);
            assert_eq!((value.glob.as_str(), value.variable), (glob, variable), "{written}");
            assert!(!Value::literal(written).variable);
        }
    }

    #[test]
    fn patterns_reach_all_some_or_nothing_of_a_share() {
        use Reach::{Nothing, Part, Whole};
        let objects = || Share::resources("arn:aws:s3:::b/?*");
        let actions = || Share::actions("s3:*").and("s3:get*");
        // (share, patterns, reach of those only, reach of all but those)
        let cases: [(Share, &[&str], Reach, Reach); 12] = [
            (objects(), &["arn:aws:s3:::b/*"], Whole, Nothing),
            (objects(), &["*"], Whole, Nothing),
            (objects(), &["arn:aws:s3:::b"], Nothing, Whole),
            // Other objects are left, whatever their names.
            (objects(), &["arn:aws:s3:::b/private/*"], Nothing, Part),
            (objects(), &["arn:aws:s3:::b/??*"], Part, Part),
            (objects(), &["arn:aws:s3:::b/${aws:username}"], Part, Part),
            (actions(), &["s3:get*"], Whole, Nothing),
            (actions(), &["s3:*"], Whole, Nothing),
            // Which actions there are besides is not known.
            (actions(), &["s3:getobject"], Part, Part),
            (actions(), &["s3:put*"], Nothing, Whole),
            (Share::actions("s3:getobject"), &["s3:get*"], Whole, Nothing),
            (Share::actions("*").but(&values(&["s3:get*"])), &["s3:getobject"], Nothing, Whole),
        ];
        for (share, patterns, only, all_but) in cases {
            assert_eq!(Patterns::Only(values(patterns)).reach(&share), only, "{patterns:?} of {share:?}");
            assert_eq!(Patterns::AllBut(values(patterns)).reach(&share), all_but, "all but {patterns:?} of {share:?}");
        }
    }
}
