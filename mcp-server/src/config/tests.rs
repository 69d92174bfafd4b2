//! Settings → configuration, through the real command line.

use clap::Parser as _;

use super::*;
use crate::resource_server::{AuthenticationMethod, IntrospectionMode};

fn config(args: &[&str]) -> Result<Config, Vec<InvalidSetting>> {
    let cli = Cli::try_parse_from(["mcp-server"].iter().chain(args)).unwrap();
    Config::try_from(cli)
}

fn problems(args: &[&str]) -> Vec<&'static str> {
    config(args).map(|_| ()).unwrap_err().iter().map(|problem| problem.name).collect()
}

#[test]
fn the_defaults_are_those_of_the_demo() {
    let config = config(&[]).unwrap();
    assert_eq!((config.host.as_str(), config.port), ("localhost", 8001));
    assert_eq!(config.options.resource.as_str(), "http://localhost:8001/mcp");
    let issuer = &config.options.issuers[0];
    assert_eq!(issuer.issuer.as_str(), "http://localhost:9000");
    assert_eq!(issuer.audience.strictness, Strictness::True);
    assert_eq!(issuer.introspection.mode, IntrospectionMode::Fallback);
    assert_eq!(issuer.introspection.credentials.as_ref().unwrap().client_id, "mcp-server");
    assert!(!issuer.opaque_tokens && config.warnings().is_empty());
}

#[test]
fn the_public_url_follows_the_port() {
    assert_eq!(config(&["--port", "9999"]).unwrap().options.resource.as_str(), "http://localhost:9999/mcp");
}

#[test]
fn every_problem_is_reported_at_once() {
    let args = [
        "--auth-server",
        "http://idp.example",
        "--preset",
        "octa",
        "--oauth-strict",
        "maybe",
        "--introspect-cache-seconds",
        "1h",
        "--allowed-origins",
        "*",
        "--transport",
        "sse",
        "--database-url",
        "notes.db",
        "--monthly-quota",
        "much",
    ];
    let expected = [
        "MCP_RESOURCE_TRANSPORT",
        "MCP_RESOURCE_ALLOWED_ORIGINS",
        "MCP_RESOURCE_PRESET",
        "MCP_RESOURCE_AUTH_SERVER_URL",
        "MCP_RESOURCE_OAUTH_STRICT",
        "MCP_RESOURCE_INTROSPECT_CACHE_SECONDS",
        "MCP_RESOURCE_DATABASE_URL",
        "MCP_RESOURCE_MONTHLY_QUOTA",
    ];
    assert_eq!(problems(&args), expected);
}

#[test]
fn plain_http_leaves_loopback_only_behind_a_tls_proxy() {
    assert_eq!(problems(&["--host", "0.0.0.0"]), ["MCP_RESOURCE_HOST"]);
    assert_eq!(problems(&["--host", "[::]"]), ["MCP_RESOURCE_HOST"]);
    for host in ["localhost", "127.0.0.1", "::1", "[::1]"] {
        assert!(config(&["--host", host]).is_ok(), "{host}");
    }
    assert!(config(&["--host", "0.0.0.0", "--behind-tls-proxy"]).is_ok());
    let named = ["--host", "0.0.0.0", "--public-url", "http://mcp:8001/mcp", "--allow-http-hosts", "mcp:8001"];
    assert!(config(&named).is_ok(), "its own name is listed as one that may do without TLS");
}

#[test]
fn a_host_for_plain_http_is_a_host() {
    for hosts in ["http://authz:9000", "*.internal", "authz,authz:port", "10.0.0.0/8"] {
        assert_eq!(problems(&["--allow-http-hosts", hosts]), ["MCP_RESOURCE_ALLOW_HTTP_HOSTS"], "{hosts}");
    }
    let problem = config(&["--allow-http-hosts", "http://authz"]).unwrap_err().remove(0).to_string();
    assert!(problem.contains("`http://authz` is not a host") && problem.contains("without a scheme"), "{problem}");
    assert!(config(&["--allow-http-hosts", "authz:9000, [fd00::1]"]).is_ok());
}

