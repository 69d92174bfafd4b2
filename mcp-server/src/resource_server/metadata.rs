//! Protected resource metadata (RFC 9728): `GET /.well-known/oauth-protected-resource`, with the path of
//! the resource and at the root. Public: no token, any origin.

use std::future::{Ready, ready};

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::resource::ResourceIdentifier;
use super::scope::Scopes;

/// Where the document stands; the path of the resource follows (RFC 9728 §3.1).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document (RFC 9728 §2).
#[derive(Clone, Debug, Serialize)]
pub struct ProtectedResourceMetadata {
    resource: String,
    authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
}

impl ProtectedResourceMetadata {
    /// `scopes` is the least that is useful, not the whole catalogue (MCP, "Scope Minimization").
    #[must_use]
    pub fn new(resource: &ResourceIdentifier, issuers: &[String], scopes: &Scopes, name: Option<&str>) -> Self {
        Self {
            resource: resource.as_str().to_owned(),
            authorization_servers: issuers.to_vec(),
            scopes_supported: scopes.iter().map(ToOwned::to_owned).collect(),
            bearer_methods_supported: ["header"],
            resource_name: name.map(ToOwned::to_owned),
        }
    }

    /// The two routes that serve it.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self, resource: &ResourceIdentifier) -> Router<S> {
        let document = serde_json::to_string(self).unwrap_or_default();
        let handler = move || {
            let document = document.clone();
            async move { answer(document) }
        };
        let mut router =
            Router::new().without_v07_checks().route(WELL_KNOWN, get(handler.clone()).options(preflight_of("GET")));
        let suffixed = path(resource);
        if suffixed != WELL_KNOWN {
            router = router.route(&suffixed, get(handler).options(preflight_of("GET")));
        }
        router
    }
}

/// The URL of the document of `resource`: the well-known path goes between host and path.
#[must_use]
pub fn url(resource: &ResourceIdentifier) -> String {
    let origin = resource.url().origin().ascii_serialization();
    format!("{origin}{}", path(resource))
}

fn path(resource: &ResourceIdentifier) -> String {
    match resource.url().path() {
        "/" => WELL_KNOWN.to_owned(),
        path => format!("{WELL_KNOWN}{path}"),
    }
}

pub(super) const ANY_ORIGIN: (HeaderName, HeaderValue) =
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));

fn answer(document: String) -> Response {
    let headers = [
        ANY_ORIGIN,
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    (headers, document).into_response()
}

/// Answers preflight requests of a route that any page may call with `method`.
pub(super) fn preflight_of(method: &'static str) -> impl Fn() -> Ready<Response> + Clone + Send + Sync + 'static {
    move || {
        let headers = [
            ANY_ORIGIN,
            (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(method)),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*")),
            (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
        ];
        ready((StatusCode::NO_CONTENT, headers).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(raw: &str) -> ResourceIdentifier {
        ResourceIdentifier::parse(raw).unwrap()
    }

    #[test]
    fn the_well_known_path_goes_before_the_path_of_the_resource() {
        let cases = [
            ("http://localhost:8001/mcp", "http://localhost:8001/.well-known/oauth-protected-resource/mcp"),
            ("https://mcp.example/a/b/", "https://mcp.example/.well-known/oauth-protected-resource/a/b/"),
            ("https://mcp.example", "https://mcp.example/.well-known/oauth-protected-resource"),
            ("https://mcp.example:443/", "https://mcp.example/.well-known/oauth-protected-resource"),
        ];
        for (raw, expected) in cases {
            assert_eq!(url(&resource(raw)), expected);
        }
    }

    #[test]
    fn the_resource_stands_there_byte_for_byte() {
        let resource = resource("https://MCP.example:443/mcp");
        let document = ProtectedResourceMetadata::new(
            &resource,
            &["https://as.example".to_owned()],
            &Scopes::parse("mcp:read"),
            None,
        );
        let json = serde_json::to_value(document).unwrap();
        assert_eq!(json["resource"], "https://MCP.example:443/mcp");
        assert_eq!(json["authorization_servers"], serde_json::json!(["https://as.example"]));
        assert_eq!(json["scopes_supported"], serde_json::json!(["mcp:read"]));
        assert_eq!(json["bearer_methods_supported"], serde_json::json!(["header"]));
        assert!(json.get("resource_name").is_none());
    }
}
