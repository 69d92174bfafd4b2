//! Whose tokens are taken: the issuers and their rules.

use jiff::SignedDuration;
use serving::settings::Problems;
use url::Url;
use verification_keys::{AllowedAlgorithms, HttpHosts, Issuer, SigningAlgorithm};

use super::{filled, introspection, list, shim, switch};
use crate::cli::{IntrospectArgs, ShimArgs, TrustArgs};
use crate::resource_server::{
    AudienceRules, IssuerOptions, IssuerPlaces, Preset, ResourceIdentifier, ScopeNames, Strictness, TENANT,
};

const AUTH_SERVER: &str = "MCP_RESOURCE_AUTH_SERVER_URL";

/// All settings about one issuer, as text.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) trust: &'a TrustArgs,
    pub(super) introspect: &'a IntrospectArgs,
    pub(super) shim: &'a ShimArgs,
}

/// Every issuer of the list, all with the same rules.
pub(super) fn issuers(
    raw: Raw<'_>,
    resource: &ResourceIdentifier,
    problems: &mut Problems,
) -> Option<Vec<IssuerOptions>> {
    let names = list(&raw.trust.auth_server);
    if names.is_empty() {
        problems.add(AUTH_SERVER, "names no issuer", "name the issuer whose tokens are taken");
    }
    if names.len() > 1 {
        check_places_of_one(raw, problems);
    }
    let mut found = Vec::new();
    for name in &names {
        let mut own = Problems::new();
        if let Some(options) = issuer(raw, name, resource, &mut own) {
            found.push(options);
        }
        // What is wrong with settings they share is said once.
        if let Err(all) = own.into_result(None::<()>) {
            for problem in all {
                problems.push_new(problem);
            }
        }
    }
    (found.len() == names.len()).then_some(found)
}

/// One issuer and its rules.
pub(super) fn issuer(
    raw: Raw<'_>,
    name: &str,
    resource: &ResourceIdentifier,
    problems: &mut Problems,
) -> Option<IssuerOptions> {
    let trust = raw.trust;
    let http_hosts = super::http_hosts(trust);
    let preset = problems.check("MCP_RESOURCE_PRESET", "use one of them", trust.preset.parse::<&'static Preset>());
    let issuer = named_issuer(name, preset, &http_hosts, problems);
    let fix = "use true, observe or false";
    let strictness = problems.check("MCP_RESOURCE_OAUTH_STRICT", fix, trust.oauth_strict.parse::<Strictness>());
    let max_token_lifetime = max_token_lifetime(trust.max_token_lifetime_seconds.as_ref(), problems);
    let algorithms = algorithms(&trust.algorithms, problems);
    let allow_missing_kid = switch("MCP_RESOURCE_ALLOW_MISSING_KID", trust.allow_missing_kid.as_deref(), problems);
    let places = places(raw, http_hosts, problems);
    let scope_names = scope_names(trust, problems);
    let words = introspection::words(raw.introspect, problems);
    let (issuer, preset, strictness, words) = (issuer?, preset?, strictness?, words?);
    let audience = audience(trust, (preset, strictness), resource, problems);
    let asked = introspection::Asked { strictness, issuer: &issuer, preset };
    let introspection = introspection::options(raw.introspect, &words, &asked, problems);
    let opaque_tokens = introspection::opaque_tokens(raw.introspect, preset, &introspection, problems);
    let shim = shim::options(raw.shim, preset, resource, problems);
    let options = IssuerOptions::new(issuer, preset, audience);
    let tenants = tenants(&options, &trust.tenants, problems);
    let algorithms = algorithms?;
    let unnamed_keys = allow_missing_kid.unwrap_or(options.unnamed_keys);
    Some(IssuerOptions {
        tenants,
        algorithms,
        unnamed_keys,
        scope_names,
        introspection,
        opaque_tokens,
        max_token_lifetime,
        places,
        shim,
        ..options
    })
}

fn check_places_of_one(raw: Raw<'_>, problems: &mut Problems) {
    let of_one = [
        ("MCP_RESOURCE_METADATA_URL", raw.trust.metadata_url.as_ref()),
        ("MCP_RESOURCE_JWKS_URL", raw.trust.jwks_url.as_ref()),
        ("MCP_RESOURCE_ALLOW_MISSING_KID", raw.trust.allow_missing_kid.as_ref()),
        ("MCP_RESOURCE_INTROSPECT_URL", raw.introspect.url.as_ref()),
        ("MCP_RESOURCE_INTROSPECT_CLIENT_ID", raw.introspect.client_id.as_ref()),
        ("MCP_RESOURCE_INTROSPECT_CLIENT_KEY", raw.introspect.client_key.as_ref()),
    ];
    for (name, _) in of_one.into_iter().filter(|(_, value)| filled(*value).is_some()) {
        let fix = "say it for each issuer in the file MCP_RESOURCE_CONFIG";
        problems.add(name, "is about one issuer, and there are several", fix);
    }
}

fn named_issuer(
    raw: &str,
    preset: Option<&'static Preset>,
    http_hosts: &HttpHosts,
    problems: &mut Problems,
) -> Option<Issuer> {
    let fix = "use the issuer's URL exactly as in its metadata; http is for loopback and MCP_RESOURCE_ALLOW_HTTP_HOSTS";
    let issuer = problems.check(AUTH_SERVER, fix, Issuer::parse(raw, http_hosts))?;
    if let Some(preset) = preset.filter(|preset| !raw.contains(preset.issuer_contains)) {
        let problem = format!("has no {}, so it has no tokens for others", preset.issuer_contains);
        problems.add(AUTH_SERVER, problem, format!("use an issuer such as {}", example(preset)));
    }
    if raw.contains(TENANT) && preset.is_some_and(|preset| preset.tenants.is_empty()) {
        problems.add(AUTH_SERVER, "has {tenantid}, which the preset does not know", "use MCP_RESOURCE_PRESET=entra");
    }
    Some(issuer)
}

fn example(preset: &Preset) -> &'static str {
    preset.recipe.here.first().map_or("", |(_, value)| value)
}

