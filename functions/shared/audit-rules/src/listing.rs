//! Lists in observed texts, which stay short however long the list is.

/// How many items a list names.
const NAMED: usize = 5;

/// The first items, and how many more there are.
pub(crate) fn first_of<T: AsRef<str>>(items: &[T]) -> String {
    let named: Vec<&str> = items.iter().take(NAMED).map(AsRef::as_ref).collect();
    let named = named.join(", ");
    match items.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_are_named_and_the_rest_is_counted() {
        let cases = [
            (0, ""),
            (1, "1"),
            (5, "1, 2, 3, 4, 5"),
            (6, "1, 2, 3, 4, 5 and 1 more"),
            (500, "1, 2, 3, 4, 5 and 495 more"),
        ];
        for (items, expected) in cases {
            let items: Vec<String> = (1..=items).map(|item: u32| item.to_string()).collect();
            assert_eq!(first_of(&items), expected);
        }
    }
}
