//! `authz clients`: the clients that the server knows, however they came to it.

use super::{CommandError, Means};
use crate::{
    domain::{ClientAuthentication, Origin, RegisteredClient},
    protocol::{AuthenticationMethod, ClientId, GrantType, RedirectUri},
    store::ClientStore as _,
};
use clap::Subcommand;
use std::fmt::Write as _;

/// What to do about clients.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientsCommand {
    /// List every client: id, how it came to be known, name
    List,
    /// Show everything about one client, but for its secret, which is not kept
    Show {
        /// The id of the client
        id: String,
    },
}

/// What was asked about a client cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// Nobody has this id.
    #[error("there is no client {0:?}; `authz clients list` shows those that there are")]
    Unknown(String),
}

/// Does what `command` says and returns what to print.
///
/// # Errors
/// It was not done.
pub async fn run(command: ClientsCommand, means: &Means) -> Result<String, CommandError> {
    let store = means.store().await?;
    match command {
        ClientsCommand::List => Ok(store.clients().await?.iter().map(line).collect()),
        ClientsCommand::Show { id } => {
            let unknown = || ClientsError::Unknown(id.clone());
            let parsed = ClientId::parse(&id).map_err(|_| unknown())?;
            Ok(sheet(&store.client(&parsed).await?.ok_or_else(unknown)?))
        }
    }
}

fn line(client: &RegisteredClient) -> String {
    format!("{}\t{}\t{}\n", client.id, origin(client.origin), client.name.as_deref().unwrap_or("-"))
}

/// One `name: value` a line, with the names of RFC 7591 §2.
fn sheet(client: &RegisteredClient) -> String {
    let methods: Vec<_> = match &client.authentication {
        ClientAuthentication::Public => vec![AuthenticationMethod::None.as_str()],
        ClientAuthentication::Secret { methods, .. } => methods.iter().map(|method| method.as_str()).collect(),
    };
    let grant_types: Vec<_> = client.grant_types.iter().copied().map(GrantType::as_str).collect();
    let redirect_uris: Vec<_> = client.redirect_uris.iter().map(RedirectUri::as_str).collect();
    let introspects = client.introspects.as_ref().map(ToString::to_string).unwrap_or_default();
    let rows = [
        ("client_id", client.id.to_string()),
        ("client_name", client.name.clone().unwrap_or_default()),
        ("client_uri", client.uri.clone().unwrap_or_default()),
        ("token_endpoint_auth_method", methods.join(" ")),
        ("redirect_uris", redirect_uris.join(" ")),
        ("grant_types", grant_types.join(" ")),
        ("scope", client.scope.to_string()),
        ("application_type", client.application_type.as_str().to_owned()),
        ("introspects", introspects),
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
        Origin::SelfRegistered => "registered itself",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Server;

    #[tokio::test]
    async fn lists_every_client_and_shows_one_without_its_secret() {
        let server = Server::start().await;
        let means = server.means();
        let list = run(ClientsCommand::List, &means).await.unwrap();
        assert!(list.contains("simple-mcp-client\tdemo\tSimple MCP Client\n"), "{list}");
        let shown = run(ClientsCommand::Show { id: "simple-mcp-client".to_owned() }, &means).await.unwrap();
        for expected in ["client_id: simple-mcp-client\n", "redirect_uris: http://localhost:3030/callback\n"] {
            assert!(shown.contains(expected), "{shown}");
        }
        assert!(!shown.contains("secret-123"), "{shown}");
    }

    #[tokio::test]
    async fn an_unknown_client_is_an_error_that_says_where_to_look() {
        let server = Server::start().await;
        for id in ["nobody", "no body", ""] {
            let error = run(ClientsCommand::Show { id: id.to_owned() }, &server.means()).await.unwrap_err();
            assert!(matches!(error, CommandError::Clients(ClientsError::Unknown(_))), "{error:?}");
            assert!(error.to_string().contains("authz clients list"), "{error}");
        }
    }
}
