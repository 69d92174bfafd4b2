//! The session of a browser: its cookie, and the row behind it. The cookie holds 32 random bytes, the row their hash.
//! Cookies on localhost are shared by all ports, so the name is this process's own; on https it carries `__Host-`.

use super::csrf::CsrfToken;
use crate::{
    domain::{BrowserSession, CodeSecret, RequestHash, RequestSecret, SessionSecret, Subject},
    services::Services,
    store::StoreError,
};
use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header};
use ring::error::Unspecified;

/// A browser with a session.
#[derive(Clone, Debug)]
pub struct Browser {
    secret: SessionSecret,
    session: BrowserSession,
    is_new: bool,
}

/// Why a browser has no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No randomness for a secret.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Browser {
    /// The browser behind a request, if its cookie names a session that has not ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn known(services: &Services, headers: &HeaderMap) -> Result<Option<Self>, StoreError> {
        // A cookie of the same name can come from another path or a sibling host: it must not hide the real one.
        for secret in presented(headers, cookie_name(services)) {
            if let Some(session) = services.store.session(&secret.hash(), services.now()).await? {
                return Ok(Some(Self { secret, session, is_new: false }));
            }
        }
        Ok(None)
    }

    /// The browser behind a request, with a new anonymous session if it has none.
    /// [`Self::set_cookie`] then has to go onto the answer.
    ///
    /// # Errors
    /// The store or the randomness failed.
    pub async fn known_or_new(services: &Services, headers: &HeaderMap) -> Result<Self, SessionError> {
        if let Some(browser) = Self::known(services, headers).await? {
            return Ok(browser);
        }
        let secret = SessionSecret::generate(services.random.as_ref())?;
        let session = BrowserSession::anonymous(secret.hash(), services.now());
        services.store.begin_session(&session).await?;
        Ok(Self { secret, session, is_new: true })
    }

    /// The same browser with a new secret, signed in as `subject` or, for `None`, signed out. What was asked for in
    /// the old session goes on in the new one; the old secret is worth nothing any more. `request`, which was shown
    /// to be this browser's, comes along even if a form that was posted twice has renewed the session meanwhile.
    ///
    /// # Errors
    /// The store or the randomness failed.
    pub async fn renewed(
        &self,
        services: &Services,
        subject: Option<&Subject>,
        request: Option<&RequestHash>,
    ) -> Result<Self, SessionError> {
        let secret = SessionSecret::generate(services.random.as_ref())?;
        let session = match subject {
            Some(subject) => BrowserSession::signed_in(secret.hash(), subject.clone(), services.now()),
            None => BrowserSession::anonymous(secret.hash(), services.now()),
        };
        services.store.renew_session(&self.session.hash, &session, request).await?;
        Ok(Self { secret, session, is_new: true })
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &BrowserSession {
        &self.session
    }

    /// The token that the forms of this browser carry.
    #[must_use]
    pub fn csrf_token(&self) -> CsrfToken {
        CsrfToken::of(&self.secret)
    }

    /// The code that the answer to `request` carries, if this browser allows it.
    #[must_use]
    pub fn code(&self, request: &RequestSecret) -> CodeSecret {
        CodeSecret::derive(&self.secret, request)
    }

    /// The `Set-Cookie` value that tells the browser its new secret; `None` if it knows it.
    #[must_use]
    pub fn set_cookie(&self, services: &Services) -> Option<HeaderValue> {
        self.is_new.then(|| cookie(services, self.secret.reveal()).build().to_string().try_into().ok())?
    }
}

/// The `Set-Cookie` value that makes a browser forget its session.
#[must_use]
pub fn forget_cookie(services: &Services) -> Option<HeaderValue> {
    cookie(services, String::new()).max_age(Duration::ZERO).build().to_string().try_into().ok()
}

fn cookie(services: &Services, value: String) -> cookie::CookieBuilder<'static> {
    Cookie::build((cookie_name(services), value))
        .http_only(true)
        // Lax, because the browser comes from the client's site; a foreign site still cannot post with it.
        .same_site(SameSite::Lax)
        .path("/")
        .secure(services.public_url.is_https())
}

fn cookie_name(services: &Services) -> &'static str {
    if services.public_url.is_https() { "__Host-portcullis_authz" } else { "portcullis_authz" }
}

/// As many as anybody has a reason to send: each one costs a look into the store.
const MAX_COOKIES: usize = 4;

fn presented(headers: &HeaderMap, name: &str) -> Vec<SessionSecret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let cookies = lines.flat_map(Cookie::split_parse).filter_map(Result::ok).filter(|cookie| cookie.name() == name);
    cookies.filter_map(|cookie| SessionSecret::parse(cookie.value())).take(MAX_COOKIES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_cookie_is_read() {
        let secret = SessionSecret::parse(&"Q".repeat(43)).unwrap();
        let of = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.append(header::COOKIE, HeaderValue::from_str(line).unwrap());
            presented(&headers, "portcullis_authz").iter().map(SessionSecret::hash).collect::<Vec<_>>()
        };
        let value = secret.reveal();
        assert_eq!(of(&format!("a=b; portcullis_authz={value}; c=d")), [secret.hash()]);
        for other in ["__Host-portcullis_authz", "portcullis_client", "portcullis_authz2", "Portcullis_authz"] {
            assert_eq!(of(&format!("{other}={value}")), [], "{other}");
        }
        for broken in ["portcullis_authz=", "portcullis_authz", "=", "portcullis_authz=x", ";;;"] {
            assert_eq!(of(broken), [], "{broken}");
        }
    }
}
