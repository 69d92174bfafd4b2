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
        requested_scope: Scope::parse("mcp:read"),
        expires_at: Some(at(3600)),
        access_token: AccessToken::parse("ey.J.x").unwrap(),
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
    assert_eq!(store.find(ISSUER, RESOURCE, None, at(0)).unwrap(), Some(token()));
    for (issuer, resource) in [("http://localhost:9001", RESOURCE), (ISSUER, "http://localhost:8001/mcp/"), ("", "")] {
        assert_eq!(store.find(issuer, resource, None, at(0)).unwrap(), None);
    }
    store.forget(ISSUER, RESOURCE).unwrap();
    assert_eq!(store.find(ISSUER, RESOURCE, None, at(0)).unwrap(), None);
}

#[test]
fn a_token_at_its_end_or_with_less_scope_is_not_used() {
    let (_folder, store) = store();
    store.keep(&token()).unwrap();
    let scope = |raw| Scope::parse(raw);
    for (second, wanted, found) in
        [(0, "mcp:read", true), (3569, "mcp:read", true), (3570, "mcp:read", false), (0, "mcp:read mcp:write", false)]
    {
        let token = store.find(ISSUER, RESOURCE, scope(wanted).as_ref(), at(second)).unwrap();
        assert_eq!(token.is_some(), found, "{second} {wanted}");
    }
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
