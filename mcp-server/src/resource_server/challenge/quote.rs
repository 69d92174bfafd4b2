//! Text of a token in a header and a description: printable, and not too long.

/// Longest value that a description quotes, in characters.
const QUOTED_LENGTH: usize = 200;

/// RFC 6750 §3: only %x20-21 / %x23-5B / %x5D-7E inside the quoted strings.
pub(super) fn quotable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            ' '..='!' | '#'..='[' | ']'..='~' => c,
            _ => '?',
        })
        .collect()
}

pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED_LENGTH).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}
