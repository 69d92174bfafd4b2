use super::*;
use crate::{
    app::App,
    oauth::testing::{
        http_client,
        world::{ISSUER_METADATA, Reply, SECRET, TOKEN, World, allows},
    },
};
use std::sync::Mutex;
use verification_keys::testing::ManualClock;

fn recorder() -> (Arc<Flow>, Arc<Mutex<Vec<Step>>>) {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&steps);
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    (Flow::new(clock, move |step| sink.lock().unwrap().push(step)), steps)
}

async fn told(action: impl AsyncFn(&mut App)) -> (World, Vec<Step>) {
    let world = World::start().await;
    let revocation = serde_json::json!(format!("{}/revoke", world.origin));
    world.change(ISSUER_METADATA, "revocation_endpoint", revocation).reply("/revoke", Reply::raw(200, ""));
    let (flow, steps) = recorder();
    let mut sign_in = world.client(allows).await;
    sign_in.http = Wire::reporting_to(http_client(), Arc::clone(&flow));
    let mut app = App::new(Wire::reporting_to(http_client(), flow), sign_in);
    action(&mut app).await;
    let steps = std::mem::take(&mut *steps.lock().unwrap());
    (world, steps)
}

#[tokio::test]
async fn a_first_call_is_told_step_by_step_and_in_order() {
    let (_world, steps) = told(async |app| assert!(app.call("get_time", None).await.is_ok())).await;
    let kinds: Vec<StepKind> = steps.iter().map(|step| step.kind).collect();
    assert_eq!(
        kinds,
        [
            StepKind::UnauthenticatedRequest,
            StepKind::ResourceMetadata,
            StepKind::IssuerMetadata,
            StepKind::AuthorizationRequest,
            StepKind::Callback,
            StepKind::TokenRequest,
            StepKind::Discover,
            StepKind::CallTool,
        ]
    );
    assert!(steps.iter().map(|step| step.number).eq(1..=8));
    assert!(steps.iter().all(|step| (step.from, step.to) == step.kind.between()));
    assert!(steps[0].is_refused() && !steps[7].is_refused());
}

#[tokio::test]
async fn no_secret_is_in_any_step() {
    let (world, steps) = told(async |app| {
        assert!(app.call("get_time", None).await.is_ok());
        assert!(app.sign_out().await.is_ok());
    })
    .await;
    assert_eq!(steps.last().unwrap().kind, StepKind::Revocation);
    let token = world.seen("/token")[0].form();
    let basic = world.seen("/token")[0].headers["authorization"].to_str().unwrap().to_owned();
    let lines = serde_json::to_string(&steps).unwrap();
    let authorize = steps.iter().find(|step| step.kind == StepKind::AuthorizationRequest).unwrap();
    let state = &authorize.request.parameters.iter().find(|(name, _)| name == "state").unwrap().1;
    assert_eq!(state.chars().count(), 9, "{state}");
    for secret in [TOKEN, SECRET, &token["code_verifier"], &token["code"], &basic, &basic["Basic ".len()..]] {
        assert!(secret.len() >= 8 && !lines.contains(secret), "{secret} is in {lines}");
    }
}

#[tokio::test]
async fn every_step_says_why_it_exists_and_where_that_is_written() {
    let (_world, steps) = told(async |app| assert!(app.tools().await.is_ok())).await;
    for step in &steps {
        let line = serde_json::to_value(step).unwrap();
        assert_eq!(line["sentence"], step.kind.sentence());
        assert_eq!(line["reference"], step.kind.reference());
        assert!(line["kind"].is_string() && line["number"].is_u64(), "{line}");
    }
}

#[test]
fn secrets_keep_at_most_eight_characters_and_a_quarter() {
    assert_eq!(shortened("eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9"), "eyJhbGci…");
    assert_eq!(shortened("simple-mcp-secret-123"), "simpl…");
    assert_eq!(shortened("abc"), "…");
}

#[test]
fn what_was_sent_is_cut_wherever_the_answer_repeats_it() {
    let (flow, steps) = recorder();
    let url = Url::parse("https://auth.example/token?state=a-state-that-nobody-knows").unwrap();
    let body = b"code=a-code-that-nobody-knows&client_id=mine".to_vec();
    let request = crate::oauth::exchange::post(&url, "application/x-www-form-urlencoded", body);
    let open = Open::new(flow, StepKind::TokenRequest, &request);
    let answer = br#"{"error":"invalid_grant","error_description":"a-code-that-nobody-knows is over","n":[{"refresh_token":"another-long-secret"}]}"#;
    let mut headers = HeaderMap::new();
    let location = "https://app.example/callback?code=a-second-code-nobody-knows&iss=i";
    headers.insert(http::header::LOCATION, location.parse().unwrap());
    headers.insert(http::header::SET_COOKIE, "sid=a-cookie-that-nobody-knows".parse().unwrap());
    open.answered(400, &headers, Some(answer));
    let step = steps.lock().unwrap().remove(0);
    let line = serde_json::to_string(&step).unwrap();
    assert!(!line.contains("nobody-knows") && !line.contains("long-secret"), "{line}");
    assert!(line.contains("a-code… is over") && line.contains("iss=i") && line.contains("mine"), "{line}");
}

#[test]
fn a_body_that_is_not_json_is_only_measured() {
    let (flow, steps) = recorder();
    let request = crate::oauth::exchange::get_json(&Url::parse("https://auth.example/x").unwrap());
    Open::new(flow, StepKind::TokenRequest, &request).answered(200, &HeaderMap::new(), Some(b"access_token=abc"));
    let Outcome::Answer(answer) = steps.lock().unwrap().remove(0).outcome else { panic!("no answer") };
    assert_eq!((answer.body, answer.bytes), (None, Some(16)));
}

#[test]
fn a_refusal_is_a_step_of_its_own_only_at_the_resource_server_and_with_a_token() {
    assert_eq!(StepKind::CallTool.refused(401, true), StepKind::TokenRefused);
    assert_eq!(StepKind::CallTool.refused(403, true), StepKind::ScopeChallenge);
    assert_eq!(StepKind::UnauthenticatedRequest.refused(401, false), StepKind::UnauthenticatedRequest);
    assert_eq!(StepKind::TokenRequest.refused(401, true), StepKind::TokenRequest);
}
