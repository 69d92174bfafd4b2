//! What the targets in `fuzz/` do with hostile bytes, and what must hold whatever the bytes are. Built for fuzzing and
//! for the test that replays the corpora; the library has none of it.

use std::sync::OnceLock;

use serde_json::Value;
use url::Url;

use crate::{
    AllowedAlgorithms, Claims, HttpHosts, Issuer, SigningAlgorithm, base64url,
    claims::Audience,
    jwk_set::{JwkSet, MAX_KEYS},
    jws::{CompactJws, MAX_TOKEN_BYTES},
    metadata::{Document, Found, Overrides},
};

/// All that the keys of [`known_keys`] have ever signed, in the corpus.
pub const SIGNED: &[u8] = br#"{"iss":"https://issuer.example","sub":"fuzz"}"#;

const ALGORITHMS: [SigningAlgorithm; 4] =
    [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];

/// A token has one spelling, and a signature only over what was signed.
pub fn compact_jws(bytes: &[u8]) {
    let Ok(token) = std::str::from_utf8(bytes) else { return };
    let Ok(jws) = CompactJws::parse(token, &AllowedAlgorithms::default()) else { return };
    assert!(token.len() <= MAX_TOKEN_BYTES);
    let segments: Vec<&str> = token.split('.').collect();
    assert_eq!(segments.len(), 3);
    assert_eq!(segments.get(1).copied(), Some(&*base64url::encode(jws.payload())));
    if let Some(key) = known_keys().key(jws.header().key_id.as_deref(), jws.header().algorithm)
        && jws.verify(key).is_ok()
    {
        assert_eq!(jws.payload(), SIGNED);
    }
}

/// What is taken strictly, a lenient reader takes too, and reads the same.
pub fn claims(payload: &[u8]) {
    let Ok(claims) = Claims::parse(payload) else { return };
    let lenient: Value = serde_json::from_slice(payload).unwrap_or_default();
    let text = |name: &str| lenient.get(name).and_then(Value::as_str);
    assert_eq!(claims.issuer.as_deref(), text("iss"));
    assert_eq!(claims.subject.as_deref(), text("sub"));
    assert_eq!(claims.scope.as_deref(), text("scope"));
    assert_eq!(claims.expires_at.map(jiff::Timestamp::as_second), lenient.get("exp").and_then(Value::as_i64));
    match &claims.audience {
        Audience::Missing => assert_eq!(lenient.get("aud"), None),
        Audience::One(name) => assert_eq!(text("aud"), Some(&**name)),
        Audience::Many(names) => assert_eq!(lenient.get("aud"), Some(&Value::from(names.clone()))),
    }
}

/// A set is bounded, and no key in it takes a signature that nobody made.
pub fn jwk_set(document: &[u8]) {
    let Ok(set) = JwkSet::parse(document) else { return };
    assert!(set.iter().count() + set.passed_over().len() <= MAX_KEYS);
    for key in set.iter() {
        assert!(set.holds(key));
        for algorithm in ALGORITHMS {
            let found = set.key(key.key_id(), algorithm);
            assert!(key.key_id().is_none() || found.is_some_and(|found| found.key_id() == key.key_id()));
            for signature in ["", "AAAA", &base64url::encode(&[0; 64]), &base64url::encode(&[1; 256])] {
                assert!(key.verify(algorithm, b"header.payload", signature).is_err());
            }
        }
    }
}

/// A document is used only if it is the issuer's own, and only for places that may be spoken to.
pub fn issuer_metadata(body: &[u8]) {
    const ISSUER: &str = "https://issuer.example/tenant";
    let Some(document) = Document::parse(body) else { return };
    let (Ok(issuer), Ok(url)) = (Issuer::parse(ISSUER, &HttpHosts::default()), Url::parse(ISSUER)) else { return };
    let Ok(metadata) = (Found { url, document }).check(&issuer, &Overrides::default()) else { return };
    let lenient: Value = serde_json::from_slice(body).unwrap_or_default();
    assert_eq!(lenient.get("issuer").and_then(Value::as_str), Some(ISSUER));
    assert_eq!(metadata.jwks_uri.origin().ascii_serialization(), "https://issuer.example");
    assert!(metadata.introspection_endpoint.is_none_or(|url| HttpHosts::default().allows(&url)));
}

/// The keys under which the tokens of the corpus are signed.
fn known_keys() -> &'static JwkSet {
    static KEYS: OnceLock<JwkSet> = OnceLock::new();
    KEYS.get_or_init(|| {
        crate::install_crypto_providers();
        JwkSet::parse(include_bytes!("../fuzz/corpus/jwk_set/known_keys.json")).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Gives each input of a corpus to its target, which panics when something does not hold.
    fn replay(target: &str, body: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let inputs: Vec<_> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(inputs.len() >= 5, "{target} has only {} inputs", inputs.len());
        for input in inputs {
            body(&fs::read(input).unwrap());
        }
    }

    #[test]
    fn the_corpora_hold_what_must_hold() {
        crate::install_crypto_providers();
        replay("compact_jws", compact_jws);
        replay("claims", claims);
        replay("jwk_set", jwk_set);
        replay("issuer_metadata", issuer_metadata);
    }

    #[test]
    fn the_signed_tokens_of_the_corpus_verify() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/compact_jws");
        for name in ["rs256", "es256", "eddsa"] {
            let token = fs::read_to_string(corpus.join(name)).unwrap();
            let jws = CompactJws::parse(&token, &AllowedAlgorithms::default()).unwrap();
            let key = known_keys().key(jws.header().key_id.as_deref(), jws.header().algorithm).unwrap();
            assert_eq!((jws.verify(key), jws.payload()), (Ok(()), SIGNED), "{name}");
        }
    }
}
