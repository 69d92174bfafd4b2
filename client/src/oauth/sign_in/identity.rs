//! Who this client is at an issuer: registered there by hand, named by its metadata document, or registered by itself,
//! in this order (MCP authorization "Client Registration").

use super::{ClientChoice, SignIn, SignInError};
use crate::oauth::{
    client::{ClientAssertion, ClientAuthentication, ClientCredentials, ClientProof},
    discovery::IssuerMetadata,
    registration::{self, RegisteredClient},
};

impl SignIn {
    /// Who this client is at `issuer`, after a registration if it takes one; never with credentials of another issuer.
    pub(super) async fn identify(&self, issuer: &IssuerMetadata) -> Result<RegisteredClient, SignInError> {
        if let Some(known) = self.known(issuer)? {
            return Ok(known);
        }
        let redirect_uri = &self.settings.redirect_uri;
        let client = registration::register(&self.http, issuer, redirect_uri).await?;
        self.clients.keep(&issuer.issuer, redirect_uri, &client)?;
        Ok(client)
    }

    /// Who this client is at `issuer` already.
    pub(super) fn known(&self, issuer: &IssuerMetadata) -> Result<Option<RegisteredClient>, SignInError> {
        match &self.settings.client {
            ClientChoice::PreRegistered { credentials, issuer: home } => {
                let home = match home {
                    Some(home) => home.as_str().to_owned(),
                    None => self.clients.bind(&credentials.id, &issuer.issuer)?,
                };
                if home != issuer.issuer {
                    let (client_id, found) = (credentials.id.clone(), issuer.issuer.clone());
                    return Err(SignInError::OtherIssuer { client_id, expected: home, found });
                }
                self.pre_registered(credentials, issuer).map(Some)
            }
            ClientChoice::Nobody { .. } => Ok(None),
            ClientChoice::Demo(credentials) if issuer.token_endpoint.is_loopback() => {
                self.pre_registered(credentials, issuer).map(Some)
            }
            ClientChoice::Demo(_) | ClientChoice::Dynamic => match self.by_document(issuer) {
                Some(client) => Ok(Some(client)),
                None => Ok(self.clients.find(&issuer.issuer, &self.settings.redirect_uri, self.clock.now())?),
            },
        }
    }

    fn by_document(&self, issuer: &IssuerMetadata) -> Option<RegisteredClient> {
        let url = self.settings.metadata_url.as_ref().filter(|_| issuer.metadata_documents_supported)?;
        let credentials = ClientCredentials { id: url.as_str().to_owned(), secret: None };
        Some(RegisteredClient { credentials, method: ClientAuthentication::None, secret_expires_at: None })
    }

    /// What shows that a request is `client`'s, for this one request.
    pub(super) fn proof<'c>(
        &self,
        client: Option<&'c RegisteredClient>,
        issuer: &str,
    ) -> Result<ClientProof<'c>, SignInError> {
        let Some(client) = client else { return Ok(ClientProof::Nobody) };
        match (client.method, &self.settings.private_key) {
            (ClientAuthentication::PrivateKeyJwt, Some(key)) => {
                let id = client.credentials.id.as_str();
                let assertion = key.assertion(id, issuer, self.clock.now(), self.random.as_ref())?;
                Ok(ClientProof::Assertion(id, ClientAssertion(assertion)))
            }
            (method, _) => Ok(ClientProof::Credentials(&client.credentials, method)),
        }
    }

    fn pre_registered(
        &self,
        credentials: &ClientCredentials,
        issuer: &IssuerMetadata,
    ) -> Result<RegisteredClient, SignInError> {
        let method = credentials
            .choose_method(&issuer.token_endpoint_auth_methods, self.settings.private_key.is_some())
            .ok_or_else(|| SignInError::ClientAuthentication(issuer.issuer.clone()))?;
        Ok(RegisteredClient { credentials: credentials.clone(), method, secret_expires_at: None })
    }
}

#[cfg(test)]
mod tests;
