//! From what an event names to ARNs.

use crate::call::{Call, Kind, Names};

/// What a call's event names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// These, by their ARNs; not none.
    Resources(Vec<String>),
    /// A function's version or alias, by the function's ARN: part of it, and not all.
    PartOf(String),
    /// Only what no finding is about, or what is another account's.
    Others,
    /// Nothing that could be understood.
    Nothing,
}

/// Whose resources they are, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home<'a> {
    /// The 12 digits of the account.
    pub(crate) account: &'a str,
    /// The region.
    pub(crate) region: &'a str,
}

impl Home<'_> {
    /// What the texts name, which are in the order of the call's places.
    pub(crate) fn named(self, call: &Call, texts: &[&str]) -> Named {
        let Self { account, region } = self;
        let words =
            || texts.iter().flat_map(|text| text.split([' ', ',', '{', '}', '[', ']', '"'])).filter(|it| is_word(it));
        let first = |arn: fn(&str, &str, &str) -> String| match words().next() {
            Some(name) => Named::Resources(vec![arn(region, account, name)]),
            None => Named::Nothing,
        };
        match call.names {
            Names::Nothing => Named::Others,
            Names::Bucket => first(|_, _, name| format!("arn:aws:s3:::{name}")),
            Names::DirectoryBucket => {
                first(|region, account, name| format!("arn:aws:s3express:{region}:{account}:bucket/{name}"))
            }
            Names::AccessPoint => self.access_point(words()),
            Names::S3Arn => by_arn(words(), "arn:aws:s3:::", |arn| !arn.contains('/')),
            Names::Function => self.function(words()),
            Names::LambdaArn => match words().find_map(|word| word.strip_prefix("arn:aws:lambda:")) {
                Some(rest) if rest.contains(":function:") => self.function(words()),
                Some(_) => Named::Others,
                None => Named::Nothing,
            },
            Names::Ec2 { kinds, may_name_others, .. } => self.of_ec2(texts, kinds, may_name_others),
        }
    }

    fn access_point<'w>(self, mut words: impl Iterator<Item = &'w str> + Clone) -> Named {
        let prefix = format!("arn:aws:s3:{}:{}:accesspoint/", self.region, self.account);
        if let Some(arn) = words.clone().find(|word| word.starts_with(&prefix)) {
            return Named::Resources(vec![arn.to_owned()]);
        }
        match words.find(|word| !word.starts_with("arn:")) {
            Some(name) => Named::Resources(vec![format!("{prefix}{name}")]),
            None => Named::Nothing,
        }
    }

    /// A function by its name, its ARN or a part of that, with a version or alias behind it or as a word of its own.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html>
    fn function<'w>(self, mut words: impl Iterator<Item = &'w str>) -> Named {
        let Some(given) = words.next() else {
            return Named::Nothing;
        };
        let (home, rest) = given.rsplit_once("function:").unwrap_or(("", given));
        if !home.split(':').filter(|it| is_account(it)).all(|it| it == self.account) {
            return Named::Others;
        }
        let (name, qualifier) = rest.split_once(':').map_or((rest, words.next()), |(name, it)| (name, Some(it)));
        if name.is_empty() {
            return Named::Nothing;
        }
        let arn = format!("arn:aws:lambda:{}:{}:function:{name}", self.region, self.account);
        if qualifier.is_some() { Named::PartOf(arn) } else { Named::Resources(vec![arn]) }
    }

    fn of_ec2(self, texts: &[&str], kinds: &[Kind], may_name_others: bool) -> Named {
        let ids = texts.iter().flat_map(|text| text.split(|it: char| !it.is_ascii_alphanumeric() && it != '-'));
        let (mut arns, mut others) = (Vec::new(), false);
        for id in ids.filter(|id| is_word(id)) {
            match kind(id) {
                Some(kind) if kinds.contains(&kind) => {
                    let arn = format!("arn:aws:ec2:{}:{}:{}/{id}", self.region, self.account, kind.in_arn());
                    if !arns.contains(&arn) {
                        arns.push(arn);
                    }
                }
                _ => others = true,
            }
        }
        match (arns.is_empty(), others && may_name_others) {
            (false, _) => Named::Resources(arns),
            (true, true) => Named::Others,
            (true, false) => Named::Nothing,
        }
    }
}

fn by_arn<'w>(words: impl Iterator<Item = &'w str>, prefix: &str, matters: fn(&str) -> bool) -> Named {
    let arns: Vec<&str> = words.filter(|word| word.starts_with("arn:")).collect();
    match arns.iter().find(|arn| arn.starts_with(prefix) && matters(arn)) {
        Some(arn) => Named::Resources(vec![(*arn).to_owned()]),
        None if arns.is_empty() => Named::Nothing,
        None => Named::Others,
    }
}

/// The kind that an id tells by what it begins with; the longest beginning that fits, for some begin alike.
fn kind(id: &str) -> Option<Kind> {
    let fitting = Kind::ALL.iter().copied().filter(|kind| id.starts_with(kind.prefix()));
    let kind = fitting.max_by_key(|kind| kind.prefix().len())?;
    let number = id.strip_prefix(kind.prefix())?;
    (!number.is_empty() && number.bytes().all(|it| it.is_ascii_hexdigit())).then_some(kind)
}

/// `CloudTrail` writes `null` where there is nothing, and an input transformer may put it into a text.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word != "null"
}

pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit())
}
