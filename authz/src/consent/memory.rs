//! Whether a consent may be remembered: only for clients that nobody else can pass themselves off as (RFC 8252 §8.6).

use crate::domain::{ClientAuthentication, Origin, RegisteredClient};
use crate::protocol::RedirectUri;

/// Whether the page may be left out the next time that `client` asks with this redirect URI. Confidential clients that
/// the operator registered, and clients with a metadata document; never with a loopback redirect, nor clients that
/// registered themselves. Pure.
#[must_use]
pub fn may_remember(client: &RegisteredClient, redirect_uri: &RedirectUri) -> bool {
    let known = match client.origin {
        Origin::Demo | Origin::Operator | Origin::Configuration => {
            client.authentication != ClientAuthentication::Public
        }
        Origin::SelfRegistered => false,
        // Public or not: where the answer goes proves its name, and so did the document that names that address.
        Origin::MetadataDocument => true,
    };
    // Where the answer stays on the computer, the name that https proves is everybody's.
    known && redirect_uri.is_https() && !redirect_uri.stays_on_this_computer()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{ClientStanding, Origin},
        protocol::{ApplicationType, AuthenticationMethod, ClientId, ClientSecret, GrantType, Scope},
    };
    use jiff::Timestamp;

    fn client(origin: Origin, confidential: bool) -> RegisteredClient {
        let hash = ClientSecret::presented("secret".to_owned()).unwrap().hash();
        let methods = vec![AuthenticationMethod::ClientSecretBasic];
        let secret = ClientAuthentication::Secret { hash, methods };
        RegisteredClient {
            id: ClientId::parse("c").unwrap(),
            name: None,
            uri: None,
            authentication: if confidential { secret } else { ClientAuthentication::Public },
            redirect_uris: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode],
            scope: Scope::default(),
            application_type: ApplicationType::Web,
            introspects: None,
            origin,
            standing: ClientStanding::Active,
            registration_access: None,
            registered_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn only_confidential_clients_of_the_operator_and_metadata_documents_with_an_https_redirect_are_remembered() {
        let https = RedirectUri::parse("https://app.example/cb").unwrap();
        let loopback = RedirectUri::parse("http://localhost:3030/cb").unwrap();
        let local = RedirectUri::parse("https://localhost:3000/cb").unwrap();
        for (origin, confidential, redirect_uri, expected) in [
            (Origin::Operator, true, &https, true),
            (Origin::Operator, true, &loopback, false),
            (Origin::Operator, true, &local, false),
            (Origin::MetadataDocument, false, &local, false),
            (Origin::Operator, false, &https, false),
            (Origin::SelfRegistered, true, &https, false),
            (Origin::SelfRegistered, false, &https, false),
            (Origin::SelfRegistered, false, &loopback, false),
            (Origin::MetadataDocument, false, &https, true),
            (Origin::MetadataDocument, true, &https, true),
            (Origin::MetadataDocument, false, &loopback, false),
        ] {
            let client = client(origin, confidential);
            assert_eq!(may_remember(&client, redirect_uri), expected, "{origin:?} {confidential} {redirect_uri}");
        }
    }
}
