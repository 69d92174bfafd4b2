//! What the suite plays with: a database, a client, a person, a request that waits for a decision.

use super::super::*;
use crate::{
    domain::{
        AuthenticatedPerson, AuthorizationCode, BrowserSession, ClientAuthentication, ClientStanding, CodeState,
        DisplayName, Email, Grant, GrantId, GrantState, Origin, PasswordHash, PendingAuthorization, Person,
        PersonOrigin, PersonState, RegisteredClient, Secret, SessionHash, Subject, Username,
    },
    protocol::{
        ApplicationType, AuthenticationMethod, ClientId, ClientSecret, CodeChallenge, GrantType, Nonce, RedirectUri,
        Resource, Scope, State,
    },
};
use jiff::ToSpan as _;
use ring::rand::SystemRandom;
use serving::DatabaseUrl;
use sqlx::{AnyConnection, Connection as _, any::install_default_drivers};

pub(super) const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// A database that can be closed and opened again.
pub(super) struct Database {
    url: DatabaseUrl,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    pub(super) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("authz.db").display());
        Self { url: url.parse().unwrap(), _folder: Some(folder) }
    }

    /// A new database on the server that `.ci/postgres` starts.
    #[expect(clippy::disallowed_methods, reason = "these tests run by a script, which says where")]
    pub(super) async fn postgres() -> Self {
        let server = std::env::var("PORTCULLIS_TEST_POSTGRES").expect("run .ci/postgres");
        let name = format!("t{}", jiff::Timestamp::now().as_nanosecond());
        let mut url = url::Url::parse(&server).unwrap();
        install_default_drivers();
        let mut connection = AnyConnection::connect(&server).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        url.set_path(&name);
        Self { url: url.as_str().parse().unwrap(), _folder: None }
    }

    pub(super) async fn open(&self) -> SqlStore {
        SqlStore::open(&self.url).await.unwrap()
    }

    pub(super) async fn reopen(&self, store: SqlStore) -> SqlStore {
        store.close().await;
        self.open().await
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge of this test")]
pub(super) fn random() -> SystemRandom {
    SystemRandom::new()
}

pub(super) fn secret<Use>() -> Secret<Use> {
    Secret::generate(&random()).unwrap()
}

pub(super) fn client(id: &str, origin: Origin) -> RegisteredClient {
    RegisteredClient {
        id: ClientId::parse(id).unwrap(),
        name: Some("A client's \"name\"; DROP TABLE clients".to_owned()),
        uri: Some("https://app.example".to_owned()),
        authentication: ClientAuthentication::Secret {
            hash: ClientSecret::presented("secret".to_owned()).unwrap().hash(),
            methods: vec![AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretPost],
        },
        redirect_uris: ["http://localhost:3030/callback", "https://app.example/cb?x=1"]
            .map(|uri| RedirectUri::parse(uri).unwrap())
            .to_vec(),
        grant_types: vec![GrantType::AuthorizationCode],
        scope: Scope::parse("mcp:read mcp:write").unwrap(),
        application_type: ApplicationType::Native,
        introspects: Some(Resource::parse("http://localhost:8001/mcp").unwrap()),
        origin,
        standing: ClientStanding::Active,
        registration_access: None,
        registered_at: NOW,
    }
}

pub(super) fn person(name: &str) -> Person {
    Person {
        subject: Subject::generate(&random()).unwrap(),
        username: Username::parse(name).unwrap(),
        password: PasswordHash::from_phc("$argon2id$1".to_owned()),
        name: Some(DisplayName::parse("Ann 'x' Example").unwrap()),
        email: Some(Email::parse("ann@example.com").unwrap()),
        origin: PersonOrigin::Demo,
        state: PersonState::Enabled,
    }
}

pub(super) fn pending(session: &SessionHash, client: &RegisteredClient) -> PendingAuthorization {
    PendingAuthorization {
        hash: secret::<_>().hash(),
        session: session.clone(),
        client_id: client.id.clone(),
        redirect_uri: client.redirect_uris[0].clone(),
        scope: Scope::parse("mcp:read").unwrap(),
        state: Some(State::parse("a\r\nb&c=d'--").unwrap()),
        challenge: CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap(),
        nonce: Some(Nonce::parse("n-0S6_WzA2Mj").unwrap()),
        must_sign_in: false,
        must_ask: true,
        login_hint: Some(Username::parse("ann").unwrap()),
        resource: Resource::parse("http://localhost:8001/mcp").unwrap(),
        created_at: NOW,
        expires_at: NOW + 10.minutes(),
    }
}

pub(super) fn code(pending: &PendingAuthorization, subject: &Subject) -> AuthorizationCode {
    AuthorizationCode {
        hash: secret::<_>().hash(),
        grant: Grant {
            id: GrantId::generate(&random()).unwrap(),
            subject: subject.clone(),
            client_id: pending.client_id.clone(),
            scope: pending.scope.clone(),
            resource: pending.resource.clone(),
            authentication: Some(AuthenticatedPerson::by_password(subject.clone(), NOW).authentication),
            created_at: NOW,
            state: GrantState::Alive,
        },
        redirect_uri: pending.redirect_uri.clone(),
        challenge: pending.challenge.clone(),
        nonce: pending.nonce.clone(),
        expires_at: NOW + 60.seconds(),
        state: CodeState::Issued,
    }
}

/// A client, a person who is signed in, and a request that waits for a decision.
pub(super) struct Scene {
    pub(super) person: Person,
    pub(super) session: BrowserSession,
    pub(super) pending: PendingAuthorization,
}

pub(super) async fn scene(store: &SqlStore) -> Scene {
    let (client, person) = (client("c_1", Origin::SelfRegistered), person("ann"));
    store.put_client(&client).await.unwrap();
    store.put_person(&person).await.unwrap();
    let session = BrowserSession::signed_in(secret::<_>().hash(), person.subject.clone(), NOW);
    store.begin_session(&session).await.unwrap();
    let pending = pending(&session.hash, &client);
    store.begin_authorization(&pending).await.unwrap();
    Scene { person, session, pending }
}

pub(super) async fn approved(store: &SqlStore) -> AuthorizationCode {
    let scene = scene(store).await;
    let code = code(&scene.pending, &scene.person.subject);
    assert_eq!(store.approve(&scene.pending, &code, Memory::None, NOW).await.unwrap(), Decision::First);
    code
}
