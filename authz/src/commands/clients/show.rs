//! Clients as text for the operator.

use crate::{
    domain::{ClientAuthentication, ClientKeys, Origin, RegisteredClient},
    protocol::{GrantType, RedirectUri},
};
use std::fmt::Write as _;

/// One client a line.
pub(super) fn line(client: &RegisteredClient) -> String {
    let name = client.name.as_deref().unwrap_or("-");
    format!("{}\t{}\t{}\t{name}\n", client.id, client.standing.as_str(), origin(client.origin))
}

/// One `name: value` a line, with the names of RFC 7591 §2.
pub(super) fn sheet(client: &RegisteredClient) -> String {
    let methods: Vec<_> = client.authentication.methods().iter().map(|method| method.as_str()).collect();
    let (jwks, jwks_uri) = match &client.authentication {
        ClientAuthentication::PrivateKey { keys: ClientKeys::Set(document) } => (document.clone(), String::new()),
        ClientAuthentication::PrivateKey { keys: ClientKeys::At(url) } => (String::new(), url.to_string()),
        ClientAuthentication::Public | ClientAuthentication::Secret { .. } => (String::new(), String::new()),
    };
    let grant_types: Vec<_> = client.grant_types.iter().copied().map(GrantType::as_str).collect();
    let redirect_uris: Vec<_> = client.redirect_uris.iter().map(RedirectUri::as_str).collect();
    let introspects = client.introspects.as_ref().map(ToString::to_string).unwrap_or_default();
    let rows = [
        ("client_id", client.id.to_string()),
        ("client_name", client.name.clone().unwrap_or_default()),
        ("client_uri", client.uri.clone().unwrap_or_default()),
        ("token_endpoint_auth_method", methods.join(" ")),
        ("jwks", jwks),
        ("jwks_uri", jwks_uri),
        ("redirect_uris", redirect_uris.join(" ")),
        ("grant_types", grant_types.join(" ")),
        ("scope", client.scope.to_string()),
        ("application_type", client.application_type.as_str().to_owned()),
        ("introspects", introspects),
        ("standing", client.standing.as_str().to_owned()),
        ("origin", origin(client.origin).to_owned()),
        ("registered_at", client.registered_at.to_string()),
    ];
    let mut sheet = String::new();
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a string does not fail.
        let _ = writeln!(sheet, "{name}: {value}");
    }
    sheet
}

const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Demo => "demo",
        Origin::Operator => "operator",
        Origin::Configuration => "file",
        Origin::SelfRegistered => "registered itself",
        Origin::MetadataDocument => "metadata document",
    }
}
