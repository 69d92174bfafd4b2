//! Which URLs can be the identifier of a client (the draft, §3). Pure.

use url::Url;

/// The URL of a metadata document, written in one way only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentUrl(Url);

/// The rule that the URL breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDocumentUrl {
    /// Not https.
    #[error("is not an https URL")]
    Scheme,
    /// Has a fragment.
    #[error("has a fragment")]
    Fragment,
    /// Has a user or a password in front of the host.
    #[error("has user information")]
    UserInformation,
    /// Names a site and no document on it.
    #[error("has no path")]
    Path,
    /// Written in another way than it would be called: dot segments, upper case host, numbers as host …
    #[error("has dot segments or is not in normal form")]
    NotNormal,
}

impl DocumentUrl {
    /// Parses and checks in one step. A port is allowed, and so is a query, which a client should not have.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(raw: &str) -> Result<Self, InvalidDocumentUrl> {
        if !raw.starts_with("https://") {
            return Err(InvalidDocumentUrl::Scheme);
        }
        if raw.contains('#') {
            return Err(InvalidDocumentUrl::Fragment);
        }
        let url = Url::parse(raw).map_err(|_| InvalidDocumentUrl::NotNormal)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidDocumentUrl::UserInformation);
        }
        if url.path() == "/" {
            return Err(InvalidDocumentUrl::Path);
        }
        // What is called must be what is compared and shown.
        if url.as_str() == raw { Ok(Self(url)) } else { Err(InvalidDocumentUrl::NotNormal) }
    }

    /// The URL to call.
    #[must_use]
    pub const fn as_url(&self) -> &Url {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidDocumentUrl::*, *};

    #[test]
    fn a_document_is_at_an_https_url_with_a_path_and_perhaps_a_port_or_a_query() {
        for raw in [
            "https://app.example/client.json",
            "https://app.example:8443/oauth/client",
            "https://app.example/client/",
            "https://app.example/client?v=1",
            "https://xn--bcher-kva.example/client.json",
        ] {
            assert_eq!(DocumentUrl::parse(raw).unwrap().as_url().as_str(), raw);
        }
    }

    #[test]
    fn every_other_url_is_refused() {
        for (raw, problem) in [
            ("http://app.example/client.json", Scheme),
            ("HTTPS://app.example/client.json", Scheme),
            ("file:///etc/passwd", Scheme),
            ("https://app.example", Path),
            ("https://app.example/", Path),
            ("https://app.example?client.json", Path),
            ("https://app.example/client.json#", Fragment),
            ("https://app.example/client.json#x", Fragment),
            ("https://user@app.example/client.json", UserInformation),
            ("https://user:secret@app.example/client.json", UserInformation),
            ("https://@app.example/client.json", NotNormal),
            ("https://app.example/./client.json", NotNormal),
            ("https://app.example/a/../client.json", NotNormal),
            ("https://app.example/a/..", Path),
            ("https://app.example/a/b/..", NotNormal),
            ("https://app.example/a/%2e%2E/client.json", NotNormal),
            ("https://APP.example/client.json", NotNormal),
            ("https://app.example:443/client.json", NotNormal),
            ("https://app.example\\client.json", NotNormal),
            ("https://2130706433/client.json", NotNormal),
            ("https://0x7f000001/client.json", NotNormal),
            ("https://0177.0.0.1/client.json", NotNormal),
            ("https://127.1/client.json", NotNormal),
            ("https://１２７.0.0.1/client.json", NotNormal),
            ("https://[0:0:0:0:0:0:0:1]/client.json", NotNormal),
        ] {
            assert_eq!(DocumentUrl::parse(raw), Err(problem), "{raw}");
        }
    }
}
