use super::*;
use crate::{
    commands::perform,
    oauth::{
        sign_in::ClientChoice,
        testing::{
            wire,
            world::{Asked, RESOURCE_METADATA, Reply, Seen, TOKEN, World, allows, complete, query},
        },
    },
    terminal::plain,
    verbs::{Format, Verb},
};
use http::{HeaderName, HeaderValue, header};
use serde_json::json;
use verification_keys::http::{ClientOptions, client};

async fn app(world: &World, browser: impl Fn(&Asked) -> String + Send + Sync + 'static) -> App {
    App::new(wire(), world.client(browser).await)
}

fn call(arguments: &str) -> Verb {
    Verb::Call { tool: "get_time".into(), arguments: vec![arguments.into()] }
}

#[tokio::test]
async fn a_command_signs_in_calls_and_reports_success() {
    let world = World::start().await;
    let mut app = app(&world, allows).await;
    let report = perform(&mut app, &Verb::List, Format::Text).await;
    assert_eq!((report.exit, plain(&report.stdout).as_str()), (Exit::Success, "get_time  The time.\n"));
    let report = perform(&mut app, &call("{\"timezone\":\"Asia/Tokyo\"}"), Format::Text).await;
    assert_eq!((report.exit, report.stdout.as_str()), (Exit::Success, "noon\n"));
    assert_eq!(world.sign_ins(), 1);
    let sent = world.seen("/mcp").iter().map(Seen::json).find(|body| body["method"] == "tools/call").unwrap();
    assert_eq!(sent["params"]["arguments"], json!({"timezone": "Asia/Tokyo"}));
}

#[tokio::test]
async fn a_server_without_authorization_is_used_without_a_token() {
    let world = World::start().await;
    world.reply("/mcp", Reply::raw(404, "{}"));
    let mut app = app(&world, allows).await;
    assert!(app.tools().await.is_err());
    assert_eq!(world.sign_ins(), 0);
    assert!(world.seen("/mcp").iter().all(|seen| !seen.headers.contains_key(header::AUTHORIZATION)));
}

#[tokio::test]
async fn headers_of_a_server_go_with_each_request_to_it_and_to_nobody_else() {
    let world = World::start().await;
    let headers = [(HeaderName::from_static("x-api-key"), HeaderValue::from_static("hush"))].into_iter().collect();
    let keyed = Wire::new(client(&ClientOptions { headers, ..ClientOptions::default() }).unwrap());
    let mut app = App::new(keyed.clone(), world.client(allows).await).probing_with(keyed);
    assert_eq!(app.tools().await.unwrap().len(), 1);
    let with_key = |seen: &Seen| seen.headers.get("x-api-key").is_some_and(|value| value == "hush");
    assert!(world.seen("/mcp").len() > 1 && world.seen("/mcp").iter().all(with_key));
    for other in ["/token", RESOURCE_METADATA] {
        assert!(!world.seen(other).is_empty() && !world.seen(other).iter().any(with_key), "{other}");
    }
}

#[tokio::test]
async fn a_kept_token_that_is_refused_leads_to_one_new_sign_in() {
    let world = World::start().await;
    let token =
        |token: &str| Reply::json(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}));
    world.reply("/token", token("withdrawn"));
    let client = world.client(allows).await;
    let Probe::Challenged(challenge) = discovery::probe(&client.http, &client.settings.server).await.unwrap() else {
        panic!("no challenge")
    };
    assert_eq!(client.access_token(&challenge, Reuse::Kept).await.unwrap().token.reveal(), "withdrawn");
    world.reply("/token", token(TOKEN));
    let mut app = App::new(wire(), client);
    assert_eq!(app.tools().await.unwrap().len(), 1);
    assert_eq!(world.sign_ins(), 2);
}

#[tokio::test]
async fn a_server_that_refuses_every_token_leads_to_no_loop() {
    let world = World::start().await;
    let challenge = format!(
        "Bearer error=\"invalid_token\", error_description=\"never good\", resource_metadata=\"{}{RESOURCE_METADATA}\"",
        world.origin
    );
    world.reply("/mcp", Reply::raw(401, "{}").header(header::WWW_AUTHENTICATE, challenge));
    let mut app = app(&world, allows).await;
    let error = app.tools().await.unwrap_err();
    assert!(matches!(error, AppError::StillUnauthorized(_)));
    assert!(error.to_string().contains("never good"));
    assert_eq!((error.exit(), world.sign_ins()), (Exit::NotAuthorized, 1));
    let again = app.tools().await.unwrap_err();
    assert!(matches!(again, AppError::StillUnauthorized(_)));
    assert_eq!(world.sign_ins(), 2);
}

