//! The way to a token, from its settings; what belongs to another way is a contradiction, not ignored.

use ring::rand::SystemRandom;
use serving::settings::Problems;
use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::given;
use crate::{
    cli::{GrantSettings, Settings},
    oauth::{
        assertion::AssertionKey,
        client::{ClientCredentials, ClientSecret},
        endpoint::Endpoint,
        grant::{Grant, GrantName, IdentityProvider},
        signing::SigningKey,
    },
};

const KEY: &str = "MCP_CLIENT_PRIVATE_KEY";

/// The way that is set.
pub(super) fn grant(raw: &GrantSettings, problems: &mut Problems) -> Option<Grant> {
    let fix = format!("use {}", GrantName::ALL.map(GrantName::as_str).join(", "));
    let name = match given(raw.grant.as_ref()) {
        None => GrantName::default(),
        Some(name) => {
            let parsed = GrantName::parse(name).ok_or_else(|| format!("there is no grant {name:?}"));
            problems.check("MCP_CLIENT_GRANT", &fix, parsed)?
        }
    };
    out_of_place(raw, name, problems);
    match name {
        GrantName::AuthorizationCode => Some(Grant::AuthorizationCode),
        GrantName::DeviceCode => Some(Grant::DeviceCode),
        GrantName::ClientCredentials => Some(Grant::ClientCredentials),
        GrantName::WorkloadIdentity => {
            let file = needed("MCP_CLIENT_ASSERTION_FILE", file(raw.assertion_file.as_ref()), name, problems);
            file.map(Grant::WorkloadIdentity)
        }
        GrantName::Enterprise => identity_provider(raw, problems).map(|provider| Grant::Enterprise(Box::new(provider))),
    }
}

/// The key of the registered client.
pub(super) fn private_key(settings: &Settings, problems: &mut Problems) -> Option<AssertionKey> {
    const FIX: &str = "name a file with an RSA key of at least 2048 bits, or a P-256 key, in PEM (PKCS#8, as \
                       `openssl genpkey` and `openssl pkcs8 -topk8 -nocrypt` write it)";
    let raw = &settings.grant;
    let id = given(raw.client_private_key_id.as_ref()).map(str::to_owned);
    let Some(file) = file(raw.client_private_key.as_ref()) else {
        if id.is_some() {
            problems.add(
                "MCP_CLIENT_PRIVATE_KEY_ID",
                "it names a key, and there is none",
                format!("set {KEY} as well"),
            );
        }
        return None;
    };
    if given(settings.client_id.as_ref()).is_none() {
        problems.add(KEY, "it is no client's, because there is no MCP_CLIENT_ID", "set MCP_CLIENT_ID to its client");
    }
    let pem = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()));
    #[expect(clippy::disallowed_methods, reason = "the settings are read at the edge of the process")]
    let random = SystemRandom::new();
    let key = SigningKey::from_pem(&problems.check(KEY, FIX, pem)?, &random);
    Some(AssertionKey { key: problems.check(KEY, FIX, key)?, id })
}

fn identity_provider(raw: &GrantSettings, problems: &mut Problems) -> Option<IdentityProvider> {
    let name = GrantName::Enterprise;
    let issuer = needed("MCP_CLIENT_IDP_ISSUER", given(raw.idp_issuer.as_ref()), name, problems).and_then(|issuer| {
        let fix = "use the identity provider's issuer, exactly as it publishes it";
        problems.check("MCP_CLIENT_IDP_ISSUER", fix, Endpoint::parse(issuer))
    });
    let id = needed("MCP_CLIENT_IDP_ID", given(raw.idp_id.as_ref()), name, problems);
    let id_token = needed("MCP_CLIENT_IDP_TOKEN_FILE", file(raw.idp_token_file.as_ref()), name, problems);
    let secret = given(raw.idp_secret.as_ref()).and_then(ClientSecret::new);
    Some(IdentityProvider {
        issuer: issuer?,
        client: ClientCredentials { id: id?.to_owned(), secret },
        id_token: id_token?,
    })
}

