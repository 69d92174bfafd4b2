//! What an issuer hands out and reads again later, and nobody else can read or make: AES-256-GCM (RFC 5116 §5.2) under a
//! key derived from a signing key (HKDF, RFC 5869). Every replica has it without a secret more to share, and it goes when
//! the signing key goes.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hkdf,
    rand::SecureRandom,
};

/// The key that seals, of one signing key.
#[derive(Clone)]
pub(crate) struct SealingKey(LessSafeKey);

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum SealError {
    /// There is no signing key.
    #[error("no key to seal with")]
    NoKey,
    /// The source of randomness failed.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
}

impl SealingKey {
    /// From the bytes of a private key, in one form of always.
    ///
    /// # Errors
    /// The cryptographic library fails.
    pub(crate) fn derive(private_key: &[u8]) -> Result<Self, Unspecified> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, b"portcullis").extract(private_key);
        let key = secret.expand(&[b"seal"], &AES_256_GCM)?;
        Ok(Self(LessSafeKey::new(UnboundKey::from(key))))
    }

    /// A nonce of 12 random bytes, the content encrypted, and 16 bytes that prove who sealed it and for which purpose.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub(crate) fn seal(
        &self,
        purpose: &str,
        content: &[u8],
        random: &dyn SecureRandom,
    ) -> Result<Vec<u8>, Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        let mut sealed = Vec::with_capacity(nonce.len() + content.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(content);
        let (_, encrypted) = sealed.split_at_mut(NONCE_LEN);
        let tag = self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad(purpose), encrypted)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// What was sealed, if it was by this key for this purpose.
    pub(crate) fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, encrypted) = sealed.split_first_chunk()?;
        let mut content = encrypted.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.0.open_in_place(nonce, aad(purpose), &mut content).ok()?.len();
        content.truncate(length);
        Some(content)
    }
}

fn aad(purpose: &str) -> Aad<&[u8]> {
    Aad::from(purpose.as_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    #[expect(clippy::disallowed_methods, reason = "the edge of these tests")]
    pub(crate) fn random() -> SystemRandom {
        SystemRandom::new()
    }

    fn key(private_key: &[u8]) -> SealingKey {
        SealingKey::derive(private_key).unwrap()
    }

    #[test]
    fn what_was_sealed_is_read_by_the_same_key_for_the_same_purpose_only() {
        let sealed = key(b"one").seal("a", b"content", &random()).unwrap();
        assert_eq!(key(b"one").open("a", &sealed).unwrap(), b"content");
        assert_eq!(key(b"one").open("b", &sealed), None);
        assert_eq!(key(b"two").open("a", &sealed), None);
        assert!(!sealed.windows(7).any(|window| window == b"content"));
    }

    #[test]
    fn nothing_that_was_changed_or_cut_is_read() {
        let sealed = key(b"one").seal("a", b"content", &random()).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key(b"one").open("a", &changed), None, "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(key(b"one").open("a", &sealed[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn the_same_content_is_sealed_differently_each_time() {
        let seal = || key(b"one").seal("a", b"content", &random()).unwrap();
        assert_ne!(seal(), seal());
    }
}