#[test]
fn sse_names_streamable_http_and_the_underscore_is_fine() {
    let problem = config(&["--transport", "sse"]).unwrap_err().remove(0).to_string();
    assert!(problem.contains("streamable-http"), "{problem}");
    assert!(config(&["--transport", "streamable_http"]).is_ok());
}

#[test]
fn stdio_needs_a_token_and_never_shows_it() {
    assert_eq!(problems(&["--transport", "stdio"]), ["MCP_ACCESS_TOKEN"]);
    assert_eq!(problems(&["--transport", "stdio", "--access-token", ""]), ["MCP_ACCESS_TOKEN"]);
    assert_eq!(problems(&["--transport", "stdio", "--access-token", "a\nb"]), ["MCP_ACCESS_TOKEN"]);
    let config = config(&["--transport", "stdio", "--access-token", "hush-hush"]).unwrap();
    let shown = format!("{config}{config:?}");
    assert!(
        shown.contains("MCP_RESOURCE_TRANSPORT=stdio\nMCP_ACCESS_TOKEN=***\n") && !shown.contains("hush"),
        "{shown}"
    );
}

#[test]
fn the_strict_flag_takes_a_word_or_none() {
    let strictness = |args: &[&str]| config(args).unwrap().options.issuers[0].audience.strictness;
    assert_eq!(strictness(&["--oauth-strict"]), Strictness::True);
    assert_eq!(strictness(&["--oauth-strict", "observe"]), Strictness::Observe);
    assert_eq!(strictness(&["--oauth-strict=false"]), Strictness::False);
}

#[test]
fn false_never_asks_and_says_so_loudly() {
    let config_of = config(&["--oauth-strict", "false"]).unwrap();
    assert_eq!(config_of.options.issuers[0].introspection.mode, IntrospectionMode::Never);
    assert!(config_of.warnings()[0].contains("EVERY token"));
    let listed = config(&["--oauth-strict", "false", "--allowed-clients", "a,b"]).unwrap();
    assert!(!listed.warnings()[0].contains("EVERY token"));
}

#[test]
fn asking_needs_credentials_that_are_no_demo_elsewhere() {
    let elsewhere = ["--auth-server", "https://idp.example"];
    assert_eq!(config(&elsewhere).unwrap().options.issuers[0].introspection.mode, IntrospectionMode::Never);
    let always = ["--auth-server", "https://idp.example", "--introspect", "always"];
    assert_eq!(problems(&always), ["MCP_RESOURCE_INTROSPECT_CLIENT_ID"]);
    assert_eq!(problems(&["--introspect-client-id", "x"]), ["MCP_RESOURCE_INTROSPECT_CLIENT_SECRET"]);
    assert_eq!(problems(&["--introspect", "never", "--opaque-tokens", "on"]), ["MCP_RESOURCE_OPAQUE_TOKENS"]);
}

#[test]
fn asking_with_a_key_needs_the_client_and_a_key_that_can_be_read() {
    let method = ["--introspect-client-method", "private_key_jwt"];
    let with =
        |key: &str| problems(&[method[0], method[1], "--introspect-client-id", "rs", "--introspect-client-key", key]);
    let missing = ["MCP_RESOURCE_INTROSPECT_CLIENT_ID", "MCP_RESOURCE_INTROSPECT_CLIENT_KEY"];
    assert_eq!(problems(&method), missing);
    let file = |content: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    };
    let (key, bad) = (file(include_str!("../resource_server/introspect/testdata/rsa.pem")), file("hush"));
    let path = |file: &tempfile::NamedTempFile| file.path().to_str().unwrap().to_owned();
    for unusable in [path(&bad), "/nonexistent.pem".to_owned()] {
        assert_eq!(with(&unusable), ["MCP_RESOURCE_INTROSPECT_CLIENT_KEY"], "{unusable}");
    }
    let good = path(&key);
    let config =
        config(&[method[0], method[1], "--introspect-client-id", "rs", "--introspect-client-key", &good]).unwrap();
    let credentials = config.options.issuers[0].introspection.credentials.as_ref().unwrap();
    assert_eq!(
        (credentials.client_id.as_str(), credentials.proof.method()),
        ("rs", AuthenticationMethod::PrivateKeyJwt)
    );
    assert!(config.to_string().contains("MCP_RESOURCE_INTROSPECT_CLIENT_KEY=***"));
    let idle = problems(&["--introspect-client-key", &good]);
    assert_eq!(idle, ["MCP_RESOURCE_INTROSPECT_CLIENT_KEY"]);
}

