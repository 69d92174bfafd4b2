//! Everything that the doctor can find, with a stable id, how bad it is, and what to do.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Works, but not for everybody or not safely.
    Warning,
    /// Does not work.
    Error,
}

macro_rules! faults {
    ($($variant:ident, $id:literal, $severity:ident, $what:literal, $fix:literal;)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fault { $(#[doc = $what] $variant,)* }

        impl Fault {
            /// Every fault there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable id.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What is wrong, in one sentence.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix,)* }
            }
        }
    };
}

faults! {
    SettingInvalid, "setting_invalid", Error, "A setting cannot be used",
        "change the setting as it says";
    AudienceNotChecked, "audience_not_checked", Warning, "Every token of the issuer is accepted, whoever it was issued for",
        "set MCP_RESOURCE_OAUTH_STRICT=true, or MCP_RESOURCE_ALLOWED_CLIENTS";
    StrictOff, "strict_off", Warning, "The audience of tokens is not enforced",
        "set MCP_RESOURCE_OAUTH_STRICT=true when mcp_resource_would_refuse_total stays at 0";
    PublicUrlInsecure, "public_url_insecure", Warning, "The public URL is plain http beyond this machine",
        "set MCP_RESOURCE_PUBLIC_URL to an https URL";
    DemoCredentials, "demo_credentials", Warning, "The issuer is asked with the secret of the demo, beyond this machine",
        "set MCP_RESOURCE_INTROSPECT_CLIENT_ID and MCP_RESOURCE_INTROSPECT_CLIENT_SECRET to a client of your own";
    ServerUnreachable, "server_unreachable", Error, "Nothing answers at the public URL",
        "start the server, and check MCP_RESOURCE_PUBLIC_URL, DNS and the proxy in front";
    ServerCertificate, "server_certificate", Error, "The certificate at the public URL is not trusted",
        "install the whole chain, or name its CA in MCP_CA_CERT";
    ServerRedirects, "server_redirects", Error, "The public URL redirects: clients do not send tokens on",
        "set MCP_RESOURCE_PUBLIC_URL to where it redirects to";
    ServerFailing, "server_failing", Error, "The public URL answers with a server error",
        "see the log of the server, or of the proxy in front of it";
    HostRefused, "host_refused", Error, "The server does not know the name in its public URL",
        "start it with the same MCP_RESOURCE_PUBLIC_URL, or add the name to MCP_RESOURCE_ALLOWED_HOSTS";
    EndpointMissing, "endpoint_missing", Error, "There is no MCP endpoint at the public URL",
        "make the path of MCP_RESOURCE_PUBLIC_URL the one that the proxy passes on";
    ServerUnprotected, "server_unprotected", Error, "The public URL answers without a token",
        "check what answers there: it is not this server, or not behind its layer";
    ChallengeMissing, "challenge_missing", Error, "The 401 does not say where the resource's metadata is",
        "let the proxy pass the WWW-Authenticate header on, and check what answers there";
    ChallengeElsewhere, "challenge_elsewhere", Error, "The 401 names the metadata of another resource",
        "give the running server the same MCP_RESOURCE_PUBLIC_URL";
    PrmMissing, "prm_missing", Error, "The protected resource metadata is not at its well-known place",
        "let the proxy pass /.well-known/oauth-protected-resource on to this server";
    PrmMalformed, "prm_malformed", Error, "The protected resource metadata is not a JSON object",
        "check what answers at /.well-known/oauth-protected-resource";
    PrmResourceMismatch, "prm_resource_mismatch", Error, "The protected resource metadata is of another resource",
        "make MCP_RESOURCE_PUBLIC_URL the URL that clients use, to the letter";
    PrmIssuerMissing, "prm_issuer_missing", Error, "The protected resource metadata does not name the issuer",
        "give the running server the same MCP_RESOURCE_AUTH_SERVER_URL";
    PrmNoCors, "prm_no_cors", Warning, "Browsers may not read the protected resource metadata",
        "let the proxy pass the Access-Control-Allow-Origin header on";
    IssuerUnreachable, "issuer_unreachable", Error, "The issuer does not answer",
        "check MCP_RESOURCE_AUTH_SERVER_URL and the network; behind another name inside, set MCP_RESOURCE_METADATA_URL";
    IssuerCertificate, "issuer_certificate", Error, "The issuer's certificate is not trusted",
        "name its CA in MCP_CA_CERT";
    MetadataMissing, "metadata_missing", Error, "The issuer has no metadata at the well-known places",
        "check MCP_RESOURCE_AUTH_SERVER_URL, or set MCP_RESOURCE_METADATA_URL";
    MetadataRedirects, "metadata_redirects", Error, "The issuer's metadata is a redirect, which is not followed",
        "set MCP_RESOURCE_METADATA_URL to where it redirects to";
    MetadataMalformed, "metadata_malformed", Error, "The issuer's metadata is not a JSON object with an issuer",
        "check what answers there; set MCP_RESOURCE_METADATA_URL";
    MetadataIssuerSlash, "metadata_issuer_slash", Error, "The issuer's own name differs by the slash at its end",
        "set MCP_RESOURCE_AUTH_SERVER_URL to the issuer's own name, to the letter";
    MetadataIssuerMismatch, "metadata_issuer_mismatch", Error, "The metadata is of another issuer",
        "set MCP_RESOURCE_AUTH_SERVER_URL to the issuer in its metadata, to the letter";
    ClockSkew, "clock_skew", Error, "The clocks differ by more than the tolerance of 60 s",
        "synchronise this machine's clock (NTP), or the issuer's";
    ClockDrift, "clock_drift", Warning, "The clocks differ",
        "synchronise this machine's clock (NTP) before tokens are refused";
    ClockUnknown, "clock_unknown", Info, "The issuer sends no Date, so the clocks cannot be compared",
        "nothing to do, unless tokens are refused as expired or not yet valid";
    JwksUriMissing, "jwks_uri_missing", Error, "The issuer's metadata does not say where its keys are",
        "set MCP_RESOURCE_JWKS_URL";
    JwksUriInsecure, "jwks_uri_insecure", Error, "The issuer's keys are at a plain http address",
        "set MCP_RESOURCE_JWKS_URL to an https URL, or list the host in MCP_RESOURCE_ALLOW_HTTP_HOSTS";
    JwksUnreachable, "jwks_unreachable", Error, "Nothing answers where the issuer's keys are",
        "check the network; behind another name inside, set MCP_RESOURCE_JWKS_URL";
    JwksStatus, "jwks_status", Error, "The issuer's keys are not where its metadata says",
        "set MCP_RESOURCE_JWKS_URL";
    JwksMalformed, "jwks_malformed", Error, "The issuer's key set is none",
        "set MCP_RESOURCE_JWKS_URL to a JWK Set";
    JwksNoUsableKey, "jwks_no_usable_key", Error, "The issuer publishes no key that can verify tokens",
        "let the issuer sign with RS256, PS256, ES256 or EdDSA, with RSA keys of 2048 bits or more";
    JwksSecretKey, "jwks_secret_key", Error, "The issuer publishes a private or symmetric key: it is no secret any more",
        "withdraw that key at the issuer, now";
    JwksWeakKey, "jwks_weak_key", Warning, "The issuer publishes a weak key, whose tokens are refused",
        "let the issuer use RSA keys of 2048 bits or more";
    JwksKeyPassedOver, "jwks_key_passed_over", Info, "A key of the issuer is not used",
        "nothing to do, unless tokens are refused as unknown_key";
    JwksKeyWithoutId, "jwks_key_without_id", Warning, "A key of the issuer has no kid",
        "let the issuer name its keys: a token says by kid which one signed it";
    JwksDuplicateId, "jwks_duplicate_id", Warning, "Keys of the issuer share a kid",
        "let the issuer name each key differently";
    KeysNotFetched, "keys_not_fetched", Error, "The server cannot take the issuer's keys",
        "see what it says; MCP_RESOURCE_JWKS_URL replaces what the metadata says";
    IntrospectionNotOffered, "introspection_not_offered", Error, "The issuer is to be asked about tokens, but names no endpoint for it",
        "set MCP_RESOURCE_INTROSPECT_URL, or MCP_RESOURCE_INTROSPECT=never";
    IntrospectionUnreachable, "introspection_unreachable", Error, "The issuer's introspection endpoint does not answer",
        "check MCP_RESOURCE_INTROSPECT_URL and the network";
    IntrospectionUnauthorized, "introspection_unauthorized", Error, "The issuer does not know this server's credentials",
        "check MCP_RESOURCE_INTROSPECT_CLIENT_ID, MCP_RESOURCE_INTROSPECT_CLIENT_SECRET and MCP_RESOURCE_INTROSPECT_CLIENT_METHOD";
    IntrospectionStatus, "introspection_status", Error, "The introspection endpoint does not answer the question",
        "check MCP_RESOURCE_INTROSPECT_URL";
    IntrospectionMalformed, "introspection_malformed", Error, "The answer of the introspection endpoint has no active",
        "check MCP_RESOURCE_INTROSPECT_URL: it is not an endpoint of RFC 7662";
    IntrospectionSaysYes, "introspection_says_yes", Error, "The introspection endpoint calls a made-up token active",
        "set MCP_RESOURCE_INTROSPECT=never until the issuer is repaired: it would let anybody in";
    TokenInformationMalformed, "token_information_malformed", Error, "What is asked about tokens is not Google's token information",
        "remove MCP_RESOURCE_INTROSPECT_URL, or set it to where Google's token information can be reached";
    AuthorizationEndpointMissing, "authorization_endpoint_missing", Error, "The metadata names no authorization endpoint",
        "let the issuer offer the authorization code flow";
    TokenEndpointMissing, "token_endpoint_missing", Error, "The metadata names no token endpoint",
        "let the issuer offer the authorization code flow";
    CodeFlowMissing, "code_flow_missing", Error, "The issuer does not offer authorization codes",
        "let the issuer offer the authorization code flow";
    PkceNotAdvertised, "pkce_not_advertised", Error, "The metadata does not say that PKCE is supported, so MCP clients must refuse it",
        "set MCP_RESOURCE_METADATA_SHIM=on if the issuer takes S256 all the same; or let it advertise code_challenge_methods_supported";
    PkceWithoutS256, "pkce_without_s256", Error, "The issuer does not offer PKCE with S256, so MCP clients must refuse it",
        "let the issuer allow S256";
    RegistrationClosed, "registration_closed", Warning, "Clients cannot register by themselves",
        "register each client at the issuer and give it its client id, or let the issuer allow registration; for one client of many people set MCP_RESOURCE_METADATA_SHIM_CLIENT_ID";
    IssNotAdvertised, "iss_not_advertised", Info, "The issuer does not put iss into its answers (RFC 9207)",
        "let the issuer send it: it keeps clients of several issuers from mixing them up";
    PublicClientsRefused, "public_clients_refused", Info, "The issuer takes no clients without a secret",
        "clients on people's machines need a secret of their own, by registration";
    ShimIssuerSendsIss, "shim_issuer_sends_iss", Error, "The issuer behind the metadata shim puts iss into its answers (RFC 9207), so clients must refuse them",
        "set MCP_RESOURCE_METADATA_SHIM=off: clients can use such an issuer as it is; or switch iss off there";
    ShimMissing, "shim_missing", Error, "The metadata shim does not answer at our origin",
        "let the proxy pass /.well-known/oauth-authorization-server and /oauth2/ on to this server; the running one needs MCP_RESOURCE_METADATA_SHIM=on too";
    ShimIssuerMismatch, "shim_issuer_mismatch", Error, "The document at our origin is not that of the metadata shim",
        "give the running server the same MCP_RESOURCE_PUBLIC_URL, and check what answers there";
    ShimEndpointMissing, "shim_endpoint_missing", Error, "An endpoint of the metadata shim does not answer at our origin",
        "let the proxy pass /oauth2/ on to this server; the running one needs the same MCP_RESOURCE_METADATA_SHIM settings";
    ScopeNotOffered, "scope_not_offered", Warning, "The issuer does not list a scope that this server asks for",
        "create the scope at the issuer and allow clients to ask for it";
}

/// One fault that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub fault: Fault,
    /// What exactly: where, and what was there.
    pub detail: String,
}

impl Finding {
    pub(super) fn new(fault: Fault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_readme_names_only_ids_that_exist() {
        let readme = include_str!("../../../README.md");
        let rows = readme.lines().filter_map(|line| line.split_once("`doctor` finds ")).map(|(_, named)| named);
        let named =
            rows.flat_map(|named| named.split([';', '|']).next().unwrap_or_default().split('`').skip(1).step_by(2));
        let unknown: Vec<&str> = named.filter(|id| Fault::ALL.iter().all(|fault| fault.id() != *id)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn ids_are_stable_words_each_used_once() {
        let ids: HashSet<&str> = Fault::ALL.iter().map(|fault| fault.id()).collect();
        assert_eq!(ids.len(), Fault::ALL.len());
        assert!(
            ids.iter()
                .all(|id| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'))
        );
        assert!(Fault::ALL.iter().all(|fault| !fault.fix().ends_with('.')));
    }
}
