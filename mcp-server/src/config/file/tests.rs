//! The file through the real command line.

use std::path::PathBuf;

use clap::Parser as _;

use crate::cli::Cli;
use crate::config::Config;
use crate::resource_server::{IntrospectionMode, Strictness};

struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portcullis-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn config(&self, args: &[&str]) -> Result<Config, Vec<String>> {
        let own = ["mcp-server", "--config", self.0.to_str().unwrap()];
        let cli = Cli::try_parse_from(own.iter().chain(args)).unwrap();
        let told = |problems: Vec<serving::settings::InvalidSetting>| {
            problems.iter().map(|problem| self.short(&problem.to_string())).collect()
        };
        Config::try_from(cli).map_err(told)
    }

    fn short(&self, told: &str) -> String {
        told.replace(self.0.to_str().unwrap(), "x.toml")
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

const TWO: &str = r#"
[[issuer]]
auth_server_url = "http://localhost:9000"

[[issuer]]
auth_server_url = "https://dev.okta.com/oauth2/default"
preset = "okta"
oauth_strict = "observe"
audiences = ["api://default"]
allowed_clients = ["a", "b"]
algorithms = ["RS256"]
scope_map = { "mcp:read" = ["read", "read.all"] }
max_token_lifetime_seconds = 7200
introspect = "always"
introspect_client_id = "rs"
introspect_client_secret = "hush"
opaque_tokens = true
allow_missing_kid = true

[tools]
get_time = ["mcp:read", "mcp:time"]
whoami = { scopes = "mcp:read", max_age_seconds = 300 }
"#;

#[test]
fn each_issuer_has_its_own_rules() {
    let file = TestFile::new("two", TWO);
    let config = file.config(&["--audiences", "other", "--oauth-strict", "true"]).unwrap();
    let [own, okta] = &config.options.issuers[..] else { panic!("two issuers") };
    assert_eq!((own.preset.name, own.audience.strictness), ("authz", Strictness::True));
    assert!(own.audience.also_accepted.is_empty(), "what lets more in is said for each issuer");
    assert_eq!((okta.preset.name, okta.audience.strictness), ("okta", Strictness::Observe));
    assert_eq!(okta.audience.also_accepted, ["api://default"]);
    assert_eq!(okta.audience.allowed_clients.as_deref().unwrap(), ["a", "b"]);
    assert_eq!(okta.scope_names.renamed.len(), 2);
    assert_eq!(okta.max_token_lifetime.unwrap().as_secs(), 7200);
    assert_eq!((okta.introspection.mode, okta.opaque_tokens), (IntrospectionMode::Always, true));
    assert!(okta.unnamed_keys && !own.unnamed_keys, "of this issuer only");
    let printed = config.to_string();
    assert!(!printed.contains("hush"));
    assert_eq!(printed.matches("# [[issuer]]\nMCP_RESOURCE_AUTH_SERVER_URL=").count(), 2, "{printed}");
    let needs = "# [tools] get_time = mcp:read mcp:time\n# [tools] whoami = mcp:read, signed in within 300 s\n";
    let path = file.0.to_str().unwrap();
    assert!(printed.contains(&format!("MCP_RESOURCE_CONFIG={path}\n{needs}")), "{printed}");
}

#[test]
fn all_problems_are_told_with_their_lines() {
    let text = r#"colour = "red"
[[issuer]]
auth_server_url = "http://idp.example"
presets = "okta"
preset = "octa"
audiences = [1]

[[issuer]]
preset = "okta"

[tools]
get_tim = "mcp:read"
whoami = 7
get_time = { scope = "x", max_age_seconds = "soon" }

[prompts]
summarise_notes = "mcp:read"
"#;
    let told = TestFile::new("problems", text).config(&[]).map(|_| ()).unwrap_err();
    let expected = [
        "x.toml:1: unknown key colour",
        "x.toml:3: auth_server_url: http is allowed",
        "x.toml:4: unknown key presets",
        "x.toml:5: preset: not one of",
        "x.toml:6: audiences is not a list",
        "x.toml:8: an issuer without auth_server_url",
        "x.toml:12: there is no tool get_tim",
        "x.toml:13: not scopes",
        "x.toml:14: unknown key scope",
        "x.toml:14: max_age_seconds is no number",
        "x.toml:17: there is no prompt summarise_notes",
    ];
    for problem in expected {
        assert!(told.iter().any(|told| told.contains(problem)), "{problem}: {told:#?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let told = TestFile::new("syntax", "[tools]\nget_time = \n").config(&[]).map(|_| ()).unwrap_err();
    assert!(told[0].contains("x.toml:2: "), "{told:?}");
    let missing = Cli::try_parse_from(["mcp-server", "--config", "/nowhere/x.toml"]).unwrap();
    assert_eq!(Config::try_from(missing).unwrap_err()[0].name, "MCP_RESOURCE_CONFIG");
}

#[test]
fn without_issuers_the_file_leaves_them_to_the_settings() {
    let file = TestFile::new("tools", "[tools]\nget_time = \"mcp:time\"\n");
    let config = file.config(&["--auth-server", "https://a.example", "--preset", "generic"]).unwrap();
    assert_eq!(config.options.issuers[0].issuer.as_str(), "https://a.example");
}

#[test]
fn an_issuer_that_is_only_in_the_list_is_not_passed_over() {
    let file = TestFile::new("list", TWO);
    let told = file.config(&["--auth-server", "https://other.example"]).map(|_| ()).unwrap_err();
    assert!(told[0].contains("https://other.example has no [[issuer]]"), "{told:?}");
    assert!(file.config(&["--auth-server", "https://dev.okta.com/oauth2/default"]).is_ok());
}

#[test]
fn two_issuers_with_opaque_tokens_are_refused() {
    let issuer = |name: &str| {
        format!("[[issuer]]\nauth_server_url = \"{name}\"\nopaque_tokens = true\nintrospect = \"fallback\"\n")
    };
    let file = TestFile::new("opaque", &(issuer("http://localhost:1") + &issuer("http://localhost:2")));
    let told = file.config(&[]).map(|_| ()).unwrap_err();
    assert!(told[0].contains("more than one issuer is said to have opaque tokens"), "{told:?}");
}

#[test]
fn one_issuer_of_the_file_has_the_shim() {
    const SHIM: &str = "metadata_shim = \"on\"\nmetadata_shim_client_id = \"app-1\"\n\
                        metadata_shim_redirect_uris = [\"http://localhost:3030/callback\"]\n";
    let two = |second| format!("[[issuer]]\nauth_server_url = \"https://a.example\"\n{second}\n{TWO}");
    let file = TestFile::new("shim", &two(SHIM));
    let config = file.config(&[]).unwrap();
    let expected = ["http://localhost:8001", "http://localhost:9000", "https://dev.okta.com/oauth2/default"];
    assert_eq!(config.options.advertised(), expected);
    let client = config.options.issuers[0].shim.as_ref().unwrap().client.as_ref().unwrap();
    assert_eq!((client.client_id.as_str(), client.redirect_uris.len()), ("app-1", 1));
    assert!(config.options.issuers[1].shim.is_none());

    let told = file.config(&["--metadata-shim", "on"]).unwrap_err();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("metadata_shim = \"on\" in its [[issuer]]"), "{told:?}");
    let also = two(SHIM).replace("preset = \"okta\"", "preset = \"okta\"\nmetadata_shim = \"on\"");
    let twice = TestFile::new("shims", &also);
    assert!(twice.config(&[]).unwrap_err()[0].starts_with("MCP_RESOURCE_METADATA_SHIM: more than one issuer"));
    let late = TestFile::new("late", &two("metadata_shim_client_id = \"app-1\""));
    let told = late.config(&[]).unwrap_err();
    assert!(told[0].contains("x.toml:1: metadata_shim_redirect_uris: missing beside a client"), "{told:?}");
}