/// Says so when a setting is there that the chosen way has no use for: somebody thinks that it is at work.
fn out_of_place(raw: &GrantSettings, chosen: GrantName, problems: &mut Problems) {
    let idp = GrantName::Enterprise;
    for (name, is_set, belongs_to) in [
        ("MCP_CLIENT_ASSERTION_FILE", file(raw.assertion_file.as_ref()).is_some(), GrantName::WorkloadIdentity),
        ("MCP_CLIENT_IDP_ISSUER", given(raw.idp_issuer.as_ref()).is_some(), idp),
        ("MCP_CLIENT_IDP_ID", given(raw.idp_id.as_ref()).is_some(), idp),
        ("MCP_CLIENT_IDP_SECRET", given(raw.idp_secret.as_ref()).is_some(), idp),
        ("MCP_CLIENT_IDP_TOKEN_FILE", file(raw.idp_token_file.as_ref()).is_some(), idp),
    ] {
        if is_set && chosen != belongs_to {
            let problem = format!("it belongs to the grant {belongs_to}, and MCP_CLIENT_GRANT says {chosen}");
            problems.add(name, problem, format!("set MCP_CLIENT_GRANT={belongs_to}, or leave it out"));
        }
    }
}

fn needed<T>(name: &'static str, value: Option<T>, grant: GrantName, problems: &mut Problems) -> Option<T> {
    if value.is_none() {
        problems.add(name, "it is missing", format!("set it, because MCP_CLIENT_GRANT={grant} needs it"));
    }
    value
}

fn file(raw: Option<&PathBuf>) -> Option<PathBuf> {
    raw.filter(|file| !file.as_os_str().is_empty()).cloned()
}

