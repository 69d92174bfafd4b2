//! Protocol words that are a choice out of a closed list.

/// The word is not one of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word")]
pub struct UnknownWord;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every word of the list, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Reads a word; the case counts.
            ///
            /// # Errors
            /// The word is not in the list.
            pub fn parse(raw: &str) -> Result<Self, UnknownWord> {
                match raw { $($word => Ok(Self::$variant),)+ _ => Err(UnknownWord) }
            }
        }
    };
}

words! {
    /// What a client trades for a token (RFC 6749 §1.3).
    GrantType {
        /// A code from the authorization endpoint.
        AuthorizationCode = "authorization_code",
        /// A refresh token.
        RefreshToken = "refresh_token",
        /// Nothing but who it is (RFC 6749 §4.4).
        ClientCredentials = "client_credentials",
        /// A device code (RFC 8628 §3.4).
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        /// The word of a trusted issuer (RFC 7523 §2.1).
        JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer",
    }
}

words! {
    /// What the authorization endpoint hands out (RFC 6749 §3.1.1).
    ResponseType {
        /// A code, and nothing else.
        Code = "code",
    }
}

words! {
    /// How a client proves who it is at the token endpoint (RFC 7591 §2).
    AuthenticationMethod {
        /// It does not: a public client.
        None = "none",
        /// The secret in an `Authorization: Basic` header.
        ClientSecretBasic = "client_secret_basic",
        /// The secret in the form.
        ClientSecretPost = "client_secret_post",
        /// A JWT that it signs with a key of its own (RFC 7523 §2.2).
        PrivateKeyJwt = "private_key_jwt",
    }
}

impl AuthenticationMethod {
    /// Whether client and server share a secret for it.
    #[must_use]
    pub const fn has_secret(self) -> bool {
        match self {
            Self::None | Self::PrivateKeyJwt => false,
            Self::ClientSecretBasic | Self::ClientSecretPost => true,
        }
    }
}

words! {
    /// Where a client runs (OIDC Dynamic Client Registration §2).
    ApplicationType {
        /// On the person's own machine: loopback redirects are allowed.
        Native = "native",
        /// On a server: https redirects only.
        Web = "web",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_exact() {
        assert_eq!(GrantType::parse("authorization_code"), Ok(GrantType::AuthorizationCode));
        for other in ["Authorization_code", "authorization_code ", "password", "implicit", ""] {
            assert_eq!(GrantType::parse(other), Err(UnknownWord), "{other:?}");
        }
        for method in AuthenticationMethod::ALL {
            assert_eq!(AuthenticationMethod::parse(method.as_str()), Ok(*method));
        }
    }
}
