//! The signature algorithms that exist here, and the allow-list of those a verifier takes (RFC 8725 §3.1).
//! There is no `none` and no `HS*` to choose.

use std::{fmt, str::FromStr};

use jsonwebtoken::Algorithm;

/// An asymmetric JWS signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    /// Every algorithm that can be allowed.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The name in the `alg` parameter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) const fn implementation(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Rs256 => 1,
            Self::Ps256 => 2,
            Self::Es256 => 4,
            Self::EdDsa => 8,
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for SigningAlgorithm {
    type Err = UnknownAlgorithm;

    // Case matters: RFC 7515 §4.1.1.
    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name).ok_or(UnknownAlgorithm)
    }
}

/// The name is none of RS256, PS256, ES256 and `EdDSA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of RS256, PS256, ES256, EdDSA")]
pub struct UnknownAlgorithm;

/// The algorithms that a verifier takes; all four unless it is told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedAlgorithms(u8);

impl AllowedAlgorithms {
    /// Whether `algorithm` is allowed.
    #[must_use]
    pub const fn contains(self, algorithm: SigningAlgorithm) -> bool {
        self.0 & algorithm.bit() != 0
    }
}

impl Default for AllowedAlgorithms {
    fn default() -> Self {
        SigningAlgorithm::ALL.into_iter().collect()
    }
}

impl FromIterator<SigningAlgorithm> for AllowedAlgorithms {
    fn from_iter<I: IntoIterator<Item = SigningAlgorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |bits, algorithm| bits | algorithm.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_in_their_exact_case() {
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        for name in ["rs256", "RS384", "none", "None", "NONE", "HS256", "RS256 ", "", "ES256K", "Ed25519"] {
            assert_eq!(name.parse::<SigningAlgorithm>(), Err(UnknownAlgorithm), "{name:?}");
        }
    }

    #[test]
    fn allows_what_it_was_made_of_and_nothing_else() {
        let allowed = AllowedAlgorithms::from_iter([SigningAlgorithm::Rs256, SigningAlgorithm::EdDsa]);
        let named: Vec<_> = SigningAlgorithm::ALL.into_iter().filter(|alg| allowed.contains(*alg)).collect();
        assert_eq!(named, [SigningAlgorithm::Rs256, SigningAlgorithm::EdDsa]);
        assert!(SigningAlgorithm::ALL.into_iter().all(|alg| AllowedAlgorithms::default().contains(alg)));
    }
}
