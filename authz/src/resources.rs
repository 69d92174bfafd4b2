//! The resource servers that this issuer serves: those of the settings, and those of the database, which
//! `authz resources` changes while the server runs.

use crate::{
    domain::ServedResource,
    protocol::{Resource, Scope, ScopeToken},
    store::{Store, StoreError},
};
use std::sync::{Arc, PoisonError, RwLock};

/// The list of a running server. Held in memory, because every request asks; read again every few seconds.
#[derive(Debug)]
pub struct ServedResources {
    configured: Vec<ServedResource>,
    current: RwLock<Arc<ResourceList>>,
}

/// The list at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceList(Vec<ServedResource>);

impl ServedResources {
    /// A list with nothing of the database yet.
    #[must_use]
    pub fn new(configured: Vec<ServedResource>) -> Self {
        let current = RwLock::new(Arc::new(ResourceList::of(&configured, &[])));
        Self { configured, current }
    }

    /// The list as it was last read.
    #[must_use]
    pub fn current(&self) -> Arc<ResourceList> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the database again.
    ///
    /// # Errors
    /// The store failed; the list stays as it was.
    pub async fn reload(&self, store: &dyn Store) -> Result<(), StoreError> {
        let list = Arc::new(ResourceList::of(&self.configured, &store.resources().await?));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = list;
        Ok(())
    }
}

impl ResourceList {
    /// What the database says of a configured resource counts.
    fn of(configured: &[ServedResource], stored: &[ServedResource]) -> Self {
        let replaced = |resource: &ServedResource| stored.iter().find(|other| other.id == resource.id);
        let known = configured.iter().map(|resource| replaced(resource).unwrap_or(resource));
        let is_configured = |other: &&ServedResource| configured.iter().any(|resource| resource.id == other.id);
        Self(known.chain(stored.iter().filter(|other| !is_configured(other))).cloned().collect())
    }

