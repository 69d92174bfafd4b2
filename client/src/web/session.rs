//! Sessions: a cookie with a random identifier, what belongs to it in memory, and a token in every form that a page of
//! another origin cannot know (design: cookies on localhost are shared by all ports, so ours carries our name).

use http::{HeaderMap, HeaderValue, header};
use moka::sync::Cache;
use ring::{digest, rand::SecureRandom};
use std::{fmt::Write as _, sync::Arc, time::Duration};
use subtle::ConstantTimeEq as _;

use super::visitor::Visitor;
use crate::oauth::{
    endpoint::Endpoint,
    pkce::{RandomnessFailed, random_string},
};

/// Most sessions at once.
const MAX_SESSIONS: u64 = 1000;
/// How long one is kept that nobody uses.
const IDLE: Duration = Duration::from_mins(30);
/// How long one is kept at most.
const LIFETIME: Duration = Duration::from_hours(12);

/// The value of the cookie; never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SessionId(String);

impl SessionId {
    pub(super) fn generate(random: &dyn SecureRandom) -> Result<Self, RandomnessFailed> {
        random_string(random).map(Self)
    }

    fn parse(raw: &str) -> Option<Self> {
        let ours = raw.len() == 43 && raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        ours.then(|| Self(raw.to_owned()))
    }

    /// What the forms of this session carry. It tells nothing about the identifier.
    pub(super) fn form_token(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in digest::digest(&digest::SHA256, format!("form:{}", self.0).as_bytes()).as_ref() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    pub(super) fn has_form_token(&self, presented: &str) -> bool {
        presented.as_bytes().ct_eq(self.form_token().as_bytes()).into()
    }

    /// `Set-Cookie`.
    pub(super) fn cookie(&self, origin: &Endpoint) -> HeaderValue {
        let secure = if is_secure(origin) { "; Secure" } else { "" };
        let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(origin), self.0);
        HeaderValue::try_from(cookie).unwrap_or(HeaderValue::from_static(""))
    }
}

/// The sessions that are open.
pub(super) struct Sessions(Cache<String, Arc<Visitor>>);

impl Default for Sessions {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_SESSIONS).time_to_idle(IDLE).time_to_live(LIFETIME).build())
    }
}

impl Sessions {
    /// The session of a request: of several cookies with our name the one that we know, so that a planted one does not
    /// hide it.
    pub(super) fn of(&self, headers: &HeaderMap, origin: &Endpoint) -> Option<SessionId> {
        let name = cookie_name(origin);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let ours: Vec<_> = pairs.filter(|(key, _)| *key == name).filter_map(|(_, id)| SessionId::parse(id)).collect();
        ours.iter().find(|id| self.0.contains_key(&id.0)).or(ours.first()).cloned()
    }

    pub(super) fn find(&self, id: &SessionId) -> Option<Arc<Visitor>> {
        self.0.get(&id.0)
    }

    pub(super) fn find_or_begin(&self, id: &SessionId) -> Arc<Visitor> {
        self.0.get_with(id.0.clone(), Arc::default)
    }

    /// After a sign-in the session goes on under another identifier, so that one that was planted is worth nothing.
    pub(super) fn rename(&self, from: &SessionId, to: &SessionId) {
        if let Some(visitor) = self.0.remove(&from.0) {
            self.0.insert(to.0.clone(), visitor);
        }
    }
}

fn is_secure(origin: &Endpoint) -> bool {
    origin.url().scheme() == "https"
}

fn cookie_name(origin: &Endpoint) -> &'static str {
    if is_secure(origin) { "__Host-portcullis_client" } else { "portcullis_client" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::testing::{endpoint, random};

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())])
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_bound_to_the_host_over_https() {
        let id = SessionId::generate(&random()).unwrap();
        let local = id.cookie(&endpoint("http://localhost:3000"));
        assert_eq!(local, format!("portcullis_client={}; Path=/; HttpOnly; SameSite=Lax", id.0));
        let hosted = id.cookie(&endpoint("https://client.example"));
        let expected = format!("__Host-portcullis_client={}; Path=/; HttpOnly; SameSite=Lax; Secure", id.0);
        assert_eq!(hosted, expected);
    }

    #[test]
    fn a_planted_cookie_does_not_hide_the_session() {
        let (sessions, origin) = (Sessions::default(), endpoint("http://localhost:3000"));
        let (ours, planted) = (SessionId::generate(&random()).unwrap(), SessionId::generate(&random()).unwrap());
        sessions.find_or_begin(&ours);
        let line = format!("portcullis_client={}; portcullis_authz=x; portcullis_client={}", planted.0, ours.0);
        assert!(sessions.of(&headers(&line), &origin) == Some(ours));
        for none in ["portcullis_client=short", "other=1", "portcullis_client=x.y"] {
            assert!(sessions.of(&headers(none), &origin).is_none(), "{none}");
        }
    }

    #[test]
    fn a_renamed_session_is_gone_under_its_old_name() {
        let sessions = Sessions::default();
        let (old, new) = (SessionId::generate(&random()).unwrap(), SessionId::generate(&random()).unwrap());
        let visitor = sessions.find_or_begin(&old);
        sessions.rename(&old, &new);
        assert!(sessions.find(&old).is_none());
        assert!(Arc::ptr_eq(&sessions.find(&new).unwrap(), &visitor));
    }

    #[test]
    fn each_session_has_a_form_token_of_its_own() {
        let (one, other) = (SessionId::generate(&random()).unwrap(), SessionId::generate(&random()).unwrap());
        assert!(one.has_form_token(&one.form_token()));
        assert!(!one.has_form_token(&other.form_token()) && !one.has_form_token(""));
        assert!(!one.form_token().contains(&one.0));
    }
}