#[test]
fn what_is_not_there_yet_is_an_error_when_set() {
    assert_eq!(problems(&["--config", "x"]), ["MCP_RESOURCE_CONFIG"]);
    assert!(config(&["--config", ""]).is_ok());
}

#[test]
fn a_shim_is_off_unless_it_is_asked_for() {
    for args in [&[][..], &["--metadata-shim", "off"], &["--metadata-shim", ""]] {
        let options = config(args).unwrap().options;
        assert!(options.issuers[0].shim.is_none());
        assert_eq!(options.advertised(), ["http://localhost:9000"]);
    }
    assert_eq!(problems(&["--metadata-shim", "maybe"]), ["MCP_RESOURCE_METADATA_SHIM"]);
    let idle = ["--metadata-shim-drop-resource", "on", "--metadata-shim-add-audience", "x"];
    let expected = ["MCP_RESOURCE_METADATA_SHIM_DROP_RESOURCE", "MCP_RESOURCE_METADATA_SHIM_ADD_AUDIENCE"];
    assert_eq!(problems(&idle), expected);
}

#[test]
fn with_a_shim_clients_are_sent_to_our_own_origin_and_the_trusted_issuer_stays() {
    let config = config(&["--metadata-shim", "on", "--preset", "generic"]).unwrap();
    assert_eq!(config.options.advertised(), ["http://localhost:8001"]);
    assert_eq!(config.options.issuers[0].issuer.as_str(), "http://localhost:9000");
    let shim = config.options.issuers[0].shim.as_ref().unwrap();
    assert!(shim.client.is_none() && !shim.drop_resource && shim.add_audience.is_none());
    assert!(config.to_string().contains("MCP_RESOURCE_METADATA_SHIM=on\n"), "{config}");
}

#[test]
fn the_preset_knows_what_a_shim_has_to_change() {
    let shim = |args: &[&str]| {
        let args = [&["--metadata-shim", "on"][..], args].concat();
        config(&args).unwrap().options.issuers.remove(0).shim.unwrap()
    };
    let entra = ["--preset", "entra", "--auth-server", "https://login.microsoftonline.com/t-1/v2.0"];
    assert!(shim(&entra).drop_resource && shim(&entra).add_audience.is_none());
    let auth0 = ["--preset", "auth0", "--auth-server", "https://dev.us.auth0.com/"];
    assert!(!shim(&auth0).drop_resource);
    assert_eq!(shim(&auth0).add_audience.as_deref(), Some("http://localhost:8001/mcp"));
    let otherwise = shim(&[&auth0[..], &["--metadata-shim-add-audience", "off"]].concat());
    assert_eq!(otherwise.add_audience, None);
    let otherwise = shim(&[&entra[..], &["--metadata-shim-drop-resource", "off"]].concat());
    assert!(!otherwise.drop_resource);
}

