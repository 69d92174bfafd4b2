//! A resource that trusts one issuer, whose keys come from a file.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::routing::any;
use jiff::{SignedDuration, Timestamp};
use mcp_server::resource_server::{
    AudienceRules, IssuerOptions, Preset, ResourceIdentifier, ResourceServer, ResourceServerOptions, ScopePolicy,
    Strictness,
};
use serde_json::json;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use verification_keys::testing::ManualClock;
use verification_keys::{HttpHosts, Issuer, http};

use crate::bench::Answered;

pub(super) const RESOURCE: &str = "https://mcp.example.com/mcp";

/// What is configured for an issuer.
#[derive(Clone, Copy)]
pub(super) struct Setup {
    pub(super) preset: &'static str,
    pub(super) issuer: &'static str,
    pub(super) tenants: &'static [&'static str],
    pub(super) audiences: &'static [&'static str],
    pub(super) prefix: &'static str,
    pub(super) map: &'static [(&'static str, &'static str)],
}

/// The columns of the strictness table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    True,
    Observe,
    False,
    Listed,
    NotListed,
}

pub(super) const COLUMNS: [Column; 5] =
    [Column::True, Column::Observe, Column::False, Column::Listed, Column::NotListed];

pub(super) struct Provider {
    pub(super) server: ResourceServer,
    app: Router,
}

pub(super) fn read(path: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/providers/data");
    std::fs::read(folder.join(path)).unwrap()
}

pub(super) fn read_token(path: &str) -> String {
    String::from_utf8(read(path)).unwrap().trim().to_owned()
}

/// Serves `document` at every path of a loopback address.
pub(super) async fn serve(document: Vec<u8>) -> url::Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/document", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().fallback(any(move || async move { document }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

pub(super) fn options(setup: &Setup, column: Column, client: &str) -> IssuerOptions {
    let resource = ResourceIdentifier::parse(RESOURCE).unwrap();
    let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let allowed_clients = match column {
        Column::True | Column::Observe | Column::False => None,
        Column::Listed => Some(owned(&[client])),
        Column::NotListed => Some(owned(&["another"])),
    };
    let strictness = match column {
        Column::True => Strictness::True,
        Column::Observe => Strictness::Observe,
        Column::False | Column::Listed | Column::NotListed => Strictness::False,
    };
    let audience = AudienceRules { strictness, resource, also_accepted: owned(setup.audiences), allowed_clients };
    let preset: &'static Preset = setup.preset.parse().unwrap();
    let mut options = IssuerOptions::new(Issuer::parse(setup.issuer, &HttpHosts::default()).unwrap(), preset, audience);
    options.tenants = owned(setup.tenants);
    setup.prefix.clone_into(&mut options.scope_names.prefix);
    options.scope_names.renamed = setup.map.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    // The tokens of the files last until 2100.
    options.max_token_lifetime = Some(SignedDuration::from_hours(24 * 365 * 100));
    options
}

impl Provider {
    pub(super) fn new(issuer: IssuerOptions, now: i64) -> Self {
        verification_keys::install_crypto_providers();
        let scopes = ScopePolicy::new("tools.read").tool("read", "tools.read");
        let options = ResourceServerOptions::new(ResourceIdentifier::parse(RESOURCE).unwrap(), issuer, scopes);
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(now).unwrap()));
        let client = http::client(&http::ClientOptions::default()).unwrap();
        let server = ResourceServer::new(options, &client, clock).unwrap();
        let app =
            Router::new().route("/mcp", any(|| async { "{}" }).layer(server.layer())).merge(server.metadata_routes());
        Self { server, app }
    }

    /// Calls a tool that needs `tools.read`.
    pub(super) async fn call(&self, token: &str) -> Answered {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read"}});
        let request = Request::post("/mcp")
            .header(header::HOST, "mcp.example.com")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::from(body.to_string()));
        Answered::read(self.app.clone().oneshot(request.unwrap()).await.unwrap()).await
    }

    /// The reason of a refusal, or `ok`.
    pub(super) async fn verdict(&self, token: &str) -> String {
        self.call(token).await.verdict().1
    }

    pub(super) async fn metadata(&self) -> serde_json::Value {
        let request = Request::get("/.well-known/oauth-protected-resource").body(Body::empty()).unwrap();
        Answered::read(self.app.clone().oneshot(request).await.unwrap()).await.body
    }
}

/// What the table of the strictness makes of a token that `true` answers with `strict`, and all others, if the client
/// is right, with `lenient`.
pub(super) async fn assert_columns(
    (setup, keys, now): (&Setup, &url::Url, i64),
    (name, token): (&str, &str),
    client: &str,
    (strict, lenient): (&str, &str),
) {
    for column in COLUMNS {
        let mut issuer = options(setup, column, client);
        issuer.places.jwks = Some(keys.clone());
        let provider = Provider::new(issuer, now);
        let passes = ["ok", "insufficient_scope"].contains(&lenient);
        let expected = match column {
            Column::True => strict,
            Column::NotListed if passes => "client_not_allowed",
            Column::Observe | Column::False | Column::Listed | Column::NotListed => lenient,
        };
        assert_eq!(provider.verdict(token).await, expected, "{name}, {column:?}");
        let observed = u64::from(column == Column::Observe && strict.starts_with("audience_"));
        assert_eq!(provider.server.observed(), observed, "{name}, {column:?}");
    }
}
