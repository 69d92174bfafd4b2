use super::*;

fn problem(text: &str) -> String {
    parse(text).unwrap_err()
}

#[test]
fn all_known_shapes_are_read() {
    let list = r#"{"servers": [{"name": "a", "url": "http://localhost:8001/mcp", "transport": "streamable-http",
        "auth": {"type": "oauth", "authorization_url": "http://localhost:9000/oauth2/authorize",
            "token_url": "http://localhost:9000/oauth2/token", "client_id": "simple-mcp-client",
            "client_secret": "hush", "scope": "mcp:read mcp:write", "redirect_uri": "http://localhost:3030/callback"}}]}"#;
    let map = list.replace("[{\"name\": \"a\",", "{\"a\": {").replace("}}]}", "}}}}");
    let entries = parse(list).unwrap();
    assert_eq!(parse(&map).unwrap(), entries);
    let auth = entries[0].auth.as_ref().unwrap();
    assert_eq!(auth.origin().unwrap().as_str(), "http://localhost:9000");
    assert_eq!(auth.client_secret.as_ref().unwrap().reveal(), "hush");
    assert!(!format!("{entries:?}").contains("hush"));

    let known_elsewhere = r#"{"mcpServers": {"web": {"type": "http", "url": "https://mcp.example/mcp"},
        "files": {"command": "files", "args": ["--all", "${CARGO_PKG_NAME}"], "env": {"KEY": "hush"}}}}"#;
    let entries = parse(known_elsewhere).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["web", "files"]);
    let program = entries[1].program.as_ref().unwrap();
    assert_eq!(program.command_line(), "files --all client");
    assert!(!program.takes_token && !format!("{program:?}").contains("hush"));
}

#[test]
fn headers_of_an_entry_are_kept_secret_and_are_none_of_the_clients_own() {
    let of = |headers: &str| {
        parse(&format!("{{\"servers\": {{\"a\": {{\"url\": \"https://a.example/\", \"headers\": {{{headers}}}}}}}}}"))
    };
    let entries = of(r#""X-Api-Key": "hush-${CARGO_PKG_NAME}""#).unwrap();
    assert_eq!(entries[0].headers["x-api-key"], "hush-client");
    assert!(!format!("{entries:?}").contains("hush"));
    for (headers, said) in [
        (r#""Authorization": "Bearer hush""#, "the header Authorization is set by the client itself"),
        (r#""Mcp-Session-Id": "1""#, "the header Mcp-Session-Id is set by the client itself"),
        (r#""X Y": "1""#, "\"X Y\" is no name of a header"),
        (r#""X-Key": "a\nb""#, "the value of X-Key fits no header"),
    ] {
        let problem = of(headers).unwrap_err();
        assert!(problem.contains(said) && !problem.contains("hush"), "{problem}");
    }
    let program = problem(r#"{"servers": {"a": {"command": "x", "headers": {"X-Key": "1"}}}}"#);
    assert!(program.contains("headers are for servers with a url"), "{program}");
}

#[test]
fn a_program_takes_a_token_only_where_the_entry_says_so() {
    for (entry, takes) in [
        (r#"{"command": "x"}"#, false),
        (r#"{"command": "x", "env": {"MCP_ACCESS_TOKEN": ""}}"#, true),
        (r#"{"command": "x", "url": "https://mcp.example/mcp"}"#, true),
        (r#"{"type": "stdio", "command": "x", "auth": {"type": "oauth"}}"#, true),
    ] {
        let entries = parse(&format!("{{\"mcpServers\": {{\"x\": {entry}}}}}")).unwrap();
        assert_eq!(entries[0].program.as_ref().unwrap().takes_token, takes, "{entry}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, said, line) in [
        ("{\"servers\": {\n  \"a\": {\"url\": \"https://a.example/\", \"ur\": 1}}}", "unknown field `ur`", 2),
        ("{\"server\": {}}", "unknown field `server`, expected `servers` or `mcpServers`", 1),
        ("{\"servers\": {\"a\": {\n\"url\": \"https://a.example/\",}}}", "trailing comma", 2),
        ("{\"servers\": {\"a\": {\"url\": \"https://a.example/\"},\n\"a\": {}}}", "the server a stands in it twice", 2),
        ("{\"servers\": {\"a\":\n{\"url\": \"http://a.example/\"}}}", "it must use https", 2),
        ("{\"servers\": {\"a\":\n{\"type\": \"sse\"}}}", "unknown variant `sse`", 2),
        ("{\"servers\": [\n{\"url\": \"https://a.example/\"}]}", "a server has no name", 2),
        ("{\"servers\": {\"a\":\n{\"type\": \"stdio\"}}}", "a server of the type stdio needs a command", 2),
        ("{\"servers\": {\"a\":\n{}}}", "a server needs a url (Streamable HTTP) or a command (stdio)", 2),
        (
            "{\"servers\": {\"a\":\n{\"url\": \"https://a.example/\", \"args\": [\"x\"]}}}",
            "args and env are for servers with a command",
            2,
        ),
        (
            "{\"servers\": {\"a\": {\"url\": \"https://a.example/\",\n\"auth\": {\"type\": \"basic\"}}}}",
            "unknown variant `basic`",
            2,
        ),
        ("{\"servers\": {\"a\": {\"url\": \"https://a.example/\",\n\"auth\": {}}}}", "missing field `type`", 2),
        (
            "{\"servers\": {\"a\": {\"command\": \n\"${GONE_FOR_GOOD}\"}}}",
            "the environment has no variable GONE_FOR_GOOD",
            2,
        ),
        ("{\"servers\": 1}", "servers by name, or a list", 1),
    ] {
        let told = problem(text);
        assert!(told.contains(said) && told.contains(&format!("at line {line} ")), "{text}: {told}");
    }
    assert!(problem("{}").contains("it names no server"));
    let both =
        r#"{"servers": {"a": {"url": "https://a.example/"}}, "mcpServers": {"a": {"url": "https://b.example/"}}}"#;
    assert_eq!(problem(both), "the server a stands in it twice");
}
