//! What an issuer decides about its keys: their size and the times of their life.

use crate::jwk_set::JWK_SET_MAX_AGE;
use std::{fmt, str::FromStr, time::Duration};

/// The sizes of RSA keys that are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySize {
    /// 2048 bits: strong enough for a key that lives for months, and four times faster to sign with than 4096.
    #[default]
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits.
    Rsa4096,
}

/// Sizes and times. The defaults are those of the design: 2048 bits, a new key every 90 days, signing with
/// it ten minutes after it is published, tokens of at most a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPolicy {
    /// The size of new keys.
    pub size: KeySize,
    /// The age of the newest key at which another one is made; none: never by itself.
    pub rotation: Option<Duration>,
    /// The longest lifetime that any token may have, not the one that tokens have today: a key stays
    /// published for that long after its last signature.
    pub max_token_lifetime: Duration,
    /// How long a new key is published before it signs. Longer than [`JWK_SET_MAX_AGE`], so that every
    /// resource server has seen it by then.
    pub activation_delay: Duration,
}

/// A policy under which keys would not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyPolicy {
    /// Tokens would be signed with a key that resource servers have not seen.
    #[error("the activation delay must be longer than the {} s for which a JWKS may be cached", JWK_SET_MAX_AGE.as_secs())]
    ActivationTooEarly,
    /// Keys would be made faster than they come to sign.
    #[error("the rotation period must be longer than the activation delay")]
    RotationTooOften,
    /// Only 2048, 3072 and 4096 bits are supported.
    #[error("{0} is not a supported RSA key size: use 2048, 3072 or 4096")]
    KeySize(u32),
    /// The size is not a number.
    #[error("the RSA key size is not a number: use 2048, 3072 or 4096")]
    NotANumber,
}

impl KeyPolicy {
    /// Checks the times against each other.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn check(&self) -> Result<(), InvalidKeyPolicy> {
        if self.activation_delay <= JWK_SET_MAX_AGE {
            return Err(InvalidKeyPolicy::ActivationTooEarly);
        }
        if self.rotation.is_some_and(|rotation| rotation <= self.activation_delay) {
            return Err(InvalidKeyPolicy::RotationTooOften);
        }
        Ok(())
    }
}

impl Default for KeyPolicy {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            size: KeySize::default(),
            rotation: Some(DAY * 90),
            max_token_lifetime: DAY,
            activation_delay: JWK_SET_MAX_AGE * 2,
        }
    }
}

impl KeySize {
    /// The length of the modulus.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
        }
    }
}

impl TryFrom<u32> for KeySize {
    type Error = InvalidKeyPolicy;

    fn try_from(bits: u32) -> Result<Self, InvalidKeyPolicy> {
        match bits {
            2048 => Ok(Self::Rsa2048),
            3072 => Ok(Self::Rsa3072),
            4096 => Ok(Self::Rsa4096),
            _ => Err(InvalidKeyPolicy::KeySize(bits)),
        }
    }
}

impl FromStr for KeySize {
    type Err = InvalidKeyPolicy;

    fn from_str(bits: &str) -> Result<Self, InvalidKeyPolicy> {
        bits.parse::<u32>().map_err(|_| InvalidKeyPolicy::NotANumber)?.try_into()
    }
}

impl fmt::Display for KeySize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bits().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_must_not_sign_before_every_cached_jwks_shows_it() {
        assert_eq!(KeyPolicy::default().check(), Ok(()));
        let early = KeyPolicy { activation_delay: JWK_SET_MAX_AGE, ..KeyPolicy::default() };
        assert_eq!(early.check(), Err(InvalidKeyPolicy::ActivationTooEarly));
        let often = KeyPolicy { rotation: Some(KeyPolicy::default().activation_delay), ..KeyPolicy::default() };
        assert_eq!(often.check(), Err(InvalidKeyPolicy::RotationTooOften));
        assert_eq!(KeyPolicy { rotation: None, ..KeyPolicy::default() }.check(), Ok(()));
    }

    #[test]
    fn only_three_sizes_are_made() {
        assert_eq!("4096".parse(), Ok(KeySize::Rsa4096));
        assert_eq!(KeySize::try_from(3072), Ok(KeySize::Rsa3072));
        assert_eq!("1024".parse::<KeySize>(), Err(InvalidKeyPolicy::KeySize(1024)));
        assert_eq!("big".parse::<KeySize>(), Err(InvalidKeyPolicy::NotANumber));
    }
}
