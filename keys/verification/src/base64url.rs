//! base64url without padding, in its one canonical form (RFC 4648 §5 and §3.5, RFC 7515 §2): no other alphabet,
//! no `=`, no stray bits in the last character. So a token has one spelling only.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Decodes; `None` for anything but the canonical form.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether `text` is in canonical form, without decoding it.
pub(crate) fn is_canonical(text: &str) -> bool {
    let Some(last) = text.bytes().last() else { return true };
    // Four characters are three bytes; two leave 4 bits over, three leave 2, one cannot be.
    let unused_bits = match text.len() % 4 {
        0 => 0,
        2 => 0b1111,
        3 => 0b11,
        _ => return false,
    };
    text.bytes().all(|byte| value(byte).is_some()) && value(last).is_some_and(|bits| bits & unused_bits == 0)
}

const fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_only_the_canonical_form() {
        for text in ["", "Zg", "Zm8", "Zm9v", "_-8"] {
            assert!(decode(text).is_some() && is_canonical(text), "{text}");
        }
        for text in ["Z", "Zg==", "Zg=", "Zh", "Zm9", "Zm8=", "Zm9v=", "Z+8", "Z/8", " Zg", "Zg\n", "Zm 9v", "Zm9vé"] {
            assert!(decode(text).is_none() && !is_canonical(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_check_says_what_decoding_says(text in "[A-Za-z0-9_=+/ -]{0,12}") {
            prop_assert_eq!(is_canonical(&text), decode(&text).is_some());
        }

        #[test]
        fn what_decodes_encodes_to_itself(text in "[A-Za-z0-9_-]{0,12}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