#[test]
fn a_shim_that_cannot_work_is_refused() {
    let on = |args: &[&str]| problems(&[&["--metadata-shim", "on"][..], args].concat());
    assert_eq!(on(&["--metadata-shim-client-id", "x"]), ["MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS"]);
    let uri = ["--metadata-shim-redirect-uris", "http://localhost:3030/callback"];
    assert_eq!(on(&uri), ["MCP_RESOURCE_METADATA_SHIM_CLIENT_ID"]);
    let bad = ["--metadata-shim-client-id", "x", "--metadata-shim-redirect-uris", "http://a.example/,javascript:x"];
    assert_eq!(on(&bad), ["MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS"; 1]);
    assert_eq!(on(&["--auth-server", "https://a.example,https://b.example"]), ["MCP_RESOURCE_METADATA_SHIM"]);
    let elsewhere = on(&["--advertised-auth-servers", "https://front.example"]);
    assert_eq!(elsewhere, ["MCP_RESOURCE_ADVERTISED_AUTH_SERVERS"]);
    for path in ["/oauth2/token", "/.well-known/oauth-authorization-server/x"] {
        let url = format!("http://localhost:8001{path}");
        assert_eq!(on(&["--public-url", &url]), ["MCP_RESOURCE_PUBLIC_URL"], "{path}");
    }
}

#[test]
fn a_public_url_that_contradicts_what_is_served_is_refused() {
    assert_eq!(problems(&["--public-url", "https://mcp.example/mcp"]), ["MCP_RESOURCE_PUBLIC_URL"]);
    assert!(config(&["--public-url", "https://mcp.example/mcp", "--behind-tls-proxy"]).is_ok());
    assert_eq!(problems(&["--public-url", "http://mcp.example/mcp"]), ["MCP_RESOURCE_PUBLIC_URL"]);
    assert!(config(&["--public-url", "http://mcp:8001/mcp", "--allow-http-hosts", "mcp"]).is_ok());
    for path in ["/healthz", "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/x"] {
        assert_eq!(problems(&["--public-url", &format!("http://localhost:8001{path}")]), ["MCP_RESOURCE_PUBLIC_URL"]);
    }
    assert_eq!(problems(&["--public-url", "/mcp"]), ["MCP_RESOURCE_PUBLIC_URL"]);
}

#[test]
fn printed_settings_hold_no_secret() {
    let secrets = ["--introspect-client-id=me", "--introspect-client-secret=hush-hush"];
    let database = ["--database-url=postgres://me:hush@db.example/notes"];
    let printed = config(&[&secrets[..], &database].concat()).unwrap().to_string();
    assert!(printed.contains("MCP_RESOURCE_DATABASE_URL=postgres://me:***@db.example/notes"), "{printed}");
    assert!(printed.contains("MCP_RESOURCE_INTROSPECT_CLIENT_SECRET=***"), "{printed}");
    assert!(!printed.contains("hush") && !format!("{:?}", config(&[]).unwrap()).contains("secret-123"));
}

#[test]
fn a_quota_is_a_number_or_off() {
    let quota = |raw| config(&["--monthly-quota", raw]).map(|config| config.storage.monthly_quota).ok();
    assert_eq!((quota("1"), quota("off")), (Some(Some(1)), Some(None)));
    for wrong in ["0", "1.5", "unlimited"] {
        assert_eq!(problems(&["--monthly-quota", wrong]), ["MCP_RESOURCE_MONTHLY_QUOTA"], "{wrong}");
    }
}

#[test]
fn the_metrics_have_a_port_of_their_own() {
    assert_eq!(config(&["--metrics-port", "9801"]).unwrap().metrics_port, Some(9801));
    assert_eq!(config(&["--metrics-port", ""]).unwrap().metrics_port, None);
    for wrong in ["0", "x", "70000", "8001"] {
        assert_eq!(problems(&["--metrics-port", wrong]), ["MCP_RESOURCE_METRICS_PORT"], "{wrong}");
    }
}

#[test]
fn chains_of_scopes_are_checked() {
    for good in ["", "a>b", "\"a>b>c, d>c\""] {
        assert!(config(&["--scope-hierarchy", good]).is_ok(), "{good}");
    }
    for bad in ["a", "a>", ">b", "a>>b", "a b>c", "a>b;c d>e"] {
        assert_eq!(problems(&["--scope-hierarchy", bad]), ["MCP_RESOURCE_SCOPE_HIERARCHY"], "{bad}");
    }
    assert_eq!(problems(&["--hide-tools", "maybe"]), ["MCP_RESOURCE_HIDE_TOOLS"]);
    assert!(config(&["--hide-tools", "on"]).unwrap().scopes.hide_tools);
}

