//! What strangers wrote, made fit for a terminal: no control sequence, no invisible or turned-around text. And our own
//! styles, where they belong.

use anstyle::{AnsiColor, Style};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use crate::commands::Report;

/// For names.
pub const BOLD: Style = Style::new().bold();
/// For the prompt.
pub const PROMPT_STYLE: Style = AnsiColor::Cyan.on_default().bold();
/// For what went wrong.
pub const ERROR: Style = AnsiColor::Red.on_default();

/// Longest text of a stranger shown in one piece, in characters.
const MAX_CHARACTERS: usize = 100_000;

/// Text over several lines: line breaks and tabs stay, every other control or formatting character is shown as its
/// number.
#[must_use]
pub fn sanitize(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (count, character) in text.chars().enumerate() {
        if count == MAX_CHARACTERS {
            shown.push('…');
            break;
        }
        match character {
            '\n' | '\t' => shown.push(character),
            character if character.is_control() || is_formatting(character) => {
                shown.extend(character.escape_unicode());
            }
            character => shown.push(character),
        }
    }
    shown
}

/// Text on one line, at most 500 characters: for sentences that hold words of a server.
#[must_use]
pub fn sanitize_line(text: &str) -> String {
    let mut line: String =
        text.chars().take(500).map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).collect();
    if text.chars().nth(500).is_some() {
        line.push('…');
    }
    sanitize(&line)
}

/// Serialised JSON, with the characters that [`sanitize`] replaces written as `\\u` escapes: it stays the same JSON.
#[must_use]
pub fn sanitize_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || !(character.is_control() || is_formatting(character)) {
            shown.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
    shown
}

/// Soft hyphen, zero-width and bidirectional controls, line and paragraph separators, tags.
const fn is_formatting(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// `text` in `style`. For text that went through [`sanitize`] only.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` without styles.
#[must_use]
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Prints a report: styles only on a terminal, and not where `NO_COLOR` is set; a closed pipe is not worth a word.
pub fn print(report: &Report) {
    say(&report.stdout);
    if !report.stderr.is_empty() {
        let _closed = anstream::stderr().lock().write_all(styled(ERROR, report.stderr.trim_end()).as_bytes());
        let _closed = io::stderr().lock().write_all(b"\n");
    }
}

/// Prints `text` to stdout, as [`print()`] does.
pub fn say(text: &str) {
    let mut stdout = anstream::stdout().lock();
    let _closed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_and_turned_text_lose_their_power() {
        assert_eq!(sanitize("a\u{1b}[2Jb\u{9b}1m\u{7f}"), "a\\u{1b}[2Jb\\u{9b}1m\\u{7f}");
        assert_eq!(sanitize("a\u{202e}b\u{200b}c\u{feff}"), "a\\u{202e}b\\u{200b}c\\u{feff}");
        assert_eq!(sanitize("a\rb\u{8}"), "a\\u{d}b\\u{8}");
    }

    #[test]
    fn plain_text_of_any_language_stays_as_it_is() {
        for text in ["a\n\tb", "東京 は 10:00", "Grüße — “ok”"] {
            assert_eq!(sanitize(text), text);
        }
    }

    #[test]
    fn a_sentence_stays_on_one_line_and_has_an_end() {
        assert_eq!(sanitize_line("a\r\nb"), "a  b");
        assert_eq!(sanitize_line(&"x".repeat(600)).chars().count(), 501);
        assert_eq!(sanitize(&"x".repeat(MAX_CHARACTERS + 5)).chars().count(), MAX_CHARACTERS + 1);
    }
}
