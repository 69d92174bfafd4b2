//! A note: what it consists of, and how large each part may be.

use jiff::Timestamp;
use ring::rand::SecureRandom;

/// The longest title, in bytes.
const LONGEST_TITLE: usize = 200;
/// The longest content, in bytes.
const LONGEST_CONTENT: usize = 64 * 1024;
/// How much of the content a preview shows, in characters.
pub(super) const PREVIEW: usize = 100;
/// Bytes of randomness in an id: nobody guesses one.
const RANDOM_BYTES: usize = 16;

/// A note to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNote {
    /// What it is called.
    pub title: Title,
    /// What it says.
    pub content: Content,
}

/// A note that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// What it is called.
    pub title: String,
    /// What it says.
    pub content: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A note with the beginning of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Its id.
    pub id: NoteId,
    /// What it is called.
    pub title: String,
    /// How it begins, on one line; with `…` if it goes on.
    pub preview: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Some of a person's notes, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previews {
    /// These.
    pub notes: Vec<Preview>,
    /// How many there are in all.
    pub total: u64,
}

/// What makes a text no title or no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNote {
    /// There is none.
    #[error("the content is empty")]
    Empty,
    /// A title that is too long.
    #[error("the title has {0} bytes, and {LONGEST_TITLE} is the most")]
    TitleTooLong(usize),
    /// A content that is too long.
    #[error("the content has {0} bytes, and {LONGEST_CONTENT} is the most")]
    ContentTooLong(usize),
    /// A title of several lines, or worse.
    #[error("the title has control characters")]
    TitleControl,
    /// A character that not every database can keep.
    #[error("the content has a null character")]
    Null,
}

/// What a note is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Takes a title; a blank one is `Untitled`.
    ///
    /// # Errors
    /// It is too long, or not one line.
    pub fn parse(raw: &str) -> Result<Self, InvalidNote> {
        let title = raw.trim();
        if title.len() > LONGEST_TITLE {
            return Err(InvalidNote::TitleTooLong(title.len()));
        }
        if title.contains(char::is_control) {
            return Err(InvalidNote::TitleControl);
        }
        Ok(if title.is_empty() { Self::default() } else { Self(title.to_owned()) })
    }

    /// The title itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Title {
    fn default() -> Self {
        Self("Untitled".to_owned())
    }
}

/// What a note says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// Takes a content as it is.
    ///
    /// # Errors
    /// It is empty, too long, or has a null character.
    pub fn parse(raw: String) -> Result<Self, InvalidNote> {
        if raw.is_empty() {
            return Err(InvalidNote::Empty);
        }
        if raw.len() > LONGEST_CONTENT {
            return Err(InvalidNote::ContentTooLong(raw.len()));
        }
        if raw.contains('\0') {
            return Err(InvalidNote::Null);
        }
        Ok(Self(raw))
    }

    /// The content itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a note: 128 random bits in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NoteId(String);

impl NoteId {
    /// Makes a new one. None without randomness.
    pub(super) fn generate(random: &dyn SecureRandom) -> Option<Self> {
        let mut bytes = [0; RANDOM_BYTES];
        random.fill(&mut bytes).ok()?;
        Some(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    /// Reads one.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let digits = raw.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (digits && raw.len() == 2 * RANDOM_BYTES).then(|| Self(raw.to_owned()))
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The beginning of a content, on one line. `beginning` has one character more than is shown if there is more.
pub(super) fn preview(beginning: &str) -> String {
    let mut shown: String = beginning.chars().take(PREVIEW).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if beginning.chars().nth(PREVIEW).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(Title::parse(" Groceries ").unwrap().as_str(), "Groceries");
        assert_eq!(Title::parse("  ").unwrap().as_str(), "Untitled");
        assert_eq!(Title::parse("a\nb"), Err(InvalidNote::TitleControl));
        assert!(Title::parse(&"ä".repeat(LONGEST_TITLE / 2)).is_ok());
        assert_eq!(Title::parse(&"x".repeat(201)), Err(InvalidNote::TitleTooLong(201)));
    }

    #[test]
    fn a_content_has_an_end() {
        assert!(Content::parse("x".repeat(LONGEST_CONTENT)).is_ok());
        assert_eq!(Content::parse("x".repeat(LONGEST_CONTENT + 1)), Err(InvalidNote::ContentTooLong(65_537)));
        assert_eq!(Content::parse(String::new()), Err(InvalidNote::Empty));
        assert_eq!(Content::parse("a\0b".to_owned()), Err(InvalidNote::Null));
        let error = InvalidNote::ContentTooLong(65_537).to_string();
        assert_eq!(error, "the content has 65537 bytes, and 65536 is the most");
    }

    #[test]
    fn an_id_is_32_digits() {
        assert!(NoteId::parse("0123456789abcdef0123456789abcdef").is_some());
        for raw in ["", "1", "0123456789ABCDEF0123456789ABCDEF", "' OR 1=1 --", &"a".repeat(33), &"é".repeat(16)] {
            assert_eq!(NoteId::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn a_preview_is_one_line_and_says_when_there_is_more() {
        assert_eq!(preview("milk\nbread"), "milk bread");
        assert_eq!(preview(&"ä".repeat(PREVIEW)), "ä".repeat(PREVIEW));
        assert_eq!(preview(&"ä".repeat(PREVIEW + 1)), format!("{}…", "ä".repeat(PREVIEW)));
    }
}
