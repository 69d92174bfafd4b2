//! `authz clients add`: the flags become client metadata, which is held to the rules of every registration.

use super::{ClientsError, CommandError, Means};
use crate::{
    domain::{Origin, RegisteredClient},
    openid,
    protocol::{ClientId, Resource, ScopeToken},
    register::{ClientMetadata, Enrolment, InvalidMetadata, MetadataRules, Registrant},
    resources::{ResourceList, ServedResources},
    store::{ClientStore as _, SqlStore},
};
use clap::Args;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// A client to add. What is left out gets the default of RFC 7591 §2.
#[derive(Clone, Debug, Default, Args)]
pub struct NewClient {
    /// Its id
    pub id: String,

    /// The name that people see on the consent page
    #[arg(long)]
    pub name: Option<String>,

    /// Its own page
    #[arg(long, value_name = "URL")]
    pub uri: Option<String>,

    /// Where codes may be sent; may be repeated
    #[arg(long = "redirect-uri", value_name = "URL")]
    pub redirect_uris: Vec<String>,

    /// How it proves who it is, such as `none` for a public client [default: `client_secret_basic`]
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,

    /// With `private_key_jwt`: where its public keys are
    #[arg(long, value_name = "URL", conflicts_with = "jwks_file")]
    pub jwks_uri: Option<String>,

    /// With `private_key_jwt`: a file with its public keys, as a JWK Set
    #[arg(long, value_name = "FILE")]
    pub jwks_file: Option<PathBuf>,

    /// What it may trade for tokens; may be repeated [default: `authorization_code`]
    #[arg(long = "grant-type", value_name = "TYPE")]
    pub grant_types: Vec<String>,

    /// The most that it may ask for, separated by spaces [default: all scopes]
    #[arg(long)]
    pub scope: Option<String>,

    /// native or web [default: as its redirect URIs say]
    #[arg(long, value_name = "TYPE")]
    pub application_type: Option<String>,

    /// Makes it a resource server, which may introspect tokens for this resource and gets none itself
    #[arg(long, value_name = "RESOURCE", conflicts_with_all = ["redirect_uris", "grant_types"])]
    pub introspects: Option<String>,
}

pub(super) async fn run(new: NewClient, store: &SqlStore, means: &Means) -> Result<String, CommandError> {
    let id = ClientId::parse(&new.id).ok().filter(|id| !id.as_str().contains("://"));
    let id = id.ok_or_else(|| ClientsError::Id(new.id.clone()))?;
    let resources = ServedResources::new(means.config.resources.clone());
    resources.reload(store).await?;
    let resources = resources.current();
    let introspects = new.introspects.as_deref().map(|raw| resource(raw, &resources)).transpose()?;
    let (scopes, redirects) = (&resources.scopes(), &means.config.settings.redirects);
    let rules = MetadataRules { registrant: Registrant::Operator, scopes, redirects };
    let metadata = ClientMetadata::from_object(new.into_metadata()?, &rules).map_err(ClientsError::from)?;
    let exists = |token: &ScopeToken| rules.scopes.contains(token) || openid::SCOPES.contains(&token.as_str());
    if !metadata.scope.tokens().all(exists) {
        return Err(ClientsError::Metadata(InvalidMetadata::Scope).into());
    }
    let now = means.clock.now();
    let Enrolment { client, secret } = Enrolment::new(id, metadata, Origin::Operator, means.random.as_ref(), now)?;
    let client = RegisteredClient { introspects, ..client };
    if store.client(&client.id).await?.is_some() || !store.put_client(&client).await? {
        return Err(ClientsError::IdTaken(client.id).into());
    }
    let sheet = super::show::sheet(&client);
    Ok(match secret {
        None => sheet,
        Some(secret) => format!("{sheet}client_secret: {}\nThe secret is not shown again.\n", secret.reveal()),
    })
}

fn resource(raw: &str, known: &ResourceList) -> Result<Resource, ClientsError> {
    known.find(raw).map(|resource| resource.id.clone()).ok_or_else(|| ClientsError::Resource(raw.to_owned()))
}

impl NewClient {
    /// The same as the metadata of a registration request.
    fn into_metadata(self) -> Result<Map<String, Value>, ClientsError> {
        let mut metadata = Map::new();
        let words = [
            ("client_name", self.name),
            ("client_uri", self.uri),
            ("token_endpoint_auth_method", self.method),
            ("scope", self.scope),
            ("application_type", self.application_type),
            ("jwks_uri", self.jwks_uri),
        ];
        for (name, value) in words {
            metadata.extend(value.map(|value| (name.to_owned(), json!(value))));
        }
        metadata.insert("redirect_uris".to_owned(), json!(self.redirect_uris));
        if !self.grant_types.is_empty() || self.introspects.is_some() {
            metadata.insert("grant_types".to_owned(), json!(self.grant_types));
        }
        if let Some(file) = self.jwks_file {
            let text = std::fs::read(&file).map_err(|error| ClientsError::KeyFile(file, error))?;
            let set = verification_keys::json::parse(&text).map_err(|_| InvalidMetadata::Keys)?;
            metadata.insert("jwks".to_owned(), set);
        }
        Ok(metadata)
    }
}
