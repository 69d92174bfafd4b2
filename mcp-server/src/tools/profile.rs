//! Who somebody is: what their access token says and, where the issuer has a userinfo endpoint, what that says.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Tools;
use crate::resource_server::{AccessToken, UserInfo};
use crate::storage::Person;

/// How long an answer of an issuer is believed, and that it gave none.
const BELIEVED: SignedDuration = SignedDuration::from_mins(1);
const MOST_PEOPLE: u64 = 1000;

/// What issuers said lately, so that a tool called in a loop does not become a flood for them.
pub(super) type Told = Cache<Person, (Timestamp, Arc<Map<String, Value>>)>;

pub(super) fn told() -> Told {
    Cache::new(MOST_PEOPLE)
}

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
    fn of(token: &AccessToken, told: &Map<String, Value>) -> Self {
        let claim = |name: &str| token.claim(name).or_else(|| told.get(name));
        let text = |name: &str| claim(name).and_then(Value::as_str).map(ToOwned::to_owned);
        Self {
            user_id: token.subject().map(ToOwned::to_owned),
            email: text("email"),
            name: text("name").or_else(|| text("preferred_username")),
            created_at: claim("created_at").and_then(time),
            last_login: token.authenticated_at().map(|time| time.to_string()),
            permissions: token.scopes().iter().map(ToOwned::to_owned).collect(),
        }
    }
}

impl Tools {
    /// The profile of the bearer of `token`; the issuer is asked at most once a minute.
    pub(super) async fn profile(&self, token: &AccessToken, user_info: Option<&UserInfo>) -> Profile {
        let told = match user_info.zip(Person::of(token).ok()) {
            Some((user_info, person)) => self.told_of(person, user_info).await,
            None => Arc::default(),
        };
        Profile::of(token, &told)
    }

    async fn told_of(&self, person: Person, user_info: &UserInfo) -> Arc<Map<String, Value>> {
        let now = self.means.clock.now();
        if let Some((until, told)) = self.told.get(&person)
            && now < until
        {
            return told;
        }
        let told = user_info.ask().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the profile is only what the token says");
            Map::new()
        });
        let told = Arc::new(told);
        self.told.insert(person, (now + BELIEVED, Arc::clone(&told)));
        told
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
