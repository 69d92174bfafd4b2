//! Browser sessions.

use super::super::*;
use super::scene::*;
use crate::domain::{AuthenticatedPerson, BrowserSession, PendingAuthorization, SessionStage};

rules! {
    a_session_is_found_until_it_ends,
    renewing_a_session_ends_the_old_one_and_takes_its_requests_along,
    of_two_renewals_at_once_the_later_one_has_the_request,
    ending_a_session_drops_its_requests,
}

async fn a_session_is_found_until_it_ends(database: Database) {
    let store = database.open().await;
    let session = BrowserSession::anonymous(secret::<_>().hash(), NOW);
    store.begin_session(&session).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(store.session(&session.hash, NOW).await.unwrap(), Some(session.clone()));
    assert_eq!(store.session(&session.hash, session.expires_at).await.unwrap(), None);
    store.end_session(&session.hash).await.unwrap();
    assert_eq!(store.session(&session.hash, NOW).await.unwrap(), None);
}

async fn renewing_a_session_ends_the_old_one_and_takes_its_requests_along(database: Database) {
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

async fn of_two_renewals_at_once_the_later_one_has_the_request(database: Database) {
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

async fn ending_a_session_drops_its_requests(database: Database) {
    let store = database.open().await;
    let Scene { session, pending, .. } = scene(&store).await;
    store.end_session(&session.hash).await.unwrap();
    assert_eq!(store.pending_authorization(&pending.hash, &session.hash, NOW).await.unwrap(), None);
    assert_eq!(store.deny(&pending, NOW).await.unwrap(), Decision::AlreadyDecided);
}
