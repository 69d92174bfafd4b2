//! What the authorization server keeps, and the life of each thing as an enum. No I/O.

mod authentication;
mod authorization_code;
mod browser_session;
mod client;
mod connection;
mod consent;
mod device_authorization;
mod grant;
mod id;
mod initial_access;
mod origin;
mod pending_authorization;
mod person;
mod refresh_token;
mod resource_scopes;
mod secret;
mod served_resource;
mod single_use;
mod user_code;

pub use authentication::{AuthenticatedPerson, Authentication, AuthenticationContext};
pub use authorization_code::{AuthorizationCode, CODE_LIFETIME, CodeState};
pub use browser_session::{BrowserSession, SESSION_LIFETIME, SessionStage};
pub use client::{ClientAuthentication, ClientKeys, ClientStanding, RegisteredClient};
pub use connection::Connection;
pub use consent::Consent;
pub use device_authorization::{
    DEVICE_LIFETIME, DEVICE_PAUSE, DeviceAuthorization, DeviceCode, DeviceHash, DevicePoll, DeviceState,
};
pub use grant::{Grant, GrantState};
pub use id::{GrantId, Id, TokenId};
pub use initial_access::{InitialAccess, InvalidTokenName, TokenName};
pub use origin::{Origin, PersonOrigin};
pub use pending_authorization::{PENDING_LIFETIME, PendingAuthorization};
pub use person::{
    DisplayName, Email, InvalidDisplayName, InvalidEmail, InvalidUsername, PasswordHash, Person, PersonState, Subject,
    Username,
};
pub use refresh_token::{FamilyHash, FamilyStage, RefreshFamily, RefreshHash, RefreshToken, Refreshing, Rotation};
pub use resource_scopes::{InvalidResourceScopes, ResourceScopes};
pub use secret::{
    CodeHash, CodeSecret, InitialAccessHash, InitialAccessToken, RegistrationAccessHash, RegistrationAccessToken,
    RequestHash, RequestSecret, Secret, SecretHash, SessionHash, SessionSecret,
};
pub use served_resource::ServedResource;
pub use single_use::{SingleUse, SingleUseHash};
pub use user_code::{UserCode, UserCodeHash};
