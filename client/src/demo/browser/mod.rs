//! A browser without scripts and a person before it: follows redirects, keeps cookies, fills in the real forms.
//! It stops where the answer leaves for the client, so that the step can look at the answer.

mod cookies;
mod html;

pub use html::{Button, Field, Form, forms};

use http::{HeaderValue, StatusCode, header};
use url::{Url, form_urlencoded};

use crate::oauth::exchange::{self, Answer, ExchangeError, Request};
use cookies::CookieJar;

const MAX_REDIRECTS: usize = 10;

/// A browser with one client's redirect URI to watch for.
pub struct Browser {
    http: reqwest::Client,
    cookies: CookieJar,
    stops_at: Option<Url>,
}

/// Who sits before the browser.
#[derive(Clone)]
pub struct Person {
    /// Login name.
    pub username: String,
    /// Password.
    pub password: String,
}

/// What the person answers on the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Presses *Allow*.
    Allow,
    /// Presses *Deny*.
    Deny,
}

/// Where a visit or a form ended.
pub enum Arrival {
    /// A page that is shown.
    Page(Page),
    /// The redirect back to the client, not followed.
    Client(Url),
}

/// A page as received.
pub struct Page {
    /// Where it is.
    pub url: Url,
    /// HTTP status.
    pub status: StatusCode,
    /// HTML.
    pub body: String,
}

/// Why the browser stopped somewhere else.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A redirect whose target is no URL, or that would send a form again (307, 308).
    #[error("{0} redirects in a way that no form may be followed by")]
    Redirect(Url),
    /// Ten redirects were not enough.
    #[error("more than {MAX_REDIRECTS} redirects")]
    TooManyRedirects,
    /// The page has no such form or button.
    #[error("no {wanted} on the page {url} ({status})")]
    Missing {
        /// What a person would look for.
        wanted: &'static str,
        /// The page.
        url: Url,
        /// Its status.
        status: StatusCode,
    },
}

impl Page {
    /// The form that asks for a password, if there is one.
    #[must_use]
    pub fn sign_in_form(&self) -> Option<Form> {
        forms(&self.body).into_iter().find(|form| form.password().is_some())
    }

    /// The form with the button of `decision`, if there is one.
    #[must_use]
    pub fn consent_form(&self, decision: Decision) -> Option<(Form, Button)> {
        forms(&self.body).into_iter().find_map(|form| form.button(decision.label()).cloned().map(|b| (form, b)))
    }

    fn missing(&self, wanted: &'static str) -> BrowserError {
        BrowserError::Missing { wanted, url: self.url.clone(), status: self.status }
    }
}

