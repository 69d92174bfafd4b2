//! Requests that wait for a decision.

use super::super::*;
use super::scene::*;
use crate::domain::{RequestHash, RequestSecret, SessionHash, SessionSecret};

rules! {
    a_request_is_found_by_its_own_session_and_in_time_only,
    of_two_decisions_the_first_counts,
    a_denied_or_late_request_gives_no_code,
}

async fn a_request_is_found_by_its_own_session_and_in_time_only(database: Database) {
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

async fn of_two_decisions_the_first_counts(database: Database) {
    let store = database.open().await;
    let Scene { person, pending, .. } = scene(&store).await;
    let (first, second) = (code(&pending, &person.subject), code(&pending, &person.subject));
    assert_eq!(store.approve(&pending, &first, Memory::None, NOW).await.unwrap(), Decision::First);
    let store = database.reopen(store).await;
    assert_eq!(store.approve(&pending, &second, Memory::None, NOW).await.unwrap(), Decision::AlreadyDecided);
    assert_eq!(store.deny(&pending, NOW).await.unwrap(), Decision::AlreadyDecided);
    assert_eq!(store.code(&first.hash).await.unwrap(), Some(first));
    assert_eq!(store.code(&second.hash).await.unwrap(), None);
    assert_eq!(store.grant(&second.grant.id).await.unwrap(), None);
}

async fn a_denied_or_late_request_gives_no_code(database: Database) {
    let store = database.open().await;
    let Scene { person, pending, .. } = scene(&store).await;
    let code = code(&pending, &person.subject);
    assert_eq!(
        store.approve(&pending, &code, Memory::None, pending.expires_at).await.unwrap(),
        Decision::AlreadyDecided
    );
    assert_eq!(store.deny(&pending, NOW).await.unwrap(), Decision::First);
    assert_eq!(store.approve(&pending, &code, Memory::None, NOW).await.unwrap(), Decision::AlreadyDecided);
    assert_eq!(store.code(&code.hash).await.unwrap(), None);
}
