//! Patterns with `*` (any run of characters) and `?` (any one character), as IAM has them in actions and resources.

/// A character that no action and no ARN contains: what matches it matches any character there.
const ANY: char = '\u{0}';

/// Whether the pattern matches the text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    overlap(pattern, text)
}

/// Whether the pattern matches every text that starts with `prefix` and goes on.
pub(crate) fn covers_all_after(pattern: &str, prefix: &str) -> bool {
    let mut sample = prefix.to_owned();
    sample.push(ANY);
    pattern.ends_with('*') && matches(pattern, &sample)
}

/// Whether some text matches both patterns.
pub(crate) fn overlap(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // row[j] says whether the rest of `a` from the current place on overlaps with `b` from j on.
    let mut next: Vec<bool> = Vec::new();
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            row[j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some('*'), None) => next[j],
                (None, Some('*')) => row[j + 1],
                (Some('*'), Some(_)) => next[j] || row[j + 1],
                (Some(_), Some('*')) => row[j + 1] || next[j],
                (Some(x), Some(y)) => (x == y || *x == '?' || *y == '?') && next[j + 1],
                _ => false,
            };
        }
        next = row;
    }
    next[0]
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
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
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
    fn a_pattern_covers_what_follows_a_prefix_only_with_a_star_at_its_end() {
        let cases = [
            ("arn:aws:s3:::b/*", true),
            ("arn:aws:s3:::b*", true),
            ("arn:aws:s3:::b/?*", true),
            ("*", true),
            ("arn:aws:s3:::b/a*", false),
            ("arn:aws:s3:::b/*.json", false),
            ("arn:aws:s3:::other/*", false),
        ];
        for (pattern, expected) in cases {
            assert_eq!(covers_all_after(pattern, "arn:aws:s3:::b/"), expected, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_that_covers_matches_whatever_follows(
            pattern in "[ab/]{0,4}[ab*?/]{0,4}", prefix in "[ab/]{0,4}", rest in "[abc]{1,4}",
        ) {
            if covers_all_after(&pattern, &prefix) {
                let text = format!("{prefix}{rest}");
                prop_assert!(matches(&pattern, &text));
            }
        }
    }
}
