//! How the browser gets to the authorization server and back: opened on this computer and awaited at a loopback port
//! (RFC 8252 §7.3), or as the visitor of a page of ours, who is sent there and comes back to that page.

use std::time::Duration;
use subtle::ConstantTimeEq as _;
use tokio::{
    sync::{mpsc, oneshot},
    time,
};
use url::{Url, form_urlencoded};

use super::{
    authorization::AuthorizationRequest,
    browser::Browser,
    loopback::{Callback, CallbackListener, LoopbackError, RedirectUri},
};

/// Where sign-ins that need the visitor are handed over.
#[derive(Clone, Debug)]
pub struct Visits(mpsc::Sender<Visit>);

/// A page of the authorization server that the visitor has to go to.
#[derive(Debug)]
pub struct Visit {
    url: Url,
    state: String,
    answer: oneshot::Sender<String>,
}

impl Visits {
    /// The way in, and where the visits come out, one at a time.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Visit>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }
}

impl PartialEq for Visits {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

impl Eq for Visits {}

impl Visit {
    /// What to open.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether `query` has the state of this visit, so that an answer to another question does not end it.
    #[must_use]
    pub fn is_answered_by(&self, query: &str) -> bool {
        let mut states = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
        let first = states.next().is_some_and(|(_, state)| state.as_bytes().ct_eq(self.state.as_bytes()).into());
        first && states.next().is_none()
    }

    /// Hands over the query that the visitor came back with; unchecked.
    pub fn answer(self, query: String) {
        // Whoever asked may have given up; then nobody needs the answer.
        let _given_up = self.answer.send(query);
    }
}

/// Ready for the browser to come back.
pub(super) enum Waiting {
    Loopback(CallbackListener),
    Visitor(Visits),
}

impl Waiting {
    /// Opens the port of `redirect_uri`, unless the page that the visitor came from is served there already.
    pub(super) async fn begin(browser: &Browser, redirect_uri: &RedirectUri) -> Result<Self, LoopbackError> {
        match browser {
            Browser::Visitor(visits) => Ok(Self::Visitor(visits.clone())),
            Browser::Commands(_) | Browser::Disabled => CallbackListener::bind(redirect_uri).await.map(Self::Loopback),
        }
    }

    /// Waits for the answer to `request`.
    pub(super) async fn callback(
        self,
        request: &AuthorizationRequest,
        patience: Duration,
    ) -> Result<Callback, LoopbackError> {
        let visits = match self {
            Self::Loopback(listener) => return listener.wait(patience).await,
            Self::Visitor(Visits(visits)) => visits,
        };
        let (answer, answered) = oneshot::channel();
        let visit = Visit { url: request.url().clone(), state: request.state().to_owned(), answer };
        visits.send(visit).await.map_err(|_| LoopbackError::GivenUp)?;
        match time::timeout(patience, answered).await {
            Ok(Ok(query)) => Ok(Callback::of_visitor(query)),
            Ok(Err(_)) => Err(LoopbackError::GivenUp),
            Err(_) => Err(LoopbackError::TimedOut(patience)),
        }
    }
}
