//! authz and mcp-server running in a temporary folder, and what a test needs to talk to them.

use client::demo::{
    binaries::{Beside, Binaries},
    browser::Browser,
    check::{
        Problem,
        discovery::{self, Challenged, Endpoints},
    },
    children::{Children, Plan},
    servers::{ServerError, Servers as _},
};
use ring::rand::SecureRandom;
use std::sync::OnceLock;
use tempfile::TempDir;
use url::Url;
use verification_keys::http::{ClientOptions, client};

pub(crate) struct Realm {
    pub(crate) servers: Children,
    pub(crate) http: reqwest::Client,
    pub(crate) folder: TempDir,
}

impl Realm {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_plan| {}).await
    }

    /// With settings of its own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Plan)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = Plan::isolated(binaries(), folder.path()).unwrap();
        change(&mut plan);
        let http = http();
        let servers = plan.start(&http).await.unwrap_or_else(|error| panic!("{error}"));
        Self { servers, http, folder }
    }

    pub(crate) fn server(&self) -> Url {
        self.servers.addresses().server.clone()
    }

    pub(crate) async fn discover(&self) -> Result<(Challenged, Endpoints), Problem> {
        let server = self.server();
        let challenge = discovery::challenge(&self.http, &server).await?.value;
        let issuer = discovery::resource_metadata(&self.http, &challenge.metadata, &server).await?.value;
        Ok((challenge, discovery::issuer_metadata(&self.http, &issuer).await?.value))
    }

    pub(crate) fn browser(&self, stops_at: Option<&Url>) -> Browser {
        Browser::new(self.http.clone(), stops_at.cloned())
    }
}

/// Built once for all tests: `cargo test` builds this package's programs only.
pub(crate) fn binaries() -> &'static Binaries {
    static BUILT: OnceLock<Result<Binaries, ServerError>> = OnceLock::new();
    // A failed build fails every test, and is not tried again by each.
    BUILT.get_or_init(|| Binaries::build(Beside::Tests)).as_ref().unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn http() -> reqwest::Client {
    verification_keys::install_crypto_providers();
    client(&ClientOptions::default()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test is the edge that makes the generator")]
pub(crate) fn random() -> impl SecureRandom {
    ring::rand::SystemRandom::new()
}
