//! Chooses the cryptography: several implementations are linked, so both users of one are told which to take.

/// Makes aws-lc the process-wide provider of `jsonwebtoken` and of `rustls`.
///
/// Call it first in `main`. Calling it again is harmless, and a provider that is installed already stays.
pub fn install_crypto_providers() {
    // An error only says that one is installed already.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
