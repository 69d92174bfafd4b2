//! A bearer token in the header of a request to one of our own endpoints (RFC 6750 §2.1).

use http::{HeaderMap, header};

/// The request has an `Authorization` header, and it is not one bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Authorization header is not one bearer token")]
pub struct NotABearerToken;

/// The token, if there is one.
///
/// # Errors
/// There is an `Authorization` header of another kind, or more than one.
pub fn token(headers: &HeaderMap) -> Result<Option<&str>, NotABearerToken> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(NotABearerToken);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(NotABearerToken)?;
    let legal = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    if legal { Ok(Some(token)) } else { Err(NotABearerToken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Result<Option<String>, NotABearerToken> {
        let values = values.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap()));
        token(&values.collect()).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn exactly_one_bearer_token_whatever_the_case_of_its_scheme() {
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["bEaReR abc"]), Ok(Some("abc".to_owned())));
        for wrong in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &["abc"], &["Bearer a", "Bearer a"]] {
            assert_eq!(of(wrong), Err(NotABearerToken), "{wrong:?}");
        }
    }
}
