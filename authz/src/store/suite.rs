//! The suite that every store passes. `open` opens the same database again: what was done has to be there.

mod scene;

use super::*;
use crate::{
    domain::{
        AuthenticatedPerson, ClientAuthentication, CodeSecret, CodeState, GrantState, Origin, PasswordHash,
        RequestSecret, SessionSecret, SessionStage,
    },
    protocol::{ApplicationType, Scope},
};
use jiff::{SignedDuration, ToSpan as _};
use std::sync::Arc;

use scene::*;

#[tokio::test]
async fn clients_survive_a_restart_with_every_member() {
    let database = Database::new();
    let store = database.open().await;
    let full = client("c_1", Origin::SelfRegistered);
    let bare = RegisteredClient {
        id: ClientId::parse("c_2").unwrap(),
        name: None,
        uri: None,
        authentication: ClientAuthentication::Public,
        redirect_uris: vec![],
        grant_types: vec![],
        scope: Scope::default(),
        application_type: ApplicationType::Web,
        introspects: None,
        origin: Origin::Operator,
        registered_at: NOW,
    };
    store.add_client(&full).await.unwrap();
    store.put_client(&bare).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(store.client(&full.id).await.unwrap(), Some(full.clone()));
    assert_eq!(store.client(&bare.id).await.unwrap(), Some(bare));
    assert_eq!(store.client(&ClientId::parse("c_3").unwrap()).await.unwrap(), None);
    assert!(store.add_client(&full).await.is_err(), "an id is given out once");
}

#[tokio::test]
async fn putting_a_client_replaces_its_own_origin_only() {
    let database = Database::new();
    let store = database.open().await;
    let demo = client("simple-mcp-client", Origin::Demo);
    store.put_client(&demo).await.unwrap();
    let renamed = RegisteredClient { name: Some("New".to_owned()), ..demo.clone() };
    store.put_client(&renamed).await.unwrap();
    assert_eq!(store.client(&demo.id).await.unwrap(), Some(renamed.clone()));
    store.put_client(&RegisteredClient { name: None, origin: Origin::Operator, ..demo.clone() }).await.unwrap();
    assert_eq!(store.client(&demo.id).await.unwrap(), Some(renamed));
}

#[tokio::test]
async fn a_confidential_client_without_its_secret_is_an_error_and_not_a_public_client() {
    let database = Database::new();
    let store = database.open().await;
    store.add_client(&client("c_1", Origin::SelfRegistered)).await.unwrap();
    store.execute_for_test("UPDATE clients SET secret_hash = NULL").await;
    let found = store.client(&ClientId::parse("c_1").unwrap()).await;
    assert!(matches!(found, Err(StoreError::Unreadable("secret_hash"))), "{found:?}");
}

#[tokio::test]
async fn a_person_keeps_the_subject_when_the_password_changes() {
    let database = Database::new();
    let store = database.open().await;
    let ann = person("ann");
    store.put_person(&ann).await.unwrap();
    let changed = Person { password: PasswordHash::from_phc("$argon2id$2".to_owned()), ..person("ann") };
    store.put_person(&changed).await.unwrap();
    let store = database.reopen(store).await;
    let found = store.person_by_username(&ann.username).await.unwrap().unwrap();
    assert_eq!((&found.subject, &found.password), (&ann.subject, &changed.password));
    assert_eq!(store.person(&ann.subject).await.unwrap(), Some(found));
    assert_eq!(store.person(&changed.subject).await.unwrap(), None);
    for other in ["Ann", "ann'--", "ann' OR '1'='1"] {
        assert_eq!(store.person_by_username(&Username::parse(other).unwrap()).await.unwrap(), None, "{other}");
    }
}

