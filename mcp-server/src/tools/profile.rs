//! Who somebody is, as far as their access token says.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::resource_server::AccessToken;

/// A person as others see them. What the issuer does not tell is null.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Profile {
    /// The subject of the access token, unique at its issuer.
    user_id: Option<String>,
    /// The e-mail address.
    email: Option<String>,
    /// The name for people, or the one they log in with.
    name: Option<String>,
    /// When the account was made, in RFC 3339.
    created_at: Option<String>,
    /// When the person last signed in, in RFC 3339.
    last_login: Option<String>,
    /// What the access token allows.
    permissions: Vec<String>,
}

impl Profile {
    pub(super) fn of(token: &AccessToken) -> Self {
        let text = |name: &str| token.claim(name).and_then(Value::as_str).map(ToOwned::to_owned);
        Self {
            user_id: token.subject().map(ToOwned::to_owned),
            email: text("email"),
            name: text("name").or_else(|| text("preferred_username")),
            created_at: token.claim("created_at").and_then(time),
            last_login: token.authenticated_at().map(|time| time.to_string()),
            permissions: token.scopes().iter().map(ToOwned::to_owned).collect(),
        }
    }
}

/// A time as claims have it: a number of seconds since 1970, or RFC 3339.
fn time(claim: &Value) -> Option<String> {
    let time = match claim {
        Value::String(text) => text.parse().ok()?,
        claim => jiff::Timestamp::from_second(claim.as_i64()?).ok()?,
    };
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_a_number_or_rfc_3339() {
        let noon = Some("2026-07-28T12:00:00Z".to_owned());
        assert_eq!(time(&json!(1_785_240_000)), noon);
        assert_eq!(time(&json!("2026-07-28T14:00:00+02:00")), noon);
        for claim in [json!("yesterday"), json!(true), json!(1e300), json!(null), json!([1])] {
            assert_eq!(time(&claim), None, "{claim}");
        }
    }
}