fn audience(
    trust: &TrustArgs,
    (preset, strictness): (&'static Preset, Strictness),
    resource: &ResourceIdentifier,
    problems: &mut Problems,
) -> AudienceRules {
    let also_accepted = list(&trust.audiences);
    if let Some(shared) = also_accepted.iter().find(|value| preset.shared_audiences.contains(&value.as_str())) {
        let problem = format!("{shared} stands on tokens for anything at this issuer");
        problems.add("MCP_RESOURCE_AUDIENCES", problem, "name what stands on tokens for this server only");
    }
    let clients = list(&trust.allowed_clients);
    let allowed_clients = (!clients.is_empty()).then_some(clients);
    AudienceRules { strictness, resource: resource.clone(), also_accepted, allowed_clients }
}

fn tenants(options: &IssuerOptions, raw: &str, problems: &mut Problems) -> Vec<String> {
    const NAME: &str = "MCP_RESOURCE_TENANTS";
    let tenants = list(raw);
    let plain = |tenant: &String| tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !tenants.iter().all(plain) {
        problems.add(NAME, "not a list of tenant ids", "use the ids of tenants, not their domains, comma-separated");
    }
    match (options.is_template(), tenants.is_empty()) {
        (true, true) => {
            problems.add(NAME, "missing, and the issuer has {tenantid}", "list the tenants that may come in");
        }
        (false, false) => {
            let fix = "put {tenantid} into MCP_RESOURCE_AUTH_SERVER_URL, or remove it";
            problems.add(NAME, "is there, but the issuer has no {tenantid}", fix);
        }
        (true, false) | (false, true) => {}
    }
    tenants
}

fn algorithms(raw: &str, problems: &mut Problems) -> Option<AllowedAlgorithms> {
    const NAME: &str = "MCP_RESOURCE_ALGORITHMS";
    const FIX: &str = "use some of RS256, PS256, ES256, EdDSA, comma-separated";
    let names = list(raw);
    if names.is_empty() {
        problems.add(NAME, "names no algorithm", FIX);
    }
    names.iter().map(|name| problems.check(NAME, FIX, name.parse::<SigningAlgorithm>())).collect()
}

fn scope_names(trust: &TrustArgs, problems: &mut Problems) -> ScopeNames {
    const NAME: &str = "MCP_RESOURCE_SCOPE_MAP";
    let mut renamed = Vec::new();
    for pair in list(&trust.scope_map) {
        match pair.split_once('=') {
            Some((ours, theirs)) if is_scope(ours) && is_scope(theirs) => {
                renamed.push((ours.to_owned(), theirs.to_owned()));
            }
            _ => problems.add(NAME, "not a list of ours=theirs", "write it as in mcp:read=Tools.Read"),
        }
    }
    if !trust.scope_prefix.is_empty() && !is_scope(&trust.scope_prefix) {
        let fix = "use what stands before the name of a scope, as in api://my-api/";
        problems.add("MCP_RESOURCE_SCOPE_PREFIX", "has characters that no scope has", fix);
    }
    ScopeNames { prefix: trust.scope_prefix.clone(), renamed, more_claims: list(&trust.scope_claims) }
}

/// RFC 6749 §3.3: the characters of a scope token.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

fn max_token_lifetime(raw: Option<&String>, problems: &mut Problems) -> Option<SignedDuration> {
    let raw = filled(raw)?;
    let fix = "use a whole number of seconds, such as 86400";
    let seconds = problems.check("MCP_RESOURCE_MAX_TOKEN_LIFETIME_SECONDS", fix, raw.parse::<u32>())?;
    Some(SignedDuration::from_secs(i64::from(seconds)))
}

fn places(raw: Raw<'_>, http_hosts: HttpHosts, problems: &mut Problems) -> IssuerPlaces {
    let mut url = |name, raw: Option<&String>| place(name, &filled(raw)?, &http_hosts, problems);
    let metadata = url("MCP_RESOURCE_METADATA_URL", raw.trust.metadata_url.as_ref());
    let jwks = url("MCP_RESOURCE_JWKS_URL", raw.trust.jwks_url.as_ref());
    let introspection = url("MCP_RESOURCE_INTROSPECT_URL", raw.introspect.url.as_ref());
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