#[tokio::test]
async fn a_server_that_takes_the_greeting_and_refuses_what_follows_leads_to_one_more_sign_in() {
    let world = World::start().await;
    let refusal = format!("Bearer error=\"invalid_token\", resource_metadata=\"{}{RESOURCE_METADATA}\"", world.origin);
    world.reply("mcp:tools/list", Reply::raw(401, "{}").header(header::WWW_AUTHENTICATE, refusal));
    let mut app = app(&world, allows).await;
    for sign_ins in [2, 4] {
        assert!(matches!(app.tools().await.unwrap_err(), AppError::StillUnauthorized(_)));
        assert!(world.sign_ins() <= sign_ins, "{}", world.sign_ins());
    }
}

#[tokio::test]
async fn a_session_whose_token_ended_signs_in_again_by_itself() {
    let world = World::start().await;
    let mut app = app(&world, allows).await;
    app.tools().await.unwrap();
    let ended = format!("Bearer error=\"invalid_token\", resource_metadata=\"{}{RESOURCE_METADATA}\"", world.origin);
    world.reply("mcp:tools/call", Reply::raw(401, "{}").header(header::WWW_AUTHENTICATE, ended));
    // The new token is refused for this call as well, which ends it.
    let error = app.call("get_time", None).await.unwrap_err();
    assert!(matches!(error, AppError::StillUnauthorized(_)), "{error}");
    assert_eq!(world.sign_ins(), 2);
    let calls = world.seen("/mcp").iter().filter(|seen| seen.json()["method"] == "tools/call").count();
    assert_eq!(calls, 2);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let world = World::start().await;
    // The stream ends with an identifier, so that it is asked for again, and again ends without an answer.
    world
        .reply("mcp:tools/call", Reply::stream("id: 1\nretry: 10\ndata: {}\n\n"))
        .reply("mcp:", Reply::stream("id: 1\n\n"));
    let mut app = app(&world, allows).await;
    app.tools().await.unwrap();
    app.patience = Duration::from_millis(200);
    let error = app.call("get_time", None).await.unwrap_err();
    assert!(error.to_string().contains("no answer within"), "{error}");
    assert_eq!(error.exit(), Exit::Network);
}

#[tokio::test]
async fn the_era_of_a_server_is_found_out_once() {
    let world = World::start().await;
    let server = json!({"name": "old", "version": "1"});
    let result = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": server});
    world
        .reply("mcp:server/discover", Reply::raw(400, ""))
        .reply("mcp:initialize", Reply::json(200, &json!({"jsonrpc": "2.0", "id": "ID", "result": result})))
        .reply("mcp:notifications/initialized", Reply::raw(202, ""));
    let mut app = app(&world, allows).await;
    let count = |method: &str| {
        let of_it = |seen: &Seen| seen.json()["method"] == method && seen.headers.contains_key(header::AUTHORIZATION);
        world.seen("/mcp").iter().filter(|seen| of_it(seen)).count()
    };
    for _ in 0..2 {
        app.tools().await.unwrap();
        app.close().await;
    }
    assert_eq!((count("server/discover"), count("initialize")), (1, 2));
    // It was replaced by a newer one: the next failure leads back to the beginning.
    world.reply("mcp:initialize", Reply::raw(400, ""));
    app.tools().await.unwrap_err();
    world.reply(
        "mcp:server/discover",
        Reply::json(200, &complete(&json!("ID"), json!({"supportedVersions": ["2026-07-28"], "capabilities": {}}))),
    );
    app.tools().await.unwrap();
}

#[tokio::test]
async fn a_server_that_moves_to_another_issuer_gets_a_new_registration_there() {
    let (world, other) = (World::start().await, World::start().await);
    let (moved, elsewhere) = (world.clone(), other.origin.clone());
    let ended = format!("Bearer error=\"invalid_token\", resource_metadata=\"{}{RESOURCE_METADATA}\"", world.origin);
    world
        .change("/register", "client_id", json!("of-the-first"))
        .change("/token", "access_token", json!(TOKEN))
        .reply("mcp:tools/list", Reply::raw(401, "{}").header(header::WWW_AUTHENTICATE, ended));
    let first = std::sync::atomic::AtomicBool::new(true);
    let browser = move |asked: &Asked| {
        if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            moved.change(RESOURCE_METADATA, "authorization_servers", json!([elsewhere]));
        } else {
            let tools = complete(&json!("ID"), json!({"tools": []}));
            moved.reply("mcp:tools/list", Reply::json(200, &tools));
        }
        allows(asked)
    };
    let mut sign_in = world.client(browser).await;
    sign_in.settings.client = ClientChoice::Dynamic;
    App::new(wire(), sign_in).tools().await.unwrap();
    assert_eq!((world.seen("/register").len(), other.seen("/register").len()), (1, 1));
    let all = [world.last_asked(), other.seen("/token")[0].form()];
    assert!(all.iter().all(|form| form["client_id"] == "registered"), "{all:?}");
}

