//! User codes (RFC 8628 §6.1): what a person types. Eight letters without vowels, so that they spell nothing and no
//! digit is taken for a letter; 34 bits, which is enough for minutes and with a limit on how often one may guess.

use super::SecretHash;
use ring::{error::Unspecified, rand::SecureRandom};
use std::fmt;

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LETTERS: usize = 8;

/// A user code. Debug shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

/// Marks the hashes of user codes.
pub enum User {}

/// A user code as stored.
pub type UserCodeHash = SecretHash<User>;

impl UserCode {
    /// Makes a new code.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut letters = String::with_capacity(LETTERS);
        while letters.len() < LETTERS {
            let mut byte = [0];
            random.fill(&mut byte)?;
            // 240 is twelve times twenty: every letter is as likely as the others.
            let index = byte.first().copied().filter(|byte| *byte < 240).map(|byte| usize::from(byte % 20));
            letters.extend(index.and_then(|index| ALPHABET.get(index)).map(|letter| char::from(*letter)));
        }
        Ok(Self(letters))
    }

    /// Reads what a person typed: case, spaces and hyphens do not count. `None` if it cannot be one of ours.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        // The length first: nothing long is looked at.
        let typed = Some(typed).filter(|typed| typed.len() <= 64)?;
        let kept = typed.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '_' | '.'));
        let letters: String = kept.map(|letter| letter.to_ascii_uppercase()).collect();
        let legal = letters.len() == LETTERS && letters.bytes().all(|letter| ALPHABET.contains(&letter));
        legal.then_some(Self(letters))
    }

    /// What is stored of the code.
    #[must_use]
    pub fn hash(&self) -> UserCodeHash {
        SecretHash::of(self.0.as_bytes())
    }

    /// The code as it is shown: `WDJB-MJHT`.
    #[must_use]
    pub fn reveal(&self) -> String {
        let (left, right) = self.0.split_at(LETTERS / 2);
        format!("{left}-{right}")
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[expect(clippy::disallowed_methods, reason = "the edge of this test")]
    fn generate() -> UserCode {
        UserCode::generate(&ring::rand::SystemRandom::new()).unwrap()
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = generate();
        let shown = code.reveal();
        assert_eq!(shown.len(), 9);
        for typed in
            [shown.clone(), shown.to_lowercase(), shown.replace('-', ""), format!(" {} ", shown.replace('-', " "))]
        {
            assert_eq!(UserCode::parse(&typed).as_ref(), Some(&code), "{typed}");
        }
        assert_eq!(format!("{code:?}"), "UserCode(***)");
    }

    #[test]
    fn nothing_else_is_a_code() {
        for hostile in
            ["", "WDJB", "WDJB-MJHTT", "WDJB-MJH1", "ADJB-MJHT", "WDJB-MJHÄ", "' OR 1=1", &"-".repeat(100_000)]
        {
            assert_eq!(UserCode::parse(hostile), None, "{}", hostile.len());
        }
    }

    #[test]
    fn every_letter_is_used() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            seen.extend(generate().0.into_bytes());
        }
        assert_eq!(seen.len(), ALPHABET.len());
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_it_panic(typed in "\\PC{0,20}") {
            if let Some(code) = UserCode::parse(&typed) {
                prop_assert_eq!(UserCode::parse(&code.reveal()), Some(code));
            }
        }
    }
}
