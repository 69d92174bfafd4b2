use super::*;

pub(super) fn config(settings: Settings) -> Result<Config, Vec<InvalidSetting>> {
    Config::try_from(&Settings { state_dir: Some("/nonexistent".into()), ..settings })
}

fn problems(settings: Settings) -> Vec<&'static str> {
    config(settings).unwrap_err().iter().map(|problem| problem.name).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "settings are optional, and this is one that is given")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_defaults_are_the_demo_on_this_computer() {
    let config = config(Settings::default()).unwrap().sign_in;
    assert_eq!(config.server.as_str(), "http://localhost:8001/mcp");
    assert_eq!(config.redirect_uri.as_str(), "http://localhost:3030/callback");
    assert_eq!(config.scope, None);
    let ClientChoice::Demo(credentials) = config.client else { panic!("{:?}", config.client) };
    assert_eq!(credentials.id, "simple-mcp-client");
    assert_eq!(credentials.secret, ClientSecret::new("simple-mcp-secret-123"));
}

#[test]
fn an_empty_setting_is_the_default() {
    let empty = || some("");
    let settings = Settings {
        url: empty(),
        server_port: empty(),
        transport: empty(),
        use_dcr: empty(),
        client_id: empty(),
        client_secret: empty(),
        client_scope: empty(),
        redirect_uri: empty(),
        callback_port: empty(),
        client_metadata_url: empty(),
        client_issuer: empty(),
        ..Settings::default()
    };
    let config = config(settings).unwrap().sign_in;
    assert_eq!(config.server.as_str(), "http://localhost:8001/mcp");
    assert!(matches!(config.client, ClientChoice::Demo(_)));
}

#[test]
fn ports_move_the_default_addresses() {
    let settings = Settings { server_port: some("9001"), callback_port: some("4040"), ..Settings::default() };
    let config = config(settings).unwrap().sign_in;
    assert_eq!(config.server.as_str(), "http://localhost:9001/mcp");
    assert_eq!(config.redirect_uri.as_str(), "http://localhost:4040/callback");
    let contradiction = Settings {
        redirect_uri: some("http://localhost:3031/callback"),
        callback_port: some("4040"),
        ..Settings::default()
    };
    assert_eq!(problems(contradiction), ["MCP_CALLBACK_PORT"]);
}

#[test]
fn secrets_are_kept_in_files_unless_the_keyring_is_built_in_and_chosen() {
    let with = |store: &str| Settings { store: some(store), ..Settings::default() };
    assert_eq!(config(Settings::default()).unwrap().store, Store::Files);
    assert_eq!(config(with("files")).unwrap().store, Store::Files);
    assert!(config(with("")).unwrap().to_string().contains("MCP_CLIENT_STORE=files\n"));
    assert_eq!(problems(with("memory")), ["MCP_CLIENT_STORE"]);
    match config(with("keyring")) {
        Ok(config) => assert!(Store::HAS_KEYRING && config.store == Store::Keyring),
        Err(problems) => assert!(!Store::HAS_KEYRING && problems[0].to_string().contains("--features keyring")),
    }
}

#[test]
fn a_code_that_is_pasted_needs_no_port() {
    let pasted = || Settings { redirect_uri: some("urn:ietf:wg:oauth:2.0:oob"), ..Settings::default() };
    let config = config(pasted()).unwrap();
    assert!(config.sign_in.redirect_uri.is_out_of_band());
    assert!(config.to_string().contains("MCP_CALLBACK_PORT=\n"));
    assert_eq!(problems(Settings { callback_port: some("4040"), ..pasted() }), ["MCP_CALLBACK_PORT"]);
}

