//! A PEM file becomes the one private-key block in it, or a reason that a person can act on.
//!
//! The outer structure is checked here, byte for byte, because the key library trusts the lengths that a
//! damaged file claims.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Why a file is not a signing key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// No complete PEM block of a private key: not PEM, or cut short.
    #[error("holds no complete PEM private key")]
    NotPem,
    /// A passphrase would be needed.
    #[error("is encrypted")]
    Encrypted,
    /// A public key, a certificate or the like.
    #[error("holds a {0}, not a private key")]
    NotPrivate(String),
    /// EC, Ed25519, RSA-PSS …
    #[error("is not an RSA key")]
    NotRsa,
    /// The bytes inside are damaged, or the key does not fit together.
    #[error("is damaged")]
    Damaged,
    /// Too weak, or so large that signing would be slow.
    #[error("has {0} bits")]
    Size(u32),
    /// An exponent below 65537 is refused by verifiers.
    #[error("has an unusual public exponent")]
    Exponent,
}

impl InvalidKey {
    /// What to do about it, as a half sentence.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::Empty | Self::NotPem | Self::Damaged => "restore the file from a backup, or remove it",
            Self::Encrypted => "decrypt it (openssl pkey -in FILE -out NEW.pem)",
            Self::NotPrivate(_) => "remove it; only private keys belong here",
            Self::NotRsa | Self::Size(_) | Self::Exponent => {
                "replace it by an RSA key of 2048 to 4096 bits (openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048)"
            }
        }
    }
}

/// The first private-key block in `text`, in canonical form: PKCS#8 or PKCS#1, RSA by its frame.
pub(crate) fn private_key_block(text: &[u8]) -> Result<String, InvalidKey> {
    let text = std::str::from_utf8(text).map_err(|_| InvalidKey::NotPem)?;
    if text.trim().is_empty() {
        return Err(InvalidKey::Empty);
    }
    let block = Block::find_private(text)?;
    let bytes = block.decode()?;
    match block.label {
        "PRIVATE KEY" => check_pkcs8(&bytes)?,
        "RSA PRIVATE KEY" => check_pkcs1(&bytes)?,
        "ENCRYPTED PRIVATE KEY" => return Err(InvalidKey::Encrypted),
        _ => return Err(InvalidKey::NotRsa),
    }
    let Block { label, .. } = block;
    Ok(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(bytes)))
}

struct Block<'a> {
    label: &'a str,
    content: &'a str,
}

impl<'a> Block<'a> {
    fn find_private(text: &'a str) -> Result<Self, InvalidKey> {
        let mut rest = text;
        let mut other = None;
        while let Some((block, after)) = Self::next(rest) {
            if block.label.ends_with("PRIVATE KEY") {
                return Ok(block);
            }
            other.get_or_insert(block.label);
            rest = after;
        }
        Err(other.map_or(InvalidKey::NotPem, |label| InvalidKey::NotPrivate(label.to_lowercase())))
    }

    /// The next whole block and what follows it.
    fn next(text: &'a str) -> Option<(Self, &'a str)> {
        let (_, begun) = text.split_once("-----BEGIN ")?;
        let (label, begun) = begun.split_once("-----")?;
        let (content, ended) = begun.split_once("-----END ")?;
        let after = ended.strip_prefix(label)?.strip_prefix("-----")?;
        Some((Self { label, content }, after))
    }

    fn decode(&self) -> Result<Vec<u8>, InvalidKey> {
        if self.content.contains("ENCRYPTED") {
            return Err(InvalidKey::Encrypted);
        }
        let base64: String = self.content.split_ascii_whitespace().collect();
        STANDARD.decode(base64).map_err(|_| InvalidKey::Damaged)
    }
}

/// RFC 5208: version 0, rsaEncryption, NULL.
fn check_pkcs8(bytes: &[u8]) -> Result<(), InvalidKey> {
    const VERSION: [u8; 3] = [0x02, 0x01, 0x00];
    const RSA_ENCRYPTION: [u8; 15] =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let is_short = bytes.get(1).is_some_and(|length| *length < 0x80);
    let body = if is_short { bytes.get(2..) } else { sequence(bytes) };
    let algorithm = body.and_then(|body| body.strip_prefix(&VERSION)).ok_or(InvalidKey::Damaged)?;
    if !algorithm.starts_with(&RSA_ENCRYPTION) {
        return Err(InvalidKey::NotRsa);
    }
    sequence(bytes).map(|_| ()).ok_or(InvalidKey::Damaged)
}

/// RFC 8017 A.1.2: version 0, two primes.
fn check_pkcs1(bytes: &[u8]) -> Result<(), InvalidKey> {
    sequence(bytes).filter(|body| body.starts_with(&[0x02, 0x01, 0x00, 0x02])).map(|_| ()).ok_or(InvalidKey::Damaged)
}

/// The content of a SEQUENCE that is all of `bytes`, with a length in one or two bytes, as every RSA key has it.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    let (length, content) = match bytes {
        [0x30, 0x81, length, content @ ..] => (usize::from(*length), content),
        [0x30, 0x82, high, low, content @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), content),
        _ => return None,
    };
    (length == content.len()).then_some(content)
}