#[tokio::test]
async fn the_demo_set_goes_and_the_rest_stays() {
    let database = Database::new();
    let store = database.open().await;
    let (demo, own) = (client("demo", Origin::Demo), client("own", Origin::Operator));
    store.put_client(&demo).await.unwrap();
    store.put_client(&own).await.unwrap();
    let (ann, bob) = (person("ann"), Person { origin: Origin::Operator, ..person("bob") });
    store.put_person(&ann).await.unwrap();
    store.put_person(&bob).await.unwrap();
    store.forget_demo(Some(&ann.username)).await.unwrap();
    assert!(store.person(&ann.subject).await.unwrap().is_some() && store.client(&demo.id).await.unwrap().is_some());
    store.forget_demo(None).await.unwrap();
    assert!(store.person(&ann.subject).await.unwrap().is_none() && store.client(&demo.id).await.unwrap().is_none());
    assert!(store.person(&bob.subject).await.unwrap().is_some() && store.client(&own.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_session_is_found_until_it_ends() {
    let database = Database::new();
    let store = database.open().await;
    let session = BrowserSession::anonymous(secret::<_>().hash(), NOW);
    store.begin_session(&session).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(store.session(&session.hash, NOW).await.unwrap(), Some(session.clone()));
    assert_eq!(store.session(&session.hash, session.expires_at).await.unwrap(), None);
    store.end_session(&session.hash).await.unwrap();
    assert_eq!(store.session(&session.hash, NOW).await.unwrap(), None);
}

#[tokio::test]
async fn renewing_a_session_ends_the_old_one_and_takes_its_requests_along() {
    let database = Database::new();
    let store = database.open().await;
    let Scene { person, session: old, pending } = scene(&store).await;
    let new = BrowserSession::signed_in(secret::<_>().hash(), person.subject.clone(), NOW);
    store.renew_session(&old.hash, &new, None).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(store.session(&old.hash, NOW).await.unwrap(), None);
    let found = store.session(&new.hash, NOW).await.unwrap().unwrap();
    assert_eq!(found.stage, SessionStage::SignedIn(AuthenticatedPerson::by_password(person.subject, NOW)));
    assert_eq!(store.pending_authorization(&pending.hash, &old.hash, NOW).await.unwrap(), None);
    let moved = PendingAuthorization { session: new.hash.clone(), ..pending.clone() };
    assert_eq!(store.pending_authorization(&pending.hash, &new.hash, NOW).await.unwrap(), Some(moved));
}

#[tokio::test]
async fn of_two_renewals_at_once_the_later_one_has_the_request() {
    let database = Database::new();
    let store = database.open().await;
    let Scene { person, session: old, pending } = scene(&store).await;
    let new = || BrowserSession::signed_in(secret::<_>().hash(), person.subject.clone(), NOW);
    let (first, second, stranger) = (new(), new(), new());
    for new in [&first, &second] {
        store.renew_session(&old.hash, new, Some(&pending.hash)).await.unwrap();
    }
    store.renew_session(&old.hash, &stranger, None).await.unwrap();
    for (session, found) in [(&old, false), (&first, false), (&second, true), (&stranger, false)] {
        let here = store.pending_authorization(&pending.hash, &session.hash, NOW).await.unwrap();
        assert_eq!(here.is_some(), found);
    }
}

#[tokio::test]
async fn ending_a_session_drops_its_requests() {
    let database = Database::new();
    let store = database.open().await;
    let Scene { session, pending, .. } = scene(&store).await;
    store.end_session(&session.hash).await.unwrap();
    assert_eq!(store.pending_authorization(&pending.hash, &session.hash, NOW).await.unwrap(), None);
    assert_eq!(store.deny(&pending, NOW).await.unwrap(), Decision::AlreadyDecided);
}

#[tokio::test]
async fn a_request_is_found_by_its_own_session_and_in_time_only() {
    let database = Database::new();
    let store = database.open().await;
    let Scene { session, pending, .. } = scene(&store).await;
    let store = database.reopen(store).await;
    let find = async |request: &RequestHash, session: &SessionHash, now| {
        store.pending_authorization(request, session, now).await.unwrap()
    };
    assert_eq!(find(&pending.hash, &session.hash, NOW).await, Some(pending.clone()));
    assert_eq!(find(&pending.hash, &SessionSecret::generate(&random()).unwrap().hash(), NOW).await, None);
    assert_eq!(find(&RequestSecret::generate(&random()).unwrap().hash(), &session.hash, NOW).await, None);
    assert_eq!(find(&pending.hash, &session.hash, pending.expires_at).await, None);
}

#[tokio::test]
async fn of_two_decisions_the_first_counts() {
    let database = Database::new();
    let store = database.open().await;
    let Scene { person, pending, .. } = scene(&store).await;
    let (first, second) = (code(&pending, &person.subject), code(&pending, &person.subject));
    assert_eq!(store.approve(&pending, &first, NOW).await.unwrap(), Decision::First);
    let store = database.reopen(store).await;
    assert_eq!(store.approve(&pending, &second, NOW).await.unwrap(), Decision::AlreadyDecided);
    assert_eq!(store.deny(&pending, NOW).await.unwrap(), Decision::AlreadyDecided);
    assert_eq!(store.code(&first.hash).await.unwrap(), Some(first));
    assert_eq!(store.code(&second.hash).await.unwrap(), None);
    assert_eq!(store.grant(&second.grant.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_denied_or_late_request_gives_no_code() {
    let database = Database::new();
    let store = database.open().await;
    let Scene { person, pending, .. } = scene(&store).await;
    let code = code(&pending, &person.subject);
    assert_eq!(store.approve(&pending, &code, pending.expires_at).await.unwrap(), Decision::AlreadyDecided);
    assert_eq!(store.deny(&pending, NOW).await.unwrap(), Decision::First);
    assert_eq!(store.approve(&pending, &code, NOW).await.unwrap(), Decision::AlreadyDecided);
    assert_eq!(store.code(&code.hash).await.unwrap(), None);
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_a_replay_revokes_the_grant() {
    let database = Database::new();
    let store = database.open().await;
    let code = approved(&store).await;
    assert_eq!(store.redeem(&code.hash, NOW).await.unwrap(), Redemption::First);
    assert_eq!(store.grant(&code.grant.id).await.unwrap().unwrap().state, GrantState::Alive);
    // A restart forgets nothing.
    let store = database.reopen(store).await;
    let used = store.code(&code.hash).await.unwrap().unwrap();
    assert_eq!(used.state, CodeState::Redeemed { at: NOW });
    let later = NOW + 5.seconds();
    assert_eq!(store.redeem(&code.hash, later).await.unwrap(), Redemption::Replayed);
    assert_eq!(store.redeem(&code.hash, later + 5.seconds()).await.unwrap(), Redemption::Replayed);
    let grant = store.grant(&code.grant.id).await.unwrap().unwrap();
    assert_eq!(grant.state, GrantState::Revoked { at: later }, "the first replay counts");
    assert_eq!(
        store.redeem(&CodeSecret::generate(&random()).unwrap().hash(), NOW).await.unwrap(),
        Redemption::Replayed
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_parallel_redemptions_one_is_first() {
    let database = Database::new();
    let store = Arc::new(database.open().await);
    let hash = approved(&store).await.hash;
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (store, hash) = (store.clone(), hash.clone());
            tokio::spawn(async move { store.redeem(&hash, NOW).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for attempt in attempts {
        first += usize::from(attempt.await.unwrap() == Redemption::First);
    }
    assert_eq!(first, 1);
}

#[tokio::test]
async fn a_revoked_grant_stays_revoked() {
    let database = Database::new();
    let store = database.open().await;
    let id = approved(&store).await.grant.id;
    store.revoke_grant(&id, NOW).await.unwrap();
    store.revoke_grant(&id, NOW + 1.hour()).await.unwrap();
    store.revoke_grant(&GrantId::generate(&random()).unwrap(), NOW).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(store.grant(&id).await.unwrap().unwrap().state, GrantState::Revoked { at: NOW });
}

#[tokio::test]
async fn the_sweep_takes_what_is_over_in_steps_and_nothing_else() {
    let database = Database::new();
    let store = database.open().await;
    let code = approved(&store).await;
    let Scene { session, pending, .. } = {
        let client = store.client(&code.grant.client_id).await.unwrap().unwrap();
        let person = store.person(&code.grant.subject).await.unwrap().unwrap();
        let session = BrowserSession::signed_in(secret::<_>().hash(), person.subject.clone(), NOW);
        store.begin_session(&session).await.unwrap();
        let pending = pending(&session.hash, &client);
        store.begin_authorization(&pending).await.unwrap();
        Scene { person, session, pending }
    };
    assert_eq!(store.sweep(NOW, 10).await.unwrap(), 0);
    assert_eq!(store.sweep(pending.expires_at, 10).await.unwrap(), 1);
    assert!(store.session(&session.hash, NOW).await.unwrap().is_some());
    assert_eq!(store.sweep(session.expires_at, 1).await.unwrap(), 1);
    assert_eq!(store.sweep(session.expires_at, 1).await.unwrap(), 1);
    // A used code has to be known for as long as a token of its grant may live.
    let day = SignedDuration::from_hours(24);
    assert_eq!(store.sweep(code.expires_at + day, 10).await.unwrap(), 0);
    assert!(store.code(&code.hash).await.unwrap().is_some());
    assert_eq!(store.sweep(code.expires_at + day * 2, 10).await.unwrap(), 1);
    assert_eq!(store.grant(&code.grant.id).await.unwrap(), None);
    assert_eq!(store.code(&code.hash).await.unwrap(), None);
}

#[tokio::test]
async fn answers_when_it_is_there() {
    let database = Database::new();
    let store = database.open().await;
    assert!(store.check().await.is_ok());
    store.close().await;
    assert!(store.check().await.is_err());
}
