//! Every path of this server, and the router that mounts them. The metadata document reads the same constants.

/// Authorization endpoint (RFC 6749 §3.1).
pub const AUTHORIZE: &str = "/oauth2/authorize";
/// Token endpoint (RFC 6749 §3.2).
pub const TOKEN: &str = "/oauth2/token";
/// Client registration endpoint (RFC 7591 §3).
pub const REGISTER: &str = "/register";
/// Introspection endpoint (RFC 7662 §2).
pub const INTROSPECT: &str = "/introspect";
/// Our public keys (RFC 7517 §5).
pub const JWKS: &str = "/.well-known/jwks.json";
/// Metadata (RFC 8414 §3); the issuer's path, if there is one, comes behind it.
pub const METADATA: &str = "/.well-known/oauth-authorization-server";
/// The page to sign in.
pub const LOGIN: &str = "/login";
/// Where the sign-out form goes.
pub const LOGOUT: &str = "/logout";
/// The page to allow or deny.
pub const CONSENT: &str = "/consent";
/// Whether the process runs.
pub const HEALTHZ: &str = "/healthz";
/// Whether it can do its work.
pub const READYZ: &str = "/readyz";
