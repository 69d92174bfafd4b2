//! A stand-in for both servers: each runs on a runtime of its own, so that it can end with all its connections.

use axum::Router;
use client::demo::servers::{Addresses, ServerError, Servers, Strictness};
use std::{
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
};
use tokio::runtime::{self, Runtime};

use crate::{issuer::Issuer, resource_server::ResourceServer};

/// The one thing that a stand-in does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacks {
    PkceDemanded,
    PkceVerified,
    ConsentPage,
    ConsentOnceSignedIn,
    Denial,
    Iss,
    IssInRefusals,
    Signature,
    Audience,
    ObservedWarning,
    LocalVerification,
}

pub(crate) struct StandIn {
    addresses: Addresses,
    issuer: Option<Background>,
    resource_server: Arc<ResourceServer>,
    _serving: Background,
}

/// A server that ends when this is dropped.
struct Background(Option<Runtime>);

impl StandIn {
    pub(crate) fn start(lacks: Option<Lacks>) -> Self {
        let (issuer_socket, issuer_url) = socket();
        let (socket, url) = socket();
        let issuer = Background::serve(issuer_socket, Issuer::routes(lacks, &issuer_url));
        let server = format!("{url}/mcp");
        let resource_server = Arc::new(ResourceServer::new(lacks, &server, &issuer_url));
        let serving = Background::serve(socket, Arc::clone(&resource_server).routes());
        let addresses =
            Addresses { server: server.parse().unwrap(), other_resource: format!("{url}/other").parse().unwrap() };
        Self { addresses, issuer: Some(issuer), resource_server, _serving: serving }
    }
}

impl Servers for StandIn {
    fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    fn key_fetches(&self) -> Result<usize, ServerError> {
        Ok(self.resource_server.key_fetches())
    }

    fn mcp_server_warnings(&self) -> Result<Vec<String>, ServerError> {
        Ok(self.resource_server.warnings())
    }

    async fn restart_mcp_server(&mut self, strictness: Strictness) -> Result<(), ServerError> {
        self.resource_server.restart(strictness);
        Ok(())
    }

    async fn stop_authz(&mut self) -> Result<(), ServerError> {
        self.issuer = None;
        Ok(())
    }
}

impl Background {
    fn serve(socket: TcpListener, router: Router) -> Self {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(socket).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        Self(Some(runtime))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn socket() -> (TcpListener, String) {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, format!("http://127.0.0.1:{port}"))
}
