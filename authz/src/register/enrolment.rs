//! From checked metadata to a client: what the server adds, which is everything that is secret or decides about trust.

use super::ClientMetadata;
use crate::{
    domain::{ClientAuthentication, ClientStanding, Origin, RegisteredClient},
    protocol::{AuthenticationMethod, ClientId, ClientSecret},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{error::Unspecified, rand::SecureRandom};

/// A client, and the secret that only the one who registers it will ever see.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The client.
    pub client: RegisteredClient,
    /// Its secret, if it has one.
    pub secret: Option<ClientSecret>,
}

impl Enrolment {
    /// Makes a client of the operator's `origin`, active, with a new secret if its method needs one.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn new(
        id: ClientId,
        metadata: ClientMetadata,
        origin: Origin,
        random: &dyn SecureRandom,
        now: Timestamp,
    ) -> Result<Self, Unspecified> {
        let (authentication, secret) = credentials(&metadata, random)?;
        let client = RegisteredClient {
            id,
            name: metadata.name,
            uri: metadata.uri,
            authentication,
            redirect_uris: metadata.redirect_uris,
            grant_types: metadata.grant_types,
            scope: metadata.scope,
            application_type: metadata.application_type,
            introspects: None,
            origin,
            standing: ClientStanding::Active,
            registration_access: None,
            registered_at: now,
        };
        Ok(Self { client, secret })
    }
}

/// What proves who a client with this metadata is.
pub(super) fn credentials(
    metadata: &ClientMetadata,
    random: &dyn SecureRandom,
) -> Result<(ClientAuthentication, Option<ClientSecret>), Unspecified> {
    match (metadata.authentication_method, &metadata.keys) {
        (_, Some(keys)) => Ok((ClientAuthentication::PrivateKey { keys: keys.clone() }, None)),
        (AuthenticationMethod::None, None) => Ok((ClientAuthentication::Public, None)),
        // Without keys there is nothing to prove with: metadata that was checked has them.
        (AuthenticationMethod::PrivateKeyJwt, None) => Err(Unspecified),
        (method @ (AuthenticationMethod::ClientSecretBasic | AuthenticationMethod::ClientSecretPost), None) => {
            let secret = ClientSecret::generate(random)?;
            Ok((ClientAuthentication::Secret { hash: secret.hash(), methods: vec![method] }, Some(secret)))
        }
    }
}

/// `c_` and 16 random bytes: never a URL, so it cannot be taken for a metadata document; never a subject.
pub(super) fn new_client_id(random: &dyn SecureRandom) -> Result<ClientId, Unspecified> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    ClientId::parse(&format!("c_{}", URL_SAFE_NO_PAD.encode(bytes))).map_err(|_| Unspecified)
}
