//! `authz resources`: the resource servers that tokens can be for, with their scopes, and how they introspect.

use super::{CommandError, Means};
use crate::{
    domain::{
        ClientAuthentication, ClientStanding, DisplayName, InvalidDisplayName, InvalidResourceScopes, Origin,
        RegisteredClient, ResourceScopes, ServedResource,
    },
    protocol::{
        ApplicationType, AuthenticationMethod, ClientId, ClientSecret, InvalidResource, InvalidScope, Resource, Scope,
        ScopeToken,
    },
    resources::ServedResources,
    store::{ClientStore as _, ResourceStore as _, SqlStore},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::{Args, Subcommand};
use ring::error::Unspecified;
use std::fmt::Write as _;

/// What to do about resource servers.
#[derive(Clone, Debug, Subcommand)]
pub enum ResourcesCommand {
    /// Add a resource server, or change the one with this identifier
    Add(AddArgs),
    /// List every resource server: identifier, scopes, hierarchy, where it is known from, who introspects for it
    List,
    /// Remove a resource server that was added, what was granted for it, and its introspection clients
    Remove {
        /// The identifier of the resource server
        resource: String,
    },
}

/// A resource server to add.
#[derive(Clone, Debug, Args)]
pub struct AddArgs {
    /// The identifier of the resource server: its public URL, byte for byte
    pub resource: String,
    /// Its scopes, separated by commas [default: those of `MCP_AUTH_SCOPES`]
    #[arg(long = "with-scopes", value_name = "SCOPES", value_delimiter = ',')]
    pub scopes: Vec<String>,
    /// Which scope implies which: chains from broad to narrow, as in `files:write>files:read`
    #[arg(long, value_name = "CHAINS", default_value = "")]
    pub hierarchy: String,
    /// What the consent page calls it
    #[arg(long)]
    pub name: Option<String>,
    /// Make no client for it to introspect with
    #[arg(long)]
    pub no_introspection: bool,
}

/// What was asked about a resource server cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum ResourcesError {
    /// The identifier cannot be one.
    #[error("the resource {0}; write an absolute URI such as https://mcp.example/mcp")]
    Identifier(#[from] InvalidResource),
    /// A scope cannot be one.
    #[error("{0}; write scopes separated by commas, as in --with-scopes files:read,files:write")]
    Scope(#[from] InvalidScope),
    /// The hierarchy does not fit.
    #[error("{0}; write chains of the scopes, as in --hierarchy 'files:write>files:read'")]
    Hierarchy(#[from] InvalidResourceScopes),
    /// The name cannot be one.
    #[error(transparent)]
    Name(#[from] InvalidDisplayName),
    /// Nobody added it.
    #[error("nobody added {0:?}; `authz resources list` shows those that there are")]
    Unknown(String),
    /// It would still be there.
    #[error("{0} stands in MCP_AUTH_RESOURCES; take it out there first")]
    Configured(Resource),
}

/// Does what `command` says and returns what to print.
///
/// # Errors
/// It was not done.
pub async fn run(command: ResourcesCommand, means: &Means) -> Result<String, CommandError> {
    let store = means.store().await?;
    match command {
        ResourcesCommand::Add(args) => add(&store, means, &args).await,
        ResourcesCommand::List => list(&store, means).await,
        ResourcesCommand::Remove { resource } => remove(&store, means, &resource).await,
    }
}

async fn add(store: &SqlStore, means: &Means, args: &AddArgs) -> Result<String, CommandError> {
    let resource = parse(args, &means.config.settings.scopes)?;
    let known = introspection_clients(store).await?;
    let has_client = known.iter().any(|(_, introspects)| *introspects == resource.id);
    let made =
        (!has_client && !args.no_introspection).then(|| introspection_client(&resource.id, means)).transpose()?;
    store.put_resource(&resource, made.as_ref().map(|(client, _)| client)).await?;
    let mut text = format!("{}\n", line(&resource));
    if let Some((client, secret)) = made {
        text.push_str("It introspects with these, which are shown now and never again:\n");
        // Writing to a string does not fail.
        let _ = writeln!(text, "MCP_RESOURCE_INTROSPECT_CLIENT_ID={}", client.id);
        let _ = writeln!(text, "MCP_RESOURCE_INTROSPECT_CLIENT_SECRET={}", secret.reveal());
    }
    text.push_str("Running servers know it within 10 seconds.\n");
    Ok(text)
}

fn parse(args: &AddArgs, default: &Scope) -> Result<ServedResource, ResourcesError> {
    let tokens = args.scopes.iter().map(|raw| ScopeToken::parse(raw.trim())).collect::<Result<Scope, _>>()?;
    let all = if tokens.is_empty() { default.clone() } else { tokens };
    Ok(ServedResource {
        id: Resource::parse(&args.resource)?,
        name: args.name.as_deref().map(DisplayName::parse).transpose()?,
        scopes: ResourceScopes::with_chains(all, &args.hierarchy)?,
    })
}

fn introspection_client(resource: &Resource, means: &Means) -> Result<(RegisteredClient, ClientSecret), Unspecified> {
    let random = means.random.as_ref();
    let secret = ClientSecret::generate(random)?;
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    let client = RegisteredClient {
        // Never a URL, never a subject.
        id: ClientId::parse(&format!("rs_{}", URL_SAFE_NO_PAD.encode(bytes))).map_err(|_| Unspecified)?,
        name: None,
        uri: None,
        authentication: ClientAuthentication::Secret {
            hash: secret.hash(),
            methods: vec![AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretPost],
        },
        redirect_uris: Vec::new(),
        grant_types: Vec::new(),
        scope: Scope::default(),
        application_type: ApplicationType::Web,
        introspects: Some(resource.clone()),
        origin: Origin::Operator,
        standing: ClientStanding::Active,
        registration_access: None,
        registered_at: means.clock.now(),
    };
    Ok((client, secret))
}

async fn list(store: &SqlStore, means: &Means) -> Result<String, CommandError> {
    let stored = store.resources().await?;
    let clients = introspection_clients(store).await?;
    let served = ServedResources::new(means.config.resources.clone());
    served.reload(store).await?;
    let row = |resource: &ServedResource| {
        let is_stored = stored.iter().any(|other| other.id == resource.id);
        let place = if is_stored { "database" } else { "MCP_AUTH_RESOURCES" };
        let introspecting = clients.iter().filter(|(_, introspects)| *introspects == resource.id);
        let introspecting: Vec<_> = introspecting.map(|(id, _)| id.as_str()).collect();
        let by = if introspecting.is_empty() { "-".to_owned() } else { introspecting.join(" ") };
        format!("{}\t{place}\t{by}\n", line(resource))
    };
    Ok(served.current().iter().map(row).collect())
}

async fn remove(store: &SqlStore, means: &Means, raw: &str) -> Result<String, CommandError> {
    let unknown = || ResourcesError::Unknown(raw.to_owned());
    let id = Resource::parse(raw).map_err(|_| unknown())?;
    if means.config.resources.iter().any(|resource| resource.id == id) {
        return Err(ResourcesError::Configured(id).into());
    }
    if !store.remove_resource(&id, means.clock.now()).await? {
        return Err(unknown().into());
    }
    let lifetime = means.config.settings.access_token_ttl.as_secs();
    Ok(format!(
        "removed {id}; what was granted for it is revoked\n\
         Running servers know it within 10 seconds; a resource server that does not introspect takes access tokens \
         until they expire, which is within {lifetime} seconds.\n"
    ))
}

async fn introspection_clients(store: &SqlStore) -> Result<Vec<(ClientId, Resource)>, CommandError> {
    let clients = store.clients().await?.into_iter();
    Ok(clients.filter_map(|client| Some((client.id, client.introspects?))).collect())
}

/// Identifier, scopes, hierarchy.
fn line(resource: &ServedResource) -> String {
    let implied =
        resource.scopes.implied().iter().map(|(broad, narrow)| format!("{}>{}", broad.as_str(), narrow.as_str()));
    let hierarchy: Vec<_> = implied.collect();
    let hierarchy = if hierarchy.is_empty() { "-".to_owned() } else { hierarchy.join(",") };
    format!("{}\t{}\t{hierarchy}", resource.id, resource.scopes.all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{routes, testing::*};
    use http::StatusCode;

    const FILES: &str = "https://files.example/mcp";

    fn files() -> AddArgs {
        AddArgs {
            resource: FILES.to_owned(),
            scopes: ["files:write", "files:read"].map(str::to_owned).to_vec(),
            hierarchy: "files:write>files:read".to_owned(),
            name: Some("Files".to_owned()),
            no_introspection: false,
        }
    }

    async fn added(server: &Server) -> (String, String) {
        let text = run(ResourcesCommand::Add(files()), &server.means()).await.unwrap();
        let value = |name: &str| text.split_once(&format!("{name}=")).unwrap().1.lines().next().unwrap().to_owned();
        server.services.resources.reload(server.services.store.as_ref()).await.unwrap();
        (value("MCP_RESOURCE_INTROSPECT_CLIENT_ID"), value("MCP_RESOURCE_INTROSPECT_CLIENT_SECRET"))
    }

    #[tokio::test]
    async fn a_resource_that_was_added_introspects_its_own_tokens_and_no_others() {
        let server = Server::start().await;
        let (id, secret) = added(&server).await;
        for (resource, active) in [(FILES, true), (RESOURCE, false)] {
            let token = server.token(resource).await;
            let answer = server.post_as((&id, &secret), routes::INTROSPECT, &[("token", &token)]).await;
            assert_eq!((answer.status, &answer.json()["active"]), (StatusCode::OK, &active.into()), "{resource}");
        }
    }

    #[tokio::test]
    async fn removing_a_resource_ends_what_was_granted_for_it() {
        let server = Server::start().await;
        let (id, secret) = added(&server).await;
        let pending = server.pending(&request_with(&[("resource", FILES)])).await;
        let remove = || ResourcesCommand::Remove { resource: FILES.to_owned() };
        let code = server.code(&request_with(&[("resource", FILES)])).await;
        run(remove(), &server.means()).await.unwrap();
        server.services.resources.reload(server.services.store.as_ref()).await.unwrap();
        let exchange = with(&exchange(&code), &[("resource", FILES)]);
        assert_eq!(
            server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange).await.error(),
            (400, "invalid_grant".into())
        );
        assert_eq!(server.post_as((&id, &secret), routes::INTROSPECT, &[("token", "x")]).await.status, 401);
        let again = run(remove(), &server.means()).await.unwrap_err();
        assert!(matches!(again, CommandError::Resources(ResourcesError::Unknown(_))), "{again}");
        drop(pending);
    }

    #[tokio::test]
    async fn lists_where_each_resource_is_known_from() {
        let server = Server::start().await;
        let (id, secret) = added(&server).await;
        let list = run(ResourcesCommand::List, &server.means()).await.unwrap();
        let configured = format!("{RESOURCE}\tmcp:read mcp:write\t-\tMCP_AUTH_RESOURCES\tmcp-server\n");
        let stored = format!("{FILES}\tfiles:write files:read\tfiles:write>files:read\tdatabase\t{id}\n");
        assert_eq!(list, configured + &stored);
        let again = run(ResourcesCommand::Add(files()), &server.means()).await.unwrap();
        assert!(!again.contains("SECRET") && !again.contains(&secret), "the client that there is stays: {again}");
    }

    #[tokio::test]
    async fn what_cannot_be_a_resource_is_told_with_what_to_write() {
        let server = Server::start().await;
        for (args, advice) in [
            (AddArgs { resource: "/mcp".to_owned(), ..files() }, "absolute URI"),
            (AddArgs { resource: format!("{FILES}#x"), ..files() }, "fragment"),
            (AddArgs { scopes: vec!["a\"b".to_owned()], ..files() }, "--with-scopes"),
            (AddArgs { hierarchy: "admin>files:read".to_owned(), ..files() }, "admin is in the hierarchy"),
            (AddArgs { name: Some("\u{202e}\n".to_owned()), ..files() }, "a name is"),
        ] {
            let error = run(ResourcesCommand::Add(args), &server.means()).await.unwrap_err();
            assert!(error.to_string().contains(advice), "{error}");
        }
        let configured = run(ResourcesCommand::Remove { resource: RESOURCE.to_owned() }, &server.means()).await;
        let error = configured.unwrap_err();
        assert!(matches!(error, CommandError::Resources(ResourcesError::Configured(_))), "{error}");
    }
}