#[test]
fn several_issuers_share_the_settings_that_are_not_about_one() {
    let two = "https://a.example,https://b.example/";
    let issuers = config(&["--auth-server", two, "--preset", "generic"]).unwrap().options.issuers;
    let names: Vec<&str> = issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
    assert_eq!(names, ["https://a.example", "https://b.example/"]);
    assert!(issuers.iter().all(|issuer| issuer.preset.name == "generic"));
    let of_one = ["--auth-server", two, "--jwks-url", "https://a.example/jwks", "--introspect-client-id", "x"];
    let expected =
        ["MCP_RESOURCE_JWKS_URL", "MCP_RESOURCE_INTROSPECT_CLIENT_ID", "MCP_RESOURCE_INTROSPECT_CLIENT_SECRET"];
    assert_eq!(problems(&of_one), expected);
    assert_eq!(problems(&["--auth-server", ""]), ["MCP_RESOURCE_AUTH_SERVER_URL"]);
    assert_eq!(problems(&["--auth-server", "https://a.example,https://a.example"]), ["MCP_RESOURCE_AUTH_SERVER_URL"]);
    let shared = ["--auth-server", two, "--algorithms", "HS256"];
    assert_eq!(problems(&shared), ["MCP_RESOURCE_ALGORITHMS"], "said once, not for each issuer");
}

#[test]
fn a_missing_kid_is_allowed_for_one_issuer_and_said_on_or_off() {
    let allowed = |args: &[&str]| config(args).unwrap().options.issuers[0].unnamed_keys;
    assert!(!allowed(&[]) && !allowed(&["--allow-missing-kid", ""]) && !allowed(&["--allow-missing-kid", "off"]));
    assert!(allowed(&["--allow-missing-kid", "on"]) && allowed(&["--allow-missing-kid", "true"]));
    let name = ["MCP_RESOURCE_ALLOW_MISSING_KID"];
    assert_eq!(problems(&["--allow-missing-kid", "maybe"]), name);
    let two = "https://a.example,https://b.example/";
    assert_eq!(problems(&["--preset", "generic", "--auth-server", two, "--allow-missing-kid", "on"]), name);
}

#[test]
fn two_issuers_with_opaque_tokens_are_refused() {
    let two = ["--auth-server", "http://localhost:1,http://localhost:2", "--opaque-tokens", "on"];
    assert_eq!(problems(&two), ["MCP_RESOURCE_OPAQUE_TOKENS"]);
}

