//! One question to the token endpoint, whatever the grant; a proof of possession goes along where the token is to be bound
//! (RFC 9449 §5), and once more with the server's nonce where it wants one (§8).

use http::StatusCode;

use super::{SignIn, SignInError, Wanted};
use crate::oauth::{
    challenge::BearerChallenge,
    discovery::IssuerMetadata,
    dpop::{ALGORITHM, Possession, Surroundings},
    exchange::Answer,
    registration::{ErrorDocument, RegisteredClient},
    token::{self, TokenError, TokenGrant, TokenRequest, TokenResponse},
};

impl SignIn {
    /// Asks the token endpoint of `issuer` for a token for `resource`.
    pub(super) async fn ask(
        &self,
        (issuer, resource): (&IssuerMetadata, &str),
        client: Option<&RegisteredClient>,
        grant: TokenGrant<'_>,
        possession: Option<&Possession>,
    ) -> Result<TokenResponse, SignInError> {
        let endpoint = &issuer.token_endpoint;
        let once = async || {
            // Made anew each time: an assertion and a proof are good for one request.
            let proof = self.proof(client, &issuer.issuer)?;
            let mut request = token::token_request(&TokenRequest { endpoint, client: &proof, grant, resource });
            if let Some(possession) = possession {
                possession.sign(&mut request, None)?;
            }
            Ok::<_, SignInError>(self.http.send(grant.step(), request).await.map_err(TokenError::from)?)
        };
        let mut answer = once().await?;
        if possession.is_some_and(|possession| possession.learn(endpoint.url(), &answer.headers))
            && wants_nonce(&answer)
        {
            answer = once().await?;
        }
        Ok(token::process(&answer, possession.is_some())?)
    }

    /// A fresh key to bind the token to, where the resource server asks for that and the issuer does it.
    pub(super) fn possession(
        &self,
        wanted: Wanted<'_>,
        challenge: &BearerChallenge,
    ) -> Result<Option<Possession>, SignInError> {
        let Wanted { issuer, resource, .. } = wanted;
        let takes = |algorithms: &[String]| algorithms.iter().any(|name| name == ALGORITHM);
        let asked = resource.dpop_required || challenge.dpop || !resource.dpop_algorithms.is_empty();
        let by_resource = resource.dpop_algorithms.is_empty() || takes(&resource.dpop_algorithms);
        match (asked, by_resource && takes(&issuer.dpop_algorithms)) {
            (true, true) => Ok(Some(Possession::generate(self.surroundings())?)),
            (true, false) if resource.dpop_required => {
                Err(SignInError::NotBound { resource: resource.resource.clone(), issuer: issuer.issuer.clone() })
            }
            (true, false) | (false, _) => Ok(None),
        }
    }

    pub(super) fn surroundings(&self) -> Surroundings {
        Surroundings { clock: self.clock.clone(), random: self.random.clone() }
    }
}

/// Whether the server refused for the lack of its nonce.
fn wants_nonce(answer: &Answer) -> bool {
    let error = serde_json::from_slice::<ErrorDocument>(&answer.body).map(|document| document.error);
    matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED)
        && error.is_ok_and(|error| error == "use_dpop_nonce")
}

#[cfg(test)]
mod tests;
