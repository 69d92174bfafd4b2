//! Codes of people who are not asked again, as the client and a thief see them.

use super::*;
use crate::{
    authorize::Approval,
    domain::{ClientStanding, RegisteredClient},
    protocol::GrantType,
    routes,
    store::Memory,
    testing::*,
};
use http::StatusCode;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const SCRIPT: &str = "script";
const HTTPS_REDIRECT: &str = "https://app.example/callback";

/// A browser whose person allowed as much before to a client of the operator's.
struct Scene {
    server: Server,
    cookie: String,
    subject: Subject,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start().await;
        let client = server.add_client(SCRIPT, &[GrantType::AuthorizationCode, GrantType::RefreshToken]).await;
        let redirect_uris = vec![RedirectUri::parse(HTTPS_REDIRECT).unwrap()];
        server.services.store.put_client(&RegisteredClient { redirect_uris, ..client }).await.unwrap();
        let (cookie, session) = server.signed_in().await;
        let scene = Self { server, cookie, subject: session.subject().unwrap().clone() };
        scene.consent().await;
        scene
    }

    /// The person is asked, and allows it.
    async fn consent(&self) {
        let pending = self.server.pending(&with(&request(), &[("prompt", "consent")])).await;
        let code = CodeSecret::generate(&random()).unwrap();
        let approval = Approval { person: self.server.person().await, code, memory: Memory::Kept };
        crate::authorize::approve(&self.server.services, &pending, &approval).await.unwrap();
    }

    /// Where the browser is sent at once.
    async fn target(&self, more: &[(&str, &str)]) -> url::Url {
        self.server.authorize(&self.cookie, &with(&request(), more)).await.location()
    }

    async fn code(&self) -> String {
        let code = self.target(&[]).await.parameter("code").unwrap();
        assert!(CodeSecret::parse(&code).is_none(), "it is sealed");
        code
    }

    async fn redeem(&self, form: &[(&str, &str)]) -> Answer {
        self.server.post_as((SCRIPT, SECRET), routes::TOKEN, form).await
    }

    async fn tokens(&self, code: &str) -> Value {
        let answer = self.redeem(&exchange(code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    async fn assert_refused(&self, form: &[(&str, &str)]) {
        assert_eq!(self.redeem(form).await.error(), (400, "invalid_grant".to_owned()), "{form:?}");
    }

    async fn is_alive(&self, tokens: &Value) -> bool {
        let form = [("token", tokens["access_token"].as_str().unwrap())];
        self.server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &form).await.json()["active"] == json!(true)
    }
}

fn request() -> Vec<(&'static str, &'static str)> {
    request_with(&[("client_id", SCRIPT), ("redirect_uri", HTTPS_REDIRECT), ("resource", RESOURCE)])
}

fn exchange(code: &str) -> Vec<(&str, &str)> {
    with(&crate::testing::exchange(code), &[("redirect_uri", HTTPS_REDIRECT)])
}

#[tokio::test]
async fn whoever_is_not_asked_gets_a_code_that_says_nothing_and_is_not_stored() {
    let scene = Scene::new().await;
    let code = scene.code().await;
    let sealed = URL_SAFE_NO_PAD.decode(&code).unwrap();
    for told in [SCRIPT, RESOURCE, "app.example", scene.subject.as_str()] {
        assert!(!sealed.windows(told.len()).any(|window| window == told.as_bytes()), "{told}");
    }
    let presented = PresentedCode::parse(&code).unwrap();
    assert_eq!(format!("{presented:?}"), "PresentedCode(***)");
    let hash = presented.hash();
    assert_eq!(scene.server.services.store.code(&hash).await.unwrap(), None);
    let claims = claims_of(scene.tokens(&code).await["access_token"].as_str().unwrap());
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!(scene.subject.as_str()), &json!(RESOURCE)));
    assert_eq!((&claims["client_id"], &claims["auth_time"]), (&json!(SCRIPT), &json!(NOW.as_second())));
}

