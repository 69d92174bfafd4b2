//! What concerns all tables: the sweep, and whether there is a database.

use super::super::*;
use super::scene::*;
use crate::domain::BrowserSession;
use jiff::SignedDuration;

rules! {
    the_sweep_takes_what_is_over_in_steps_and_nothing_else,
    answers_when_it_is_there,
}

async fn the_sweep_takes_what_is_over_in_steps_and_nothing_else(database: Database) {
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
    assert_eq!(store.sweep(pending.expires_at, 10).await.unwrap(), 2, "the decided one and the undecided one");
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

async fn answers_when_it_is_there(database: Database) {
    let store = database.open().await;
    assert!(store.check().await.is_ok());
    store.close().await;
    assert!(store.check().await.is_err());
}
