//! The access token, claim by claim, with what the server checks about each (RFC 9068, RFC 8725).

use serde_json::{Map, Value};

use crate::decoded::{Decoded, time};

/// One member of the header or of the claims.
pub(super) struct Claim {
    pub(super) name: String,
    pub(super) value: String,
    /// The moment, where the value is a time.
    pub(super) moment: Option<String>,
    pub(super) check: &'static str,
}

/// A token, taken apart.
pub(super) struct TokenView {
    /// Header and claims, each with its name.
    pub(super) parts: [(&'static str, Vec<Claim>); 2],
}

impl TokenView {
    pub(super) fn new(decoded: &Decoded) -> Self {
        let (header, claims) = (members(&decoded.header, header_check), members(&decoded.claims, claim_check));
        Self { parts: [("Header", header), ("Claims", claims)] }
    }
}

fn members(all: &Map<String, Value>, check: fn(&str) -> &'static str) -> Vec<Claim> {
    let one = |(name, value): (&String, &Value)| Claim {
        value: value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned),
        moment: time(name, value).map(|moment| moment.to_string()),
        check: check(name),
        name: name.clone(),
    };
    all.iter().map(one).collect()
}

fn header_check(name: &str) -> &'static str {
    match name {
        "typ" => "Must be at+jwt: an ID token, or any other JWT, is no access token.",
        "alg" => "Must be one that the server allows, and the one that the key is for; the token does not choose.",
        "kid" => "Names one of the keys that the issuer publishes; the signature must verify with it.",
        _ => "Not looked at.",
    }
}

fn claim_check(name: &str) -> &'static str {
    match name {
        "iss" => "Must be the issuer that the server trusts, letter for letter.",
        "aud" => "Must name this server, so that a token for another one is worth nothing here.",
        "exp" => "Must not be over, with 60 seconds of tolerance for clocks that differ.",
        "nbf" => "Must not lie ahead.",
        "iat" => "Must not lie ahead; the time from here to exp must not be too long.",
        "scope" | "scp" => "Must hold what the tool needs; if not, the answer is 403 and names it.",
        "sub" => "Who you are to the server: notes are kept by issuer and subject. An opaque id, not your name.",
        "client_id" | "azp" => "Must be on the list of clients, where the server has one. Stands in the audit log.",
        "jti" => "The number of this token, for the audit log and for revocation.",
        "grant_id" => "What you allowed: taken back there, all its tokens are inactive at introspection.",
        "auth_time" => "When you typed your password; a tool may ask for a younger sign-in (RFC 9470).",
        "acr" => "How you signed in; a tool may ask for a stronger way (RFC 9470).",
        "cnf" => "The key that the token is bound to; a plain bearer server refuses such a token.",
        _ => "Not looked at.",
    }
}
