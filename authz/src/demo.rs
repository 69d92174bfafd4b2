//! The demo set: one person, one client, one resource server, with secrets that everybody knows. It exists only where
//! the settings say so; everywhere else it is taken out of the database, so that none is left over from a trial run.

use crate::{
    domain::{
        ClientAuthentication, ClientStanding, DisplayName, Email, InvalidUsername, Origin, Person, PersonState,
        RegisteredClient, Subject, Username,
    },
    login::passwords::{InvalidPassword, Password, PasswordError},
    protocol::{
        ApplicationType, AuthenticationMethod, ClientId, ClientSecret, GrantType, InvalidClientId, InvalidRedirectUri,
        RedirectUri, Scope,
    },
    services::Services,
    store::StoreError,
};

const CLIENT_ID: &str = "simple-mcp-client";
const CLIENT_SECRET: &str = "simple-mcp-secret-123";
const CLIENT_REDIRECT_URI: &str = "http://localhost:3030/callback";
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

/// Puts the demo set of `person` into the store, or takes every demo set out if there is none.
///
/// # Errors
/// The store, the randomness or the password pool failed.
pub async fn install(services: &Services, person: Option<&DemoPerson>) -> Result<(), DemoError> {
    services.store.forget_demo(person.map(|person| &person.username)).await?;
    let Some(DemoPerson { username, password }) = person else { return Ok(()) };
    let random = services.random.as_ref();
    let person = Person {
        subject: Subject::generate(random)?,
        username: username.clone(),
        password: services.passwords.hash(password, random).await?,
        name: DisplayName::parse("Demo User").ok(),
        email: Email::parse("demo_user@example.com").ok(),
        origin: Origin::Demo,
        state: PersonState::Enabled,
    };
    services.store.put_person(&person).await?;
    services.store.put_client(&client(services)?).await?;
    services.store.put_client(&resource_server(services)?).await?;
    Ok(())
}

fn client(services: &Services) -> Result<RegisteredClient, DemoError> {
    Ok(RegisteredClient {
        id: ClientId::parse(CLIENT_ID)?,
        name: Some("Simple MCP Client".to_owned()),
        uri: None,
        authentication: secret(CLIENT_SECRET),
        redirect_uris: vec![RedirectUri::parse(CLIENT_REDIRECT_URI)?],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::DeviceCode],
        scope: services.settings.scopes.clone(),
        application_type: ApplicationType::Native,
        introspects: None,
        origin: Origin::Demo,
        standing: ClientStanding::Active,
        registration_access: None,
        registered_at: services.now(),
    })
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
    use crate::testing::Server;

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
        install(&server.services, None).await.unwrap();
        let store = &server.services.store;
        for id in [CLIENT_ID, RESOURCE_SERVER_ID] {
            assert_eq!(store.client(&ClientId::parse(id).unwrap()).await.unwrap(), None, "{id}");
        }
        let username = DemoPerson::check_name("demo_user").unwrap();
        assert_eq!(store.person_by_username(&username).await.unwrap(), None);
    }
}
