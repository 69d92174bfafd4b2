use super::*;

const ISSUER: &str = "http://localhost:9000";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn store() -> (tempfile::TempDir, ClientStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = ClientStore::open(folder.path()).unwrap();
    (folder, store)
}

#[test]
fn a_registration_belongs_to_one_issuer_and_one_redirect_and_ends_with_its_secret() {
    let (_folder, store) = store();
    let redirect = RedirectUri::on_port(3030);
    let client = RegisteredClient {
        credentials: ClientCredentials { id: "c".into(), secret: ClientSecret::new("s") },
        method: ClientAuthentication::Basic,
        secret_expires_at: Some(100),
    };
    store.keep(ISSUER, &redirect, &client).unwrap();
    assert_eq!(store.find(ISSUER, &redirect, at(99)).unwrap(), Some(client));
    assert_eq!(store.find(ISSUER, &redirect, at(100)).unwrap(), None);
    assert_eq!(store.find("http://localhost:9001", &redirect, at(0)).unwrap(), None);
    assert_eq!(store.find(ISSUER, &RedirectUri::on_port(3031), at(0)).unwrap(), None);
    store.forget(ISSUER).unwrap();
    assert_eq!(store.find(ISSUER, &redirect, at(0)).unwrap(), None);
}

#[test]
fn a_preregistered_client_stays_with_the_first_issuer() {
    let (_folder, store) = store();
    assert_eq!(store.bind("c", ISSUER).unwrap(), ISSUER);
    assert_eq!(store.bind("c", "https://evil.example").unwrap(), ISSUER);
    assert_eq!(store.bind("d", "https://other.example").unwrap(), "https://other.example");
}
