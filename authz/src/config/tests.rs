//! Settings: what is right, and every problem at once.

use super::*;
use crate::services::Registration;
use clap::Parser as _;

/// The flags alone: the environment of the test run is left aside.
fn cli(flags: &[&str]) -> Cli {
    Cli::parse_from(std::iter::once(&"authz").chain(flags))
}

fn config(flags: &[&str]) -> Config {
    Config::try_from(cli(flags)).unwrap_or_else(|problems| panic!("{flags:?}: {problems:?}"))
}

fn problems(flags: &[&str]) -> Vec<&'static str> {
    Config::try_from(cli(flags)).map(|_| ()).unwrap_err().iter().map(|problem| problem.name).collect()
}

#[test]
fn the_defaults_are_a_demo_on_loopback() {
    let config = config(&[]);
    assert_eq!(config.public_url.issuer(), "http://localhost:9000");
    assert_eq!(config.settings.registration, Registration::Open);
    assert_eq!(config.settings.scopes.to_string(), "mcp:read mcp:write");
    assert_eq!(config.settings.access_token_ttl.as_secs(), 3600);
    assert_eq!(config.demo.unwrap().username.as_str(), "demo_user");
}

#[test]
fn an_empty_value_is_a_missing_one() {
    let config = config(&["--public-url=", "--registration=", "--demo-username=", "--demo-password="]);
    assert_eq!(config.public_url.issuer(), "http://localhost:9000");
    assert_eq!(config.demo.unwrap().username.as_str(), "demo_user");
}

#[test]
fn the_public_url_follows_port_and_tls() {
    assert_eq!(config(&["--port", "9100"]).public_url.issuer(), "http://localhost:9100");
    assert_eq!(config(&["--tls-self-signed"]).public_url.issuer(), "https://localhost:9000");
}

#[test]
fn off_loopback_there_is_no_demo_and_registration_needs_approval() {
    let flags = ["--host", "0.0.0.0", "--public-url", "https://as.example", "--behind-tls-proxy"];
    let config = config(&flags);
    assert!(config.demo.is_none());
    assert_eq!(config.settings.registration, Registration::Approval);
}