/// Replies to tool calls with a challenge that only [`TOKEN`] issued for `granted` could answer.
fn refuse_calls(world: &World, status: u16, challenge: &str) {
    world.reply("mcp:tools/call", Reply::raw(status, "{}").header(header::WWW_AUTHENTICATE, challenge));
}

fn calls(world: &World) -> usize {
    world.seen("/mcp").iter().filter(|seen| seen.json()["method"] == "tools/call").count()
}

#[tokio::test]
async fn a_403_leads_to_one_sign_in_for_all_scopes_together_and_the_call_is_made_again() {
    let world = World::start().await;
    refuse_calls(&world, 403, "Bearer error=\"insufficient_scope\", scope=\"mcp:write\"");
    let noon = json!({"content": [{"type": "text", "text": "noon"}]});
    let served = Reply::json(200, &crate::oauth::testing::world::complete(&json!("ID"), noon));
    // The server is content once the person came back.
    let (stepped_up, first) = (world.clone(), std::sync::atomic::AtomicBool::new(true));
    let browser = move |asked: &Asked| {
        if !first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            stepped_up.reply("mcp:tools/call", served.clone());
        }
        allows(asked)
    };
    let mut app = app(&world, browser).await;
    let report = perform(&mut app, &call(""), Format::Text).await;
    assert_eq!((report.exit, report.stdout.as_str()), (Exit::Success, "noon\n"), "{}", report.stderr);
    assert_eq!(world.last_asked()["scope"], "mcp:read mcp:write");
    assert_eq!((calls(&world), world.sign_ins()), (2, 2));
}

#[tokio::test]
async fn a_server_that_always_wants_what_was_granted_leads_to_one_step_up() {
    let world = World::start().await;
    refuse_calls(&world, 403, "Bearer error=\"insufficient_scope\", scope=\"mcp:write\"");
    let mut app = app(&world, allows).await;
    let report = perform(&mut app, &call(""), Format::Text).await;
    assert_eq!(report.exit, Exit::NotAuthorized);
    assert!(report.stderr.contains("this needs the scope mcp:write"), "{}", report.stderr);
    assert_eq!((calls(&world), world.sign_ins()), (2, 2));
}

#[tokio::test]
async fn step_ups_end_after_three_when_the_issuer_never_grants_the_scope() {
    let world = World::start().await;
    let less = json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": "mcp:read"});
    world.reply("/token", Reply::json(200, &less));
    refuse_calls(&world, 403, "Bearer error=\"insufficient_scope\", scope=\"mcp:write\"");
    let mut app = app(&world, allows).await;
    assert_eq!(perform(&mut app, &call(""), Format::Text).await.exit, Exit::NotAuthorized);
    assert_eq!((calls(&world), world.sign_ins()), (4, 4));
}

#[tokio::test]
async fn another_403_leads_to_no_sign_in() {
    let world = World::start().await;
    refuse_calls(&world, 403, "Bearer error=\"access_denied\"");
    let mut app = app(&world, allows).await;
    assert_eq!(perform(&mut app, &call(""), Format::Text).await.exit, Exit::NotAuthorized);
    assert_eq!((calls(&world), world.sign_ins()), (1, 1));
}

#[tokio::test]
async fn a_demand_for_a_younger_sign_in_leads_to_one_with_its_max_age() {
    let world = World::start().await;
    refuse_calls(
        &world,
        401,
        "Bearer error=\"insufficient_user_authentication\", max_age=\"60\", acr_values=\"high low\"",
    );
    let mut app = app(&world, allows).await;
    let error = app.call("get_time", None).await.unwrap_err();
    assert!(matches!(error, AppError::StillUnauthorized(_)), "{error}");
    assert_eq!((calls(&world), world.sign_ins()), (2, 2));
    let asked = world.last_asked();
    assert_eq!((asked["max_age"].as_str(), asked["acr_values"].as_str()), ("60", "high low"));
    assert_eq!(asked["scope"], "mcp:read");
}

