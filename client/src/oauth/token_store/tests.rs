use super::*;

const ISSUER: &str = "http://localhost:9000";
const RESOURCE: &str = "http://localhost:8001/mcp";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn token() -> StoredToken {
    StoredToken {
        issuer: ISSUER.into(),
        resource: RESOURCE.into(),
        client_id: "simple-mcp-client".into(),
        grant: GrantName::AuthorizationCode,
        requested_scope: Scope::parse("mcp:read"),
        granted_scope: None,
        expires_at: Some(at(3600)),
        access_token: AccessToken::parse("ey.J.x").unwrap(),
        refresh_token: RefreshToken::parse("r3fr3sh"),
        possession_key: None,
    }
}

fn store() -> (tempfile::TempDir, TokenStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = TokenStore::open(folder.path()).unwrap();
    (folder, store)
}

#[test]
fn a_token_is_found_again_by_its_issuer_and_resource_only() {
    let (_folder, store) = store();
    store.keep(&token()).unwrap();
    assert_eq!(store.find(ISSUER, RESOURCE).unwrap(), Some(token()));
    for (issuer, resource) in [("http://localhost:9001", RESOURCE), (ISSUER, "http://localhost:8001/mcp/"), ("", "")] {
        assert_eq!(store.find(issuer, resource).unwrap(), None);
    }
    store.forget(ISSUER, RESOURCE).unwrap();
    assert_eq!(store.find(ISSUER, RESOURCE).unwrap(), None);
}

#[test]
fn a_token_near_its_end_is_not_in_time_and_one_with_less_scope_does_not_do() {
    for (second, in_time) in [(0, true), (3569, true), (3570, false), (3601, false)] {
        assert_eq!(token().is_in_time(at(second)), in_time, "{second}");
    }
    assert!(StoredToken { expires_at: None, ..token() }.is_in_time(at(1 << 37)));
    for (wanted, covers) in [("mcp:read", true), ("mcp:read mcp:write", false), ("", true)] {
        assert_eq!(token().covers(Scope::parse(wanted).as_ref()), covers, "{wanted}");
    }
}

#[tokio::test]
async fn the_lock_of_a_token_is_held_by_one_at_a_time() {
    let (_folder, store) = store();
    let held = store.lock(ISSUER, RESOURCE).await.unwrap();
    let other = store.lock(ISSUER, "http://localhost:8002/mcp").await.unwrap();
    // `biased` asks the waiting one first, which must not have the lock yet.
    let mut second = Box::pin(store.lock(ISSUER, RESOURCE));
    let early = tokio::select! { biased; _ = &mut second => true, () = std::future::ready(()) => false };
    assert!(!early);
    drop(held);
    second.await.unwrap();
    drop(other);
}

#[cfg(unix)]
#[test]
fn token_files_are_0600_in_a_folder_of_0700() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, store) = store();
    store.keep(&token()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let inner = folder.path().join("tokens");
    assert_eq!(mode(&inner), 0o700);
    let files: Vec<_> = std::fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(mode(&files[0]), 0o600);
}