impl Decision {
    const fn label(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

impl Browser {
    /// A fresh browser. With `stops_at` it does not follow redirects to that client; without, it follows all.
    #[must_use]
    pub fn new(http: reqwest::Client, stops_at: Option<Url>) -> Self {
        Self { http, cookies: CookieJar::default(), stops_at }
    }

    /// Opens `url`.
    ///
    /// # Errors
    /// No answer, or redirects without end.
    pub async fn open(&mut self, url: &Url) -> Result<Arrival, BrowserError> {
        let request = exchange::get_json(url);
        self.follow(url.clone(), request).await
    }

    /// Fills in the login form of `page` and sends it.
    ///
    /// # Errors
    /// The page has no such form, or no answer.
    pub async fn sign_in(&mut self, page: &Page, person: &Person) -> Result<Arrival, BrowserError> {
        let form = page.sign_in_form().ok_or_else(|| page.missing("login form"))?;
        let name_of = |field: Option<&Field>| field.map(|field| field.name.clone()).unwrap_or_default();
        let (username, password) = (name_of(form.text()), name_of(form.password()));
        let typed = [(username.as_str(), person.username.as_str()), (password.as_str(), person.password.as_str())];
        self.submit(page, &form, &typed, None).await
    }

    /// Presses a button of the consent page.
    ///
    /// # Errors
    /// The page has no such button, or no answer.
    pub async fn decide(&mut self, page: &Page, decision: Decision) -> Result<Arrival, BrowserError> {
        let (form, button) = page.consent_form(decision).ok_or_else(|| page.missing("consent form"))?;
        self.submit(page, &form, &[], Some(&button)).await
    }

    /// Opens `url`, signs in and decides where asked, until there is nothing left to do.
    ///
    /// # Errors
    /// No answer, or redirects without end.
    pub async fn walk(&mut self, url: &Url, person: &Person, decision: Decision) -> Result<Arrival, BrowserError> {
        let mut arrival = self.open(url).await?;
        if let Arrival::Page(page) = &arrival
            && page.sign_in_form().is_some()
        {
            arrival = self.sign_in(page, person).await?;
        }
        if let Arrival::Page(page) = &arrival
            && page.consent_form(decision).is_some()
        {
            arrival = self.decide(page, decision).await?;
        }
        Ok(arrival)
    }

    /// Sends a form with what was typed in place of the values it came with.
    ///
    /// # Errors
    /// No answer, or redirects without end.
    pub async fn submit(
        &mut self,
        page: &Page,
        form: &Form,
        typed: &[(&str, &str)],
        pressed: Option<&Button>,
    ) -> Result<Arrival, BrowserError> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        for field in form.fields.iter().filter(|field| !field.name.is_empty()) {
            let value = typed.iter().find(|(name, _)| *name == field.name).map_or(field.value.as_str(), |(_, v)| v);
            body.append_pair(&field.name, value);
        }
        if let Some(button) = pressed.filter(|button| !button.name.is_empty()) {
            body.append_pair(&button.name, &button.value);
        }
        let mut url = page.url.join(&form.action).map_err(|_| BrowserError::Redirect(page.url.clone()))?;
        let body = body.finish();
        if !form.is_post {
            url.set_query(Some(&body));
            return self.open(&url).await;
        }
        let mut request = exchange::post(&url, "application/x-www-form-urlencoded", body.into_bytes());
        if let Ok(origin) = HeaderValue::try_from(page.url.origin().ascii_serialization()) {
            request.headers_mut().insert(header::ORIGIN, origin);
        }
        self.follow(url, request).await
    }

    async fn follow(&mut self, mut url: Url, mut request: Request) -> Result<Arrival, BrowserError> {
        for _ in 0..MAX_REDIRECTS {
            let answer = self.send(&url, request).await?;
            if !answer.status.is_redirection() {
                return Ok(Arrival::Page(Page {
                    url,
                    status: answer.status,
                    body: String::from_utf8_lossy(&answer.body).into_owned(),
                }));
            }
            url = redirect_target(&url, &answer)?;
            if self.stops_at.as_ref().is_some_and(|client| is_at(&url, client)) {
                return Ok(Arrival::Client(url));
            }
            request = exchange::get_json(&url);
        }
        Err(BrowserError::TooManyRedirects)
    }

    async fn send(&mut self, url: &Url, mut request: Request) -> Result<Answer, BrowserError> {
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
        if let Some(cookies) = self.cookies.header(url) {
            headers.insert(header::COOKIE, cookies);
        }
        let answer = exchange::send(&self.http, request).await?;
        self.cookies.keep(url, &answer.headers);
        Ok(answer)
    }
}

/// 307 and 308 would send the password on (RFC 9700 §4.12); no page of ours may answer with one.
fn redirect_target(url: &Url, answer: &Answer) -> Result<Url, BrowserError> {
    let refused = || BrowserError::Redirect(url.clone());
    if !matches!(answer.status, StatusCode::FOUND | StatusCode::SEE_OTHER) {
        return Err(refused());
    }
    let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    url.join(location).map_err(|_| refused())
}

fn is_at(url: &Url, client: &Url) -> bool {
    url.origin() == client.origin() && url.path() == client.path()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn redirect(status: StatusCode, location: &'static str) -> Result<Url, BrowserError> {
        let headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(location))]);
        let page = Url::parse("http://localhost:1/login?a=1").unwrap();
        redirect_target(&page, &Answer { status, headers, body: Vec::new() })
    }

    #[test]
    fn a_form_is_never_sent_on_by_a_redirect() {
        assert_eq!(redirect(StatusCode::SEE_OTHER, "/consent").unwrap().as_str(), "http://localhost:1/consent");
        for status in [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT] {
            assert!(matches!(redirect(status, "/consent"), Err(BrowserError::Redirect(_))), "{status}");
        }
    }

    #[test]
    fn the_answer_is_for_the_client_only_at_its_own_redirect_uri() {
        let client = Url::parse("http://localhost:3030/callback").unwrap();
        for (url, expected) in [
            ("http://localhost:3030/callback?code=c", true),
            ("http://localhost:3030/other?code=c", false),
            ("http://localhost:3031/callback?code=c", false),
            ("http://127.0.0.1:3030/callback?code=c", false),
        ] {
            assert_eq!(is_at(&Url::parse(url).unwrap(), &client), expected, "{url}");
        }
    }
}
