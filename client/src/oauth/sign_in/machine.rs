//! Tokens without a browser: for the client itself (OAuth 2.1 §4.2), for a workload that its platform vouches for (RFC
//! 7523 §2.1), for a person whom the organisation's identity provider vouches for (ID-JAG). A refusal ends it: no other
//! grant is tried.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{About, ClientChoice, Held, SignIn, SignInError, Wanted};
use crate::oauth::{
    client::{ClientAuthentication, ClientProof},
    discovery::{
        IssuerMetadata,
        issuer_metadata::{self, Pkce},
    },
    grant::IdentityProvider,
    registration::RegisteredClient,
    token::{Assertion, TokenGrant},
    token_exchange::{self, TokenExchange},
};

/// Largest file with a JWT, in bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Why a file holds no usable JWT.
#[derive(Debug, thiserror::Error)]
pub enum AssertionFileError {
    /// The operating system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Something else.
    #[error("{} holds no JWT (three parts of base64url, with dots between)", .0.display())]
    NoJwt(PathBuf),
}

impl SignIn {
    /// A token for the client itself.
    pub(super) async fn for_itself(&self, wanted: Wanted<'_>) -> Result<Held, SignInError> {
        let client = self.registered(wanted.issuer)?;
        self.granted(wanted, Some(&client), TokenGrant::ClientCredentials { scope: wanted.scope }).await
    }

    /// A token for the workload that the JWT in `file` is about; the file is read each time, because it is replaced.
    pub(super) async fn for_workload(&self, wanted: Wanted<'_>, file: &Path) -> Result<Held, SignInError> {
        let issuer = wanted.issuer;
        let (client, home) = match &self.settings.client {
            ClientChoice::Nobody { issuer: home } => (None, home.as_ref()),
            ClientChoice::PreRegistered { issuer: home, .. } => (Some(self.registered(issuer)?), home.as_ref()),
            ClientChoice::Demo(_) | ClientChoice::Dynamic => (Some(self.registered(issuer)?), None),
        };
        let assertion = read(file)?;
        // Whoever is shown a JWT can show it to the one that it is made out to; so it is shown to nobody else.
        let ours = home.map_or_else(
            || assertion.is_for(&issuer.issuer, issuer.token_endpoint.as_str()),
            |home| home.as_str() == issuer.issuer,
        );
        if !ours {
            return Err(SignInError::AssertionAudience(issuer.issuer.clone()));
        }
        let grant = TokenGrant::JwtBearer { assertion: &assertion, scope: wanted.scope };
        self.granted(wanted, client.as_ref(), grant).await
    }

    /// A token for the person whom the identity provider vouches for.
    pub(super) async fn for_enterprise(&self, wanted: Wanted<'_>, idp: &IdentityProvider) -> Result<Held, SignInError> {
        let client = self.registered(wanted.issuer)?;
        let assertion = self.id_jag(wanted, idp).await?;
        let grant = TokenGrant::JwtBearer { assertion: &assertion, scope: wanted.scope };
        self.granted(wanted, Some(&client), grant).await
    }

    /// What the identity provider says about the person, for one issuer and one resource.
    async fn id_jag(&self, wanted: Wanted<'_>, idp: &IdentityProvider) -> Result<Assertion, SignInError> {
        let id_token = read(&idp.id_token)?;
        let metadata = issuer_metadata::fetch(&self.http, &idp.issuer, Pkce::NotNeeded).await?;
        // A public client is named by its identifier, whatever the identity provider lists.
        let method = match idp.client.secret {
            None => ClientAuthentication::None,
            Some(_) => idp
                .client
                .choose_method(&metadata.token_endpoint_auth_methods, false)
                .ok_or_else(|| SignInError::ClientAuthentication(metadata.issuer.clone()))?,
        };
        let exchange = TokenExchange {
            endpoint: &metadata.token_endpoint,
            client: &ClientProof::Credentials(&idp.client, method),
            id_token: &id_token,
            audience: &wanted.issuer.issuer,
            resource: &wanted.resource.resource,
            scope: wanted.scope,
        };
        token_exchange::request(&self.http, &exchange).await.map_err(SignInError::IdentityProvider)
    }

    async fn granted(
        &self,
        wanted: Wanted<'_>,
        client: Option<&RegisteredClient>,
        grant: TokenGrant<'_>,
    ) -> Result<Held, SignInError> {
        let Wanted { issuer, resource, scope, possession } = wanted;
        let response = self.ask((issuer, &resource.resource), client, grant, possession).await?;
        let client_id = client.map_or("", |client| client.credentials.id.as_str());
        let about = About { client_id, ..About::of(wanted) };
        Ok(self.hold(response, about, scope.cloned()))
    }

    /// Who this client is at `issuer`; without a browser it does not register itself.
    fn registered(&self, issuer: &IssuerMetadata) -> Result<RegisteredClient, SignInError> {
        self.known(issuer)?.ok_or_else(|| SignInError::NotRegistered(issuer.issuer.clone()))
    }
}

fn read(file: &Path) -> Result<Assertion, AssertionFileError> {
    let failed = |source| AssertionFileError::Io { path: file.to_owned(), source };
    let mut content = String::new();
    let opened = fs::File::open(file).map_err(failed)?;
    io::Read::read_to_string(&mut io::Read::take(opened, MAX_FILE_BYTES), &mut content).map_err(failed)?;
    Assertion::parse(content.trim()).ok_or_else(|| AssertionFileError::NoJwt(file.to_owned()))
}

#[cfg(test)]
mod tests;
