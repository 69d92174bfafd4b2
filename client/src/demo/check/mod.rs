//! `cargo demo -- --check`: the whole story without a person, each step with what was seen, then the attacks.
//! The steps know base URLs and [`Servers`] only, so the same ones judge the real processes and the tests' stand-ins.

pub mod call;
pub mod discovery;
pub mod mcp;
pub mod sign_in;
pub mod step;
pub mod token;

pub use step::{Problem, Step, StepFailed};

use ring::rand::SecureRandom;
use std::io;
use url::Url;

use super::{
    browser::{Browser, Person},
    servers::Servers,
};
use crate::oauth::{client::ClientCredentials, token::AccessToken};
use discovery::Endpoints;
use sign_in::Application;
use step::{Narrator, Seen};

/// Who takes part, and with what.
pub struct Cast<'a> {
    /// For every request; follows no redirect.
    pub http: reqwest::Client,
    /// For states and verifiers.
    pub random: &'a dyn SecureRandom,
    /// Who signs in.
    pub person: Person,
    /// A confidential client.
    pub credentials: ClientCredentials,
    /// Registered for that client; nobody has to listen there.
    pub redirect_uri: Url,
}

/// Where the flow has come to once the resource's issuer is known.
struct Discovered {
    endpoints: Endpoints,
    scope: String,
}

/// Runs every step and prints each to `out`.
///
/// # Errors
/// The first step that failed.
pub async fn run<S: Servers>(servers: &mut S, cast: &Cast<'_>, out: impl io::Write) -> Result<(), StepFailed> {
    let mut narrator = Narrator::new(out);
    let (server, other) = (servers.addresses().server.clone(), servers.addresses().other_resource.clone());
    let discovered = discover(&mut narrator, cast, &server).await?;
    let mut browser = Browser::new(cast.http.clone(), Some(cast.redirect_uri.clone()));
    let application = cast.application(&discovered, &server);
    let token = sign_in(&mut narrator, cast, &application, &mut browser).await?;
    let kid = narrator.step(Step::Token, async { token::profile(&token, &application, &cast.person.username) }).await?;
    let endpoints = &discovered.endpoints;
    narrator.step(Step::KeyFetched, token::key_fetched(&cast.http, endpoints, &kid, servers)).await?;
    narrator.step(Step::Call, call::accepted(&cast.http, &server, &token)).await?;
    narrator.step(Step::Signature, call::flipped_bit(&cast.http, &server, &token)).await?;
    narrator.step(Step::Opaque, call::opaque(&cast.http, &server)).await?;
    let foreign = again(&mut narrator, cast, &cast.application(&discovered, &other), &mut browser).await?;
    let unseen = again(&mut narrator, cast, &application, &mut browser).await?;
    audiences(&mut narrator, cast, servers, &foreign).await?;
    let last = call::without_issuer(&cast.http, servers, &endpoints.jwks, [&token, &unseen]);
    narrator.step(Step::WithoutIssuer, last).await
}

async fn discover(
    narrator: &mut Narrator<impl io::Write>,
    cast: &Cast<'_>,
    server: &Url,
) -> Result<Discovered, StepFailed> {
    let challenge = narrator.step(Step::Challenge, discovery::challenge(&cast.http, server)).await?;
    let metadata = discovery::resource_metadata(&cast.http, &challenge.metadata, server);
    let issuer = narrator.step(Step::ResourceMetadata, metadata).await?;
    let endpoints = narrator.step(Step::IssuerMetadata, discovery::issuer_metadata(&cast.http, &issuer)).await?;
    Ok(Discovered { endpoints, scope: challenge.scope })
}

async fn sign_in(
    narrator: &mut Narrator<impl io::Write>,
    cast: &Cast<'_>,
    application: &Application<'_>,
    browser: &mut Browser,
) -> Result<AccessToken, StepFailed> {
    narrator.step(Step::PkceDemanded, sign_in::pkce_demanded(browser, application, cast.random)).await?;
    let consent = sign_in::consent(browser, application, &cast.person, cast.random);
    let answered = narrator.step(Step::Consent, consent).await?;
    let issuer = &application.endpoints.issuer;
    narrator.step(Step::ResponseIssuer, async { sign_in::response_issuer(&answered, issuer) }).await?;
    let redeem = token::pkce_verified(&cast.http, application, &answered.code, cast.random);
    narrator.step(Step::PkceVerified, redeem).await
}

/// A second full flow in the same browser, for whichever resource.
async fn again(
    narrator: &mut Narrator<impl io::Write>,
    cast: &Cast<'_>,
    application: &Application<'_>,
    browser: &mut Browser,
) -> Result<AccessToken, StepFailed> {
    let flow = async {
        let code = application.authorize(browser, &cast.person, cast.random).await?;
        let token = token::issued(&application.redeem(&cast.http, &code, None).await?)?;
        Ok(Seen::new(format!("a further flow, for {}", application.resource), token))
    };
    narrator.step(Step::FurtherToken, flow).await
}

async fn audiences(
    narrator: &mut Narrator<impl io::Write>,
    cast: &Cast<'_>,
    servers: &mut impl Servers,
    foreign: &AccessToken,
) -> Result<(), StepFailed> {
    let (http, server) = (&cast.http, servers.addresses().server.clone());
    narrator.step(Step::Audience, call::other_audience(http, &server, foreign)).await?;
    narrator.step(Step::AudienceOff, call::other_audience_unchecked(http, servers, foreign)).await?;
    narrator.step(Step::AudienceObserved, call::other_audience_observed(http, servers, foreign)).await
}

impl Cast<'_> {
    fn application<'a>(&'a self, discovered: &'a Discovered, resource: &'a Url) -> Application<'a> {
        Application {
            endpoints: &discovered.endpoints,
            credentials: &self.credentials,
            redirect_uri: &self.redirect_uri,
            resource,
            scope: &discovered.scope,
        }
    }
}
