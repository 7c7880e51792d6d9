//! Texts with `*` (any run of characters) and `?` (any one character), as IAM has them in actions and resources.

use std::str::Chars;

/// Whether some text matches both.
pub(crate) fn overlap(a: &str, b: &str) -> bool {
    compare(a, b, |x, y| x == y || x == '?' || y == '?', true)
}

/// Whether the pattern matches all that the other one matches; for a text without wildcards, whether it matches that.
/// In doubt it says no: `*?` and `?*` are not seen to be the same.
pub(crate) fn covers(pattern: &str, other: &str) -> bool {
    compare(pattern, other, |x, y| x == y || x == '?', false)
}

pub(crate) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Walks through both from their ends. A star of `a` swallows whatever is in `b`; one of `b` swallows what is in `a`
/// only if `both_ways`.
fn compare(a: &str, b: &str, alike: fn(char, char) -> bool, both_ways: bool) -> bool {
    let Some((a, b)) = without_like_ends(a, b, alike) else { return false };
    if a == b || a == "*" {
        return true;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // row[j] says it for the rest of `a` from the current place on and the rest of `b` from j on.
    let mut next: Vec<bool> = Vec::new();
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            row[j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some('*'), None) => next[j],
                (Some('*'), Some(_)) => next[j] || row[j + 1],
                (None, Some('*')) => both_ways && row[j + 1],
                (Some(_), Some('*')) => both_ways && (row[j + 1] || next[j]),
                (Some(x), Some(y)) => alike(*x, *y) && next[j + 1],
                _ => false,
            };
        }
        next = row;
    }
    next[0]
}

/// What is left of both where a star begins and ends one of them, which of most texts is little; `None` where the rest differs.
fn without_like_ends<'a>(mut a: &'a str, mut b: &'a str, alike: fn(char, char) -> bool) -> Option<(&'a str, &'a str)> {
    let steps: [fn(&mut Chars<'a>) -> Option<char>; 2] = [Chars::next, Chars::next_back];
    for step in steps {
        loop {
            let (mut of_a, mut of_b) = (a.chars(), b.chars());
            match (step(&mut of_a), step(&mut of_b)) {
                (Some(x), Some(y)) if x != '*' && y != '*' => {
                    if !alike(x, y) {
                        return None;
                    }
                    (a, b) = (of_a.as_str(), of_b.as_str());
                }
                _ => break,
            }
        }
    }
    Some((a, b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_as_iam_says() {
        let cases = [
            ("s3:*", "s3:GetObject", true),
            ("s3:Get*", "s3:PutObject", false),
            ("s3:*Object", "s3:GetObject", true),
            ("s3:*Object", "s3:GetObjectAcl", false),
            ("arn:aws:s3:::b/?", "arn:aws:s3:::b/k", true),
            ("arn:aws:s3:::b/?", "arn:aws:s3:::b/", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(covers(pattern, text), expected, "{pattern} {text}");
            assert_eq!(overlap(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn two_patterns_overlap_when_some_text_matches_both() {
        let cases = [
            ("s3:*object", "s3:get*", true),
            ("s3:*acl", "s3:put*", true),
            ("s3:get?bject", "s3:*", true),
            ("s3:get*", "s3:put*", false),
            ("a*b", "*c", false),
        ];
        for (a, b, expected) in cases {
            assert_eq!(overlap(a, b), expected, "{a} {b}");
            assert_eq!(overlap(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn a_pattern_covers_another_one_that_is_no_wider() {
        let cases = [
            ("arn:aws:s3:::b/*", true),
            ("arn:aws:s3:::b*", true),
            ("arn:aws:s3:::b/?*", true),
            ("*", true),
            ("arn:aws:s3:::b/a*", false),
            ("arn:aws:s3:::b/*.json", false),
            ("arn:aws:s3:::other/*", false),
            ("arn:aws:s3:::b/??*", false),
        ];
        for (pattern, expected) in cases {
            assert_eq!(covers(pattern, "arn:aws:s3:::b/?*"), expected, "{pattern}");
        }
    }

    /// Whether the text matches the pattern, by trying.
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|swallowed| matches(rest, &text[swallowed..])),
            Some((b'?', rest)) => !text.is_empty() && matches(rest, &text[1..]),
            Some((letter, rest)) => text.first() == Some(letter) && matches(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn a_text_is_covered_by_the_patterns_that_it_matches(pattern in "[ab*?]{0,7}", text in "[ab]{0,7}") {
            prop_assert_eq!(covers(&pattern, &text), matches(pattern.as_bytes(), text.as_bytes()));
            prop_assert_eq!(overlap(&pattern, &text), matches(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn what_covers_matches_whatever_the_other_one_matches(
            pattern in "[ab*?]{0,5}", other in "[ab*?]{0,4}", text in "[abc]{0,5}",
        ) {
            if covers(&pattern, &other) && covers(&other, &text) {
                prop_assert!(covers(&pattern, &text));
            }
            if covers(&pattern, &text) && covers(&other, &text) {
                prop_assert!(overlap(&pattern, &other));
            }
        }
    }
}
