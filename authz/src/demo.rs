//! The demo set: one person, one client, one resource server, with secrets that everybody knows. It exists only where
//! the settings say so; everywhere else it is taken out of the database, so that none is left over from a trial run.

pub mod flawed_token;

use crate::{
    domain::{
        ClientAuthentication, ClientStanding, DisplayName, Email, InvalidUsername, Origin, Person, PersonOrigin,
        PersonState, RegisteredClient, Subject, Username,
    },
    login::passwords::{InvalidPassword, Password, PasswordError},
    protocol::{
        ApplicationType, AuthenticationMethod, ClientId, ClientSecret, GrantType, InvalidClientId, InvalidRedirectUri,
        RedirectUri, Scope,
    },
    services::Services,
    store::StoreError,
};
use futures_util::future::try_join_all;

const CLIENT_ID: &str = "simple-mcp-client";
const CLIENT_SECRET: &str = "simple-mcp-secret-123";
const CLIENT_REDIRECT_URI: &str = "http://localhost:3030/callback";
const TEST_CLIENT_ID: &str = "mcp-test-client";
const TEST_CLIENT_SECRET: &str = "mcp-test-secret";
/// Where the clients of the SDKs listen; at any port.
const TEST_REDIRECT_URIS: [&str; 4] = [
    "http://localhost/callback",
    "http://127.0.0.1/callback",
    "http://localhost/oauth/callback",
    "http://127.0.0.1/oauth/callback",
];
const TEST_USERNAME: &str = "testuser";
const TEST_PASSWORD: &str = "testpass";
const RESOURCE_SERVER_ID: &str = "mcp-server";
const RESOURCE_SERVER_SECRET: &str = "mcp-server-secret-123";

/// Who may sign in to the demo.
#[derive(Clone, Debug)]
pub struct DemoPerson {
    /// The login name.
    pub username: Username,
    /// The password.
    pub password: Password,
}

