//! https: a certificate from PEM files, or a self-signed one for this machine that is made once and kept,
//! so that it can be trusted by `MCP_CA_CERT`.

mod self_signed;

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A certificate and its key, ready to serve TLS 1.2 and 1.3. `Debug` shows neither.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: PathBuf,
}

/// Why https cannot be served. Each message names the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file cannot be read as PEM certificates.
    #[error("cannot read a certificate from {}: {source}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The key file cannot be read as a PEM private key.
    #[error("cannot read a private key from {}: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The key does not belong to the certificate, or its kind is not supported.
    #[error("the key does not fit the certificate {}: {source}", path.display())]
    Mismatch {
        /// The file of the certificate.
        path: PathBuf,
        /// What rustls said.
        source: rustls::Error,
    },
    /// A self-signed certificate cannot be made for this host.
    #[error("cannot make a certificate for {host}: {source}")]
    Make {
        /// The host name.
        host: String,
        /// What is wrong with it.
        source: rcgen::Error,
    },
    /// A self-signed certificate cannot be kept in this folder.
    #[error("cannot keep a certificate in {}: {source}", path.display())]
    Keep {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Tls {
    /// Reads a PEM certificate chain (own certificate first) and its PEM private key.
    ///
    /// # Errors
    /// [`TlsError`] when a file cannot be read or the two do not belong together.
    pub fn from_pem_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let unreadable = |source| TlsError::Certificate { path: certificate.to_owned(), source };
        let chain: Vec<_> =
            CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(unreadable)?;
        if chain.is_empty() {
            return Err(unreadable(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Key { path: key.to_owned(), source })?;
        let config =
            server_config(chain, key).map_err(|source| TlsError::Mismatch { path: certificate.to_owned(), source })?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate: certificate.to_owned() })
    }

    /// A certificate for `localhost`, `127.0.0.1`, `::1` and `host` (the host of the public URL). It is kept
    /// below `folder`, and made only if it is not there yet, so that trust in it survives a restart.
    /// Several processes may ask at once: all get the same one.
    ///
    /// It is valid for 397 days, which is as long as browsers accept, and renewed by the first start in its last 30 days
    /// or after them: with the same key, so that whoever trusts the old certificate trusts the new one.
    ///
    /// # Errors
    /// [`TlsError`] when it cannot be made, kept or read.
    pub fn self_signed(folder: &Path, host: &str, now: SystemTime) -> Result<Self, TlsError> {
        let (certificate, key) = self_signed::ensure(folder, host, now)?;
        Self::from_pem_files(&certificate, &key)
    }

    /// The file of the certificate; for a self-signed one, the value for `MCP_CA_CERT`.
    #[must_use]
    pub fn certificate_file(&self) -> &Path {
        &self.certificate
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// The provider is named, because several are linked and none may be installed yet.
fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn files_that_are_missing_wrong_or_do_not_fit_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none.pem");
        let ours = Tls::self_signed(folder.path(), "localhost", NOW).unwrap().certificate_file().to_owned();
        let theirs =
            Tls::self_signed(folder.path(), "dev.example", NOW).unwrap().certificate_file().with_file_name("key.pem");

        let error = Tls::from_pem_files(&missing, &theirs).unwrap_err();
        assert!(matches!(&error, TlsError::Certificate { path, .. } if *path == missing));
        let error = Tls::from_pem_files(&theirs, &theirs).unwrap_err();
        assert!(matches!(&error, TlsError::Certificate { source: pem::Error::NoItemsFound, .. }));
        let error = Tls::from_pem_files(&ours, &ours).unwrap_err();
        assert!(matches!(&error, TlsError::Key { path, .. } if *path == ours));
        let error = Tls::from_pem_files(&ours, &theirs).unwrap_err();
        assert!(matches!(&error, TlsError::Mismatch { path, .. } if *path == ours));
    }
}
