//! People.

use super::super::*;
use super::scene::*;
use crate::domain::{Origin, PasswordHash, Person, Username};

rules! {
    a_person_keeps_the_subject_when_the_password_changes,
    the_demo_set_goes_and_the_rest_stays,
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
    let (ann, bob) = (person("ann"), Person { origin: Origin::Operator, ..person("bob") });
    store.put_person(&ann).await.unwrap();
    store.put_person(&bob).await.unwrap();
    store.forget_demo(Some(&ann.username)).await.unwrap();
    assert!(store.person(&ann.subject).await.unwrap().is_some() && store.client(&demo.id).await.unwrap().is_some());
    store.forget_demo(None).await.unwrap();
    assert!(store.person(&ann.subject).await.unwrap().is_none() && store.client(&demo.id).await.unwrap().is_none());
    assert!(store.person(&bob.subject).await.unwrap().is_some() && store.client(&own.id).await.unwrap().is_some());
}
