//! From an issuer to its keys and endpoints: authorization server metadata (RFC 8414 §3) or `OpenID` Connect
//! Discovery, in the order of the MCP specification. The document must name the very issuer that was asked for.

use serde_json::{Map, Value};
use url::Url;

use crate::{
    http::{self, CallError, Client},
    issuer::{HttpHosts, Issuer},
    json,
};

/// The longest metadata document that is read, in bytes.
pub const MAX_METADATA_BYTES: usize = 256 * 1024;

/// What a resource server wants to know of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerMetadata {
    /// The issuer, identical to the one asked for.
    pub issuer: Issuer,
    /// Where its public keys are.
    pub jwks_uri: Url,
    /// Where it introspects tokens (RFC 7662), if it does.
    pub introspection_endpoint: Option<Url>,
    /// Where it tells about the person of a token (`OpenID` Connect Core §5.3), if it does and may be spoken to.
    pub userinfo_endpoint: Option<Url>,
}

/// What configuration says instead of, or beside, the document. None of it changes the expected issuer.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The only place to look for the document.
    pub metadata_url: Option<Url>,
    /// Where the keys are, whatever the document says.
    pub jwks_uri: Option<Url>,
    /// Where tokens are introspected, whatever the document says.
    pub introspection_endpoint: Option<Url>,
    /// Origins, besides the issuer's own, that the document may name for the keys, as in `https://keys.example`.
    pub jwks_origins: Vec<String>,
    /// The hosts that may be spoken to without TLS.
    pub http_hosts: HttpHosts,
}

/// Why an issuer's metadata could not be had.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The host did not answer.
    #[error("no answer from {url}")]
    NoAnswer {
        /// What was asked.
        url: Url,
        /// What went wrong.
        source: CallError,
    },
    /// No place held a document.
    #[error("no metadata document found; tried {}", list(.0))]
    NotFound(Vec<Attempt>),
    /// The document is of another issuer (RFC 8414 §3.3: it MUST NOT be used).
    #[error("the document at {url} is of the issuer {found:?}, not of {expected:?}")]
    IssuerMismatch {
        /// Where the document was.
        url: Url,
        /// The configured issuer.
        expected: Box<str>,
        /// The document's `issuer`.
        found: Box<str>,
    },
    /// A URL in the document is missing, no URL, or may not be spoken to.
    #[error("{member} in the document at {url} is {problem}")]
    BadEndpoint {
        /// Where the document was.
        url: Url,
        /// The member's name.
        member: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An overriding URL is neither https nor http to an allowed host.
    #[error("{0} may not be fetched: https is needed, or a host that is allowed for http")]
    InsecureOverride(Url),
}

/// A place that held no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What was asked.
    pub url: Url,
    /// Why it did not do.
    pub problem: NoDocument,
}

/// Why an answer is no metadata document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDocument {
    /// Any status but 200; redirects are not followed.
    #[error("status {0}")]
    Status(u16),
    /// Longer than [`MAX_METADATA_BYTES`].
    #[error("too long")]
    TooLarge,
    /// Not a JSON object with an `issuer`.
    #[error("not a metadata document")]
    NotMetadata,
}

/// Finds, fetches and checks the metadata of `issuer`.
///
/// # Errors
/// The first thing that must not be passed over; see [`MetadataError`].
pub async fn discover(
    client: &Client,
    issuer: &Issuer,
    overrides: &Overrides,
) -> Result<IssuerMetadata, MetadataError> {
    let (url, members) = find(client, issuer, overrides).await?;
    Found { url, document: Document::of(&members) }.check(issuer, overrides)
}

/// Finds and fetches the whole document of `issuer`. Nothing is checked but that it is of this issuer: whoever uses a
/// member checks it.
///
/// # Errors
/// The first thing that must not be passed over; see [`MetadataError`].
pub async fn document(client: &Client, issuer: &Issuer, overrides: &Overrides) -> Result<Members, MetadataError> {
    let (url, members) = find(client, issuer, overrides).await?;
    Found { url, document: Document::of(&members) }.is_of(issuer)?;
    Ok(members)
}

async fn find(client: &Client, issuer: &Issuer, overrides: &Overrides) -> Result<(Url, Members), MetadataError> {
    let own = [&overrides.metadata_url, &overrides.jwks_uri, &overrides.introspection_endpoint];
    if let Some(url) = own.into_iter().flatten().find(|url| !overrides.http_hosts.allows(url)) {
        return Err(MetadataError::InsecureOverride(url.clone()));
    }
    let places = overrides.metadata_url.clone().map_or_else(|| well_known_urls(issuer), |url| vec![url]);
    let mut attempts = Vec::new();
    for url in places {
        match fetch(client, &url).await? {
            Ok(members) => return Ok((url, members)),
            Err(problem) => attempts.push(Attempt { url, problem }),
        }
    }
    Err(MetadataError::NotFound(attempts))
}

/// Where an issuer's document may be, in the order of asking: RFC 8414 §3.1 with the path inserted, `OpenID`
/// Connect with the path inserted, `OpenID` Connect with the path in front (RFC 8414 §5).
#[must_use]
pub fn well_known_urls(issuer: &Issuer) -> Vec<Url> {
    let path = issuer.url().path().trim_end_matches('/');
    let mut paths = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        paths.push(format!("{path}/.well-known/openid-configuration"));
    }
    let at = |path: String| {
        let mut url = issuer.url().clone();
        url.set_path(&path);
        url
    };
    paths.into_iter().map(at).collect()
}