    /// The resource with this identifier, as a string.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&ServedResource> {
        self.0.iter().find(|resource| resource.id.as_str() == id)
    }

    /// The resource that a request is for: the one it names once, or the only one there is (RFC 8707 §2).
    #[must_use]
    pub fn requested<'a>(&self, mut named: impl Iterator<Item = &'a str>) -> Option<&ServedResource> {
        match (named.next(), named.next(), self.0.as_slice()) {
            (None, _, [only]) => Some(only),
            (Some(id), None, _) => self.find(id),
            (None, _, _) | (Some(_), Some(_), _) => None,
        }
    }

    /// All of them, those of the settings first.
    pub fn iter(&self) -> impl Iterator<Item = &ServedResource> {
        self.0.iter()
    }

    /// The identifiers, those of the settings first.
    pub fn ids(&self) -> impl Iterator<Item = &Resource> {
        self.0.iter().map(|resource| &resource.id)
    }

    /// Every scope of every resource.
    #[must_use]
    pub fn scopes(&self) -> Scope {
        let tokens = self.0.iter().flat_map(|resource| resource.scopes.all().tokens());
        tokens.cloned().collect::<Vec<ScopeToken>>().into_iter().collect()
    }

    /// What to say to somebody who named no resource, or an unknown one: the known ones, and the setting.
    #[must_use]
    pub fn advice(&self) -> String {
        let known: Vec<_> = self.ids().map(Resource::as_str).collect();
        format!("resource has to be one of: {} (setting MCP_AUTH_RESOURCES)", known.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::ResourceScopes, routes, testing::*};
    use serde_json::json;

    fn resource(id: &str, scope: &str) -> ServedResource {
        let scopes = ResourceScopes::flat(Scope::parse(scope).unwrap());
        ServedResource { id: Resource::parse(id).unwrap(), name: None, scopes }
    }

    fn ids(list: &ResourceList) -> Vec<&str> {
        list.ids().map(Resource::as_str).collect()
    }

    #[test]
    fn the_database_adds_resources_and_its_word_counts_for_those_of_the_settings() {
        let configured = [resource("http://a/mcp", "x"), resource("http://b/mcp", "x")];
        let stored = [resource("http://c/mcp", "z"), resource("http://b/mcp", "y x")];
        let list = ResourceList::of(&configured, &stored);
        assert_eq!(ids(&list), ["http://a/mcp", "http://b/mcp", "http://c/mcp"]);
        assert_eq!(list.find("http://b/mcp").unwrap().scopes.all().to_string(), "y x");
        assert_eq!(list.scopes().to_string(), "x y z");
        assert_eq!(list.find("http://b/mcp/"), None);
    }

    #[test]
    fn the_only_resource_need_not_be_named() {
        let one = ResourceList(vec![resource("http://a/mcp", "x")]);
        let two = ResourceList(vec![resource("http://a/mcp", "x"), resource("http://b/mcp", "x")]);
        assert!(one.requested(std::iter::empty()).is_some() && two.requested(std::iter::empty()).is_none());
        assert!(two.requested(["http://b/mcp"].into_iter()).is_some());
        assert!(two.requested(["http://c/mcp"].into_iter()).is_none());
        assert!(one.requested(["http://a/mcp", "http://a/mcp"].into_iter()).is_none(), "one token, one audience");
        assert!(ResourceList::default().requested(std::iter::empty()).is_none());
        assert!(two.advice().contains("http://a/mcp http://b/mcp") && two.advice().contains("MCP_AUTH_RESOURCES"));
    }

    const FILES: &str = "https://files.example/mcp";

    /// A server that was told of another resource while it ran, and a client that registered itself since.
    async fn server_with_files() -> (Server, String) {
        let server = Server::start().await;
        let scopes = Scope::parse("files:write files:read").unwrap();
        let scopes = ResourceScopes::with_chains(scopes, "files:write>files:read").unwrap();
        let files = ServedResource { id: Resource::parse(FILES).unwrap(), name: None, scopes };
        server.services.store.put_resource(&files, None).await.unwrap();
        server.services.resources.reload(server.services.store.as_ref()).await.unwrap();
        let metadata = json!({ "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none" });
        let client = server.post_json(routes::REGISTER, &metadata).await.json();
        (server, client["client_id"].as_str().unwrap().to_owned())
    }

    async fn asked(server: &Server, client: &str, changes: &[(&str, &str)]) -> Result<String, String> {
        let (cookie, _) = server.signed_in().await;
        let parameters = with(&request_with(&[("client_id", client)]), changes);
        let location = server.authorize(&cookie, &parameters).await.location();
        match location.parameter("error") {
            Some(error) => Err(error),
            None => Ok(server.pending(&parameters).await.scope.to_string()),
        }
    }

    #[tokio::test]
    async fn scopes_are_those_of_the_resource() {
        let (server, client) = server_with_files().await;
        let at = |resource, scope| [("resource", resource), ("scope", scope)];
        for (resource, scope, expected) in [
            (FILES, "", Ok("files:write files:read")),
            (FILES, "files:read", Ok("files:read")),
            (RESOURCE, "", Ok("mcp:read mcp:write")),
            (FILES, "mcp:read", Err("invalid_scope")),
            (RESOURCE, "files:read", Err("invalid_scope")),
            (RESOURCE, "mcp:read files:read", Err("invalid_scope")),
        ] {
            let got = asked(&server, &client, &at(resource, scope)).await;
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{resource} {scope}");
        }
    }

    #[tokio::test]
    async fn a_client_of_a_broad_scope_may_ask_for_what_it_implies() {
        let (server, _) = server_with_files().await;
        for (scope, requested, expected) in
            [("files:write", "files:read", Ok("files:read")), ("files:read", "files:write", Err("invalid_scope"))]
        {
            let metadata =
                json!({ "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none", "scope": scope });
            let client = server.post_json(routes::REGISTER, &metadata).await.json();
            let client = client["client_id"].as_str().unwrap();
            let got = asked(&server, client, &[("resource", FILES), ("scope", requested)]).await;
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{scope}: {requested}");
        }
    }

    #[tokio::test]
    async fn an_unknown_or_missing_resource_is_an_invalid_target_that_names_the_known_ones() {
        let (server, client) = server_with_files().await;
        let (cookie, _) = server.signed_in().await;
        for resource in ["", "https://other.example/mcp", "https://files.example/mcp/", "files"] {
            let parameters = request_with(&[("client_id", &client), ("resource", resource)]);
            let location = server.authorize(&cookie, &parameters).await.location();
            assert_eq!(location.parameter("error").as_deref(), Some("invalid_target"), "{resource}");
            let description = location.parameter("error_description").unwrap();
            assert!(description.contains(FILES) && description.contains(RESOURCE), "{description}");
        }
    }

    #[tokio::test]
    async fn the_metadata_names_every_resource_and_scope() {
        let (server, _) = server_with_files().await;
        let metadata = server.get(routes::METADATA).await.json();
        assert_eq!(metadata["protected_resources"], json!([RESOURCE, OTHER_RESOURCE, FILES]));
        let scopes = json!(["mcp:read", "mcp:write", "files:write", "files:read"]);
        assert_eq!(metadata["scopes_supported"], scopes);
    }
}
