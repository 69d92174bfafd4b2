//! The ways to a token: which of them is taken is a setting, never a server's choice.

use std::{fmt, path::PathBuf};

use super::{client::ClientCredentials, endpoint::Endpoint};

/// The name of a way, as it is set and kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GrantName {
    /// A person signs in with a browser (OAuth 2.1 §4.1).
    #[default]
    AuthorizationCode,
    /// A person signs in with a browser on another device (RFC 8628).
    DeviceCode,
    /// The client asks for itself (OAuth 2.1 §4.2).
    ClientCredentials,
    /// A platform vouches for the workload (RFC 7523 §2.1; MCP Workload Identity Federation).
    WorkloadIdentity,
    /// The organisation's identity provider vouches for the person (MCP Enterprise-managed authorization).
    Enterprise,
}

impl GrantName {
    /// All of them, the default first.
    pub const ALL: [Self; 5] =
        [Self::AuthorizationCode, Self::DeviceCode, Self::ClientCredentials, Self::WorkloadIdentity, Self::Enterprise];

    /// As it is written in a setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization-code",
            Self::DeviceCode => "device-code",
            Self::ClientCredentials => "client-credentials",
            Self::WorkloadIdentity => "workload-identity",
            Self::Enterprise => "enterprise",
        }
    }

    /// The way of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }

    /// The `grant_type` that it ends in (RFC 8414 `grant_types_supported`).
    #[must_use]
    pub const fn grant_type(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::DeviceCode => super::token::DEVICE_CODE,
            Self::ClientCredentials => "client_credentials",
            Self::WorkloadIdentity | Self::Enterprise => super::token::JWT_BEARER,
        }
    }
}

impl fmt::Display for GrantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A way to a token, with what it needs besides the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// A person signs in with a browser.
    AuthorizationCode,
    /// A person signs in with a browser on another device.
    DeviceCode,
    /// The client asks for itself.
    ClientCredentials,
    /// A platform vouches for the workload, in a JWT in this file, which it replaces from time to time.
    WorkloadIdentity(PathBuf),
    /// The organisation's identity provider vouches for the person.
    Enterprise(Box<IdentityProvider>),
}

/// The organisation's identity provider, and who this client and the person are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its issuer.
    pub issuer: Endpoint,
    /// This client there.
    pub client: ClientCredentials,
    /// The file with the person's ID token from there.
    pub id_token: PathBuf,
}

impl Grant {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> GrantName {
        match self {
            Self::AuthorizationCode => GrantName::AuthorizationCode,
            Self::DeviceCode => GrantName::DeviceCode,
            Self::ClientCredentials => GrantName::ClientCredentials,
            Self::WorkloadIdentity(_) => GrantName::WorkloadIdentity,
            Self::Enterprise(_) => GrantName::Enterprise,
        }
    }
}