#[test]
fn demo_credentials_off_loopback_are_refused_unless_said_explicitly() {
    let flags = ["--host", "0.0.0.0", "--public-url", "https://as.example", "--behind-tls-proxy"];
    let with = |more: &[&'static str]| [&flags[..], more].concat();
    assert_eq!(problems(&with(&["--demo-password", "x"])), ["MCP_AUTH_DEMO"]);
    assert!(config(&with(&["--demo-password", "x", "--demo", "on"])).demo.is_some());
    assert!(config(&with(&["--demo-password", "x", "--demo", "off"])).demo.is_none());
}

#[test]
fn https_is_required_off_loopback() {
    assert_eq!(problems(&["--host", "0.0.0.0"]), ["MCP_AUTH_HOST", "MCP_AUTH_PUBLIC_URL"]);
    assert_eq!(problems(&["--public-url", "http://as.example"]), ["MCP_AUTH_PUBLIC_URL"]);
}

#[test]
fn every_problem_is_reported_together() {
    let found = problems(&[
        "--public-url=x",
        "--demo=maybe",
        "--key-bits=1024",
        "--access-token-ttl-seconds=1",
        "--resources=/mcp",
        "--scopes=a\"b",
        "--registration=closed",
        "--registration-scopes=a\"b",
        "--unused-client-days=0",
        "--database-url=mysql://x",
    ]);
    let expected = [
        "MCP_AUTH_PUBLIC_URL",
        "MCP_AUTH_DEMO",
        "MCP_AUTH_KEY_BITS",
        "MCP_AUTH_RESOURCES",
        "MCP_AUTH_ACCESS_TOKEN_TTL_SECONDS",
        "MCP_AUTH_SCOPES",
        "MCP_AUTH_REGISTRATION",
        "MCP_AUTH_REGISTRATION_SCOPES",
        "MCP_AUTH_UNUSED_CLIENT_DAYS",
        "MCP_AUTH_DATABASE_URL",
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_registration_policies_are_words() {
    for policy in [Registration::Open, Registration::Approval, Registration::Token, Registration::Off] {
        assert_eq!(config(&["--registration", policy.as_str()]).settings.registration, policy);
    }
    assert_eq!(problems(&["--registration", "Open"]), ["MCP_AUTH_REGISTRATION"]);
}

#[test]
fn a_file_of_clients_is_judged_with_the_other_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.json");
    let flag = file.to_str().unwrap();
    assert_eq!(problems(&["--clients-file", flag]), ["MCP_AUTH_CLIENTS_FILE"], "there is none");
    std::fs::write(&file, "[]").unwrap();
    assert!(config(&["--clients-file", flag]).to_string().contains(&format!("MCP_AUTH_CLIENTS_FILE={flag}\n")));
}

#[test]
fn lifetimes_and_rotation_have_bounds() {
    for ttl in ["59", "86401"] {
        let found = problems(&["--access-token-ttl-seconds", ttl]);
        assert_eq!(found, ["MCP_AUTH_ACCESS_TOKEN_TTL_SECONDS"]);
    }
    for days in ["0", "3651", "18446744073709551615"] {
        assert_eq!(problems(&["--key-rotation-days", days]), ["MCP_AUTH_KEY_ROTATION_DAYS"]);
    }
}

#[test]
fn the_password_of_the_database_is_not_shown() {
    let config = config(&["--database-url", "postgres://authz:hunter2@db.example/authz"]);
    assert!(config.to_string().contains("MCP_AUTH_DATABASE_URL=postgres://authz:***@db.example/authz\n"), "{config}");
    assert!(!format!("{config:?}").contains("hunter2"));
    let refused =
        Config::try_from(cli(&["--database-url", "mysql://authz:hunter2@db.example"])).map(|_| ()).unwrap_err();
    assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
}

#[test]
fn the_effective_settings_show_no_password() {
    let shown = config(&["--demo-password", "hunter2", "--resources", "http://a.example/mcp, http://b.example/mcp"])
        .to_string();
    assert!(!shown.contains("hunter2") && shown.contains("MCP_DEMO_PASSWORD=***"), "{shown}");
    assert!(shown.contains("MCP_AUTH_RESOURCES=http://a.example/mcp,http://b.example/mcp"), "{shown}");
}

#[test]
fn refresh_tokens_and_trusted_issuers_are_judged_with_the_rest() {
    let fine = config(&["--refresh-token-ttl-days", "7", "--trusted-assertion-issuers", "https://idp.example"]);
    assert_eq!(fine.settings.refresh_token_ttl.as_hours(), 7 * 24);
    assert!(fine.to_string().contains("MCP_AUTH_TRUSTED_ASSERTION_ISSUERS=https://idp.example\n"));
    let wrong = [
        "--refresh-token-ttl-days=0",
        "--refresh-grace-seconds=61",
        "--trusted-assertion-issuers=http://idp.example,http://localhost:9000,idp",
    ];
    let names = [
        "MCP_AUTH_REFRESH_TOKEN_TTL_DAYS",
        "MCP_AUTH_REFRESH_GRACE_SECONDS",
        "MCP_AUTH_TRUSTED_ASSERTION_ISSUERS",
        "MCP_AUTH_TRUSTED_ASSERTION_ISSUERS",
        "MCP_AUTH_TRUSTED_ASSERTION_ISSUERS",
    ];
    let mut found = problems(&wrong);
    found.sort_unstable();
    let mut expected = names;
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_certificate_to_trust_may_be_missing_only_where_this_machine_makes_it() {
    let missing = ["--ca-cert", "/nonexistent/cert.pem"];
    assert_eq!(problems(&missing), ["MCP_CA_CERT"]);
    assert!(config(&[&missing[..], &["--tls-self-signed"]].concat()).outgoing.extra_ca_pem.is_none());
    let unreadable = ["--ca-cert", "/", "--tls-self-signed"];
    assert_eq!(problems(&unreadable), ["MCP_CA_CERT"]);
}

#[test]
fn private_use_schemes_are_listed_and_the_dangerous_ones_refused() {
    assert!(config(&["--redirect-schemes="]).settings.redirects.schemes.is_empty());
    let fine = config(&["--redirect-schemes", "com.example.app, cursor"]);
    assert!(fine.to_string().contains("MCP_AUTH_REDIRECT_SCHEMES=com.example.app,cursor\n"), "{fine}");
    for refused in ["javascript", "data", "file", "vbscript", "blob", "Javascript", "https", "urn", "cursor:", "a b"] {
        assert_eq!(problems(&["--redirect-schemes", &format!("cursor,{refused}")]), ["MCP_AUTH_REDIRECT_SCHEMES"]);
    }
}

#[test]
fn codes_are_shown_to_be_copied_on_loopback_only_unless_said_otherwise() {
    let away = ["--host", "0.0.0.0", "--public-url", "https://as.example", "--behind-tls-proxy"];
    let shown = |flags: &[&str]| config(flags).settings.redirects.out_of_band;
    assert!(shown(&[]) && !shown(&away));
    assert!(!shown(&["--out-of-band", "off"]) && shown(&[&away[..], &["--out-of-band", "on"]].concat()));
    assert_eq!(problems(&["--out-of-band", "perhaps"]), ["MCP_AUTH_OUT_OF_BAND"]);
}
