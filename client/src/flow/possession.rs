//! A token that is bound to a key (RFC 9449), at the resource server: every request of the protocol carries a proof, and one
//! that lacks the server's nonce is sent once more.

use http::{Method, header};
use url::Url;

use super::{StepKind, Wire, mcp::Headers};
use crate::oauth::{
    challenge::BearerChallenge,
    discovery::probe_request,
    dpop::{PROOF, Possession},
    endpoint::Endpoint,
    token::AccessToken,
};

/// What the error code is that asks for a nonce (RFC 9449 §9).
const USE_NONCE: &str = "use_dpop_nonce";

impl Wire {
    /// The same way out, where each token goes along with a proof of `possession`, if there is one.
    #[must_use]
    pub fn proving(&self, possession: Option<Possession>) -> Self {
        Self { possession, ..self.clone() }
    }

    /// What goes into the header of a request: the bare token, or the token under its own scheme beside a proof.
    pub(super) fn authorization(
        &self,
        (method, uri): (&Method, &str),
        token: Option<String>,
        mut headers: Headers,
    ) -> (Option<String>, Headers) {
        let (Some(possession), Some(raw)) = (&self.possession, &token) else { return (token, headers) };
        let made = AccessToken::parse(raw).zip(Url::parse(uri).ok()).and_then(|(token, url)| {
            Some((possession.authorization(&token).ok()?, possession.proof(method, &url, Some(&token)).ok()?))
        });
        // Without a proof the token stays here: the server says that it is missing.
        if let Some((authorization, proof)) = made {
            headers.extend([(header::AUTHORIZATION, authorization), (PROOF, proof)]);
        }
        (None, headers)
    }

    /// Whether the server refused for the lack of its nonce, and gave it now. rmcp does not hand over the header of the
    /// refusal, so a request of ours asks for it.
    pub(super) async fn got_nonce(&self, uri: &str, token: Option<&str>, challenge: &str) -> bool {
        let (Some(possession), Some(token)) = (&self.possession, token.and_then(AccessToken::parse)) else {
            return false;
        };
        let challenge = BearerChallenge::parse(challenge).unwrap_or_default();
        let Ok(server) = Endpoint::parse(uri) else { return false };
        let mut request = probe_request(&server);
        if challenge.error.as_deref() != Some(USE_NONCE) || possession.sign(&mut request, Some(&token)).is_err() {
            return false;
        }
        let answer = self.send(StepKind::NonceRequest, request).await;
        answer.is_ok_and(|answer| possession.learn(server.url(), &answer.headers))
    }
}
