//! A certificate for this machine, made by itself: kept with its key in a private folder, and renewed in time.

use super::TlsError;
use crate::request_id::RequestId;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use std::{
    fs,
    io::{self, Write as _},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The longest that Apple's and Google's clients take, less the day that clocks and rounding may need.
const LIFETIME: Duration = Duration::from_hours(397 * 24);
/// How long before its end it is renewed.
const RENEWAL: Duration = Duration::from_hours(30 * 24);
/// How far the clock of a client may be behind.
const BACKDATED: Duration = Duration::from_hours(1);

/// The files of certificate and key for `host` below `folder`: made if they are not there, renewed if it is time.
pub(super) fn ensure(folder: &Path, host: &str, now: SystemTime) -> Result<(PathBuf, PathBuf), TlsError> {
    let home = folder.join(folder_name(host));
    let (certificate, key) = (home.join("cert.pem"), home.join("key.pem"));
    if !certificate.exists() {
        make((folder, &home), host, now)?;
    } else if is_due(&certificate, now) {
        renew((&certificate, &key), host, now)?;
    }
    Ok((certificate, key))
}

/// Whether it is not valid, or not for long, or for longer than browsers take; what cannot be read is not due but broken.
fn is_due(certificate: &Path, now: SystemTime) -> bool {
    let Ok(certificate) = CertificateDer::from_pem_file(certificate) else { return false };
    let is_valid = |at| is_valid(&certificate, at).unwrap_or(true);
    !is_valid(now) || !is_valid(now + RENEWAL) || is_valid(now + LIFETIME)
}

/// Whether clients that trust `certificate` would take it at a time; none if that cannot be told.
fn is_valid(certificate: &CertificateDer<'static>, at: SystemTime) -> Option<bool> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).ok()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let at = UnixTime::since_unix_epoch(at.duration_since(SystemTime::UNIX_EPOCH).ok()?);
    let name = ServerName::try_from("localhost").ok()?;
    Some(verifier.verify_server_cert(certificate, &[], &name, &[], at).is_ok())
}

/// Another certificate for the same key and name: those who trust the old one trust it, and processes that have read the
/// old one are not cut off from those that read the new one.
fn renew((certificate, key): (&Path, &Path), host: &str, now: SystemTime) -> Result<(), TlsError> {
    let keep = |source| TlsError::Keep { path: certificate.to_owned(), source };
    let kept = fs::read_to_string(key).map_err(keep)?;
    let renewed = KeyPair::from_pem(&kept).and_then(|key| certify(host, &key, now));
    let renewed = renewed.map_err(|source| TlsError::Make { host: host.to_owned(), source })?;
    let draft = certificate.with_file_name(format!(".new-{}-{}", std::process::id(), RequestId::next()));
    write_private(&draft, &renewed).map_err(keep)?;
    fs::rename(&draft, certificate).map_err(keep)?;
    tracing::info!(certificate = %certificate.display(), "the self-signed certificate is renewed");
    Ok(())
}

/// Writes certificate and key into a folder of their own, then moves that folder to its place in one step.
fn make((folder, home): (&Path, &Path), host: &str, now: SystemTime) -> Result<(), TlsError> {
    let keep = |source| TlsError::Keep { path: folder.to_owned(), source };
    let made = KeyPair::generate().and_then(|key| Ok((certify(host, &key, now)?, key.serialize_pem())));
    let (certificate, key) = made.map_err(|source| TlsError::Make { host: host.to_owned(), source })?;
    let draft = folder.join(format!(".new-{}-{}", std::process::id(), RequestId::next()));
    create_private_folder(&draft).map_err(keep)?;
    write_private(&draft.join("key.pem"), &key).map_err(keep)?;
    write_private(&draft.join("cert.pem"), &certificate).map_err(keep)?;
    let Err(error) = fs::rename(&draft, home) else { return Ok(()) };
    fs::remove_dir_all(&draft).map_err(keep)?;
    // Another process was faster: its certificate is as good.
    if home.join("cert.pem").exists() { Ok(()) } else { Err(keep(error)) }
}

/// The PEM of a certificate for a key.
fn certify(host: &str, key: &KeyPair, now: SystemTime) -> Result<String, rcgen::Error> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if folder_name(host) != "localhost" {
        names.push(bare(host).to_owned());
    }
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, format!("Portcullis on {}", folder_name(host)));
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.not_before = (now - BACKDATED).into();
    parameters.not_after = (now - BACKDATED + LIFETIME).into();
    Ok(parameters.self_signed(key)?.pem())
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
    use crate::Tls;
    use std::thread;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000)
    }

    const DAY: Duration = Duration::from_hours(24);

    fn read(path: &Path) -> (String, CertificateDer<'static>) {
        (fs::read_to_string(path).unwrap(), CertificateDer::from_pem_file(path).unwrap())
    }

    #[test]
    fn a_self_signed_certificate_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = Tls::self_signed(folder.path(), "localhost", now()).unwrap();
        let kept = fs::read(first.certificate_file()).unwrap();
        let second = Tls::self_signed(folder.path(), "127.0.0.1", now()).unwrap();
        assert_eq!(fs::read(second.certificate_file()).unwrap(), kept);
        let other = Tls::self_signed(folder.path(), "dev.example", now()).unwrap();
        assert_ne!(fs::read(other.certificate_file()).unwrap(), kept);
        assert!(!format!("{first:?}").contains("PRIVATE"));
    }

    #[test]
    fn processes_that_start_at_once_share_one_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let certificates: Vec<_> = thread::scope(|scope| {
            let start =
                || fs::read(Tls::self_signed(folder.path(), "localhost", now()).unwrap().certificate_file()).unwrap();
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
        let folder = tempfile::tempdir().unwrap();
        let tls = Tls::self_signed(folder.path(), "localhost", now()).unwrap();
        let home = tls.certificate_file().parent().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(home), mode(&home.join("key.pem"))], [0o700, 0o600]);
    }

    #[test]
    fn a_host_cannot_leave_the_folder() {
        assert_eq!(folder_name("../../etc"), "_.._etc");
        assert_eq!(folder_name("[::]"), "localhost");
        assert_eq!(folder_name("[2001:db8::1]"), "2001_db8__1");
    }

    #[test]
    fn a_certificate_lives_for_397_days_from_a_little_before_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, _) = ensure(folder.path(), "localhost", now()).unwrap();
        let (_, certificate) = read(&certificate);
        let second = Duration::from_secs(1);
        let begins = now() - BACKDATED;
        let rows = [(begins - second, false), (begins, true), (now(), true), (begins + 397 * DAY, true)];
        for (at, valid) in rows.into_iter().chain([(begins + 397 * DAY + second, false)]) {
            assert_eq!(is_valid(&certificate, at), Some(valid), "{at:?}");
        }
    }

    #[test]
    fn a_start_near_the_end_renews_it_with_the_same_key_and_an_earlier_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = ensure(folder.path(), "localhost", now()).unwrap();
        let ((made, old), kept) = (read(&certificate), fs::read(&key).unwrap());
        ensure(folder.path(), "localhost", now() + 366 * DAY).unwrap();
        assert_eq!(read(&certificate).0, made);
        for days in [367, 397, 1000] {
            let late = now() + days * DAY;
            fs::write(&certificate, &made).unwrap();
            ensure(folder.path(), "localhost", late).unwrap();
            let (_, renewed) = read(&certificate);
            assert_ne!(renewed, old, "{days}");
            assert_eq!(is_valid(&renewed, late + 390 * DAY), Some(true), "{days}");
            assert_eq!(fs::read(&key).unwrap(), kept);
            assert!(Tls::from_pem_files(&certificate, &key).is_ok());
            assert!(is_trusted(&renewed, &old, late), "who trusts the old one trusts the new one");
        }
        assert_eq!(fs::read_dir(certificate.parent().unwrap()).unwrap().count(), 2, "drafts are removed");
    }

    /// Whether a client whose only root is `root` takes `certificate`.
    fn is_trusted(certificate: &CertificateDer<'static>, root: &CertificateDer<'static>, at: SystemTime) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let at = UnixTime::since_unix_epoch(at.duration_since(SystemTime::UNIX_EPOCH).unwrap());
        verifier.verify_server_cert(certificate, &[], &"localhost".try_into().unwrap(), &[], at).is_ok()
    }

    #[test]
    fn one_without_an_end_and_one_from_the_future_are_renewed() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = ensure(folder.path(), "localhost", now()).unwrap();
        let kept = KeyPair::from_pem(&fs::read_to_string(&key).unwrap()).unwrap();
        let endless = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&kept).unwrap().pem();
        fs::write(&certificate, &endless).unwrap();
        ensure(folder.path(), "localhost", now()).unwrap();
        assert_ne!(read(&certificate).0, endless);
        let made = read(&certificate).0;
        ensure(folder.path(), "localhost", now() - DAY).unwrap();
        assert_ne!(read(&certificate).0, made, "the clock was set back");
    }

    #[test]
    fn what_cannot_be_read_is_left_for_its_owner_to_see() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, _) = ensure(folder.path(), "localhost", now()).unwrap();
        fs::write(&certificate, "mine").unwrap();
        assert!(matches!(Tls::self_signed(folder.path(), "localhost", now()), Err(TlsError::Certificate { .. })));
        assert_eq!(fs::read(&certificate).unwrap(), b"mine");
    }
}
