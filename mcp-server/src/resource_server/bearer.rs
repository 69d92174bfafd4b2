//! Exactly one token, from the `Authorization` header only (RFC 6750 §2.1). Tokens in a query, a form or
//! a cookie are not looked at (MCP authorization: MUST NOT).

use std::fmt;

use http::{HeaderMap, header};

use super::challenge::Reason;

/// Longest token that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A token as presented: nothing about it is known. Never printed.
#[derive(Clone, Copy)]
pub struct BearerToken<'a>(&'a str);

impl<'a> BearerToken<'a> {
    /// Reads the one token of a request.
    ///
    /// # Errors
    /// [`Reason::MissingToken`] without bearer credentials, else what is wrong with them.
    pub fn from_headers(headers: &'a HeaderMap) -> Result<Self, Reason> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(Reason::MissingToken)?;
        if values.next().is_some() {
            return Err(Reason::MultipleCredentials);
        }
        Self::from_value(value.as_bytes())
    }

    fn from_value(value: &'a [u8]) -> Result<Self, Reason> {
        let end = value.iter().position(|byte| !byte.is_ascii_alphanumeric());
        let (scheme, rest) = value.split_at(end.unwrap_or(value.len()));
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Err(Reason::MissingToken);
        }
        let token = rest.trim_ascii_start();
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Reason::TokenTooLarge);
        }
        let lead = rest.get(..rest.len() - token.len()).unwrap_or_default();
        let separated = lead.first() == Some(&b' ') && !lead.contains(&b'\t');
        if separated && is_b64token(token) {
            return std::str::from_utf8(token).map(Self).map_err(|_| Reason::TokenMalformed);
        }
        let visible = !token.is_empty() && token.iter().all(u8::is_ascii_graphic);
        Err(if separated && visible { Reason::TokenMalformed } else { Reason::AuthorizationMalformed })
    }

    /// The token itself.
    #[must_use]
    pub const fn reveal(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(***)")
    }
}

/// RFC 6750 §2.1: `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_b64token(token: &[u8]) -> bool {
    let Some(last) = token.iter().rposition(|byte| *byte != b'=') else { return false };
    let body = token.get(..=last).unwrap_or_default();
    // On the path of each request: to the end in any case, which is faster than to look for the first wrong byte.
    body.iter().fold(true, |good, byte| good & is_token_byte(*byte))
}

const fn is_token_byte(byte: u8) -> bool {
    // `-`, `.` and `/` stand side by side.
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'-'..=b'9' | b'_' | b'~' | b'+')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<String, Reason> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        BearerToken::from_headers(&headers).map(|token| token.reveal().to_owned())
    }

    #[test]
    fn the_scheme_is_case_insensitive() {
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            assert_eq!(read(&[format!("{scheme} a.b.c").as_bytes()]).as_deref(), Ok("a.b.c"));
        }
        assert_eq!(read(&[b"Bearer  a.b.c"]).as_deref(), Ok("a.b.c"));
    }

    #[test]
    fn no_bearer_credentials_are_no_credentials() {
        assert_eq!(read(&[]), Err(Reason::MissingToken));
        for value in [&b"Basic YTpi"[..], b"", b"DPoP abc", b"Bearerabc", b"Token abc"] {
            assert_eq!(read(&[value]), Err(Reason::MissingToken), "{value:?}");
        }
    }

    #[test]
    fn malformed_credentials_are_a_bad_request() {
        let values: [&[u8]; 8] = [
            b"Bearer",
            b"Bearer ",
            b"Bearer\ta.b.c",
            b"Bearer \ta.b.c",
            b"Bearer a, Bearer b",
            b"Bearer a b",
            b"Bearer {\"payload\": \"\"}",
            b"Bearer a.\xff.c",
        ];
        for value in values {
            assert_eq!(read(&[value]), Err(Reason::AuthorizationMalformed), "{value:?}");
        }
    }

    #[test]
    fn what_stands_where_a_token_should_is_a_malformed_token() {
        for value in
            [&b"Bearer \"a.b.c\""[..], b"Bearer {\"payload\":\"\"}", b"Bearer a,b", b"Bearer a=.b.c", b"Bearer ="]
        {
            assert_eq!(read(&[value]), Err(Reason::TokenMalformed), "{value:?}");
        }
    }

    #[test]
    fn two_authorization_headers_are_refused_whatever_they_hold() {
        assert_eq!(read(&[b"Bearer a.b.c", b"Bearer a.b.c"]), Err(Reason::MultipleCredentials));
        assert_eq!(read(&[b"Bearer a.b.c", b"Basic x"]), Err(Reason::MultipleCredentials));
        assert_eq!(read(&[b"Basic x", b"Bearer a.b.c"]), Err(Reason::MultipleCredentials));
    }

    #[test]
    fn a_huge_token_is_refused_by_its_length() {
        let huge = format!("Bearer {}", "a".repeat(MAX_TOKEN_BYTES + 1));
        assert_eq!(read(&[huge.as_bytes()]), Err(Reason::TokenTooLarge));
        let largest = format!("Bearer {}", "a".repeat(MAX_TOKEN_BYTES));
        assert!(read(&[largest.as_bytes()]).is_ok());
    }

    #[test]
    fn the_token_is_never_printed() {
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
        let token = BearerToken::from_headers(&headers).unwrap();
        assert_eq!(format!("{token:?}"), "BearerToken(***)");
    }
}
