use super::*;
use crate::{
    cli::Command,
    commands::perform,
    oauth::{
        sign_in::ClientChoice,
        testing::{
            wire,
            world::{Asked, RESOURCE_METADATA, Reply, Seen, TOKEN, World, allows, complete, query},
        },
    },
};
use http::header;
use serde_json::json;

async fn app(world: &World, browser: impl Fn(&Asked) -> String + Send + Sync + 'static) -> App {
    App::new(wire(), world.client(browser).await)
}

fn call(arguments: &str) -> Command {
    Command::Call { tool: "get_time".into(), arguments: Some(arguments.into()), json: false }
}

#[tokio::test]
async fn a_command_signs_in_calls_and_reports_success() {
    let world = World::start().await;
    let mut app = app(&world, allows).await;
    let report = perform(&mut app, &Command::List { json: false }).await;
    assert_eq!((report.exit, report.stdout.as_str()), (Exit::Success, "get_time  The time.\n"));
    let report = perform(&mut app, &call("{\"timezone\":\"Asia/Tokyo\"}")).await;
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
    let report = perform(&mut app, &call("")).await;
    assert_eq!((report.exit, report.stdout.as_str()), (Exit::Success, "noon\n"), "{}", report.stderr);
    assert_eq!(world.last_asked()["scope"], "mcp:read mcp:write");
    assert_eq!((calls(&world), world.sign_ins()), (2, 2));
}

#[tokio::test]
async fn a_server_that_always_wants_what_was_granted_leads_to_one_step_up() {
    let world = World::start().await;
    refuse_calls(&world, 403, "Bearer error=\"insufficient_scope\", scope=\"mcp:write\"");
    let mut app = app(&world, allows).await;
    let report = perform(&mut app, &call("")).await;
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
    assert_eq!(perform(&mut app, &call("")).await.exit, Exit::NotAuthorized);
    assert_eq!((calls(&world), world.sign_ins()), (4, 4));
}

#[tokio::test]
async fn another_403_leads_to_no_sign_in() {
    let world = World::start().await;
    refuse_calls(&world, 403, "Bearer error=\"access_denied\"");
    let mut app = app(&world, allows).await;
    assert_eq!(perform(&mut app, &call("")).await.exit, Exit::NotAuthorized);
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
    assert_eq!(perform(&mut good, &call("[1]")).await.exit, Exit::Usage);
    let failed = json!({"content": [{"type": "text", "text": "bad \u{1b}[31mzone"}], "isError": true});
    let failed = crate::oauth::testing::world::complete(&json!("ID"), failed);
    world.reply("mcp:tools/call", Reply::json(200, &failed));
    let report = perform(&mut good, &call("{}")).await;
    assert_eq!(report.exit, Exit::Tool);
    assert!(report.stderr.contains("bad \\u{1b}[31mzone") && report.stdout.is_empty());

    let denied = |asked: &Asked| query(&[("error", "access_denied"), ("state", &asked.state), ("iss", &asked.issuer)]);
    good.sign_out().await.unwrap();
    let mut denied = app(&world, denied).await;
    let report = perform(&mut denied, &Command::List { json: false }).await;
    assert_eq!(report.exit, Exit::NotAuthorized);
    assert!(report.stderr.starts_with("Not signed in: the authorization server refused: access was denied"));

    let mut client = world.client(allows).await;
    client.settings.server = crate::oauth::testing::endpoint("http://127.0.0.1:1/mcp");
    let report = perform(&mut App::new(wire(), client), &Command::List { json: false }).await;
    assert_eq!(report.exit, Exit::Network);
    assert!(report.stderr.contains("http://127.0.0.1:1"), "{}", report.stderr);
}

#[tokio::test]
async fn signing_out_forgets_the_token() {
    let world = World::start().await;
    let mut app = app(&world, allows).await;
    app.tools().await.unwrap();
    let report = perform(&mut app, &Command::Logout).await;
    assert_eq!(report.exit, Exit::Success);
    app.tools().await.unwrap();
    assert_eq!(world.sign_ins(), 2);
}
