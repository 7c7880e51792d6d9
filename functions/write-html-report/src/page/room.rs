//! How much of each list there is room for: the whole report stays below 8 MiB, whatever the texts.

/// Bytes of the rows of violations. A violation takes some 500.
pub(super) const VIOLATIONS: usize = 4352 * 1024;

/// Bytes of the rows of resources.
pub(super) const RESOURCES: usize = 1664 * 1024;

/// Bytes of each other list. What is in none of them, above all the rules, the frameworks and the policy, takes less than 1 MiB.
pub(super) const LIST: usize = 192 * 1024;

/// What a row takes beside its texts.
const ROW: usize = 320;

/// The first items that fit into so many bytes, and how many do not.
pub(super) fn within<T>(items: Vec<T>, bytes: usize, takes: impl Fn(&T) -> usize) -> (Vec<T>, u64) {
    let all = items.len();
    let mut left = bytes;
    let fitting: Vec<T> = items
        .into_iter()
        .map_while(|item| {
            left = left.checked_sub(takes(&item))?;
            Some(item)
        })
        .collect();
    let omitted = (all - fitting.len()) as u64;
    (fitting, omitted)
}

/// What a row with these texts takes.
pub(super) fn row<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    ROW + texts.into_iter().map(escaped).sum::<usize>()
}

/// The bytes of a text once it is escaped: `&` becomes `&#38;`.
pub(super) fn escaped(text: &str) -> usize {
    text.bytes().map(|byte| if matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'') { 5 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fit_are_taken_and_the_rest_is_counted() {
        let texts = ["1234", "12", "123456", "1"];
        for (room, fit) in [(0, 0), (4, 1), (6, 2), (11, 2), (12, 3), (13, 4)] {
            assert_eq!(
                within(texts.to_vec(), room, |text| text.len()),
                (texts[..fit].to_vec(), 4 - fit as u64),
                "{room}"
            );
        }
    }

    #[test]
    fn a_text_takes_what_askama_makes_of_it() {
        #[derive(askama::Template)]
        #[template(source = "{{ text }}", ext = "html")]
        struct Escaped<'a> {
            text: &'a str,
        }
        let text = "<a href=\"x\">&'ü😀";
        assert_eq!(escaped(text), askama::Template::render(&Escaped { text }).unwrap().len());
    }
}
