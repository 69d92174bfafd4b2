//! A form of ours that this browser posted from our own page. Its existence is the proof: origin, session and CSRF
//! token were checked (RFC 9700 §4.7), in this order.

use super::{Browser, csrf, origin};
use crate::{
    form::Form,
    operations::{CallerAddress, Notes},
    pages::PageError,
    protocol::Parameters,
    services::Services,
};
use axum::extract::{FromRequest, Request};
use std::sync::Arc;

/// A form that was posted from our own page by the browser whose session it carries. An extractor.
#[derive(Debug)]
pub struct BrowserForm {
    browser: Browser,
    parameters: Parameters,
    notes: Notes,
    address: CallerAddress,
}

impl BrowserForm {
    /// The browser that posted it.
    #[must_use]
    pub const fn browser(&self) -> &Browser {
        &self.browser
    }

    /// What the handler finds out, for the audit log.
    #[must_use]
    pub const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Where it came from.
    #[must_use]
    pub const fn address(&self) -> CallerAddress {
        self.address
    }

    /// The value of a field that may be left out.
    ///
    /// # Errors
    /// It is there twice.
    pub fn field(&self, name: &str) -> Result<Option<&str>, PageError> {
        Ok(self.parameters.once(name)?)
    }
}

impl FromRequest<Arc<Services>> for BrowserForm {
    type Rejection = PageError;

    async fn from_request(request: Request, services: &Arc<Services>) -> Result<Self, PageError> {
        let address = CallerAddress::of(&request, &services.operations.trusted_proxies);
        origin::check(request.headers(), &services.public_url.origin())?;
        let Form { headers, parameters, notes, .. } = Form::from_request(request, services).await?;
        let browser = Browser::known(services, &headers).await?.ok_or(PageError::NoSession)?;
        let presented = parameters.once(csrf::FIELD)?.unwrap_or_default();
        if browser.csrf_token().matches(presented) {
            Ok(Self { browser, parameters, notes, address })
        } else {
            Err(PageError::CsrfMismatch)
        }
    }
}
