//! Google's token information: `GET …/tokeninfo?access_token=…`, answered with numbers as strings, or 400. Not
//! RFC 7662, and the only other way of asking that there is.

use http::StatusCode;
use reqwest::RequestBuilder;
use serde_json::Value;
use url::Url;
use verification_keys::claims::Claims;
use verification_keys::http::{Answer, Client};
use verification_keys::json;

use super::super::challenge::Reason;
use super::client::{FAILED, Reply, retry_after};

/// The members that are times.
const TIMES: [&str; 3] = ["exp", "iat", "nbf"];

/// The question about `token`.
pub(crate) fn request(client: &Client, url: Url, token: &str) -> RequestBuilder {
    client.get(url).query(&[("access_token", token)])
}

/// What an answer means. Pure.
pub(super) fn read(answer: &Answer) -> Reply {
    match answer.status {
        StatusCode::OK => claims(&answer.body).map_or(FAILED, |claims| Reply::Active(Box::new(claims))),
        StatusCode::BAD_REQUEST if json::parse_object(&answer.body).is_ok() => Reply::Refused(Reason::TokenInactive),
        status => {
            tracing::warn!(%status, "no answer from the token information");
            Reply::Failed { retry_after: retry_after(&answer.headers) }
        }
    }
}

/// Whether an answer calls the token good; none if it is no such answer.
#[cfg(feature = "demo")]
pub(crate) fn is_active(answer: &Answer) -> Option<bool> {
    match read(answer) {
        Reply::Active(_) => Some(true),
        Reply::Refused(_) => Some(false),
        Reply::Declined | Reply::Failed { .. } => None,
    }
}

fn claims(body: &[u8]) -> Option<Claims> {
    let mut members = json::parse_object(body).ok()?;
    for name in TIMES {
        if let Some(Value::String(digits)) = members.get(name) {
            let seconds: i64 = digits.parse().ok()?;
            members.insert(name.to_owned(), seconds.into());
        }
    }
    let claims = Claims::parse(&serde_json::to_vec(&members).ok()?).ok()?;
    // Without these it says nothing about a token.
    Some(claims).filter(|claims| claims.expires_at.is_some() && claims.audience.iter().next().is_some())
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn read_body(status: u16, body: &str) -> Reply {
        let status = StatusCode::from_u16(status).unwrap();
        read(&Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() })
    }

    #[test]
    fn numbers_come_as_strings() {
        let body = r#"{"azp":"c","aud":"c","sub":"1","scope":"openid email","exp":"1790003600","expires_in":"3599","access_type":"online"}"#;
        let Reply::Active(claims) = read_body(200, body) else { panic!("not active") };
        assert_eq!(claims.expires_at.unwrap().as_second(), 1_790_003_600);
        assert_eq!((claims.audience.iter().next(), claims.scope.as_deref()), (Some("c"), Some("openid email")));
    }

    #[test]
    fn a_bad_token_is_a_bad_request() {
        for body in [r#"{"error":"invalid_token","error_description":"Invalid Value"}"#, r#"{"error_description":"x"}"#]
        {
            assert!(matches!(read_body(400, body), Reply::Refused(Reason::TokenInactive)), "{body}");
        }
    }

    #[test]
    fn what_is_no_clear_answer_is_none() {
        for body in ["{}", "[]", "", r#"{"aud":"c"}"#, r#"{"exp":"1790003600"}"#, r#"{"aud":"c","exp":"soon"}"#] {
            assert!(matches!(read_body(200, body), Reply::Failed { .. }), "{body}");
        }
        for status in [401, 403, 404, 429, 500] {
            assert!(matches!(read_body(status, r#"{"error":"x"}"#), Reply::Failed { .. }), "{status}");
        }
        assert!(matches!(read_body(400, "<html>"), Reply::Failed { .. }));
    }
}
