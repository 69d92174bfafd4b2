//! People.

use super::super::*;
use super::scene::*;
use crate::domain::{BrowserSession, GrantState, Origin, PasswordHash, Person, PersonOrigin, PersonState, Username};

rules! {
    a_person_keeps_the_subject_when_the_password_changes,
    the_demo_set_goes_and_the_rest_stays,
    a_login_name_is_given_once,
    a_new_password_ends_every_session_but_the_one_that_set_it,
    a_disabled_person_loses_sessions_and_grants_until_enabled_again,
    a_deleted_person_is_gone_with_all_that_hung_on_them,
}

async fn a_person_keeps_the_subject_when_the_password_changes(database: Database) {
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

async fn the_demo_set_goes_and_the_rest_stays(database: Database) {
    let store = database.open().await;
    let (demo, own) = (client("demo", Origin::Demo), client("own", Origin::Operator));
    store.put_client(&demo).await.unwrap();
    store.put_client(&own).await.unwrap();
    let (ann, bob) = (person("ann"), Person { origin: PersonOrigin::Operator, ..person("bob") });
    store.put_person(&ann).await.unwrap();
    store.put_person(&bob).await.unwrap();
    store.forget_demo(std::slice::from_ref(&ann.username)).await.unwrap();
    assert!(store.person(&ann.subject).await.unwrap().is_some() && store.client(&demo.id).await.unwrap().is_some());
    store.forget_demo(&[]).await.unwrap();
    assert!(store.person(&ann.subject).await.unwrap().is_none() && store.client(&demo.id).await.unwrap().is_none());
    assert!(store.person(&bob.subject).await.unwrap().is_some() && store.client(&own.id).await.unwrap().is_some());
}

async fn a_login_name_is_given_once(database: Database) {
    let store = database.open().await;
    let ann = Person { origin: PersonOrigin::SignedUp, name: None, email: None, ..person("ann") };
    assert_eq!(store.add_person(&ann).await.unwrap(), Addition::Added);
    assert_eq!(store.add_person(&person("ann")).await.unwrap(), Addition::NameTaken);
    let bob = person("bob");
    assert_eq!(store.add_person(&bob).await.unwrap(), Addition::Added);
    let store = database.reopen(store).await;
    assert_eq!(store.people().await.unwrap(), [ann, bob]);
}

async fn a_new_password_ends_every_session_but_the_one_that_set_it(database: Database) {
    let store = database.open().await;
    let Scene { person, session, .. } = scene(&store).await;
    let other = BrowserSession::signed_in(secret::<_>().hash(), person.subject.clone(), NOW);
    store.begin_session(&other).await.unwrap();
    let changed = PasswordHash::from_phc("$argon2id$2".to_owned());
    store.set_password(&person.subject, &changed, Some(&session.hash)).await.unwrap();
    assert_eq!(store.person(&person.subject).await.unwrap().unwrap().password, changed);
    assert!(store.session(&session.hash, NOW).await.unwrap().is_some());
    assert!(store.session(&other.hash, NOW).await.unwrap().is_none());
    store.set_password(&person.subject, &changed, None).await.unwrap();
    assert!(store.session(&session.hash, NOW).await.unwrap().is_none());
}

async fn a_disabled_person_loses_sessions_and_grants_until_enabled_again(database: Database) {
    let store = database.open().await;
    let code = approved(&store).await;
    let subject = &code.grant.subject;
    let session = BrowserSession::signed_in(secret::<_>().hash(), subject.clone(), NOW);
    store.begin_session(&session).await.unwrap();
    store.disable_person(subject, NOW).await.unwrap();
    let late = BrowserSession::signed_in(secret::<_>().hash(), subject.clone(), NOW);
    store.begin_session(&late).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(store.person(subject).await.unwrap().unwrap().state, PersonState::Disabled { at: NOW });
    for session in [&session, &late] {
        assert_eq!(store.session(&session.hash, NOW).await.unwrap(), None);
    }
    let grant = async || store.grant(&code.grant.id).await.unwrap().unwrap().state;
    assert_eq!(grant().await, GrantState::Revoked { at: NOW });
    store.enable_person(subject).await.unwrap();
    assert_eq!(store.person(subject).await.unwrap().unwrap().state, PersonState::Enabled);
    assert_eq!(grant().await, GrantState::Revoked { at: NOW });
}

async fn a_deleted_person_is_gone_with_all_that_hung_on_them(database: Database) {
    let store = database.open().await;
    let code = approved(&store).await;
    store.delete_person(&code.grant.subject).await.unwrap();
    assert_eq!(store.person(&code.grant.subject).await.unwrap(), None);
    assert_eq!(store.grant(&code.grant.id).await.unwrap(), None);
    assert_eq!(store.code(&code.hash).await.unwrap(), None);
}