/// The demo set could not be put in place.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password was not hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A constant of this file is wrong.
    #[error(transparent)]
    TestPassword(#[from] InvalidPassword),
    /// A constant of this file is wrong.
    #[error(transparent)]
    TestUsername(#[from] InvalidUsername),
    /// No randomness for a subject.
    #[error("the source of randomness failed")]
    Randomness(#[from] ring::error::Unspecified),
    /// A constant of this file is wrong.
    #[error(transparent)]
    ClientId(#[from] InvalidClientId),
    /// A constant of this file is wrong.
    #[error(transparent)]
    RedirectUri(#[from] InvalidRedirectUri),
}

/// Puts the demo set of `person` into the store, or takes every demo set out if there is none. `with_test_set` adds the
/// person and the client that test suites of MCP SDKs expect: only where everything is on loopback.
///
/// # Errors
/// The store, the randomness or the password pool failed.
pub async fn install(services: &Services, person: Option<&DemoPerson>, with_test_set: bool) -> Result<(), DemoError> {
    let test_client = ClientId::parse(TEST_CLIENT_ID)?;
    let test_person = DemoPerson {
        username: DemoPerson::check_name(TEST_USERNAME)?,
        password: DemoPerson::check_password(TEST_PASSWORD)?,
    };
    let mut people: Vec<_> = person.into_iter().collect();
    // Whoever is named in the settings comes first.
    if with_test_set && person.is_some_and(|person| person.username != test_person.username) {
        people.push(&test_person);
    }
    let names: Vec<_> = people.iter().map(|person| person.username.clone()).collect();
    services.store.forget_demo(&names).await?;
    // At once, because the second of two passwords one after the other would be hashed in memory that stays.
    try_join_all(people.into_iter().map(|person| put_person(services, person))).await?;
    let is_left_over = |client: RegisteredClient| client.origin == Origin::Demo;
    if !with_test_set && services.store.client(&test_client).await?.is_some_and(is_left_over) {
        services.store.delete_client(&test_client).await?;
    }
    if person.is_none() {
        return Ok(());
    }
    let redirect_uris = vec![RedirectUri::parse(CLIENT_REDIRECT_URI)?];
    let demo = client(services, ClientId::parse(CLIENT_ID)?, CLIENT_SECRET, redirect_uris);
    services.store.put_client(&RegisteredClient { name: Some("Simple MCP Client".to_owned()), ..demo }).await?;
    services.store.put_client(&resource_server(services)?).await?;
    if with_test_set {
        let redirect_uris = TEST_REDIRECT_URIS.iter().map(|uri| RedirectUri::parse(uri)).collect::<Result<_, _>>()?;
        let test = client(services, test_client, TEST_CLIENT_SECRET, redirect_uris);
        services.store.put_client(&RegisteredClient { name: Some("MCP Test Client".to_owned()), ..test }).await?;
    }
    Ok(())
}

async fn put_person(services: &Services, person: &DemoPerson) -> Result<(), DemoError> {
    let random = services.random.as_ref();
    let person = Person {
        subject: Subject::generate(random)?,
        username: person.username.clone(),
        password: services.passwords.hash(&person.password, random).await?,
        name: DisplayName::parse("Demo User").ok(),
        email: Email::parse("demo_user@example.com").ok(),
        origin: PersonOrigin::Demo,
        state: PersonState::Enabled,
    };
    Ok(services.store.put_person(&person).await?)
}

fn client(services: &Services, id: ClientId, known: &str, redirect_uris: Vec<RedirectUri>) -> RegisteredClient {
    RegisteredClient {
        id,
        name: None,
        uri: None,
        authentication: secret(known),
        redirect_uris,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::DeviceCode],
        scope: services.settings.scopes.clone(),
        application_type: ApplicationType::Native,
        introspects: None,
        origin: Origin::Demo,
        standing: ClientStanding::Active,
        registration_access: None,
        registered_at: services.now(),
    }
}

fn resource_server(services: &Services) -> Result<RegisteredClient, DemoError> {
    Ok(RegisteredClient {
        id: ClientId::parse(RESOURCE_SERVER_ID)?,
        name: None,
        uri: None,
        authentication: secret(RESOURCE_SERVER_SECRET),
        redirect_uris: Vec::new(),
        grant_types: Vec::new(),
        scope: Scope::default(),
        application_type: ApplicationType::Web,
        introspects: services.resources.current().ids().next().cloned(),
        origin: Origin::Demo,
        standing: ClientStanding::Active,
        registration_access: None,
        registered_at: services.now(),
    })
}

fn secret(known: &str) -> ClientAuthentication {
    let methods = vec![AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::ClientSecretPost];
    match ClientSecret::presented(known.to_owned()) {
        Some(secret) => ClientAuthentication::Secret { hash: secret.hash(), methods },
        None => ClientAuthentication::Public,
    }
}

impl DemoPerson {
    /// Checks the login name.
    ///
    /// # Errors
    /// It cannot be one.
    pub fn check_name(raw: &str) -> Result<Username, InvalidUsername> {
        Username::parse(raw)
    }

    /// Checks the password.
    ///
    /// # Errors
    /// It cannot be one.
    pub fn check_password(raw: &str) -> Result<Password, InvalidPassword> {
        Password::parse(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        routes,
        testing::{Server, exchange, request_with},
    };

    #[tokio::test]
    async fn a_restart_keeps_the_subject_of_the_demo_person() {
        let server = Server::start().await;
        let before = server.subject().await;
        let server = server.restart().await;
        assert_eq!(server.subject().await, before);
    }

    #[tokio::test]
    async fn without_a_demo_person_nothing_of_the_set_is_left() {
        let server = Server::start().await;
        install(&server.services, None, false).await.unwrap();
        let store = &server.services.store;
        for id in [CLIENT_ID, RESOURCE_SERVER_ID] {
            assert_eq!(store.client(&ClientId::parse(id).unwrap()).await.unwrap(), None, "{id}");
        }
        let username = DemoPerson::check_name("demo_user").unwrap();
        assert_eq!(store.person_by_username(&username).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_test_set_is_there_on_loopback_and_nothing_of_it_is_left_elsewhere() {
        let server = Server::start().await;
        let person = DemoPerson {
            username: DemoPerson::check_name("demo_user").unwrap(),
            password: DemoPerson::check_password("demo_password").unwrap(),
        };
        for with_test_set in [true, false] {
            install(&server.services, Some(&person), with_test_set).await.unwrap();
            let form = exchange("x");
            let answer = server.post_as((TEST_CLIENT_ID, TEST_CLIENT_SECRET), routes::TOKEN, &form).await;
            assert_eq!(answer.error().1, if with_test_set { "invalid_grant" } else { "invalid_client" });
            let username = DemoPerson::check_name(TEST_USERNAME).unwrap();
            let found = server.services.store.person_by_username(&username).await.unwrap();
            assert_eq!(found.is_some(), with_test_set);
        }
        install(&server.services, Some(&person), true).await.unwrap();
        let (cookie, _) = server.signed_in().await;
        let redirect_uri = ("redirect_uri", "http://localhost:8090/callback");
        let asked = server.authorize(&cookie, &request_with(&[("client_id", TEST_CLIENT_ID), redirect_uri])).await;
        asked.location();
    }
}
