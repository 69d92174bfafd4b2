//! `--print-config`: the settings in effect, as they could stand in `.env`; secrets as `***`.

use std::fmt;

use verification_keys::SigningAlgorithm;

use super::{Config, Transport};
use crate::resource_server::{IssuerOptions, Proof, ScopeNames, ShimClient, ShimOptions};

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        writeln!(f, "MCP_RESOURCE_HOST={}", self.host)?;
        writeln!(f, "MCP_RESOURCE_PORT={}", self.port)?;
        writeln!(f, "MCP_RESOURCE_PUBLIC_URL={}", options.resource)?;
        writeln!(f, "MCP_RESOURCE_BEHIND_TLS_PROXY={}", self.behind_tls_proxy)?;
        writeln!(f, "MCP_RESOURCE_TRANSPORT={}", self.transport.as_str())?;
        let is_stdio = matches!(self.transport, Transport::Stdio { .. });
        writeln!(f, "MCP_ACCESS_TOKEN={}", if is_stdio { "***" } else { "" })?;
        writeln!(f, "MCP_RESOURCE_ALLOWED_HOSTS={}", options.allowed_hosts.join(","))?;
        writeln!(f, "MCP_RESOURCE_ALLOWED_ORIGINS={}", options.allowed_origins.join(","))?;
        let metrics_port = self.metrics_port.map(|port| port.to_string()).unwrap_or_default();
        writeln!(f, "MCP_RESOURCE_METRICS_PORT={metrics_port}")?;
        writeln!(f, "MCP_RESOURCE_SCOPE_HIERARCHY={}", self.scopes.hierarchy)?;
        writeln!(f, "MCP_RESOURCE_HIDE_TOOLS={}", if self.scopes.hide_tools { "on" } else { "off" })?;
        writeln!(f, "MCP_RESOURCE_AUDIT_LOG={}", self.audit)?;
        writeln!(f, "MCP_RESOURCE_USERINFO={}", if options.user_info { "on" } else { "off" })?;
        writeln!(f, "MCP_RESOURCE_DATABASE_URL={}", self.storage.database_url)?;
        let quota = self.storage.monthly_quota.map_or_else(|| "off".to_owned(), |quota| quota.to_string());
        writeln!(f, "MCP_RESOURCE_MONTHLY_QUOTA={quota}")?;
        write!(f, "{}", self.file)?;
        let advertised = options.advertised_issuers.as_deref().unwrap_or_default();
        writeln!(f, "MCP_RESOURCE_ADVERTISED_AUTH_SERVERS={}", advertised.join(","))?;
        let several = options.issuers.len() > 1;
        for issuer in &options.issuers {
            if several {
                writeln!(f, "# [[issuer]]")?;
            }
            issuer_settings(f, issuer)?;
        }
        write!(f, "{}", self.serving)
    }
}

fn issuer_settings(f: &mut fmt::Formatter<'_>, issuer: &IssuerOptions) -> fmt::Result {
    let audience = &issuer.audience;
    let clients = audience.allowed_clients.as_deref().unwrap_or_default();
    let lifetime = issuer.max_token_lifetime.unwrap_or(issuer.preset.max_token_lifetime);
    let url = |url: &Option<url::Url>| url.as_ref().map(ToString::to_string).unwrap_or_default();
    writeln!(f, "MCP_RESOURCE_AUTH_SERVER_URL={}", issuer.issuer)?;
    writeln!(f, "MCP_RESOURCE_TENANTS={}", issuer.tenants.join(","))?;
    writeln!(f, "MCP_RESOURCE_PRESET={}", issuer.preset.name)?;
    writeln!(f, "MCP_RESOURCE_OAUTH_STRICT={}", audience.strictness.as_str())?;
    writeln!(f, "MCP_RESOURCE_AUDIENCES={}", audience.also_accepted.join(","))?;
    writeln!(f, "MCP_RESOURCE_ALLOWED_CLIENTS={}", clients.join(","))?;
    writeln!(f, "MCP_RESOURCE_MAX_TOKEN_LIFETIME_SECONDS={}", lifetime.as_secs())?;
    writeln!(f, "MCP_RESOURCE_ALGORITHMS={}", algorithms(issuer))?;
    writeln!(f, "MCP_RESOURCE_ALLOW_MISSING_KID={}", if issuer.unnamed_keys { "on" } else { "off" })?;
    scope_settings(f, &issuer.scope_names)?;
    writeln!(f, "MCP_RESOURCE_METADATA_URL={}", url(&issuer.places.metadata))?;
    writeln!(f, "MCP_RESOURCE_JWKS_URL={}", url(&issuer.places.jwks))?;
    writeln!(f, "MCP_RESOURCE_ALLOW_HTTP_HOSTS={}", issuer.places.http_hosts)?;
    introspection_settings(f, issuer)?;
    shim_settings(f, issuer.shim.as_ref())
}

