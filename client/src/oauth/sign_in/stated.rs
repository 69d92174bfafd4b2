//! What a person's configuration says about an issuer, against what the issuer says about itself. The issuer is
//! discovered in any case; where both differ, its own word counts, unless it is about another address.

use super::{SignIn, SignInError};
use crate::oauth::{
    challenge::BearerChallenge,
    discovery::{IssuerMetadata, ResourceMetadata, resource_metadata},
    endpoint::Endpoint,
};

/// Stated by a person; each part may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// The issuer of a server that cannot be asked, because it is a program on this computer.
    pub issuer: Option<Endpoint>,
    /// The authorization endpoint.
    pub authorization_endpoint: Option<Endpoint>,
    /// The token endpoint.
    pub token_endpoint: Option<Endpoint>,
}

impl Stated {
    /// A warning for each path that is another one at `issuer`.
    ///
    /// # Errors
    /// When the issuer has an endpoint at another address than stated: the credentials were meant for somebody else.
    pub(super) fn check(&self, issuer: &IssuerMetadata) -> Result<Vec<String>, SignInError> {
        let pairs = [
            ("authorization_url", &self.authorization_endpoint, issuer.authorization_endpoint.as_ref()),
            ("token_url", &self.token_endpoint, Some(&issuer.token_endpoint)),
        ];
        let mut warnings = Vec::new();
        for (name, stated, published) in pairs {
            let (Some(stated), Some(published)) = (stated, published) else { continue };
            if stated.url() == published.url() {
                continue;
            }
            if stated.origin() != published.origin() {
                let (stated, published) = (stated.as_str().to_owned(), published.as_str().to_owned());
                return Err(SignInError::StatedElsewhere { name, stated, published });
            }
            warnings.push(format!(
                "The configuration says {name} {}, but {} publishes {}, which is used.",
                stated.as_str(),
                issuer.issuer,
                published.as_str()
            ));
        }
        Ok(warnings)
    }
}

impl SignIn {
    /// What the server says about itself; of a program, what the person says.
    pub(super) async fn resource(&self, challenge: &BearerChallenge) -> Result<ResourceMetadata, SignInError> {
        let server = &self.settings.server;
        let Some(issuer) = self.settings.stated.issuer.clone() else {
            return Ok(resource_metadata::fetch(&self.http, server, challenge).await?);
        };
        Ok(ResourceMetadata {
            resource: server.as_str().to_owned(),
            authorization_server: issuer,
            scopes_supported: None,
            published: true,
            dpop_algorithms: Vec::new(),
            dpop_required: false,
        })
    }
}
