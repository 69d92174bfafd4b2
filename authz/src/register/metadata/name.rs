//! The name that a client gives itself. It is shown where a person decides whom to trust.

use super::InvalidMetadata;

/// Nothing in the name may be invisible or turn the text around.
pub(super) fn checked(name: String) -> Result<String, InvalidMetadata> {
    let length = name.chars().take(101).count();
    let legal = (1..=100).contains(&length) && !name.trim().is_empty() && !name.chars().any(is_hidden);
    if legal { Ok(name) } else { Err(InvalidMetadata::Name) }
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}')
        || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