#[test]
fn another_client_has_its_own_secret_or_none() {
    let client = |id: &str, secret: Option<String>| {
        config(Settings { client_id: some(id), client_secret: secret, ..Settings::default() }).unwrap().sign_in.client
    };
    let expected = |secret: &str| ClientChoice::PreRegistered {
        credentials: ClientCredentials { id: "mine".into(), secret: ClientSecret::new(secret) },
        issuer: None,
    };
    assert_eq!(client("mine", None), expected(""));
    assert_eq!(client("mine", some("s")), expected("s"));
    assert!(matches!(client(DEMO_CLIENT_ID, None), ClientChoice::Demo(_)));
    assert!(matches!(client(DEMO_CLIENT_ID, some("other")), ClientChoice::PreRegistered { .. }));
}

#[test]
fn registration_is_asked_for_with_any_word_for_yes() {
    for (word, dynamic) in [("true", true), ("1", true), ("Yes", true), ("false", false), ("off", false)] {
        let config = config(Settings { use_dcr: some(word), ..Settings::default() }).unwrap();
        assert_eq!(config.sign_in.client == ClientChoice::Dynamic, dynamic, "{word}");
    }
}

#[test]
fn both_spellings_of_the_transport_are_accepted_and_sse_is_explained() {
    for good in ["streamable-http", "streamable_http"] {
        assert!(config(Settings { transport: some(good), ..Settings::default() }).is_ok());
    }
    let problems = config(Settings { transport: some("sse"), ..Settings::default() }).unwrap_err();
    assert!(problems[0].to_string().contains("streamable-http"));
}

#[test]
fn every_problem_is_reported_together() {
    let settings = Settings {
        url: some("http://mcp.example/mcp"),
        server_port: some("x"),
        transport: some("stdio"),
        use_dcr: some("maybe"),
        client_scope: some("a\"b"),
        redirect_uri: some("https://app.example/callback"),
        callback_port: some("0"),
        client_metadata_url: some("http://app.example/client.json"),
        assume_s256: vec!["x".to_owned()],
        ca_cert: Some("/nonexistent.pem".into()),
        ..Settings::default()
    };
    let expected = [
        "MCP_TRANSPORT_TYPE",
        "MCP_SERVER_PORT",
        "MCP_CLIENT_METADATA_URL",
        "MCP_USE_DCR",
        "MCP_CLIENT_ASSUME_S256",
        "MCP_CLIENT_SCOPE",
        "MCP_CALLBACK_PORT",
        "MCP_CA_CERT",
    ];
    assert_eq!(problems(settings), expected);
    assert_eq!(problems(Settings { url: some("http://mcp.example/mcp"), ..Settings::default() }), ["MCP_SERVER_URL"]);
}

#[test]
fn the_printed_settings_hold_no_secret() {
    let settings = Settings { client_id: some("mine"), client_secret: some("s3cr3t"), ..Settings::default() };
    let printed = config(settings).unwrap().to_string();
    assert!(printed.contains("MCP_CLIENT_ID=mine") && printed.contains("MCP_CLIENT_SECRET=***"));
    assert!(!printed.contains("s3cr3t"));
}

#[test]
fn a_metadata_document_is_an_https_url_with_a_path_and_replaces_the_demo_client() {
    let with = |url: &str| Settings { client_metadata_url: some(url), ..Settings::default() };
    let config = config(with("https://client.example/client.json")).unwrap().sign_in;
    assert_eq!(config.client, ClientChoice::Dynamic);
    assert_eq!(config.metadata_url.unwrap().as_str(), "https://client.example/client.json");
    for bad in ["https://client.example", "https://client.example/", "http://localhost/client.json", "client.json"] {
        assert_eq!(problems(with(bad)), ["MCP_CLIENT_METADATA_URL"], "{bad}");
    }
    let own = Settings { client_id: some("mine"), ..with("https://client.example/client.json") };
    assert!(matches!(self::config(own).unwrap().sign_in.client, ClientChoice::PreRegistered { .. }));
}

