//! For tests: names that lead where a test says, and an https server that counts who connects to it.

use super::{AllowedAddresses, Outgoing, Resolver};
use async_trait::async_trait;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer},
};
use verification_keys::http::ClientOptions;

/// The name of the https server of a test.
pub(crate) const HOST: &str = "app.example";

/// Names and where they lead; each look-up counts.
#[derive(Debug, Default)]
pub(crate) struct Names {
    addresses: HashMap<&'static str, Vec<IpAddr>>,
    pub(crate) lookups: AtomicUsize,
}

impl Names {
    pub(crate) fn of<const N: usize>(names: [(&'static str, &[&str]); N]) -> Arc<Self> {
        let parse = |raw: &&str| raw.parse().unwrap();
        let addresses = names.into_iter().map(|(name, addresses)| (name, addresses.iter().map(parse).collect()));
        Arc::new(Self { addresses: addresses.collect(), lookups: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Resolver for Names {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.addresses.get(host).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// An https server on loopback for [`HOST`] and `localhost`, with a certificate of a CA of its own.
pub(crate) struct Site {
    pub(crate) port: u16,
    ca: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    answer: Arc<Mutex<String>>,
}

impl Site {
    pub(crate) async fn start() -> Self {
        verification_keys::install_crypto_providers();
        let (ca, config) = certificates();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let answer = Arc::new(Mutex::new(String::new()));
        let site =
            Self { port, ca, connections: connections.clone(), requests: requests.clone(), answer: answer.clone() };
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let Ok(mut connection) = acceptor.accept(connection).await else { continue };
                let _ = connection.read(&mut [0; 4096]).await;
                requests.fetch_add(1, Ordering::SeqCst);
                let text = answer.lock().unwrap().clone();
                // An empty answer is one that does not come.
                if text.is_empty() {
                    tokio::spawn(async move {
                        std::future::pending::<()>().await;
                        drop(connection);
                    });
                } else {
                    let _ = connection.write_all(text.as_bytes()).await;
                    let _ = connection.shutdown().await;
                }
            }
        });
        site
    }

    /// What the server answers from now on, to any request.
    pub(crate) fn answers(&self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        *self.answer.lock().unwrap() = text;
    }

    /// The address of `path` at the server, under its name.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// A way to call this server, if `allowed` has loopback in it.
    pub(crate) fn outgoing(&self, names: Arc<dyn Resolver>, allowed: AllowedAddresses) -> Outgoing {
        let extra_ca_pem = Some(self.ca.clone().into_bytes());
        let options = ClientOptions { extra_ca_pem, timeout: Duration::from_millis(1500), ..ClientOptions::default() };
        Outgoing::new(&options, names, allowed).unwrap()
    }
}

fn certificates() -> (String, ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().unwrap();
    let names = vec![HOST.to_owned(), "localhost".to_owned()];
    let own = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let private = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![own.der().clone()], private.into()).unwrap();
    (ca.pem(), config)
}
