//! Every path of this server, and the router that mounts them. The metadata document reads the same constants.

#[cfg(test)]
mod tests;

use crate::{
    account, authorize, consent, demo, device, device_authorization, introspect, jwks, layers, login, metadata, openid,
    pages, register, revoke,
    services::{Registration, Services},
    store, token,
};
use axum::{
    Router, middleware,
    routing::{get, post},
};
use http::Method;
use std::{sync::Arc, time::Duration};
use tower::ServiceBuilder;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

/// The whole server. Everything is under the path of the public URL, except for the metadata and the health paths.
pub fn router(services: Arc<Services>) -> Router {
    let endpoints = for_people(&services).merge(for_programs(&services));
    let base_path = services.public_url.base_path();
    let routes = if base_path.is_empty() { endpoints } else { Router::new().nest(base_path, endpoints) };
    let metadata = Router::new()
        .route(&services.public_url.metadata_path(), get(metadata::get))
        .merge(openid_configuration(&services))
        .layer(cors());
    let ready = {
        let services = services.clone();
        move || {
            let services = services.clone();
            async move { store::in_time(services.store.check()).await.is_ok() }
        }
    };
    let whole = routes.merge(metadata).merge(serving::health::routes(ready)).fallback(pages::not_found);
    layers::apply(whole, &services).with_state(services)
}

/// Behind the path of the issuer (OIDC Discovery §4.1), and between host and path (RFC 8414 §5): clients try both.
fn openid_configuration(services: &Services) -> Router<Arc<Services>> {
    let base_path = services.public_url.base_path();
    let router = Router::new().route(&format!("{base_path}{OPENID_CONFIGURATION}"), get(openid::metadata::get));
    if base_path.is_empty() {
        return router;
    }
    router.route(&format!("{OPENID_CONFIGURATION}{base_path}"), get(openid::metadata::get))
}

/// No CORS here: a script has no business at these (OAuth 2.1 §7.13).
fn for_people(services: &Arc<Services>) -> Router<Arc<Services>> {
    let limits = middleware::from_fn_with_state(services.clone(), layers::rate_limits::check);
    let database = middleware::from_fn_with_state(services.clone(), layers::database::for_people);
    Router::new()
        .route(AUTHORIZE, get(authorize::get).post(authorize::post))
        .merge(login::routes())
        .merge(consent::routes())
        .merge(account::routes(services))
        .merge(device::routes())
        .layer(ServiceBuilder::new().layer(limits).layer(database))
}

fn for_programs(services: &Arc<Services>) -> Router<Arc<Services>> {
    let limits = middleware::from_fn_with_state(services.clone(), layers::rate_limits::check);
    let database = middleware::from_fn_with_state(services.clone(), layers::database::for_programs);
    let router = Router::new().route(TOKEN, post(token::post)).route(REVOKE, post(revoke::post));
    let router = router.route(USERINFO, get(openid::userinfo::answer).post(openid::userinfo::answer));
    let router = match services.settings.registration {
        Registration::Open | Registration::Approval | Registration::Token => {
            let own = get(register::manage::get).put(register::manage::put).delete(register::manage::delete);
            router.route(REGISTER, post(register::post)).route(REGISTERED, own)
        }
        Registration::Off => router,
    };
    // Resource servers are no browsers, and devices have none.
    let without_cors = Router::new()
        .route(INTROSPECT, post(introspect::post))
        .route(DEVICE_AUTHORIZATION, post(device_authorization::post))
        .layer(database.clone())
        .layer(limits.clone());
    let router = if services.settings.demonstrations {
        router.route(FLAWED_TOKEN, post(demo::flawed_token::post))
    } else {
        router
    };
    // Keys are there without a database.
    let router = router.layer(database).route(JWKS, get(jwks::get));
    router.layer(ServiceBuilder::new().layer(cors()).layer(limits)).merge(without_cors)
}

/// Any origin may call: no cookie counts at these endpoints.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(Duration::from_hours(1))
}

/// Authorization endpoint (RFC 6749 §3.1).
pub const AUTHORIZE: &str = "/oauth2/authorize";
/// Token endpoint (RFC 6749 §3.2).
pub const TOKEN: &str = "/oauth2/token";
/// Device authorization endpoint (RFC 8628 §3.1).
pub const DEVICE_AUTHORIZATION: &str = "/oauth2/device_authorization";
/// Client registration endpoint (RFC 7591 §3).
pub const REGISTER: &str = "/register";
/// Revocation endpoint (RFC 7009 §2).
pub const REVOKE: &str = "/revoke";
/// Client configuration endpoint (RFC 7592 §2).
pub const REGISTERED: &str = "/register/{client_id}";
/// Introspection endpoint (RFC 7662 §2).
pub const INTROSPECT: &str = "/introspect";
/// Tokens with a flaw, where the demo set is.
pub const FLAWED_TOKEN: &str = "/demo/flawed-token";
/// Our public keys (RFC 7517 §5).
pub const JWKS: &str = "/.well-known/jwks.json";
/// Metadata (RFC 8414 §3); the path of the issuer, if there is one, comes behind it.
pub const METADATA: &str = "/.well-known/oauth-authorization-server";
/// Who the person of a token is (OIDC Core §5.3).
pub const USERINFO: &str = "/userinfo";
/// Metadata as OpenID Connect has it (OIDC Discovery §4).
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
/// The page to sign in.
pub const LOGIN: &str = "/login";
/// Where the sign-out form goes.
pub const LOGOUT: &str = "/logout";
/// The connections of a person.
pub const ACCOUNT: &str = "/account";
/// Where the form to disconnect a client goes.
pub const DISCONNECT: &str = "/account/disconnect";
/// The page to change the password.
pub const PASSWORD: &str = "/account/password";
/// The page to make an account, where the setting allows it.
pub const SIGN_UP: &str = "/signup";
/// The page to type the user code of a device.
pub const DEVICE: &str = "/device";
/// The page to allow or deny.
pub const CONSENT: &str = "/consent";
pub use serving::health::{HEALTHZ, READYZ};