#[test]
fn a_template_needs_its_tenants_and_its_preset() {
    let template = ["--auth-server", "https://login.microsoftonline.com/{tenantid}/v2.0"];
    let with = |more: &[&'static str]| [&template[..], more].concat();
    assert_eq!(problems(&with(&["--preset", "entra"])), ["MCP_RESOURCE_TENANTS"]);
    assert_eq!(problems(&with(&[])), ["MCP_RESOURCE_AUTH_SERVER_URL"]);
    assert_eq!(problems(&with(&["--preset", "entra", "--tenants", "contoso.com"])), ["MCP_RESOURCE_TENANTS"]);
    assert_eq!(problems(&["--tenants", "t-1"]), ["MCP_RESOURCE_TENANTS"]);
    let config = config(&with(&["--preset", "entra", "--tenants", "t-1,t-2"])).unwrap();
    assert_eq!(config.options.issuers[0].names().len(), 2);
}

#[test]
fn presets_say_what_they_cannot_do() {
    let okta = |issuer| problems(&["--auth-server", issuer, "--preset", "okta", "--audiences", "api://default"]);
    assert_eq!(okta("https://dev.okta.com"), ["MCP_RESOURCE_AUTH_SERVER_URL"]);
    assert!(okta_default_warns() && !okta("https://dev.okta.com/").is_empty());
    let keycloak = ["--auth-server", "https://kc.example/realms/x", "--preset", "keycloak", "--audiences", "account"];
    assert_eq!(problems(&keycloak), ["MCP_RESOURCE_AUDIENCES"]);
    let cognito = ["--auth-server", "https://c.example", "--preset", "cognito", "--introspect", "fallback"];
    assert_eq!(problems(&cognito), ["MCP_RESOURCE_INTROSPECT"]);
    let hydra = ["--auth-server", "https://h.example/", "--preset", "hydra", "--introspect-client-method", "none"];
    assert_eq!(problems(&hydra), ["MCP_RESOURCE_INTROSPECT"]);
    let url = ["--introspect-url", "https://admin.example/introspect"];
    assert!(config(&[&hydra[..], &url].concat()).unwrap().options.issuers[0].opaque_tokens);
    let google = ["--auth-server", "https://accounts.google.com", "--preset", "google", "--audiences", "id"];
    let google = config(&google).unwrap().options.issuers.remove(0);
    assert!(google.opaque_tokens && google.introspection.mode == IntrospectionMode::Fallback);
}

fn okta_default_warns() -> bool {
    let config = config(&["--auth-server", "https://dev.okta.com/oauth2/default", "--preset", "okta"]).unwrap();
    config.warnings()[0].contains("MCP_RESOURCE_AUDIENCES")
}

#[test]
fn names_of_scopes_are_scopes() {
    assert_eq!(problems(&["--scope-prefix", "a b"]), ["MCP_RESOURCE_SCOPE_PREFIX"]);
    for map in ["mcp:read", "=x", "x=", "a b=c"] {
        assert_eq!(problems(&["--scope-map", map]), ["MCP_RESOURCE_SCOPE_MAP"], "{map}");
    }
    let args = ["--scope-prefix", "api://x/", "--scope-map", "mcp:read=R,mcp:read=R.All", "--scope-claims", "roles"];
    let printed = config(&args).unwrap().to_string();
    for line in ["SCOPE_PREFIX=api://x/", "SCOPE_MAP=mcp:read=R,mcp:read=R.All", "SCOPE_CLAIMS=roles"] {
        assert!(printed.contains(&format!("MCP_RESOURCE_{line}\n")), "{printed}");
    }
}

#[test]
fn clients_can_be_sent_elsewhere_than_to_the_issuer() {
    let advertised = |url| config(&["--advertised-auth-servers", url]);
    let config = advertised("https://front.example").unwrap();
    assert_eq!(config.options.advertised_issuers, Some(vec!["https://front.example".to_owned()]));
    assert!(advertised("front").is_err());
}

#[test]
fn the_settings_of_every_recipe_are_right() {
    for preset in crate::resource_server::Preset::ALL {
        let recipe = &preset.recipe;
        let usual = recipe.here.to_vec();
        let varied = |variant: &crate::resource_server::Variant| {
            let kept = usual.iter().filter(|(name, _)| variant.here.iter().all(|(other, _)| other != name));
            kept.chain(variant.here).copied().collect()
        };
        for here in recipe.variants.iter().map(varied).chain([usual.clone()]) {
            assert_right(preset.name, &here);
        }
    }
}

fn assert_right(preset: &str, here: &[(&str, &str)]) {
    let mut args = vec!["--behind-tls-proxy".to_owned(), "--preset".to_owned(), preset.to_owned()];
    for (name, value) in here {
        let flag = name.trim_start_matches("MCP_RESOURCE_").to_ascii_lowercase().replace('_', "-");
        let flag = if flag == "auth-server-url" { "auth-server" } else { &flag };
        // Each `<what it is>` becomes a word of its own.
        let word = |what: &str, rest: &str| format!("x{}{rest}", what.len());
        let part = |part: &str| part.split_once('>').map_or(part.to_owned(), |(what, rest)| word(what, rest));
        args.extend([format!("--{flag}"), value.split('<').map(part).collect()]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let problems = config(&args).err();
    assert!(problems.is_none(), "{preset} {here:?}: {problems:?}");
}