#[tokio::test]
async fn a_session_whose_token_is_about_to_end_is_renewed_before_the_server_refuses() {
    let world = World::start().await;
    let with_refresh = json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r"});
    world.reply("/token", Reply::json(200, &with_refresh));
    let mut app = app(&world, allows).await;
    app.tools().await.unwrap();
    app.tools().await.unwrap();
    assert_eq!(world.seen("/token").len(), 1);
    world.clock.advance(std::time::Duration::from_secs(3580));
    app.tools().await.unwrap();
    assert_eq!((world.seen("/token").len(), world.sign_ins()), (2, 1));
}

#[tokio::test]
async fn every_kind_of_failure_has_its_exit_code() {
    let world = World::start().await;
    let mut good = app(&world, allows).await;
    assert_eq!(perform(&mut good, &call("[1]"), Format::Text).await.exit, Exit::Usage);
    let failed = json!({"content": [{"type": "text", "text": "bad \u{1b}[31mzone"}], "isError": true});
    let failed = crate::oauth::testing::world::complete(&json!("ID"), failed);
    world.reply("mcp:tools/call", Reply::json(200, &failed));
    let report = perform(&mut good, &call("{}"), Format::Text).await;
    assert_eq!(report.exit, Exit::Tool);
    assert!(report.stderr.contains("bad \\u{1b}[31mzone") && report.stdout.is_empty());

    let denied = |asked: &Asked| query(&[("error", "access_denied"), ("state", &asked.state), ("iss", &asked.issuer)]);
    good.sign_out().await.unwrap();
    let mut denied = app(&world, denied).await;
    let report = perform(&mut denied, &Verb::List, Format::Text).await;
    assert_eq!(report.exit, Exit::NotAuthorized);
    assert!(report.stderr.starts_with("Not signed in: the authorization server refused: access was denied"));

    let mut client = world.client(allows).await;
    client.settings.server = crate::oauth::testing::endpoint("http://127.0.0.1:1/mcp");
    let report = perform(&mut App::new(wire(), client), &Verb::List, Format::Text).await;
    assert_eq!(report.exit, Exit::Network);
    assert!(report.stderr.contains("http://127.0.0.1:1"), "{}", report.stderr);
}

#[tokio::test]
async fn signing_out_forgets_the_token() {
    let world = World::start().await;
    let mut app = app(&world, allows).await;
    app.tools().await.unwrap();
    let report = perform(&mut app, &Verb::Logout, Format::Text).await;
    assert_eq!(report.exit, Exit::Success);
    app.tools().await.unwrap();
    assert_eq!(world.sign_ins(), 2);
}

/// Each verb with the exit code and a part of what it prints.
#[tokio::test]
async fn resources_and_prompts_are_listed_read_and_filled_in() {
    let world = World::start().await;
    let complete = |result| Reply::json(200, &crate::oauth::testing::world::complete(&json!("ID"), result));
    world
        .reply("mcp:resources/list", complete(json!({"resources": [{"uri": "user://profile", "name": "profile"}]})))
        .reply(
            "mcp:resources/templates/list",
            Reply::json(200, &json!({"jsonrpc": "2.0", "id": "ID", "error": {"code": -32601, "message": "no"}})),
        )
        .reply("mcp:resources/read", complete(json!({"contents": [{"uri": "user://profile", "text": "Ann"}]})))
        .reply(
            "mcp:prompts/list",
            complete(json!({"prompts": [{"name": "sum", "arguments": [{"name": "topic", "required": true}]}]})),
        )
        .reply(
            "mcp:prompts/get",
            complete(json!({"messages": [{"role": "user", "content": {"type": "text", "text": "Sum up"}}]})),
        );
    let mut app = app(&world, allows).await;
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let sum = |arguments: &[&str]| Verb::Prompt { prompt: "sum".into(), arguments: words(arguments) };
    for (verb, exit, shown) in [
        (Verb::Resources, Exit::Success, "user://profile  profile\n"),
        (Verb::Read { uri: "user://profile".into() }, Exit::Success, "Ann\n"),
        (Verb::Prompts, Exit::Success, "sum topic=…\n"),
        (sum(&["topic=tea"]), Exit::Success, "user:\nSum up\n"),
        (sum(&[]), Exit::Usage, "The prompt sum needs the argument topic (text), as in topic=…\n"),
        (
            Verb::Prompt { prompt: "gone".into(), arguments: vec![] },
            Exit::Tool,
            "The server has no prompt gone; it has sum.\n",
        ),
    ] {
        let report = perform(&mut app, &verb, Format::Text).await;
        assert_eq!((report.exit, plain(&report.stdout) + &report.stderr), (exit, shown.into()), "{verb:?}");
    }
    let sent = world.seen("/mcp").iter().map(Seen::json).find(|body| body["method"] == "prompts/get").unwrap();
    assert_eq!(sent["params"]["arguments"], json!({"topic": "tea"}));
}

