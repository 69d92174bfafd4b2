//! Resource indicators (RFC 8707): the absolute URI of a protected resource, the audience of its tokens.

use std::fmt;
use url::Url;

/// The identifier of a resource server. Two are the same when they are the same string.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource(String);

/// The value cannot be a resource indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResource {
    /// Longer than 2048 bytes.
    #[error("is longer than 2048 bytes")]
    TooLong,
    /// Not an absolute URI in visible ASCII.
    #[error("is not an absolute URI")]
    NotAbsolute,
    /// RFC 8707 §2: MUST NOT include a fragment.
    #[error("has a fragment")]
    HasFragment,
}

impl Resource {
    const MAX_BYTES: usize = 2048;

    /// Parses a resource indicator.
    ///
    /// # Errors
    /// Says which rule it breaks.
    pub fn parse(raw: &str) -> Result<Self, InvalidResource> {
        if raw.len() > Self::MAX_BYTES {
            return Err(InvalidResource::TooLong);
        }
        let uri = Url::parse(raw).map_err(|_| InvalidResource::NotAbsolute)?;
        if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidResource::NotAbsolute);
        }
        if uri.fragment().is_some() {
            return Err(InvalidResource::HasFragment);
        }
        Ok(Self(raw.to_owned()))
    }

    /// The identifier as on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_an_absolute_uri_without_fragment() {
        assert!(Resource::parse("http://localhost:8001/mcp").is_ok());
        assert_eq!(Resource::parse("/mcp"), Err(InvalidResource::NotAbsolute));
        assert_eq!(Resource::parse("http://a/m\ncp"), Err(InvalidResource::NotAbsolute));
        assert_eq!(Resource::parse("http://a/mcp#"), Err(InvalidResource::HasFragment));
        assert_eq!(Resource::parse(&format!("http://a/{}", "x".repeat(2048))), Err(InvalidResource::TooLong));
    }

    #[test]
    fn a_trailing_slash_makes_another_resource() {
        assert_ne!(Resource::parse("http://a/mcp"), Resource::parse("http://a/mcp/"));
    }
}
