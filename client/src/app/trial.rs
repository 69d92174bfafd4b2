//! Tokens with one flaw, and the server's answer to them as it is: for showing what goes wrong and why.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use url::form_urlencoded;

use super::{App, AppError};
use crate::{
    demo::check::mcp,
    flow::{StepKind, Wire},
    oauth::{
        challenge::BearerChallenge,
        discovery::{self, Probe, resource_metadata},
        endpoint::Endpoint,
        exchange::{self, Answer, ExchangeError},
        scope::Scope,
        token::AccessToken,
    },
};

/// Where an issuer of demonstrations has tokens with a flaw, in its metadata.
#[derive(Deserialize)]
struct Demonstrations {
    portcullis_flawed_token_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct FlawedToken {
    access_token: String,
}

impl App {
    /// Calls `tool` without arguments and with `token`, whatever that is, and hands back the answer, whatever that is.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn call_with(&self, token: &AccessToken, tool: &str) -> Result<Answer, AppError> {
        let request = mcp::tool_call(self.sign_in.settings.server.url(), Some(token.reveal()), tool);
        Ok(self.http.send(StepKind::CallTool, request).await?)
    }

    /// The token in use with one bit of its signature turned over; `None` when it has no signature.
    #[must_use]
    pub fn forged_token(&self) -> Option<AccessToken> {
        let (signed, signature) = self.held()?.token.reveal().rsplit_once('.')?;
        let mut signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let middle = signature.len() / 2;
        *signature.get_mut(middle)? ^= 1;
        AccessToken::parse(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// A token of the same grant that may do no more than the server asks of everybody; `None` without a refresh token.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn lesser_token(&self) -> Result<Option<AccessToken>, AppError> {
        let challenge = self.challenge().await?;
        let Some(scope) = challenge.scope.as_ref().and_then(first) else { return Ok(None) };
        Ok(self.sign_in.lesser_token(&challenge, &scope).await?)
    }

    /// A token that the issuer made with `flaw`; `None` when it makes no such tokens, as outside of demonstrations.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn flawed_token(&self, flaw: &str) -> Result<Option<AccessToken>, AppError> {
        let quiet = self.sign_in.http.silent();
        let server = &self.sign_in.settings.server;
        let resource = resource_metadata::fetch(&quiet, server, &self.challenge().await?).await;
        let resource = resource.map_err(|error| AppError::SignIn(error.into()))?;
        let Some(endpoint) = demonstrations(&quiet, &resource.authorization_server).await? else { return Ok(None) };
        let pairs = [("flaw", flaw), ("resource", resource.resource.as_str())];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = exchange::post(endpoint.url(), "application/x-www-form-urlencoded", form.into_bytes());
        let answer = self.sign_in.http.send(StepKind::FlawedToken, request).await?;
        let flawed: Option<FlawedToken> = serde_json::from_slice(&answer.body).ok();
        Ok(flawed.and_then(|flawed| AccessToken::parse(&flawed.access_token)))
    }

    async fn challenge(&self) -> Result<BearerChallenge, AppError> {
        let probe = discovery::probe(&self.sign_in.http.silent(), &self.sign_in.settings.server).await?;
        Ok(match probe {
            Probe::Challenged(challenge) => challenge,
            Probe::Open => BearerChallenge::default(),
        })
    }
}

fn first(scope: &Scope) -> Option<Scope> {
    scope.to_string().split(' ').next().and_then(Scope::parse)
}

/// On the issuer's own origin only.
async fn demonstrations(wire: &Wire, issuer: &Endpoint) -> Result<Option<Endpoint>, ExchangeError> {
    let metadata = issuer.with_path("/.well-known/oauth-authorization-server");
    let answer = wire.send(StepKind::IssuerMetadata, exchange::get_json(metadata.url())).await?;
    let found = serde_json::from_slice::<Demonstrations>(&answer.body).ok();
    let endpoint = found.and_then(|found| Endpoint::parse(&found.portcullis_flawed_token_endpoint?).ok());
    Ok(endpoint.filter(|endpoint| endpoint.origin() == issuer.origin()))
}