#[tokio::test]
async fn words_of_a_call_are_typed_by_the_schema_of_the_tool_before_anything_is_called() {
    let world = World::start().await;
    let tool =
        json!({"name": "get_time", "inputSchema": {"type": "object", "properties": {"hour": {"type": "integer"}}}});
    world.reply(
        "mcp:tools/list",
        Reply::json(200, &crate::oauth::testing::world::complete(&json!("ID"), json!({"tools": [tool]}))),
    );
    let mut app = app(&world, allows).await;
    let report = perform(&mut app, &call("hour=late"), Format::Text).await;
    assert_eq!((report.exit, calls(&world)), (Exit::Usage, 0));
    assert_eq!(report.stderr, "The argument hour of the tool get_time must be a whole number, but \"late\" is not.\n");
    assert_eq!(perform(&mut app, &call("hour=7"), Format::Text).await.exit, Exit::Success);
    let sent = world.seen("/mcp").iter().map(Seen::json).find(|body| body["method"] == "tools/call").unwrap();
    assert_eq!(sent["params"]["arguments"], json!({"hour": 7}));
}

#[tokio::test]
async fn the_token_is_shown_decoded_and_itself_only_when_asked_for() {
    let world = World::start().await;
    let mut app = app(&world, allows).await;
    let report = perform(&mut app, &Verb::Token { reveal: false }, Format::Text).await;
    let opaque =
        "The token is opaque: only its issuer can say what is in it.\nIt was asked for with the scope mcp:read.\n";
    assert_eq!(report.stdout, format!("{opaque}Lifetime: 1 h 0 min left.\n"));
    let json = perform(&mut app, &Verb::Token { reveal: false }, Format::Json).await.stdout;
    assert!(json.contains("\"opaque\"") && json.contains("\"seconds_left\": 3600") && !json.contains(TOKEN), "{json}");
    let json = perform(&mut app, &Verb::Token { reveal: true }, Format::Json).await.stdout;
    assert!(json.contains(&format!("\"access_token\": \"{TOKEN}\"")), "{json}");
    assert_eq!(perform(&mut app, &Verb::Token { reveal: true }, Format::Text).await.stdout, format!("{TOKEN}\n"));
}

#[tokio::test]
async fn a_login_keeps_a_good_token_unless_it_is_told_otherwise() {
    let world = World::start().await;
    let mut app = app(&world, allows).await;
    for (again, sign_ins) in [(false, 1), (false, 1), (true, 2)] {
        let report = perform(&mut app, &Verb::Login { again }, Format::Text).await;
        assert_eq!((report.exit, world.sign_ins()), (Exit::Success, sign_ins));
        assert_eq!(report.stdout, format!("You are signed in to {}; 1 h 0 min left.\n", world.server()));
    }
}

/// A server over standard input and output, which notes the token of each start.
#[cfg(unix)]
const PROGRAM: &str = r#"
echo "$MCP_ACCESS_TOKEN" >>"$STARTS"
while read -r line; do
    id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
    case "$line" in
        *server/discover*) body='"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}' ;;
        *) body='"tools":[]' ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":{%s,"resultType":"complete","ttlMs":0,"cacheScope":"private"}}\n' "$id" "$body"
done
"#;

#[cfg(unix)]
#[tokio::test]
async fn a_program_is_started_with_the_token_and_anew_with_another_one_after_its_end() {
    let world = World::start().await;
    let token =
        |token: &str| Reply::json(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}));
    let starts = world.folder().join("starts");
    let program = crate::servers::Program {
        command: "sh".into(),
        arguments: vec!["-c".into(), PROGRAM.into()],
        environment: [("STARTS".to_owned(), starts.display().to_string())].into(),
        takes_token: true,
    };
    let mut sign_in = world.client(allows).await;
    sign_in.settings.stated.issuer = Some(crate::oauth::testing::endpoint(&world.origin));
    let mut app = App::new(wire(), sign_in).over(Some(program));
    world.reply("/token", token("first"));
    for _ in 0..2 {
        assert_eq!(app.tools().await.unwrap(), []);
    }
    world.reply("/token", token("second"));
    world.clock.advance(std::time::Duration::from_hours(1));
    assert_eq!(app.tools().await.unwrap(), []);
    assert_eq!(std::fs::read_to_string(&starts).unwrap(), "first\nsecond\n");
    assert_eq!((world.sign_ins(), world.seen("/mcp").len()), (2, 0));
}
