//! The sign-in of a person with a browser somewhere else (RFC 8628): a page and a code to type there, and polls until the
//! person has decided.

use super::{About, Held, SignIn, SignInError, Wanted, by_browser::with_refresh};
use crate::{
    flow::StepKind,
    oauth::{
        device::{self, DeviceAuthorization, DeviceError, Poll},
        registration::RegisteredClient,
        token::{TokenError, TokenGrant, TokenResponse},
    },
};

impl SignIn {
    /// A token that the person allows on another device.
    pub(super) async fn by_device(&self, wanted: Wanted<'_>) -> Result<Held, SignInError> {
        let client = self.identify(wanted.issuer).await?;
        let device = self.begin(wanted, &client).await?;
        self.show_device(&device, &wanted.issuer.issuer);
        let response = self.decided(wanted, &client, &device).await?;
        let about = About { client_id: &client.credentials.id, ..About::of(wanted) };
        Ok(self.hold(response, about, wanted.scope.cloned()))
    }

    async fn begin(&self, wanted: Wanted<'_>, client: &RegisteredClient) -> Result<DeviceAuthorization, SignInError> {
        let Wanted { issuer, resource, scope, .. } = wanted;
        let endpoint = issuer.device_authorization_endpoint.as_ref();
        let endpoint = endpoint.ok_or_else(|| DeviceError::NotOffered(issuer.issuer.clone()))?;
        let (proof, scope) = (self.proof(Some(client), &issuer.issuer)?, with_refresh(scope, issuer));
        let request = device::device_request(endpoint, &proof, &resource.resource, scope.as_ref());
        let answer = self.http.send(StepKind::DeviceAuthorization, request).await;
        let answer = answer.map_err(|error| DeviceError::from(TokenError::from(error)))?;
        Ok(device::process(&answer, endpoint, self.clock.now()).map_err(DeviceError::from)?)
    }

    fn show_device(&self, device: &DeviceAuthorization, issuer: &str) {
        let (page, code) = (device.verification_uri.as_str(), &device.user_code);
        let link = device.verification_uri_complete.as_ref();
        let link = link.map(|link| format!("\nor open\n\n  {}\n", link.as_str())).unwrap_or_default();
        (self.notice)(&format!(
            "To sign in at {issuer}, open this page on any device with a browser:\n\n  {page}\n\nand enter the code\n\n  \
             {code}\n{link}"
        ));
    }

    /// Polls until somebody has decided, or nobody in time.
    async fn decided(
        &self,
        wanted: Wanted<'_>,
        client: &RegisteredClient,
        device: &DeviceAuthorization,
    ) -> Result<TokenResponse, SignInError> {
        let mut interval = device.interval;
        loop {
            let next = self.clock.now().saturating_add(interval).unwrap_or(device.expires_at);
            if next >= device.expires_at {
                return Err(DeviceError::Expired.into());
            }
            (self.waits.pause)(interval).await;
            let (place, grant) =
                ((wanted.issuer, wanted.resource.resource.as_str()), TokenGrant::DeviceCode(&device.device_code));
            let outcome = match self.ask(place, Some(client), grant, wanted.possession).await {
                Ok(response) => Ok(response),
                Err(SignInError::Token(error)) => Err(error),
                Err(other) => return Err(other),
            };
            match device::poll(outcome, interval)? {
                Poll::Done(response) => return Ok(response),
                Poll::Again(longer) => interval = longer,
            }
        }
    }
}

#[cfg(test)]
mod tests;
