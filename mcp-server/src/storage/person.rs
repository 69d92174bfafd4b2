//! Whose something is: the issuer and the subject of a verified token, together (a subject alone is unique at
//! its issuer only, RFC 7519 §4.1.2).

use crate::resource_server::AccessToken;

/// Somebody, for whom things are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person {
    issuer: String,
    subject: String,
}

/// The longest issuer and subject together, in bytes: they are in an index. `sub` has 255 at most in `OpenID`
/// Connect Core §2.
const LONGEST: usize = 1000;

/// Why nothing can be kept for the bearer of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPerson {
    /// The token names none.
    #[error("your access token has no subject, so nothing can be kept for you")]
    NoSubject,
    /// The subject is too long, or has characters that cannot be stored.
    #[error("the subject of your access token is too long or has control characters, so nothing can be kept for you")]
    UnusableSubject,
}

impl Person {
    /// The person that a token was issued for.
    ///
    /// # Errors
    /// The token names nobody for whom something could be kept.
    pub fn of(token: &AccessToken) -> Result<Self, NoPerson> {
        Self::new(token.issuer(), token.subject().ok_or(NoPerson::NoSubject)?)
    }

    pub(super) fn new(issuer: &str, subject: &str) -> Result<Self, NoPerson> {
        if subject.is_empty() {
            return Err(NoPerson::NoSubject);
        }
        if issuer.len() + subject.len() > LONGEST || subject.contains(char::is_control) {
            return Err(NoPerson::UnusableSubject);
        }
        Ok(Self { issuer: issuer.to_owned(), subject: subject.to_owned() })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_subject_is_a_person() {
        assert!(Person::new("https://a.example", "user-1").is_ok());
        assert_eq!(Person::new("https://a.example", ""), Err(NoPerson::NoSubject));
        for subject in ["a\0b", "a\nb", &"x".repeat(LONGEST)] {
            assert_eq!(Person::new("https://a.example", subject), Err(NoPerson::UnusableSubject));
        }
    }

    #[test]
    fn equal_subjects_of_two_issuers_are_two_people() {
        assert_ne!(Person::new("https://a.example", "1"), Person::new("https://b.example", "1"));
        assert_ne!(Person::new("https://a.example/1", "2"), Person::new("https://a.example/", "12"));
    }
}
