//! Settings → configuration, through the real command line.

use clap::Parser as _;

use super::*;
use crate::resource_server::IntrospectionMode;

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
        "okta",
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
        "MCP_RESOURCE_AUTH_SERVER_URL",
        "MCP_RESOURCE_PRESET",
        "MCP_RESOURCE_OAUTH_STRICT",
        "MCP_RESOURCE_INTROSPECT_CACHE_SECONDS",
        "MCP_RESOURCE_DATABASE_URL",
        "MCP_RESOURCE_MONTHLY_QUOTA",
    ];
    assert_eq!(problems(&args), expected);
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
    let jwt = config(&["--introspect-client-method", "private_key_jwt"]).unwrap_err().remove(0).to_string();
    assert!(jwt.contains("not available in this version"), "{jwt}");
    assert_eq!(problems(&["--introspect", "never", "--opaque-tokens", "on"]), ["MCP_RESOURCE_OPAQUE_TOKENS"]);
}

#[test]
fn what_is_not_there_yet_is_an_error_when_set() {
    for (flag, name) in [("--config", "MCP_RESOURCE_CONFIG"), ("--metadata-shim", "MCP_RESOURCE_METADATA_SHIM")] {
        assert_eq!(problems(&[flag, "x"]), [name]);
        assert!(config(&[flag, ""]).is_ok());
    }
    assert!(config(&["--metadata-shim", "off"]).is_ok());
    assert_eq!(problems(&["--auth-server", "http://localhost:1,http://localhost:2"]), ["MCP_RESOURCE_AUTH_SERVER_URL"]);
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
