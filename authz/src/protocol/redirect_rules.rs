//! Which redirect URIs a server takes beside https and loopback: private-use schemes (RFC 8252 §7.1) that the operator
//! named, and codes that are shown to be copied.

use super::RedirectUri;
use std::fmt;

/// What the operator allows beside https and loopback. Nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedirectRules {
    /// The private-use schemes of applications.
    pub schemes: Vec<PrivateUseScheme>,
    /// Whether a code may be shown, to be copied ([`RedirectUri::OUT_OF_BAND`]).
    pub out_of_band: bool,
}

/// A scheme that an application may have for itself, such as `com.example.app`; lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateUseScheme(String);

/// The rule that a scheme breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScheme {
    /// RFC 3986 §3.1, and in lower case, as browsers write it.
    #[error("a scheme is a lower case letter, and then lower case letters, digits, +, - and .")]
    Malformed,
    /// A browser would run or show what the client wrote, as if it were from here.
    #[error("a browser runs or opens what is in a URI of this scheme, so it is never allowed")]
    Dangerous,
    /// It has a meaning of its own, which no application can claim.
    #[error("the scheme is not private to an application")]
    NotPrivateUse,
}

impl RedirectRules {
    /// Whether codes may be sent to `uri`.
    #[must_use]
    pub fn allow(&self, uri: &RedirectUri) -> bool {
        if uri.is_out_of_band() {
            return self.out_of_band;
        }
        !uri.is_private_use() || self.schemes.iter().any(|scheme| scheme.0 == uri.scheme())
    }
}

impl PrivateUseScheme {
    const DANGEROUS: [&str; 9] =
        ["javascript", "data", "file", "vbscript", "blob", "filesystem", "view-source", "about", "intent"];
    const TAKEN: [&str; 8] = ["http", "https", "ws", "wss", "ftp", "urn", "mailto", "tel"];

    /// Takes a scheme, without its colon.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(raw: &str) -> Result<Self, InvalidScheme> {
        let lower = raw.to_ascii_lowercase();
        if Self::DANGEROUS.contains(&lower.as_str()) {
            return Err(InvalidScheme::Dangerous);
        }
        if Self::TAKEN.contains(&lower.as_str()) {
            return Err(InvalidScheme::NotPrivateUse);
        }
        let first = raw.starts_with(|first: char| first.is_ascii_lowercase());
        let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
        if first && raw.bytes().all(rest) { Ok(Self(raw.to_owned())) } else { Err(InvalidScheme::Malformed) }
    }
}

impl fmt::Display for PrivateUseScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::InvalidRedirectUri;

    fn rules(schemes: &[&str]) -> RedirectRules {
        let schemes = schemes.iter().map(|raw| PrivateUseScheme::parse(raw).unwrap()).collect();
        RedirectRules { schemes, out_of_band: false }
    }

    #[test]
    fn a_dangerous_scheme_can_never_be_listed() {
        for dangerous in
            ["javascript", "data", "file", "vbscript", "blob", "JavaScript", "DATA", "filesystem", "intent"]
        {
            assert_eq!(PrivateUseScheme::parse(dangerous), Err(InvalidScheme::Dangerous), "{dangerous}");
        }
        for taken in ["http", "https", "HTTPS", "urn", "ftp"] {
            assert_eq!(PrivateUseScheme::parse(taken), Err(InvalidScheme::NotPrivateUse), "{taken}");
        }
        for malformed in ["", "1app", "com.example:", "cursor://", "My App", "App", "app*", "ä", ".app"] {
            assert_eq!(PrivateUseScheme::parse(malformed), Err(InvalidScheme::Malformed), "{malformed}");
        }
        for good in ["cursor", "com.example.app", "vscode-insiders", "app+2"] {
            assert_eq!(PrivateUseScheme::parse(good).unwrap().to_string(), good);
        }
    }

    #[test]
    fn only_listed_schemes_are_redirected_to() {
        let listed = rules(&["com.example.app", "cursor"]);
        for good in ["com.example.app:/cb", "com.example.app:cb", "cursor://anysphere/oauth/callback?x=1"] {
            assert_eq!(RedirectUri::parse_by(good, &listed).unwrap().as_str(), good);
            assert_eq!(RedirectUri::parse(good), Err(InvalidRedirectUri::SchemeNotAllowed), "{good}");
        }
        for (hostile, rule) in [
            ("com.example.other:/cb", InvalidRedirectUri::SchemeNotAllowed),
            ("com.example.app.evil:/cb", InvalidRedirectUri::SchemeNotAllowed),
            ("javascript:alert(1)", InvalidRedirectUri::SchemeNotAllowed),
            ("cursor://user@anysphere/cb", InvalidRedirectUri::HasUserInformation),
            ("cursor:/cb#x", InvalidRedirectUri::HasFragment),
            ("cursor:/a/../cb", InvalidRedirectUri::NotNormal),
            ("CURSOR:/cb", InvalidRedirectUri::NotNormal),
            ("cursor:/cb?code=1", InvalidRedirectUri::ReservedParameter),
            ("http://a.example/cb", InvalidRedirectUri::InsecureHttp),
        ] {
            assert_eq!(RedirectUri::parse_by(hostile, &listed), Err(rule), "{hostile}");
        }
    }

    #[test]
    fn a_private_use_redirect_matches_exactly_and_takes_the_answer_along() {
        let listed = rules(&["cursor", "com.example.app"]);
        let uri = |raw: &str| RedirectUri::parse_by(raw, &listed).unwrap();
        let registered = uri("cursor://localhost:3030/cb");
        assert!(registered.allows(&uri("cursor://localhost:3030/cb")));
        for other in
            ["cursor://localhost:3031/cb", "cursor://localhost/cb", "cursor:/cb", "cursor://localhost:3030/cb/"]
        {
            assert!(!registered.allows(&uri(other)), "{other}");
        }
        assert_eq!(uri("com.example.app:/cb").with_query(&[("code", "a&b")]), "com.example.app:/cb?code=a%26b");
        assert_eq!(uri("com.example.app:cb").with_query(&[("code", "x")]), "com.example.app:cb?code=x");
        assert_eq!(uri("cursor://localhost:3030/cb").form_action_source(), "cursor:");
        assert_eq!(uri("com.example.app:/cb").host(), "com.example.app:");
    }
}
