//! What issuers call things: data that the one verifier reads, no code paths. Each preset says how far what it
//! holds was checked, and when: vendors change.

mod auth0;
mod authentik;
mod authkit;
mod authz;
mod cognito;
mod descope;
mod entra;
mod generic;
mod google;
mod hydra;
mod keycloak;
mod okta;
mod recipe;
#[cfg(test)]
mod tests;
mod zitadel;

use std::str::FromStr;

use jiff::SignedDuration;

pub use recipe::{Recipe, Variant};

/// Stands for the tenant in [`Preset::tenants`] and in an issuer that is a template.
pub const TENANT: &str = "{tenantid}";

/// How the tokens of a kind of issuer look, and what the issuer can do.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct Preset {
    /// The word of `MCP_RESOURCE_PRESET`.
    pub name: &'static str,
    /// How far this was checked.
    pub evidence: Evidence,
    /// Accepted `typ` values, in lower case without `application/` (RFC 8725 §3.11).
    pub token_types: &'static [&'static str],
    /// Whether a token without `typ` is accepted.
    pub untyped: bool,
    /// Whether a token without `kid` is accepted, if exactly one key fits. No issuer here is known to need it.
    pub unnamed_keys: bool,
    /// Claims that must be there besides `iss` and `exp`; `aud` is a matter of the strictness.
    pub required: &'static [RequiredClaim],
    /// What tells an access token from the others where `typ` does not.
    pub guard: Guard,
    /// Where the client's id is, the first that is there.
    pub client_claims: &'static [&'static str],
    /// Where scopes are, all of them together: the names of claims, or paths with dots into them.
    pub scope_claims: &'static [&'static str],
    /// Whether tokens hold the names of scopes without the prefix that they are asked for with.
    pub short_scopes: bool,
    /// What `aud` holds.
    pub audience: AudienceKind,
    /// Values of `aud` that name no resource in particular, so that nobody may configure them as accepted.
    pub shared_audiences: &'static [&'static str],
    /// The longest time from `iat` to `exp`.
    pub max_token_lifetime: SignedDuration,
    /// What must stand in the issuer's URL: issuers of this kind without it have no tokens for others.
    pub issuer_contains: &'static str,
    /// The issuers that share keys among tenants, with [`TENANT`] for the tenant, and where the metadata of each is.
    pub tenants: &'static [TenantTemplate],
    /// Origins besides the issuer's where its keys may be.
    pub key_origins: &'static [&'static str],
    /// Whether access tokens are opaque unless configured otherwise there.
    pub opaque_tokens: bool,
    /// How the issuer is asked about a token.
    pub introspection: Introspection,
    /// Whether the metadata lacks something that MCP clients need: PKCE, or an RFC 8414 document.
    pub incomplete_metadata: bool,
    /// Whether it refuses `resource` in requests, so that a shim has to take it out.
    pub drop_resource: bool,
    /// Whether it knows `audience` instead of `resource`, so that a shim has to add it.
    pub add_audience: bool,
    /// How to set it up.
    pub recipe: Recipe,
}

/// How far something was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// By what.
    pub label: EvidenceLabel,
    /// When, as in `2026-11-20`.
    pub date: &'static str,
}

/// By what something was checked, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceLabel {
    /// By running the very software against this one.
    Observed,
    /// By the vendor's documentation or source.
    Documented,
    /// By reports and captures of others.
    Reported,
}

impl EvidenceLabel {
    /// The label as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Documented => "documented",
            Self::Reported => "reported",
        }
    }
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

/// What tells ID tokens, refresh tokens and the issuer's own tokens from access tokens. Applies unless `at+jwt` is the
/// only type accepted.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// Claims that, if they are there, must have one of these values.
    pub words: &'static [(&'static str, &'static [&'static str])],
    /// Claims that must not be there.
    pub absent: &'static [&'static str],
    /// Header parameters that must not be there.
    pub absent_from_header: &'static [&'static str],
}

impl Guard {
    /// `token_use`, the payload's `typ`, and the claims of ID tokens (`OpenID` Connect Core §2).
    pub const ID_TOKENS: Self = Self {
        words: &[("token_use", &["access"]), ("typ", &["Bearer", "DPoP"])],
        absent: &["nonce", "at_hash", "c_hash"],
        absent_from_header: &[],
    };
}

/// What an issuer puts into `aud`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudienceKind {
    /// The resource that the client asked for (RFC 8707), or a URL configured there.
    Resource,
    /// Something of the issuer's own, which goes into `MCP_RESOURCE_AUDIENCES`: what it is called there.
    Own(&'static str),
}

/// An issuer with a tenant in its URL.
#[derive(Clone, Copy, Debug)]
pub struct TenantTemplate {
    /// `iss`.
    pub issuer: &'static str,
    /// The metadata document, of one tenant or, with the word `common`, of all.
    pub metadata: &'static str,
}

/// How an issuer is asked about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// RFC 7662, at the endpoint that the metadata names.
    Advertised,
    /// RFC 7662, at an endpoint that only configuration can name.
    Configured,
    /// Google's token information, at this address.
    TokenInformation(&'static str),
    /// It cannot be asked.
    Unavailable,
}

impl Preset {
    /// Our own authorization server, and whoever follows RFC 9068.
    pub const AUTHZ: &'static Self = &authz::AUTHZ;
    /// Any other issuer.
    pub const GENERIC: &'static Self = &generic::GENERIC;
    /// Each preset there is.
    pub const ALL: [&'static Self; 13] = [
        Self::AUTHZ,
        &cognito::COGNITO,
        &okta::OKTA,
        &auth0::AUTH0,
        &entra::ENTRA,
        &keycloak::KEYCLOAK,
        &hydra::HYDRA,
        &zitadel::ZITADEL,
        &authentik::AUTHENTIK,
        &authkit::AUTHKIT,
        &google::GOOGLE,
        &descope::DESCOPE,
        Self::GENERIC,
    ];

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

    /// Where the metadata of `issuer` is, if not at the well-known places.
    #[must_use]
    pub fn metadata_url(&self, issuer: &str) -> Option<String> {
        self.tenants.iter().find_map(|template| {
            let tenant = tenant_in(issuer, template.issuer)?;
            let tenant = if tenant == TENANT { "common" } else { tenant };
            Some(template.metadata.replace(TENANT, tenant))
        })
    }

    /// Whether a key that says that it is of `named` may sign the tokens of `tenant`.
    pub(super) fn key_is_of(&self, named: &str, tenant: &str) -> bool {
        let mut tenants = self.tenants.iter().filter_map(|template| tenant_in(named, template.issuer));
        tenants.any(|of| of == tenant || of == TENANT)
    }
}

/// The tenant that stands in `issuer` where `template` has [`TENANT`].
fn tenant_in<'i>(issuer: &'i str, template: &str) -> Option<&'i str> {
    let (before, after) = template.split_once(TENANT)?;
    let tenant = issuer.strip_prefix(before)?.strip_suffix(after)?;
    Some(tenant).filter(|tenant| !tenant.is_empty() && !tenant.contains('/'))
}

/// The word is none of the presets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not one of authz, cognito, okta, auth0, entra, keycloak, hydra, zitadel, authentik, authkit, google, descope, generic"
)]
pub struct UnknownPreset;

impl FromStr for &'static Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        Preset::ALL.into_iter().find(|preset| preset.name == name).ok_or(UnknownPreset)
    }
}