#[tokio::test]
async fn a_sealed_code_survives_a_restart_and_a_replay_after_another_is_refused_and_revokes() {
    let mut scene = Scene::new().await;
    let code = scene.code().await;
    scene.server = scene.server.restart().await;
    let tokens = scene.tokens(&code).await;
    scene.server = scene.server.restart().await;
    assert!(scene.is_alive(&tokens).await);
    scene.assert_refused(&exchange(&code)).await;
    assert!(!scene.is_alive(&tokens).await);
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    scene.assert_refused(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await;
}

#[tokio::test]
async fn a_late_replay_of_a_sealed_code_still_revokes_the_grant() {
    let scene = Scene::new().await;
    let code = scene.code().await;
    let tokens = scene.tokens(&code).await;
    scene.server.clock.advance(Duration::from_mins(10));
    scene.assert_refused(&exchange(&code)).await;
    assert!(!scene.is_alive(&tokens).await);
}

#[tokio::test]
async fn a_replay_is_known_even_if_the_key_that_sealed_the_code_is_gone() {
    let scene = Scene::new().await;
    let code = scene.code().await;
    let tokens = scene.tokens(&code).await;
    scene.server.services.keys.rotate_now(scene.server.services.now()).unwrap();
    scene.assert_refused(&exchange(&code)).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    scene.assert_refused(&form).await;
}

#[tokio::test]
async fn a_sealed_code_is_worth_nothing_after_a_rotation_at_once() {
    let scene = Scene::new().await;
    let code = scene.code().await;
    scene.server.services.keys.rotate_now(scene.server.services.now()).unwrap();
    scene.assert_refused(&exchange(&code)).await;
    scene.tokens(&scene.code().await).await;
}

#[tokio::test]
async fn a_sealed_code_is_good_for_sixty_seconds() {
    let scene = Scene::new().await;
    let (in_time, late) = (scene.code().await, scene.code().await);
    scene.server.clock.advance(Duration::from_secs(59));
    scene.tokens(&in_time).await;
    scene.server.clock.advance(Duration::from_secs(1));
    scene.assert_refused(&exchange(&late)).await;
}

#[tokio::test]
async fn a_sealed_code_is_bound_to_all_that_was_asked_for_and_a_failure_does_not_use_it_up() {
    let scene = Scene::new().await;
    scene.server.add_client("other", &[GrantType::AuthorizationCode]).await;
    let code = scene.code().await;
    let other = scene.server.post_as(("other", SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_eq!(other.error(), (400, "invalid_grant".to_owned()));
    let wrong = "w".repeat(43);
    scene.assert_refused(&with(&exchange(&code), &[("code_verifier", &wrong)])).await;
    scene.assert_refused(&with(&exchange(&code), &[("redirect_uri", REDIRECT_URI)])).await;
    let answer = scene.redeem(&with(&exchange(&code), &[("resource", OTHER_RESOURCE)])).await;
    assert_eq!(answer.error(), (400, "invalid_target".to_owned()));
    scene.tokens(&code).await;
}

#[tokio::test]
async fn nothing_that_was_changed_or_cut_or_made_up_is_a_code() {
    let scene = Scene::new().await;
    let code = scene.code().await;
    let changed = |at: usize| {
        let mut bytes = URL_SAFE_NO_PAD.decode(&code).unwrap();
        bytes[at] ^= 1;
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let length = URL_SAFE_NO_PAD.decode(&code).unwrap().len();
    for hostile in [changed(0), changed(12), changed(length / 2), changed(length - 1)] {
        scene.assert_refused(&exchange(&hostile)).await;
    }
    let keys = &scene.server.services.keys;
    let sealed = |purpose, content: &[u8]| URL_SAFE_NO_PAD.encode(keys.seal(purpose, content, &random(), NOW).unwrap());
    let other_purpose = {
        let contents = keys.open_sealed(PURPOSE, &URL_SAFE_NO_PAD.decode(&code).unwrap(), NOW).unwrap();
        sealed("another purpose", &contents)
    };
    let (cut, longer, long) = (&code[..code.len() - 4], format!("{code}AAAA"), "A".repeat(1501));
    for hostile in [cut, &longer, &long, &"A".repeat(44), &"A".repeat(1500), &sealed(PURPOSE, b"{}"), &other_purpose] {
        scene.assert_refused(&exchange(hostile)).await;
    }
    scene.tokens(&code).await;
}

#[tokio::test]
async fn what_ends_the_consent_ends_the_codes_on_their_way_even_if_the_person_consents_again() {
    for end in ["disconnect", "disable the person", "disable the client", "remove the resource"] {
        for consents_again in [false, true] {
            let scene = Scene::new().await;
            let code = scene.code().await;
            scene.server.clock.advance(Duration::from_secs(1));
            let (store, now) = (&scene.server.services.store, scene.server.services.now());
            let (client, resource) = (ClientId::parse(SCRIPT).unwrap(), Resource::parse(RESOURCE).unwrap());
            match end {
                "disconnect" => store.disconnect(&scene.subject, &client, now).await.unwrap(),
                "disable the person" => {
                    store.disable_person(&scene.subject, now).await.unwrap();
                    store.enable_person(&scene.subject).await.unwrap();
                }
                "disable the client" => {
                    store.set_client_standing(&client, ClientStanding::Disabled, now).await.unwrap();
                    store.set_client_standing(&client, ClientStanding::Active, now).await.unwrap();
                }
                _ => {
                    let served = scene.server.services.resources.current().find(RESOURCE).unwrap().clone();
                    store.put_resource(&served, None).await.unwrap();
                    assert!(store.remove_resource(&resource, now).await.unwrap());
                }
            }
            if consents_again {
                scene.consent().await;
            }
            scene.assert_refused(&exchange(&code)).await;
        }
    }
}

#[tokio::test]
async fn more_consent_does_not_end_the_codes_on_their_way() {
    let scene = Scene::new().await;
    let code = scene.code().await;
    scene.server.clock.advance(Duration::from_secs(1));
    scene.consent().await;
    scene.tokens(&code).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_parallel_redemptions_of_a_sealed_code_exactly_one_succeeds_and_is_revoked() {
    let scene = Arc::new(Scene::new().await);
    let code = scene.code().await;
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (scene, code) = (scene.clone(), code.clone());
            tokio::spawn(async move { scene.redeem(&exchange(&code)).await })
        })
        .collect();
    let mut winners = Vec::new();
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        match answer.status {
            StatusCode::OK => winners.push(answer.json()),
            _ => assert_eq!(answer.error(), (400, "invalid_grant".to_owned())),
        }
    }
    assert_eq!(winners.len(), 1);
    assert!(!scene.is_alive(&winners[0]).await);
}

#[tokio::test]
async fn who_would_get_a_code_too_long_for_an_address_is_asked() {
    let scene = Scene::new().await;
    let long = "n".repeat(1024);
    assert_eq!(scene.target(&[("nonce", &long)]).await.path(), "/consent");
    let silent = scene.target(&[("nonce", &long), ("prompt", "none")]).await;
    assert_eq!(silent.parameter("error").as_deref(), Some("consent_required"));
    let short = "n".repeat(100);
    assert!(scene.target(&[("nonce", &short)]).await.parameter("code").is_some());
}
