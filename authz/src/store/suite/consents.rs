//! Remembered consent.

use super::super::*;
use super::scene::*;
use crate::domain::{AuthorizationCode, ClientStanding, Consent, GrantState, Origin};
use crate::protocol::Scope;
use jiff::ToSpan as _;

rules! {
    consent_is_remembered_where_the_caller_says_so_and_grows,
    disconnecting_revokes_the_grants_of_that_client_and_forgets,
    forgetting_what_was_allowed_to_a_client_leaves_its_grants,
    revoking_a_grant_forgets_the_consent_behind_it,
    disabling_a_client_forgets_what_people_allowed_to_it,
    a_used_grant_is_a_connection_until_it_is_disconnected,
    a_remembered_consent_is_a_connection,
    a_request_knows_how_it_was_decided_and_only_its_own_session_learns_it,
}

async fn consent(store: &SqlStore, code: &AuthorizationCode) -> Option<Consent> {
    store.consent(&code.grant.subject, &code.grant.client_id, &code.grant.resource).await.unwrap()
}

/// A code whose consent is remembered.
async fn remembered(store: &SqlStore) -> AuthorizationCode {
    let Scene { person, pending, .. } = scene(store).await;
    let code = code(&pending, &person.subject);
    assert_eq!(store.approve(&pending, &code, Memory::Kept, NOW).await.unwrap(), Decision::First);
    code
}

async fn consent_is_remembered_where_the_caller_says_so_and_grows(database: Database) {
    let store = database.open().await;
    let Scene { person, pending, session } = scene(&store).await;
    let first = code(&pending, &person.subject);
    store.approve(&pending, &first, Memory::None, NOW).await.unwrap();
    assert_eq!(consent(&store, &first).await, None);
    for (asked, expected) in
        [("mcp:write", "mcp:write"), ("mcp:read", "mcp:write mcp:read"), ("", "mcp:write mcp:read")]
    {
        let hash = crate::domain::RequestSecret::generate(&random()).unwrap().hash();
        let scope = Scope::parse(asked).unwrap();
        let again =
            crate::domain::PendingAuthorization { hash, session: session.hash.clone(), scope, ..pending.clone() };
        store.begin_authorization(&again).await.unwrap();
        let code = code(&again, &person.subject);
        assert_eq!(store.approve(&again, &code, Memory::Kept, NOW).await.unwrap(), Decision::First);
        assert_eq!(consent(&store, &code).await.unwrap().scope.to_string(), expected);
    }
    let store = database.reopen(store).await;
    assert!(consent(&store, &first).await.is_some());
}

async fn disconnecting_revokes_the_grants_of_that_client_and_forgets(database: Database) {
    let store = database.open().await;
    let code = remembered(&store).await;
    store.put_client(&client("c_2", Origin::SelfRegistered)).await.unwrap();
    let other = client("c_2", Origin::SelfRegistered).id;
    store.disconnect(&code.grant.subject, &other, NOW).await.unwrap();
    assert_eq!(store.grant(&code.grant.id).await.unwrap().unwrap().state, GrantState::Alive);
    assert!(consent(&store, &code).await.is_some());
    store.disconnect(&code.grant.subject, &code.grant.client_id, NOW).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(store.grant(&code.grant.id).await.unwrap().unwrap().state, GrantState::Revoked { at: NOW });
    assert_eq!(consent(&store, &code).await, None);
}

async fn forgetting_what_was_allowed_to_a_client_leaves_its_grants(database: Database) {
    let store = database.open().await;
    let code = remembered(&store).await;
    store.forget_consents(&client("c_2", Origin::SelfRegistered).id).await.unwrap();
    assert!(consent(&store, &code).await.is_some());
    store.forget_consents(&code.grant.client_id).await.unwrap();
    assert_eq!(consent(&store, &code).await, None);
    assert_eq!(store.grant(&code.grant.id).await.unwrap().unwrap().state, GrantState::Alive);
}

async fn revoking_a_grant_forgets_the_consent_behind_it(database: Database) {
    let store = database.open().await;
    let code = remembered(&store).await;
    store.revoke_grant(&crate::domain::GrantId::generate(&random()).unwrap(), NOW).await.unwrap();
    assert!(consent(&store, &code).await.is_some());
    store.revoke_grant(&code.grant.id, NOW).await.unwrap();
    assert_eq!(consent(&store, &code).await, None);
}

async fn disabling_a_client_forgets_what_people_allowed_to_it(database: Database) {
    let store = database.open().await;
    let code = remembered(&store).await;
    let set = async |standing| store.set_client_standing(&code.grant.client_id, standing, NOW).await.unwrap();
    assert!(set(ClientStanding::Active).await);
    assert!(consent(&store, &code).await.is_some());
    assert!(set(ClientStanding::Disabled).await && set(ClientStanding::Active).await);
    assert_eq!(consent(&store, &code).await, None, "whoever comes back is asked again");
}

async fn a_request_knows_how_it_was_decided_and_only_its_own_session_learns_it(database: Database) {
    let store = database.open().await;
    let Scene { person, pending, session } = scene(&store).await;
    let decided = async |store: &SqlStore, session| {
        store.decided_authorization(&pending.hash, session, NOW).await.unwrap().map(|(_, verdict)| verdict)
    };
    assert_eq!(decided(&store, &session.hash).await, None);
    let code = code(&pending, &person.subject);
    store.approve(&pending, &code, Memory::None, NOW).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(decided(&store, &session.hash).await, Some(Verdict::Approved));
    assert_eq!(decided(&store, &secret::<_>().hash()).await, None);
    assert_eq!(store.decided_authorization(&pending.hash, &session.hash, pending.expires_at).await.unwrap(), None);
}

async fn a_used_grant_is_a_connection_until_it_is_disconnected(database: Database) {
    let store = database.open().await;
    let code = approved(&store).await;
    let subject = &code.grant.subject;
    assert_eq!(store.connections(subject, NOW).await.unwrap(), [], "never used, not remembered");
    assert_eq!(store.redeem(&code.hash, None, NOW).await.unwrap(), Redemption::First);
    assert_eq!(store.connections(subject, NOW).await.unwrap(), [], "no refresh token, and no access token from before");
    let ended = NOW - 1.hour();
    let connections = store.connections(subject, ended).await.unwrap();
    let [connection] = connections.as_slice() else { panic!("{connections:?}") };
    assert_eq!((&connection.client_id, connection.used_at), (&code.grant.client_id, Some(NOW)));
    assert_eq!((connection.resources.as_slice(), connection.since), ([code.grant.resource.clone()].as_slice(), NOW));
    store.disconnect(subject, &code.grant.client_id, NOW).await.unwrap();
    assert_eq!(store.connections(subject, ended).await.unwrap(), []);
}

async fn a_remembered_consent_is_a_connection(database: Database) {
    let store = database.open().await;
    let code = remembered(&store).await;
    let connections = store.connections(&code.grant.subject, NOW).await.unwrap();
    let [connection] = connections.as_slice() else { panic!("{connections:?}") };
    assert_eq!((connection.used_at, connection.since), (None, NOW));
}
