//! The authorization request, the person's pages and the answer (OAuth 2.1 §4.1, RFC 7636, RFC 9207).

use ring::rand::SecureRandom;
use url::{Url, form_urlencoded};

use super::{
    discovery::Endpoints,
    step::{Outcome, Problem, Seen, expect},
};
use crate::{
    demo::browser::{Arrival, Browser, Decision, Page, Person},
    oauth::{
        client::{ClientAuthentication, ClientCredentials},
        exchange::{self, Answer},
        pkce::CodeVerifier,
    },
};

/// The client of the check and what it asks for.
pub struct Application<'a> {
    /// Where to ask.
    pub endpoints: &'a Endpoints,
    /// Who asks; confidential, authenticated by `client_secret_basic`.
    pub credentials: &'a ClientCredentials,
    /// Registered for it.
    pub redirect_uri: &'a Url,
    /// The resource the token is to be for.
    pub resource: &'a Url,
    /// The scope of the challenge.
    pub scope: &'a str,
}

/// Both answers of the consent page, and what redeems the second.
pub struct Answered {
    /// The redirect after *Deny*.
    pub denied: Url,
    /// The redirect after *Allow*.
    pub allowed: Url,
    /// The code in it, and its verifier.
    pub code: Code,
}

/// An authorization code with the verifier of its request.
pub struct Code {
    value: String,
    verifier: CodeVerifier,
}

impl Code {
    /// The code of an answer with this state.
    ///
    /// # Errors
    /// When there is none, or the state is another.
    pub fn from_answer(answer: &Url, state: &str, verifier: CodeVerifier) -> Result<Self, Problem> {
        let value = parameter(answer, "code").ok_or_else(|| Problem::unexpected("a code", describe(answer)))?;
        expect(parameter(answer, "state").as_deref() == Some(state), "state byte for byte", "another state")?;
        Ok(Self { value, verifier })
    }
}

impl Application<'_> {
    /// An authorization request with these PKCE parameters.
    fn request(&self, state: &str, pkce: &[(&str, &str)]) -> Url {
        let mut url = self.endpoints.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.credentials.id)
            .append_pair("redirect_uri", self.redirect_uri.as_str())
            .append_pair("scope", self.scope)
            .append_pair("state", state)
            .append_pair("resource", self.resource.as_str())
            .extend_pairs(pkce);
        url
    }

    /// A proper authorization request.
    #[must_use]
    pub fn request_with(&self, state: &str, verifier: &CodeVerifier) -> Url {
        self.request(state, &[("code_challenge", &verifier.challenge()), ("code_challenge_method", "S256")])
    }

    /// Sends a code with a verifier to the token endpoint.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn redeem(
        &self,
        http: &reqwest::Client,
        code: &Code,
        verifier: Option<&CodeVerifier>,
    ) -> Result<Answer, Problem> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", &code.value)
            .append_pair("code_verifier", verifier.unwrap_or(&code.verifier).reveal())
            .append_pair("redirect_uri", self.redirect_uri.as_str())
            .append_pair("resource", self.resource.as_str());
        let body = form.finish().into_bytes();
        let mut request = exchange::post(&self.endpoints.token, "application/x-www-form-urlencoded", body);
        self.credentials.add_to_headers(ClientAuthentication::Basic, &mut request);
        Ok(exchange::send(http, request).await?)
    }

    /// A whole flow for a person who says yes.
    ///
    /// # Errors
    /// When it does not end with a code.
    pub async fn authorize(
        &self,
        browser: &mut Browser,
        person: &Person,
        random: &dyn SecureRandom,
    ) -> Result<Code, Problem> {
        let verifier = CodeVerifier::generate(random)?;
        let url = self.request_with("again", &verifier);
        let answer = at_client(browser.walk(&url, person, Decision::Allow).await?)?;
        Code::from_answer(&answer, "again", verifier)
    }
}

