//! Whose tokens are taken: the issuer and its rules.

use jiff::SignedDuration;
use serving::settings::Problems;
use url::Url;
use verification_keys::{HttpHosts, Issuer};

use super::{filled, http_hosts, introspection, list};
use crate::cli::Cli;
use crate::resource_server::{AudienceRules, IssuerOptions, IssuerPlaces, Preset, ResourceIdentifier, Strictness};

const AUTH_SERVER: &str = "MCP_RESOURCE_AUTH_SERVER_URL";

pub(super) fn issuer(cli: &Cli, resource: &ResourceIdentifier, problems: &mut Problems) -> Option<IssuerOptions> {
    let trust = &cli.trust;
    let http_hosts = http_hosts(cli);
    let issuer = named_issuer(&trust.auth_server, &http_hosts, problems);
    let preset = problems.check("MCP_RESOURCE_PRESET", "use authz or generic", trust.preset.parse::<&'static Preset>());
    let fix = "use true, observe or false";
    let strictness = problems.check("MCP_RESOURCE_OAUTH_STRICT", fix, trust.oauth_strict.parse::<Strictness>());
    let max_token_lifetime = max_token_lifetime(trust.max_token_lifetime_seconds.as_ref(), problems);
    let places = places(cli, http_hosts, problems);
    let words = introspection::words(&cli.introspect, problems);
    let (issuer, preset, strictness, words) = (issuer?, preset?, strictness?, words?);
    let clients = list(&trust.allowed_clients);
    let audience = AudienceRules {
        strictness,
        resource: resource.clone(),
        also_accepted: list(&trust.audiences),
        allowed_clients: (!clients.is_empty()).then_some(clients),
    };
    let asked = introspection::Asked { strictness, issuer: &issuer, preset };
    let introspection = introspection::options(&cli.introspect, &words, &asked, problems);
    let opaque_tokens = introspection::opaque_tokens(&cli.introspect, &introspection, problems);
    Some(IssuerOptions { issuer, preset, audience, introspection, opaque_tokens, max_token_lifetime, places })
}

fn named_issuer(raw: &str, http_hosts: &HttpHosts, problems: &mut Problems) -> Option<Issuer> {
    if raw.contains(',') {
        problems.add(AUTH_SERVER, "more than one issuer is not available in this version", "name one issuer");
        return None;
    }
    let fix = "use the issuer's URL exactly as in its metadata; http is for loopback and MCP_RESOURCE_ALLOW_HTTP_HOSTS";
    problems.check(AUTH_SERVER, fix, Issuer::parse(raw, http_hosts))
}

fn max_token_lifetime(raw: Option<&String>, problems: &mut Problems) -> Option<SignedDuration> {
    let raw = filled(raw)?;
    let fix = "use a whole number of seconds, such as 86400";
    let seconds = problems.check("MCP_RESOURCE_MAX_TOKEN_LIFETIME_SECONDS", fix, raw.parse::<u32>())?;
    Some(SignedDuration::from_secs(i64::from(seconds)))
}

fn places(cli: &Cli, http_hosts: HttpHosts, problems: &mut Problems) -> IssuerPlaces {
    let mut url = |name, raw: Option<&String>| place(name, &filled(raw)?, &http_hosts, problems);
    let metadata = url("MCP_RESOURCE_METADATA_URL", cli.trust.metadata_url.as_ref());
    let jwks = url("MCP_RESOURCE_JWKS_URL", cli.trust.jwks_url.as_ref());
    let introspection = url("MCP_RESOURCE_INTROSPECT_URL", cli.introspect.url.as_ref());
    IssuerPlaces { metadata, jwks, introspection, http_hosts }
}

fn place(name: &'static str, raw: &str, http_hosts: &HttpHosts, problems: &mut Problems) -> Option<Url> {
    let url = problems.check(name, "use an absolute https URL", Url::parse(raw))?;
    if http_hosts.allows(&url) {
        return Some(url);
    }
    let fix = "use https, or list its host in MCP_RESOURCE_ALLOW_HTTP_HOSTS";
    problems.add(name, "neither https, nor http to loopback or a listed host", fix);
    None
}
