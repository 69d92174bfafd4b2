//! Published test vectors, each file with the exact list of what is accepted: a verifier that refuses everything would
//! fail here as surely as one that refuses nothing. `data/SOURCES.md` says where they come from.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "members of known files")]

mod json_test_suite;
mod rfc_examples;
mod wycheproof;

use std::{fs, path::PathBuf};

use serde_json::Value;
use verification_keys::{
    AllowedAlgorithms, install_crypto_providers,
    jwk_set::JwkSet,
    jws::{CompactJws, JwsError},
};

/// A file or folder among the vectors.
fn data(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/published_vectors/data").join(path)
}

fn read(path: &str) -> Value {
    serde_json::from_slice(&fs::read(data(path)).unwrap()).unwrap()
}

/// What the whole of this crate says of a token: why it is refused, or the payload.
fn judge(token: &str, keys: &JwkSet) -> Result<Vec<u8>, Refused> {
    install_crypto_providers();
    let jws = CompactJws::parse(token, &AllowedAlgorithms::default()).map_err(Refused::Token)?;
    let key = keys.key(jws.header().key_id.as_deref(), jws.header().algorithm).ok_or(Refused::NoKey)?;
    jws.verify(key).map_err(Refused::Token)?;
    Ok(jws.payload().to_vec())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    NoKey,
    Token(JwsError),
}
