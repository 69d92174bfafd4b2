//! https: a certificate from PEM files, or a self-signed one for this machine that is made once and kept,
//! so that it can be trusted by `MCP_CA_CERT`.

use crate::request_id::RequestId;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
};
use std::{
    fmt, fs,
    io::{self, Write as _},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
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
    /// # Errors
    /// [`TlsError`] when it cannot be made, kept or read.
    pub fn self_signed(folder: &Path, host: &str) -> Result<Self, TlsError> {
        let home = folder.join(folder_name(host));
        let (certificate, key) = (home.join("cert.pem"), home.join("key.pem"));
        if !certificate.exists() {
            make(folder, &home, host)?;
        }
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

/// Writes certificate and key into a folder of their own, then moves that folder to its place in one step.
fn make(folder: &Path, home: &Path, host: &str) -> Result<(), TlsError> {
    let keep = |source| TlsError::Keep { path: folder.to_owned(), source };
    let (certificate, key) = generate(host).map_err(|source| TlsError::Make { host: host.to_owned(), source })?;
    let draft = folder.join(format!(".new-{}-{}", std::process::id(), RequestId::next()));
    create_private_folder(&draft).map_err(keep)?;
    write_private(&draft.join("key.pem"), &key).map_err(keep)?;
    write_private(&draft.join("cert.pem"), &certificate).map_err(keep)?;
    let Err(error) = fs::rename(&draft, home) else { return Ok(()) };
    fs::remove_dir_all(&draft).map_err(keep)?;
    // Another process was faster: its certificate is as good.
    if home.join("cert.pem").exists() { Ok(()) } else { Err(keep(error)) }
}

/// PEM of a certificate and of its P-256 key.
fn generate(host: &str) -> Result<(String, String), rcgen::Error> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if folder_name(host) != "localhost" {
        names.push(bare(host).to_owned());
    }
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, format!("Portcullis on {}", folder_name(host)));
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    Ok((parameters.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// Loopback and wildcard hosts share the certificate for `localhost`.
fn folder_name(host: &str) -> String {
    let bare = bare(host);
    let is_local = bare.parse::<IpAddr>().map_or_else(
        |_| bare.is_empty() || bare.eq_ignore_ascii_case("localhost"),
        |address| address.is_loopback() || address.is_unspecified(),
    );
    if is_local {
        return "localhost".to_owned();
    }
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '.' || letter == '-';
    bare.trim_start_matches('.').to_ascii_lowercase().replace(|letter| !is_plain(letter), "_")
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_self_signed_certificate_is_made_once_and_kept() {
        let folder = folder();
        let first = Tls::self_signed(folder.path(), "localhost").unwrap();
        let kept = fs::read(first.certificate_file()).unwrap();
        let second = Tls::self_signed(folder.path(), "127.0.0.1").unwrap();
        assert_eq!(fs::read(second.certificate_file()).unwrap(), kept);
        let other = Tls::self_signed(folder.path(), "dev.example").unwrap();
        assert_ne!(fs::read(other.certificate_file()).unwrap(), kept);
        assert!(!format!("{first:?}").contains("PRIVATE"));
    }

    #[test]
    fn processes_that_start_at_once_share_one_certificate() {
        let folder = folder();
        let certificates: Vec<_> = thread::scope(|scope| {
            let start = || fs::read(Tls::self_signed(folder.path(), "localhost").unwrap().certificate_file()).unwrap();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(certificates.iter().all(|certificate| *certificate == certificates[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "drafts are removed");
    }

    #[cfg(unix)]
    #[test]
    fn the_kept_key_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        let tls = Tls::self_signed(folder.path(), "localhost").unwrap();
        let home = tls.certificate_file().parent().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(home), mode(&home.join("key.pem"))], [0o700, 0o600]);
    }

    #[test]
    fn files_that_are_missing_wrong_or_do_not_fit_are_named() {
        let folder = folder();
        let missing = folder.path().join("none.pem");
        let ours = Tls::self_signed(folder.path(), "localhost").unwrap().certificate_file().to_owned();
        let theirs =
            Tls::self_signed(folder.path(), "dev.example").unwrap().certificate_file().with_file_name("key.pem");

        let error = Tls::from_pem_files(&missing, &theirs).unwrap_err();
        assert!(matches!(&error, TlsError::Certificate { path, .. } if *path == missing));
        let error = Tls::from_pem_files(&theirs, &theirs).unwrap_err();
        assert!(matches!(&error, TlsError::Certificate { source: pem::Error::NoItemsFound, .. }));
        let error = Tls::from_pem_files(&ours, &ours).unwrap_err();
        assert!(matches!(&error, TlsError::Key { path, .. } if *path == ours));
        let error = Tls::from_pem_files(&ours, &theirs).unwrap_err();
        assert!(matches!(&error, TlsError::Mismatch { path, .. } if *path == ours));
    }

    #[test]
    fn a_host_cannot_leave_the_folder() {
        assert_eq!(folder_name("../../etc"), "_.._etc");
        assert_eq!(folder_name("[::]"), "localhost");
        assert_eq!(folder_name("[2001:db8::1]"), "2001_db8__1");
    }
}
