//! The redirect URIs that registration takes: exactly those configured, but for the port of a loopback address
//! (RFC 8252 §7.3), whose host stays the same.

use std::fmt;

use url::Url;

use crate::resource_server::LOOPBACK;

/// A redirect URI that is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShimRedirectUri(String);

/// Which rule a redirect URI breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    /// Not an absolute URL in plain ASCII.
    #[error("not an absolute URL")]
    NotAUrl,
    /// Has a fragment (RFC 6749 §3.1.2) or credentials.
    #[error("has a fragment or credentials")]
    FragmentOrCredentials,
    /// Plain http on a host that is not loopback, or a scheme that runs or reads what it is given.
    #[error("neither https, nor http on loopback, nor a scheme of an application")]
    Scheme,
}

impl ShimRedirectUri {
    /// Parses and checks in one step.
    ///
    /// # Errors
    /// Says which rule the URI breaks.
    pub fn parse(raw: &str) -> Result<Self, InvalidRedirectUri> {
        if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidRedirectUri::NotAUrl);
        }
        let url = Url::parse(raw).map_err(|_| InvalidRedirectUri::NotAUrl)?;
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidRedirectUri::FragmentOrCredentials);
        }
        let allowed = match url.scheme() {
            "http" => loopback(raw).is_some(),
            "javascript" | "data" | "file" | "vbscript" | "blob" | "about" | "ftp" | "ws" | "wss" => false,
            _ => true,
        };
        if allowed { Ok(Self(raw.to_owned())) } else { Err(InvalidRedirectUri::Scheme) }
    }

    /// Whether `presented` is this one.
    #[must_use]
    pub fn allows(&self, presented: &str) -> bool {
        let same_but_port = || Some(loopback(&self.0)? == loopback(presented)?);
        presented == self.0 || same_but_port() == Some(true)
    }
}

impl fmt::Display for ShimRedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Host and the rest of `http://<loopback>[:port]<rest>`, on the text: a URL parser would read other spellings too.
fn loopback(raw: &str) -> Option<(&str, &str)> {
    let after = raw.strip_prefix("http://")?;
    let host = LOOPBACK.into_iter().find(|host| after.starts_with(host))?;
    let after = after.strip_prefix(host)?;
    let rest = match after.strip_prefix(':') {
        None => after,
        Some(port) => {
            let end = port.find(|character: char| !character.is_ascii_digit()).unwrap_or(port.len());
            let (digits, rest) = port.split_at_checked(end)?;
            digits.parse::<std::num::NonZeroU16>().ok()?;
            rest
        }
    };
    let ends_there = rest.is_empty() || rest.starts_with(['/', '?']);
    (ends_there && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')).then_some((host, rest))
}