type Members = Map<String, Value>;

async fn fetch(client: &Client, url: &Url) -> Result<Result<Members, NoDocument>, MetadataError> {
    let answer = match http::get_limited(client, url, "application/json", MAX_METADATA_BYTES).await {
        Ok(answer) => answer,
        Err(CallError::TooLarge(_)) => return Ok(Err(NoDocument::TooLarge)),
        // The other places are on the same host: asking them too would only make the wait longer.
        Err(source) => return Err(MetadataError::NoAnswer { url: url.clone(), source }),
    };
    if answer.status != reqwest::StatusCode::OK {
        return Ok(Err(NoDocument::Status(answer.status.as_u16())));
    }
    Ok(members(&answer.body).ok_or(NoDocument::NotMetadata))
}

/// A metadata document is an object with an issuer.
fn members(body: &[u8]) -> Option<Members> {
    json::parse_object(body).ok().filter(|members| members.get("issuer").is_some_and(Value::is_string))
}

/// The members of interest, as they stand in the document.
pub(crate) struct Document {
    issuer: String,
    jwks_uri: Option<String>,
    introspection_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
}

impl Document {
    #[cfg(any(test, fuzzing))]
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        members(body).map(|members| Self::of(&members))
    }

    fn of(members: &Members) -> Self {
        let text = |name| Some(members.get(name)?.as_str()?.to_owned());
        Self {
            issuer: text("issuer").unwrap_or_default(),
            jwks_uri: text("jwks_uri"),
            introspection_endpoint: text("introspection_endpoint"),
            userinfo_endpoint: text("userinfo_endpoint"),
        }
    }
}

/// A document and where it was.
pub(crate) struct Found {
    pub(crate) url: Url,
    pub(crate) document: Document,
}

impl Found {
    pub(crate) fn check(self, issuer: &Issuer, overrides: &Overrides) -> Result<IssuerMetadata, MetadataError> {
        self.is_of(issuer)?;
        let jwks_uri = match &overrides.jwks_uri {
            Some(url) => url.clone(),
            None => self.jwks_uri(issuer, overrides)?,
        };
        let introspection_endpoint = match (&overrides.introspection_endpoint, &self.document.introspection_endpoint) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(raw)) => Some(self.endpoint("introspection_endpoint", raw, &overrides.http_hosts)?),
            (None, None) => None,
        };
        // Nothing depends on it: a bad one is none.
        let raw = self.document.userinfo_endpoint.as_deref();
        let userinfo_endpoint = raw.and_then(|raw| self.endpoint("userinfo_endpoint", raw, &overrides.http_hosts).ok());
        Ok(IssuerMetadata { issuer: issuer.clone(), jwks_uri, introspection_endpoint, userinfo_endpoint })
    }

    /// RFC 8414 §3.3: identical as strings.
    fn is_of(&self, issuer: &Issuer) -> Result<(), MetadataError> {
        let found = self.document.issuer.as_str();
        if found == issuer.as_str() {
            return Ok(());
        }
        let (expected, found) = (issuer.as_str().into(), found.into());
        Err(MetadataError::IssuerMismatch { url: self.url.clone(), expected, found })
    }

    fn jwks_uri(&self, issuer: &Issuer, overrides: &Overrides) -> Result<Url, MetadataError> {
        const MEMBER: &str = "jwks_uri";
        let raw = self.document.jwks_uri.as_deref().ok_or_else(|| self.bad(MEMBER, "missing"))?;
        let url = self.endpoint(MEMBER, raw, &overrides.http_hosts)?;
        let origin = url.origin();
        let listed = || overrides.jwks_origins.contains(&origin.ascii_serialization());
        if origin != issuer.url().origin() && !listed() {
            return Err(self.bad(MEMBER, "on another origin than the issuer"));
        }
        Ok(url)
    }

    fn endpoint(&self, member: &'static str, raw: &str, http_hosts: &HttpHosts) -> Result<Url, MetadataError> {
        let url = Url::parse(raw).map_err(|_| self.bad(member, "not a URL"))?;
        if http_hosts.allows(&url) {
            Ok(url)
        } else {
            Err(self.bad(member, "neither https nor on a host that is allowed for http"))
        }
    }

    fn bad(&self, member: &'static str, problem: &'static str) -> MetadataError {
        MetadataError::BadEndpoint { url: self.url.clone(), member, problem }
    }
}

fn list(attempts: &[Attempt]) -> String {
    attempts.iter().map(|attempt| format!("{} ({})", attempt.url, attempt.problem)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_in_the_order_of_the_specification() {
        let urls = |raw: &str| -> Vec<String> {
            let issuer = Issuer::parse(raw, &HttpHosts::default()).unwrap();
            well_known_urls(&issuer).iter().map(ToString::to_string).collect()
        };
        let root = [
            "https://a.example/.well-known/oauth-authorization-server",
            "https://a.example/.well-known/openid-configuration",
        ];
        assert_eq!(urls("https://a.example"), root);
        assert_eq!(urls("https://a.example/"), root);
        let tenant = [
            "https://a.example:8443/.well-known/oauth-authorization-server/tenant/1",
            "https://a.example:8443/.well-known/openid-configuration/tenant/1",
            "https://a.example:8443/tenant/1/.well-known/openid-configuration",
        ];
        assert_eq!(urls("https://a.example:8443/tenant/1"), tenant);
        assert_eq!(urls("https://a.example:8443/tenant/1/"), tenant);
    }
}