/// Asks without a challenge, with `plain`, and without a method (which would mean `plain`): each is refused.
///
/// # Errors
/// When one of them gets further than `invalid_request`.
pub async fn pkce_demanded(
    browser: &mut Browser,
    application: &Application<'_>,
    random: &dyn SecureRandom,
) -> Outcome<()> {
    let verifier = CodeVerifier::generate(random)?;
    let (plain, challenge) = (verifier.reveal(), verifier.challenge());
    let requests: [(&str, &[(&str, &str)]); 3] = [
        ("no code_challenge", &[]),
        ("code_challenge_method=plain", &[("code_challenge", plain), ("code_challenge_method", "plain")]),
        ("no code_challenge_method", &[("code_challenge", &challenge)]),
    ];
    for (what, pkce) in requests {
        let answer = browser.open(&application.request("pkce", pkce)).await?;
        let seen = match &answer {
            Arrival::Client(url) => parameter(url, "error").unwrap_or_else(|| "no error".to_owned()),
            Arrival::Page(page) => format!("a page ({})", page.status),
        };
        expect(seen == "invalid_request", &format!("invalid_request for {what}"), seen)?;
    }
    Ok(Seen::new("no challenge, plain, no method: invalid_request each; S256 it is", ()))
}

/// Signs in; the consent page comes and names the redirect's host; *Deny* gives `access_denied`; then, signed in, the page
/// comes again before any code, and *Allow* gives one.
///
/// # Errors
/// When a code comes without *Allow*, or none with it.
pub async fn consent(
    browser: &mut Browser,
    application: &Application<'_>,
    person: &Person,
    random: &dyn SecureRandom,
) -> Outcome<Answered> {
    let verifier = CodeVerifier::generate(random)?;
    let login = page(browser.open(&application.request_with("deny me", &verifier)).await?, "login page")?;
    let consent = page(browser.sign_in(&login, person).await?, "consent page")?;
    let host = application.redirect_uri.host_str().unwrap_or_default();
    expect(consent.body.contains(host), &format!("{host} on the consent page"), "a page without it")?;
    let denied = at_client(browser.decide(&consent, Decision::Deny).await?)?;
    let error = parameter(&denied, "error").unwrap_or_else(|| "no error".to_owned());
    expect(error == "access_denied", "access_denied after Deny", error)?;
    expect(parameter(&denied, "code").is_none(), "no code after Deny", "a code")?;
    expect(parameter(&denied, "state").as_deref() == Some("deny me"), "state byte for byte", "another state")?;

    let verifier = CodeVerifier::generate(random)?;
    let consent = page(browser.open(&application.request_with("allow me", &verifier)).await?, "consent page")?;
    let allowed = at_client(browser.decide(&consent, Decision::Allow).await?)?;
    let code = Code::from_answer(&allowed, "allow me", verifier)?;
    let line = format!("login page, consent page naming {host}; Deny: access_denied; Allow: code and state");
    Ok(Seen::new(line, Answered { denied, allowed, code }))
}

/// `iss` in both answers is the issuer, as strings, once.
///
/// # Errors
/// When it is missing, repeated or another.
pub fn response_issuer(answered: &Answered, issuer: &str) -> Outcome<()> {
    for (what, url) in [("Deny", &answered.denied), ("Allow", &answered.allowed)] {
        let seen = parameter(url, "iss").unwrap_or_else(|| "none".to_owned());
        expect(seen == issuer, &format!("iss={issuer} in the answer after {what}"), seen)?;
    }
    Ok(Seen::new(format!("iss={issuer} after Deny and after Allow"), ()))
}

fn page(arrival: Arrival, expected: &'static str) -> Result<Page, Problem> {
    match arrival {
        Arrival::Page(page) if page.status.is_success() => Ok(page),
        Arrival::Page(page) => Err(Problem::unexpected(expected, format!("a page with {}", page.status))),
        Arrival::Client(url) => Err(Problem::unexpected(expected, describe(&url))),
    }
}

fn at_client(arrival: Arrival) -> Result<Url, Problem> {
    match arrival {
        Arrival::Client(url) => Ok(url),
        Arrival::Page(page) => Err(Problem::unexpected(
            "a redirect to the client",
            format!("a page at {} with {}", page.url.path(), page.status),
        )),
    }
}

/// The names of the parameters only: a code is not for printing.
fn describe(answer: &Url) -> String {
    let names: Vec<_> = answer.query_pairs().map(|(name, _)| name.into_owned()).collect();
    format!("a redirect to the client with {}", names.join(", "))
}

/// A parameter that is there exactly once.
fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut values = url.query_pairs().filter(|(other, _)| other == name).map(|(_, value)| value.into_owned());
    let first = values.next()?;
    values.next().is_none().then_some(first)
}