fn algorithms(issuer: &IssuerOptions) -> String {
    let all = [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];
    let allowed = all.into_iter().filter(|&algorithm| issuer.algorithms.contains(algorithm));
    allowed.map(SigningAlgorithm::as_str).collect::<Vec<_>>().join(",")
}

fn scope_settings(f: &mut fmt::Formatter<'_>, names: &ScopeNames) -> fmt::Result {
    let pairs: Vec<String> = names.renamed.iter().map(|(ours, theirs)| format!("{ours}={theirs}")).collect();
    writeln!(f, "MCP_RESOURCE_SCOPE_PREFIX={}", names.prefix)?;
    writeln!(f, "MCP_RESOURCE_SCOPE_MAP={}", pairs.join(","))?;
    writeln!(f, "MCP_RESOURCE_SCOPE_CLAIMS={}", names.more_claims.join(","))
}

fn introspection_settings(f: &mut fmt::Formatter<'_>, issuer: &IssuerOptions) -> fmt::Result {
    let introspection = &issuer.introspection;
    let url = issuer.places.introspection.as_ref().map(ToString::to_string).unwrap_or_default();
    writeln!(f, "MCP_RESOURCE_INTROSPECT={}", introspection.mode.as_str())?;
    writeln!(f, "MCP_RESOURCE_INTROSPECT_URL={url}")?;
    if let Some(credentials) = &introspection.credentials {
        writeln!(f, "MCP_RESOURCE_INTROSPECT_CLIENT_ID={}", credentials.client_id)?;
        let (secret, key, key_id) = match &credentials.proof {
            Proof::Basic(_) | Proof::Post(_) => ("***", "", ""),
            Proof::PrivateKeyJwt(key) => ("", "***", key.key_id().unwrap_or_default()),
            Proof::Nobody => ("", "", ""),
        };
        writeln!(f, "MCP_RESOURCE_INTROSPECT_CLIENT_SECRET={secret}")?;
        writeln!(f, "MCP_RESOURCE_INTROSPECT_CLIENT_KEY={key}")?;
        writeln!(f, "MCP_RESOURCE_INTROSPECT_CLIENT_KEY_ID={key_id}")?;
        writeln!(f, "MCP_RESOURCE_INTROSPECT_CLIENT_METHOD={}", credentials.proof.method().as_str())?;
    }
    writeln!(f, "MCP_RESOURCE_INTROSPECT_CACHE_SECONDS={}", introspection.cache.as_secs())?;
    writeln!(f, "MCP_RESOURCE_OPAQUE_TOKENS={}", if issuer.opaque_tokens { "on" } else { "off" })
}

fn shim_settings(f: &mut fmt::Formatter<'_>, shim: Option<&ShimOptions>) -> fmt::Result {
    let client = shim.and_then(|shim| shim.client.as_ref());
    let of_client = |read: fn(&ShimClient) -> String| client.map(read).unwrap_or_default();
    let uris = |client: &ShimClient| client.redirect_uris.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    writeln!(f, "MCP_RESOURCE_METADATA_SHIM={}", if shim.is_some() { "on" } else { "off" })?;
    writeln!(f, "MCP_RESOURCE_METADATA_SHIM_CLIENT_ID={}", of_client(|client| client.client_id.clone()))?;
    writeln!(f, "MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS={}", of_client(uris))?;
    let drop_resource = shim.map_or("", |shim| if shim.drop_resource { "on" } else { "off" });
    writeln!(f, "MCP_RESOURCE_METADATA_SHIM_DROP_RESOURCE={drop_resource}")?;
    let add_audience = shim.map_or("", |shim| shim.add_audience.as_deref().unwrap_or("off"));
    writeln!(f, "MCP_RESOURCE_METADATA_SHIM_ADD_AUDIENCE={add_audience}")
}