#[test]
fn forms_are_answered_with_their_defaults_only_where_that_was_said() {
    let with = |word: &str| Settings { form_defaults: some(word), ..Settings::default() };
    assert_eq!(config(Settings::default()).unwrap().forms, Forms::NotOffered);
    assert_eq!(config(with("true")).unwrap().forms, Forms::Defaults);
    assert_eq!(problems(with("maybe")), ["MCP_CLIENT_FORM_DEFAULTS"]);
}

#[test]
fn an_issuer_is_vouched_for_by_its_url() {
    let with = |issuer: &str| Settings { assume_s256: vec![issuer.to_owned()], ..Settings::default() };
    assert_eq!(config(with("https://auth.example")).unwrap().sign_in.assume_s256, ["https://auth.example"]);
    assert!(config(with("")).unwrap().sign_in.assume_s256.is_empty());
    assert_eq!(problems(with("auth.example")), ["MCP_CLIENT_ASSUME_S256"]);
}

const FILE: &str = r#"{"servers": {"notes": {"url": "https://notes.example/mcp", "auth": {"type": "oauth",
    "authorization_url": "https://login.example/authorize", "client_id": "mine", "client_secret": "hush",
    "scope": "notes:read"}}, "local": {"command": "notes", "auth": {"type": "oauth",
    "authorization_url": "https://login.example/authorize", "resource": "https://local.example/mcp"}}}}"#;

fn in_file(text: &str, settings: Settings) -> Result<Config, Vec<InvalidSetting>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("servers.json");
    std::fs::write(&file, text).unwrap();
    config(Settings { config: Some(file), ..settings })
}

#[test]
fn the_server_in_use_is_the_one_named_or_that_of_the_url_or_the_first_one() {
    let used = |settings| in_file(FILE, settings).unwrap().servers.in_use().unwrap().name.clone();
    assert_eq!(used(Settings::default()), "notes");
    assert_eq!(used(Settings { server: some("local"), ..Settings::default() }), "local");
    assert_eq!(used(Settings { url: some("https://mcp.example/"), ..Settings::default() }), "default");
    let both = Settings { url: some("https://mcp.example/"), server: some("notes"), ..Settings::default() };
    assert_eq!(used(both), "notes");
    let unknown = in_file(FILE, Settings { server: some("gone"), ..Settings::default() }).unwrap_err();
    assert_eq!(unknown[0].to_string(), "MCP_CLIENT_SERVER: there is no server \"gone\". Fix: use one of notes, local.");
    let missing = Settings { config: Some("/nonexistent/x.json".into()), ..Settings::default() };
    assert_eq!(problems(missing), ["MCP_CLIENT_CONFIG"]);
    assert_eq!(in_file("{", Settings::default()).unwrap_err()[0].name, "MCP_CLIENT_CONFIG");
}

#[test]
fn an_entry_says_how_to_sign_in_and_the_settings_say_the_rest() {
    let config = in_file(FILE, Settings { client_id: some("other"), ..Settings::default() }).unwrap();
    let notes = &config.sign_in;
    assert_eq!(notes.server.as_str(), "https://notes.example/mcp");
    assert!(
        matches!(&notes.client, ClientChoice::PreRegistered { credentials, issuer: None } if credentials.id == "mine")
    );
    assert_eq!(notes.scope.as_ref().unwrap().to_string(), "notes:read");
    assert_eq!(notes.redirect_uri.as_str(), "http://localhost:3030/callback");
    assert_eq!(notes.stated.authorization_endpoint.as_ref().unwrap().as_str(), "https://login.example/authorize");
    assert_eq!(notes.stated.issuer, None, "a server is asked for its issuer");
    let local = &config.servers.all[1].sign_in;
    assert_eq!(local.server.as_str(), "https://local.example/mcp");
    assert_eq!(local.stated.issuer.as_ref().unwrap().as_str(), "https://login.example");
    assert_eq!(local.client, ClientChoice::Dynamic);
    assert!(!config.to_string().contains("hush"));
}
