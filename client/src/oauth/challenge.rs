//! The `WWW-Authenticate` header of a 401 or 403 (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1).
//! The header is written by a stranger: parsing is linear, bounded, and a malformed challenge counts as none.

use http::{HeaderMap, header};

use super::scope::Scope;

/// Longest header looked at, in bytes, over all its lines.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Most parameters of one challenge.
const MAX_PARAMETERS: usize = 32;

/// What a `Bearer` challenge says, or a `DPoP` one (RFC 9449 §7.1); all fields are as sent, and unchecked but for the scope's grammar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BearerChallenge {
    /// Where the server says its protected resource metadata is.
    pub resource_metadata: Option<String>,
    /// Whether tokens that are bound to a key are asked for: there is a `DPoP` challenge.
    pub dpop: bool,
    /// The scopes needed for this request.
    pub scope: Option<Scope>,
    /// `invalid_token`, `insufficient_scope` …
    pub error: Option<String>,
    /// A sentence for developers.
    pub error_description: Option<String>,
    /// Seconds since the person's last sign-in that the server accepts (RFC 9470 §3).
    pub max_age: Option<u64>,
    /// Ways of signing in that the server accepts, best first (RFC 9470 §3).
    pub acr_values: Option<String>,
}

impl BearerChallenge {
    /// Whether the person has to sign in anew, or in another way, because the sign-in behind the token does not do
    /// (RFC 9470 §3); a new token for the same sign-in would not help.
    #[must_use]
    pub fn wants_another_sign_in(&self) -> bool {
        self.error.as_deref() == Some("insufficient_user_authentication")
    }

    /// The first well-formed challenge of a response, whose `DPoP` challenges are known from all lines.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut budget = MAX_HEADER_BYTES;
        let mut found: Option<Self> = None;
        for line in headers.get_all(header::WWW_AUTHENTICATE) {
            budget = budget.checked_sub(line.len())?;
            let Some(challenge) = Self::parse(&String::from_utf8_lossy(line.as_bytes())) else { continue };
            match &mut found {
                Some(first) => first.dpop |= challenge.dpop,
                None => found = Some(challenge),
            }
        }
        found
    }

    /// The first well-formed `Bearer` challenge of one header line, else its first `DPoP` one.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        if line.len() > MAX_HEADER_BYTES {
            return None;
        }
        let challenges = Parser { rest: line }.challenges();
        let dpop = challenges.iter().find(|challenge| challenge.is("dpop"));
        let said = challenges.iter().find(|challenge| challenge.is("bearer")).or(dpop)?;
        Some(Self {
            resource_metadata: said.parameter("resource_metadata"),
            dpop: dpop.is_some(),
            scope: said.parameter("scope").and_then(|scope| Scope::parse(&scope)),
            error: said.parameter("error"),
            error_description: said.parameter("error_description"),
            max_age: said.parameter("max_age").and_then(|seconds| seconds.parse().ok()),
            acr_values: said
                .parameter("acr_values")
                .filter(|values| values.bytes().all(|byte| matches!(byte, 0x20..=0x7e))),
        })
    }
}

struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
    /// A parameter came twice, or too many came: nobody can say what was meant.
    ambiguous: bool,
}

