//! What to do about each refusal: the last column of the table in the README, and the advice of `explain`.
//! A reason without an entry does not compile.

use super::challenge::Reason;

impl Reason {
    /// What helps against it, in Markdown: names of settings are in backticks.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one line for each reason")]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::MissingToken => "Sign in: the challenge names where.",
            Self::AuthorizationMalformed => "Send `Authorization: Bearer <token>`, nothing else.",
            Self::MultipleCredentials => "Send one `Authorization` header.",
            Self::TokenTooLarge => "Ask the issuer for smaller tokens (fewer groups or roles); 16 KiB is the limit.",
            Self::TokenMalformed => "The token was cut or changed on its way.",
            Self::AlgorithmNotAllowed => "The issuer must sign with one of `MCP_RESOURCE_ALGORITHMS`.",
            Self::CriticalHeader => "The issuer must not use critical header parameters.",
            Self::TokenTypeMismatch => "`typ` must be `at+jwt`; for another issuer set `MCP_RESOURCE_PRESET`.",
            Self::IssuerUnknown => {
                "`iss` must equal one of `MCP_RESOURCE_AUTH_SERVER_URL` to the letter, the slash at the end included; of several tenants, one of `MCP_RESOURCE_TENANTS`."
            }
            Self::KeyIdMissing => {
                "The issuer must put `kid` into the header; one that cannot, and has one key only, needs \
                 `MCP_RESOURCE_ALLOW_MISSING_KID=on`."
            }
            Self::UnknownKey => {
                "The token is older than the issuer's keys, or from another issuer behind the same name."
            }
            Self::KeysUnavailable => {
                "The issuer cannot be reached: see the log, `MCP_RESOURCE_METADATA_URL`, \
                 `MCP_RESOURCE_JWKS_URL`, `MCP_CA_CERT`."
            }
            Self::SignatureInvalid => "The token was changed, or signed by somebody else.",
            Self::ClaimsMalformed => {
                "`mcp-server explain` shows which claims `MCP_RESOURCE_PRESET` asks for, and which are there."
            }
            Self::AudienceMissing => {
                "The client must send `resource`; for an issuer that names none, see `MCP_RESOURCE_AUDIENCES` \
                 and `MCP_RESOURCE_OAUTH_STRICT`."
            }
            Self::AudienceMismatch => {
                "The description shows what was expected and presented: make `MCP_RESOURCE_PUBLIC_URL` and the \
                 client's URL the same."
            }
            Self::ClientNotAllowed => "Add the client to `MCP_RESOURCE_ALLOWED_CLIENTS`.",
            Self::TokenExpired => "Sign in again; if it has just been issued, compare the clocks.",
            Self::TokenNotYetValid => "Compare the clocks: 60 s are tolerated.",
            Self::LifetimeTooLong => {
                "Let the issuer issue shorter tokens, or raise `MCP_RESOURCE_MAX_TOKEN_LIFETIME_SECONDS`."
            }
            Self::SenderConstrained => "Ask for a plain bearer token.",
            Self::NotAnAccessToken => {
                "The client sends its ID token; it must send the access token. With Entra also a token for Microsoft Graph: ask for a scope of your own API."
            }
            Self::OpaqueToken => "The issuer must issue JWTs, or set `MCP_RESOURCE_OPAQUE_TOKENS=on`.",
            Self::TokenInactive => "The grant has ended: sign in again.",
            Self::IntrospectionUnavailable => {
                "The issuer does not answer: see the log; the client tries again after `Retry-After`."
            }
            Self::IntrospectionBudget => {
                "A flood of tokens under unknown keys is going on, or the issuer has just changed its keys."
            }
            Self::IntrospectionBusy => {
                "Too many unknown opaque tokens at once; the client tries again after `Retry-After`."
            }
            Self::InsufficientScope => "Ask for the scopes named in the challenge.",
            Self::InsufficientUserAuthentication => {
                "Sign in again; the challenge names the greatest age in seconds. The issuer must put `auth_time` into its tokens."
            }
            Self::HostNotAllowed => "Set `MCP_RESOURCE_PUBLIC_URL`, or add the name to `MCP_RESOURCE_ALLOWED_HOSTS`.",
            Self::OriginNotAllowed => "Add the page's origin to `MCP_RESOURCE_ALLOWED_ORIGINS`.",
            Self::BodyTooLarge => "Send less: 1 MiB is the limit.",
            Self::BodyMalformed => "Send one JSON-RPC message.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../../README.md");

    fn rows() -> Vec<&'static str> {
        let section = README.split_once("## Why was my token refused?").unwrap().1;
        let section = section.split_once("\n## ").unwrap().0;
        section.lines().filter(|line| line.starts_with("| `")).collect()
    }

    #[test]
    fn the_readme_has_a_row_with_cause_and_fix_for_every_reason_and_no_other() {
        let rows = rows();
        for &reason in Reason::ALL {
            let (code, status) = (reason.code(), reason.status().as_u16());
            // The rest of a description, after a colon, is for the caller at hand.
            let cause = reason.description().split(": ").next().unwrap();
            let row = format!("| `{code}` | {status} | {cause} | {} |", reason.remedy());
            assert!(rows.contains(&row.as_str()), "README.md lacks this row:\n{row}");
        }
        assert_eq!(rows.len(), Reason::ALL.len(), "README.md has a row for a reason that does not exist");
    }
}
