//! `GET|POST /oauth2/authorize` (RFC 6749 §3.1, OAuth 2.1 §4.1.1, RFC 9207): checks a request, keeps it, and sends the
//! browser to the login or consent page. The consent page ends it through [`approve`] or [`deny`].

mod decide;

pub use decide::{DecisionError, approve, deny};
