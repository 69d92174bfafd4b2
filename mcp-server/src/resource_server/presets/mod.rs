//! What issuers call things: data that the one verifier reads, no code paths.

mod authz;
mod generic;

use std::str::FromStr;

use jiff::SignedDuration;

/// How the tokens of a kind of issuer look.
#[derive(Debug)]
pub struct Preset {
    /// The word of `MCP_RESOURCE_PRESET`.
    pub name: &'static str,
    /// Accepted `typ` values, in lower case without `application/` (RFC 8725 §3.11).
    pub token_types: &'static [&'static str],
    /// Whether a token without `typ` is accepted.
    pub untyped: bool,
    /// Claims that must be there besides `iss` and `exp`; `aud` is a matter of the strictness.
    pub required: &'static [RequiredClaim],
    /// Where the client's id is, the first that is there.
    pub client_claims: &'static [&'static str],
    /// Where scopes are, all of them together.
    pub scope_claims: &'static [&'static str],
    /// The longest time from `iat` to `exp`.
    pub max_token_lifetime: SignedDuration,
}

/// A claim that a preset demands (RFC 9068 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredClaim {
    /// `sub`
    Subject,
    /// The client's id, under one of [`Preset::client_claims`].
    Client,
    /// `iat`
    IssuedAt,
    /// `jti`
    TokenId,
}

impl Preset {
    /// Our own authorization server, and whoever follows RFC 9068.
    pub const AUTHZ: &'static Self = &authz::AUTHZ;
    /// Any other issuer.
    pub const GENERIC: &'static Self = &generic::GENERIC;
    /// Each preset there is.
    pub const ALL: [&'static Self; 2] = [Self::AUTHZ, Self::GENERIC];

    /// Whether only `at+jwt` is accepted, so that the type alone tells an access token from others.
    #[must_use]
    pub fn is_strictly_typed(&self) -> bool {
        !self.untyped && self.token_types == ["at+jwt"]
    }

    /// Whether a token with this `typ` may be an access token of the issuer.
    #[must_use]
    pub fn accepts_type(&self, typ: Option<&str>) -> bool {
        let Some(typ) = typ else {
            return self.untyped;
        };
        let typ = typ.to_ascii_lowercase();
        // RFC 7515 §4.1.9: a value without a slash has `application/` left out.
        let short = typ.strip_prefix("application/").unwrap_or(&typ);
        self.token_types.contains(&short)
    }
}

/// The word is none of the presets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of authz, generic")]
pub struct UnknownPreset;

impl FromStr for &'static Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        Preset::ALL.into_iter().find(|preset| preset.name == name).ok_or(UnknownPreset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_found_by_name() {
        for preset in Preset::ALL {
            let found: &'static Preset = preset.name.parse().unwrap();
            assert_eq!(found.name, preset.name);
        }
        assert_eq!("okta".parse::<&'static Preset>().unwrap_err(), UnknownPreset);
    }

    #[test]
    fn types_are_compared_without_case_and_prefix() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"] {
            assert!(authz::AUTHZ.accepts_type(Some(typ)), "{typ}");
        }
        for typ in ["JWT", "dpop+jwt", "logout+jwt", "at+jwt ", "application/application/at+jwt", ""] {
            assert!(!authz::AUTHZ.accepts_type(Some(typ)), "{typ}");
        }
        assert!(!authz::AUTHZ.accepts_type(None) && generic::GENERIC.accepts_type(None));
        assert!(generic::GENERIC.accepts_type(Some("JWT")) && !generic::GENERIC.accepts_type(Some("logout+jwt")));
    }
}
