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
    store.keep_token(&token()).unwrap();
    assert_eq!(store.token(ISSUER, RESOURCE, None, at(0)).unwrap(), Some(token()));
    for (issuer, resource) in [("http://localhost:9001", RESOURCE), (ISSUER, "http://localhost:8001/mcp/"), ("", "")] {
        assert_eq!(store.token(issuer, resource, None, at(0)).unwrap(), None);
    }
    store.forget_token(ISSUER, RESOURCE).unwrap();
    assert_eq!(store.token(ISSUER, RESOURCE, None, at(0)).unwrap(), None);
}

#[test]
fn a_token_at_its_end_or_with_less_scope_is_not_used() {
    let (_folder, store) = store();
    store.keep_token(&token()).unwrap();
    let scope = |raw| Scope::parse(raw);
    for (second, wanted, found) in
        [(0, "mcp:read", true), (3569, "mcp:read", true), (3570, "mcp:read", false), (0, "mcp:read mcp:write", false)]
    {
        let token = store.token(ISSUER, RESOURCE, scope(wanted).as_ref(), at(second)).unwrap();
        assert_eq!(token.is_some(), found, "{second} {wanted}");
    }
}

#[cfg(unix)]
#[test]
fn token_files_are_0600_in_folders_of_0700() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, store) = store();
    store.keep_token(&token()).unwrap();
    store.bind_client("c", ISSUER).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["tokens", "clients"] {
        let inner = folder.path().join(name);
        assert_eq!(mode(&inner), 0o700);
        let files: Vec<_> = std::fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(mode(&files[0]), 0o600);
    }
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
    store.keep_client(ISSUER, &redirect, &client).unwrap();
    assert_eq!(store.client(ISSUER, &redirect, at(99)).unwrap(), Some(client));
    assert_eq!(store.client(ISSUER, &redirect, at(100)).unwrap(), None);
    assert_eq!(store.client("http://localhost:9001", &redirect, at(0)).unwrap(), None);
    assert_eq!(store.client(ISSUER, &RedirectUri::on_port(3031), at(0)).unwrap(), None);
    store.forget_client(ISSUER).unwrap();
    assert_eq!(store.client(ISSUER, &redirect, at(0)).unwrap(), None);
}

#[test]
fn a_preregistered_client_stays_with_the_first_issuer() {
    let (_folder, store) = store();
    assert_eq!(store.bind_client("c", ISSUER).unwrap(), ISSUER);
    assert_eq!(store.bind_client("c", "https://evil.example").unwrap(), ISSUER);
    assert_eq!(store.bind_client("d", "https://other.example").unwrap(), "https://other.example");
}

#[test]
fn a_file_that_is_not_ours_counts_as_absent() {
    let (folder, store) = store();
    store.keep_token(&token()).unwrap();
    let inner = PrivateFolder::open(folder.path().join("tokens")).unwrap();
    inner.write(&file_name(&["token", ISSUER, RESOURCE]), b"{}").unwrap();
    assert_eq!(store.token(ISSUER, RESOURCE, None, at(0)).unwrap(), None);
}