/// The settings in effect, one a line, without secrets.
pub(super) fn print(
    f: &mut fmt::Formatter<'_>,
    grant: &Grant,
    key: Option<&AssertionKey>,
    key_file: Option<&Path>,
) -> fmt::Result {
    let (assertion, provider) = match grant {
        Grant::AuthorizationCode | Grant::DeviceCode | Grant::ClientCredentials => (None, None),
        Grant::WorkloadIdentity(file) => (Some(file), None),
        Grant::Enterprise(provider) => (None, Some(provider)),
    };
    let shown = |file: Option<&Path>| file.unwrap_or(Path::new("")).display().to_string();
    writeln!(f, "MCP_CLIENT_GRANT={}", grant.name())?;
    writeln!(f, "MCP_CLIENT_PRIVATE_KEY={}", shown(key_file))?;
    writeln!(f, "MCP_CLIENT_PRIVATE_KEY_ID={}", key.and_then(|key| key.id.as_deref()).unwrap_or_default())?;
    writeln!(f, "MCP_CLIENT_ASSERTION_FILE={}", shown(assertion.map(PathBuf::as_path)))?;
    writeln!(f, "MCP_CLIENT_IDP_ISSUER={}", provider.map_or("", |provider| provider.issuer.as_str()))?;
    writeln!(f, "MCP_CLIENT_IDP_ID={}", provider.map_or("", |provider| provider.client.id.as_str()))?;
    let secret = provider.and_then(|provider| provider.client.secret.as_ref());
    writeln!(f, "MCP_CLIENT_IDP_SECRET={}", if secret.is_some() { "***" } else { "" })?;
    writeln!(f, "MCP_CLIENT_IDP_TOKEN_FILE={}", shown(provider.map(|provider| provider.id_token.as_path())))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, tests::config};
    use super::*;
    use crate::oauth::{sign_in::ClientChoice, testing::p256_pem};

    #[expect(clippy::unnecessary_wraps, reason = "settings are optional, and this is one that is given")]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn with(grant: GrantSettings) -> Result<Config, Vec<&'static str>> {
        let config = config(Settings { grant, ..Settings::default() });
        config.map_err(|problems| problems.iter().map(|problem| problem.name).collect())
    }

    fn enterprise() -> GrantSettings {
        GrantSettings {
            grant: some("enterprise"),
            idp_issuer: some("https://idp.example"),
            idp_id: some("at-the-idp"),
            idp_secret: some("idp-s3cr3t"),
            idp_token_file: Some("id-token".into()),
            ..GrantSettings::default()
        }
    }

    #[test]
    fn a_grant_has_a_name_and_the_default_is_a_person_with_a_browser() {
        assert_eq!(with(GrantSettings::default()).unwrap().sign_in.grant, Grant::AuthorizationCode);
        for (name, grant) in [("", Grant::AuthorizationCode), ("client-credentials", Grant::ClientCredentials)] {
            let raw = GrantSettings { grant: some(name), ..GrantSettings::default() };
            assert_eq!(with(raw).unwrap().sign_in.grant, grant);
        }
        let unknown = GrantSettings { grant: some("password"), ..GrantSettings::default() };
        assert_eq!(with(unknown).unwrap_err(), ["MCP_CLIENT_GRANT"]);
    }

    #[test]
    fn what_a_grant_needs_is_asked_for_together() {
        let bare = |name: &str| with(GrantSettings { grant: some(name), ..GrantSettings::default() });
        assert_eq!(bare("workload-identity").unwrap_err(), ["MCP_CLIENT_ASSERTION_FILE"]);
        let missing = ["MCP_CLIENT_IDP_ISSUER", "MCP_CLIENT_IDP_ID", "MCP_CLIENT_IDP_TOKEN_FILE"];
        assert_eq!(bare("enterprise").unwrap_err(), missing);
        let plain = GrantSettings { idp_issuer: some("http://idp.example"), ..enterprise() };
        assert_eq!(with(plain).unwrap_err(), ["MCP_CLIENT_IDP_ISSUER"]);
    }

    #[test]
    fn a_setting_of_another_grant_is_a_contradiction() {
        let stray = GrantSettings { grant: None, ..enterprise() };
        let named =
            ["MCP_CLIENT_IDP_ISSUER", "MCP_CLIENT_IDP_ID", "MCP_CLIENT_IDP_SECRET", "MCP_CLIENT_IDP_TOKEN_FILE"];
        assert_eq!(with(stray).unwrap_err(), named);
        let key_without_file = GrantSettings { client_private_key_id: some("k"), ..GrantSettings::default() };
        assert_eq!(with(key_without_file).unwrap_err(), ["MCP_CLIENT_PRIVATE_KEY_ID"]);
    }

    #[test]
    fn a_workload_is_nobody_unless_it_is_registered() {
        let raw = || GrantSettings {
            grant: some("workload-identity"),
            assertion_file: Some("/var/run/token".into()),
            ..GrantSettings::default()
        };
        assert_eq!(with(raw()).unwrap().sign_in.client, ClientChoice::Nobody { issuer: None });
        let at_home = Settings { grant: raw(), client_issuer: some("https://auth.example"), ..Settings::default() };
        let home = Some(Endpoint::parse("https://auth.example").unwrap());
        assert_eq!(config(at_home).unwrap().sign_in.client, ClientChoice::Nobody { issuer: home });
        let named = config(Settings { grant: raw(), client_id: some("w"), ..Settings::default() }).unwrap();
        assert!(matches!(named.sign_in.client, ClientChoice::PreRegistered { .. }));
    }

    #[test]
    fn a_private_key_is_read_at_the_start_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("key.pem"), folder.path().join("bad.pem"));
        std::fs::write(&good, p256_pem()).unwrap();
        std::fs::write(&bad, "hush").unwrap();
        let key = |file: &Path| {
            let grant = GrantSettings {
                client_private_key: Some(file.to_owned()),
                client_private_key_id: some("k1"),
                ..GrantSettings::default()
            };
            let config = config(Settings { grant, client_id: some("robot"), ..Settings::default() });
            config.map_err(|problems| problems.iter().map(|problem| problem.name).collect::<Vec<_>>())
        };
        let config = key(&good).unwrap();
        let read = config.sign_in.private_key.as_ref().unwrap();
        assert_eq!((read.key.algorithm(), read.id.as_deref()), ("ES256", Some("k1")));
        assert!(config.to_string().contains(&format!("MCP_CLIENT_PRIVATE_KEY={}\n", good.display())));
        for file in [&bad, Path::new("/nonexistent.pem")] {
            assert_eq!(key(file).unwrap_err(), ["MCP_CLIENT_PRIVATE_KEY"]);
        }
        let nobodys = GrantSettings { client_private_key: Some(good), ..GrantSettings::default() };
        assert_eq!(with(nobodys).unwrap_err(), ["MCP_CLIENT_PRIVATE_KEY"]);
    }

    #[test]
    fn the_printed_settings_hold_no_secret_of_the_identity_provider() {
        let printed = with(enterprise()).unwrap().to_string();
        for line in ["MCP_CLIENT_GRANT=enterprise\n", "MCP_CLIENT_IDP_ID=at-the-idp\n", "MCP_CLIENT_IDP_SECRET=***\n"] {
            assert!(printed.contains(line), "{line}: {printed}");
        }
        assert!(!printed.contains("idp-s3cr3t"));
    }
}
