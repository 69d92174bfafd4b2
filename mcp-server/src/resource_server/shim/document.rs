//! The issuer's metadata → ours (RFC 8414 §2): known members only, every URL checked, nothing else passed on.

use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;
use verification_keys::HttpHosts;

use super::{AUTHORIZE, REGISTER, ShimError, ShimOptions, TOKEN, issuer};
use crate::resource_server::issuer::IssuerOptions;
use crate::resource_server::resource::ResourceIdentifier;
use crate::resource_server::scope::Scopes;

/// What of the issuer's metadata is in use.
#[derive(Debug)]
pub(super) struct Known {
    /// Where browsers are sent.
    pub(super) authorization_endpoint: Url,
    /// Where codes are redeemed.
    pub(super) token_endpoint: Url,
    /// Our document, as text.
    pub(super) document: String,
}

/// What of the document is our own.
#[derive(Debug)]
pub(super) struct Face {
    origin: String,
    /// As the issuer is asked for them.
    scopes: Vec<String>,
    options: ShimOptions,
    /// Whether the issuer takes public clients even where its list does not say so.
    public_clients: bool,
    http_hosts: HttpHosts,
}

#[derive(Serialize)]
struct Document<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    scopes_supported: &'a [String],
    response_types_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    code_challenge_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    client_id_metadata_document_supported: bool,
}

impl Face {
    pub(super) fn new(
        trusted: &IssuerOptions,
        options: &ShimOptions,
        resource: &ResourceIdentifier,
        scopes: &Scopes,
    ) -> Self {
        Self {
            origin: issuer(resource),
            scopes: trusted.scope_names.asked(scopes).iter().map(ToOwned::to_owned).collect(),
            options: options.clone(),
            public_clients: options.client.is_some() || trusted.preset.incomplete_metadata,
            http_hosts: trusted.places.http_hosts.clone(),
        }
    }

    /// Reads the issuer's document.
    pub(super) fn read(&self, theirs: &Map<String, Value>) -> Result<Known, ShimError> {
        check_use(theirs)?;
        let authorization_endpoint = self.required(theirs, "authorization_endpoint")?;
        let token_endpoint = self.required(theirs, "token_endpoint")?;
        let own = |path: &str| format!("{}{path}", self.origin);
        let registered_there = || self.optional(theirs, "registration_endpoint");
        let document = Document {
            issuer: &self.origin,
            authorization_endpoint: either(self.options.changes_requests(), own(AUTHORIZE), &authorization_endpoint),
            token_endpoint: either(self.options.drop_resource, own(TOKEN), &token_endpoint),
            registration_endpoint: if self.options.client.is_some() { Some(own(REGISTER)) } else { registered_there() },
            revocation_endpoint: self.optional(theirs, "revocation_endpoint"),
            scopes_supported: &self.scopes,
            response_types_supported: ["code"],
            grant_types_supported: listed(theirs, "grant_types_supported", &["authorization_code", "refresh_token"])
                .unwrap_or_default(),
            token_endpoint_auth_methods_supported: self.auth_methods(theirs),
            code_challenge_methods_supported: ["S256"],
            client_id_metadata_document_supported: says(theirs, "client_id_metadata_document_supported"),
        };
        let document = serde_json::to_string(&document).unwrap_or_default();
        Ok(Known { authorization_endpoint, token_endpoint, document })
    }

    /// Not `private_key_jwt` and its like: an assertion names the issuer, which the client takes us for.
    fn auth_methods(&self, theirs: &Map<String, Value>) -> Vec<&'static str> {
        const KNOWN: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];
        // RFC 8414 §2: what it means when the member is absent.
        let mut methods = listed(theirs, "token_endpoint_auth_methods_supported", &KNOWN)
            .unwrap_or_else(|| vec!["client_secret_basic"]);
        if self.public_clients && !methods.contains(&"none") {
            methods.insert(0, "none");
        }
        methods
    }

    fn required(&self, theirs: &Map<String, Value>, member: &'static str) -> Result<Url, ShimError> {
        let bad = |problem| ShimError::BadEndpoint { member, problem };
        let raw = theirs.get(member).and_then(Value::as_str).ok_or_else(|| bad("missing"))?;
        let url = Url::parse(raw).map_err(|_| bad("not a URL"))?;
        if !self.http_hosts.allows(&url) {
            return Err(bad("neither https nor on a host that is allowed for http"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(bad("a URL with credentials or a fragment"));
        }
        Ok(url)
    }

    /// Clients can do without: a bad one is none.
    fn optional(&self, theirs: &Map<String, Value>, member: &'static str) -> Option<String> {
        self.required(theirs, member).ok().map(String::from)
    }
}

/// What a shim cannot put right.
fn check_use(theirs: &Map<String, Value>) -> Result<(), ShimError> {
    if says(theirs, "authorization_response_iss_parameter_supported") {
        return Err(ShimError::SendsIss);
    }
    match listed(theirs, "code_challenge_methods_supported", &["S256"]) {
        Some(methods) if methods.is_empty() => Err(ShimError::NoS256),
        Some(_) | None => Ok(()),
    }
}

fn either(ours: bool, own: String, theirs: &Url) -> String {
    if ours { own } else { theirs.as_str().to_owned() }
}

fn says(theirs: &Map<String, Value>, member: &str) -> bool {
    theirs.get(member).and_then(Value::as_bool) == Some(true)
}

/// Those of `known` that a list names; none without a list.
fn listed(theirs: &Map<String, Value>, member: &str, known: &[&'static str]) -> Option<Vec<&'static str>> {
    let list = theirs.get(member)?.as_array()?;
    let named = |word: &&'static str| list.iter().any(|entry| entry.as_str() == Some(*word));
    Some(known.iter().copied().filter(named).collect())
}

/// For the fuzz target: what clients are told when an issuer says `theirs`, for a server at `https://mcp.example`.
#[cfg(any(test, fuzzing))]
pub(in crate::resource_server) fn fuzz_document(theirs: &[u8], options: ShimOptions) -> Option<String> {
    let face = Face {
        origin: "https://mcp.example".to_owned(),
        scopes: vec!["mcp:read".to_owned()],
        options,
        public_clients: false,
        http_hosts: HttpHosts::default(),
    };
    let theirs = verification_keys::json::parse_object(theirs).ok()?;
    face.read(&theirs).ok().map(|known| known.document)
}
