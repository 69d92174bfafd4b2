//! The way out of this program: an HTTP client, and who is told about what goes through it.

use std::sync::Arc;
use tokio::sync::Notify;
use url::Url;

use super::{Flow, Open, Outcome, Sent, StepKind, shorten::Shortener, split};
use crate::guard::Guard;
use crate::oauth::{
    dpop::Possession,
    exchange::{self, Answer, ExchangeError, Request},
};

/// An HTTP client that follows no redirect, the flow that it reports to, if any, and the key that the token is bound to, if it
/// is.
#[derive(Clone, Debug)]
pub struct Wire {
    pub(super) http: reqwest::Client,
    pub(super) flow: Option<Arc<Flow>>,
    pub(super) possession: Option<Possession>,
    /// Told when the server's own stream was asked for and answered.
    pub(super) listening: Option<Arc<Notify>>,
    pub(super) guard: Option<Guard>,
}

impl Wire {
    /// Nobody is told.
    #[must_use]
    pub const fn new(http: reqwest::Client) -> Self {
        Self { http, flow: None, possession: None, listening: None, guard: None }
    }

    /// Each exchange is told to `flow`.
    #[must_use]
    pub const fn reporting_to(http: reqwest::Client, flow: Arc<Flow>) -> Self {
        Self { http, flow: Some(flow), possession: None, listening: None, guard: None }
    }

    /// `listening` is told when the server's own stream is there, or is known not to come.
    #[must_use]
    pub fn announcing(mut self, listening: Arc<Notify>) -> Self {
        self.listening = Some(listening);
        self
    }

    pub(super) const fn is_told(&self) -> bool {
        self.flow.is_some()
    }

    /// The same way out, told to `flow`.
    #[must_use]
    pub fn reporting(self, flow: Arc<Flow>) -> Self {
        Self { flow: Some(flow), ..self }
    }

    /// Calls only what `guard` allows.
    #[must_use]
    pub fn guarded_by(self, guard: Guard) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// The same way out, with nobody told.
    #[must_use]
    pub fn silent(&self) -> Self {
        Self { flow: None, ..self.clone() }
    }

    /// Sends `request`, which is the step `kind` of the flow.
    ///
    /// # Errors
    /// When there is no answer, or one that is too large.
    pub async fn send(&self, kind: StepKind, request: Request) -> Result<Answer, ExchangeError> {
        let step = self.open(kind, &request);
        let result = match self.guard.as_ref().map(|guard| guard.check(request.uri())) {
            Some(Err(refused)) => Err(refused),
            Some(Ok(())) | None => exchange::send(&self.http, request).await,
        };
        if let Some(step) = step {
            step.finish(&result);
        }
        result
    }

    /// Notes a request that is about to be sent.
    pub(super) fn open(&self, kind: StepKind, request: &Request) -> Option<Open> {
        self.flow.as_ref().map(|flow| Open::new(Arc::clone(flow), kind, request))
    }

    /// The browser is sent to the authorization server with `url`.
    pub(crate) fn browser_sent(&self, url: &Url) {
        self.browser(StepKind::AuthorizationRequest, url);
    }

    /// The browser came back to `redirect_uri` with `query`.
    pub(crate) fn browser_came_back(&self, redirect_uri: &str, query: &str) {
        let Ok(mut url) = Url::parse(redirect_uri) else { return };
        url.set_query(Some(query));
        self.browser(StepKind::Callback, &url);
    }

    fn browser(&self, kind: StepKind, url: &Url) {
        let Some(flow) = &self.flow else { return };
        let (url, query) = split(url.as_str());
        let parameters = Shortener::default().form(query.as_bytes());
        let sent = Sent { method: "GET".to_owned(), url, parameters, headers: Vec::new(), body: None };
        flow.report(kind, sent, Outcome::WithTheBrowser);
    }
}

impl From<reqwest::Client> for Wire {
    fn from(http: reqwest::Client) -> Self {
        Self::new(http)
    }
}
