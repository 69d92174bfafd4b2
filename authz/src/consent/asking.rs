//! What a page is about: the authorization request named in its address, in the session of the browser that shows it.

use crate::{
    domain::{PendingAuthorization, RegisteredClient, RequestSecret},
    login::Browser,
    pages::PageError,
    services::Services,
};

/// An undecided authorization request of this browser, and the client behind it.
#[derive(Clone, Debug)]
pub struct Asking {
    secret: RequestSecret,
    /// What is asked for.
    pub pending: PendingAuthorization,
    /// Who asks.
    pub client: RegisteredClient,
}

impl Asking {
    /// Loads the request that a page names; `None` if it names none.
    ///
    /// # Errors
    /// It names one that is unknown, too old, decided, or of another session; or the store failed.
    pub async fn load(services: &Services, browser: &Browser, named: Option<&str>) -> Result<Option<Self>, PageError> {
        let Some(named) = named else { return Ok(None) };
        let secret = RequestSecret::parse(named).ok_or(PageError::RequestGone)?;
        let session = &browser.session().hash;
        let pending = services.store.pending_authorization(&secret.hash(), session, services.now()).await?;
        let pending = pending.ok_or(PageError::RequestGone)?;
        let client = services.store.client(&pending.client_id).await?.ok_or(PageError::RequestGone)?;
        Ok(Some(Self { secret, pending, client }))
    }

    /// The secret that names it.
    #[must_use]
    pub const fn secret(&self) -> &RequestSecret {
        &self.secret
    }

    /// The `request` parameter of the pages about it.
    #[must_use]
    pub fn request(&self) -> String {
        self.secret.reveal()
    }
}