impl Challenge {
    fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme) && !self.ambiguous
    }

    fn parameter(&self, name: &str) -> Option<String> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn add(&mut self, name: &str, value: String) {
        let name = name.to_ascii_lowercase();
        self.ambiguous |=
            self.parameters.len() >= MAX_PARAMETERS || self.parameters.iter().any(|(known, _)| *known == name);
        if !self.ambiguous {
            self.parameters.push((name, value));
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    /// All challenges up to the first place that breaks the grammar; the one being read there is dropped.
    fn challenges(mut self) -> Vec<Challenge> {
        let mut done = Vec::new();
        let mut current: Option<Challenge> = None;
        loop {
            self.skip(|c| c == ',' || is_space(c));
            if self.rest.is_empty() {
                done.extend(current);
                return done;
            }
            let Some(word) = self.take_while(is_token) else { return done };
            let spaced = self.skip(is_space);
            if let Some(challenge) = &mut current
                && self.rest.starts_with('=')
            {
                let Some(value) = self.value() else { return done };
                challenge.add(&word, value);
                continue;
            }
            if !spaced && !self.at_end_of_item() {
                return done;
            }
            done.extend(current.replace(Challenge { scheme: word, parameters: Vec::new(), ambiguous: false }));
            self.skip_token68();
        }
    }

    /// `= value` or `= "value"`, up to the next comma.
    fn value(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('=')?;
        self.skip(is_space);
        let value = match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted()?
            }
            // More than a token: URLs are sent without quotes by some servers.
            None => self.take_while(|c| c.is_ascii_graphic() && c != ',' && c != '"')?,
        };
        self.skip(is_space);
        self.at_end_of_item().then_some(value)
    }

    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            // RFC 9110 §5.6.4: an escape makes no control character good.
            let meant = match character {
                '"' => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(value);
                }
                '\\' => characters.next()?.1,
                other => other,
            };
            if meant.is_control() && meant != '\t' {
                return None;
            }
            value.push(meant);
        }
        None
    }

    /// Credentials-like `token68` right after a scheme, as in `Negotiate YWJj=`.
    fn skip_token68(&mut self) {
        let body = self.rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
        let after = body.trim_start_matches('=').trim_start_matches(is_space);
        if body.len() < self.rest.len() && (after.is_empty() || after.starts_with(',')) {
            self.rest = after;
        }
    }

    fn at_end_of_item(&self) -> bool {
        self.rest.is_empty() || self.rest.starts_with(',')
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches(what);
        self.rest.len() < before
    }

    fn take_while(&mut self, what: impl Fn(char) -> bool) -> Option<String> {
        let after = self.rest.trim_start_matches(what);
        let (taken, rest) = self.rest.split_at_checked(self.rest.len() - after.len())?;
        self.rest = rest;
        (!taken.is_empty()).then(|| taken.to_owned())
    }
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metadata(line: &str) -> Option<String> {
        BearerChallenge::parse(line)?.resource_metadata
    }

    #[test]
    fn reads_all_parameters_of_a_bearer_challenge() {
        let line = r#"Bearer resource_metadata="https://a.example/prm", scope="mcp:read mcp:write", error="invalid_token", error_description="a \"b\"""#;
        let challenge = BearerChallenge::parse(line).unwrap();
        assert_eq!(challenge.resource_metadata.as_deref(), Some("https://a.example/prm"));
        assert_eq!(challenge.scope.unwrap().to_string(), "mcp:read mcp:write");
        assert_eq!(challenge.error.as_deref(), Some("invalid_token"));
        assert_eq!(challenge.error_description.as_deref(), Some("a \"b\""));
    }

    #[test]
    fn reads_a_challenge_for_tokens_that_are_bound_to_a_key() {
        let only = BearerChallenge::parse(r#"DPoP error="use_dpop_nonce", resource_metadata="https://a.example/p""#);
        let only = only.unwrap();
        assert_eq!((only.dpop, only.error.as_deref()), (true, Some("use_dpop_nonce")));
        let both = BearerChallenge::parse(r#"DPoP algs="ES256", error="x", Bearer error="invalid_token""#).unwrap();
        assert_eq!((both.dpop, both.error.as_deref()), (true, Some("invalid_token")));
        assert!(!BearerChallenge::parse("Bearer").unwrap().dpop);
        let mut lines = HeaderMap::new();
        for line in ["Bearer scope=\"a\"", "DPoP algs=\"ES256\""] {
            lines.append(header::WWW_AUTHENTICATE, line.parse().unwrap());
        }
        let read = BearerChallenge::from_headers(&lines).unwrap();
        assert!(read.dpop && read.scope.is_some());
    }

    #[test]
    fn reads_what_sign_in_is_wanted() {
        let line = r#"Bearer error="insufficient_user_authentication", max_age="300", acr_values="a b""#;
        let challenge = BearerChallenge::parse(line).unwrap();
        assert!(challenge.wants_another_sign_in());
        assert_eq!((challenge.max_age, challenge.acr_values.as_deref()), (Some(300), Some("a b")));
        let other = BearerChallenge::parse(r#"Bearer error="invalid_token", max_age="-1", acr_values="ä""#).unwrap();
        assert!(!other.wants_another_sign_in());
        assert_eq!((other.max_age, other.acr_values), (None, None));
    }

    #[test]
    fn finds_the_bearer_challenge_among_others_in_any_case_and_spacing() {
        for line in [
            r#"Basic realm="x, Bearer y", bearer resource_metadata="u""#,
            r#"Negotiate YWJj==, BEARER Resource_Metadata = "u""#,
            r#"DPoP algs="ES256", , Bearer	resource_metadata=u ,"#,
            r#"Bearer, Bearer resource_metadata="u""#,
            r#"Bearer resource_metadata="u", Basic realm="b""#,
        ] {
            let found = Parser { rest: line }
                .challenges()
                .iter()
                .any(|c| c.parameter("resource_metadata").as_deref() == Some("u"));
            assert!(found, "{line}");
        }
        assert_eq!(metadata(r#"Basic realm="Bearer resource_metadata=evil""#), None);
        assert_eq!(metadata(r#"Basic realm="x", resource_metadata="not-bearer""#), None);
    }

    #[test]
    fn a_challenge_without_parameters_is_a_challenge() {
        assert_eq!(BearerChallenge::parse("Bearer"), Some(BearerChallenge::default()));
        assert_eq!(BearerChallenge::parse("Basic"), None);
        assert_eq!(BearerChallenge::parse(""), None);
    }

    #[test]
    fn a_malformed_or_ambiguous_challenge_counts_as_none() {
        for line in [
            r#"Bearer resource_metadata="u", resource_metadata="v""#,
            r#"Bearer resource_metadata="unterminated"#,
            r#"Bearer resource_metadata="a\"#,
            r#"Bearer resource_metadata="u" junk"#,
            "Bearer resource_metadata=\"a\u{0}b\"",
            "Bearer resource_metadata=\"a\\\u{0}b\"",
            "Bearer resource_metadata=\"a\\\u{9b}b\"",
            "Bearer resource_metadata=\"a\r\nb\"",
            "Bearer@ resource_metadata=u",
        ] {
            assert_eq!(metadata(line), None, "{line:?}");
        }
    }

    #[test]
    fn size_and_number_of_parameters_are_bounded() {
        let many = (0..=MAX_PARAMETERS).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join(", ");
        assert_eq!(BearerChallenge::parse(&format!("Bearer {many}")), None);
        assert_eq!(BearerChallenge::parse(&format!("Bearer x=\"{}\"", "y".repeat(MAX_HEADER_BYTES))), None);
        let mut headers = HeaderMap::new();
        for _ in 0..20 {
            headers.append(header::WWW_AUTHENTICATE, header::HeaderValue::from_str(&"Basic ,".repeat(200)).unwrap());
        }
        headers.append(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer scope=x"));
        assert_eq!(BearerChallenge::from_headers(&headers), None);
    }

    #[test]
    fn reads_the_bearer_challenge_from_any_header_line() {
        let mut headers = HeaderMap::new();
        headers.append(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Basic realm=\"x\""));
        headers.append(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer scope=\"mcp:read\""));
        assert_eq!(BearerChallenge::from_headers(&headers).unwrap().scope, Scope::parse("mcp:read"));
        assert_eq!(BearerChallenge::from_headers(&HeaderMap::new()), None);
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_what_it_reads_bounded(line in "\\PC{0,200}|[Bbearer ,=\"\\\\a-z]{0,200}") {
            if let Some(challenge) = BearerChallenge::parse(&line) {
                prop_assert!(challenge.resource_metadata.is_none_or(|value| value.len() <= line.len()));
            }
        }

        #[test]
        fn a_quoted_value_comes_back_as_it_was(value in "[ -~]{0,80}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("Bearer resource_metadata=\"{escaped}\", scope=\"a\"");
            prop_assert_eq!(metadata(&line), Some(value));
        }
    }
}
