//! The Content-Security-Policy of a page: nothing but its own style, and forms that lead to us or to the client.

use super::STYLE;
use crate::protocol::RedirectUri;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use ring::digest;
use std::sync::LazyLock;

/// Where the forms of a page may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentSecurityPolicy<'a> {
    /// Nowhere: the page has no form.
    NoForm,
    /// To this server.
    OwnForm,
    /// To this server, and from there on to the client: Chromium applies `form-action` to the redirects behind a form
    /// too. The redirect URI has to be one that was checked against the registered ones.
    FormToClient(&'a RedirectUri),
}

impl ContentSecurityPolicy<'_> {
    /// The value of the header.
    #[must_use]
    pub fn to_header_value(self) -> HeaderValue {
        let form_action = match self {
            Self::NoForm => "'none'".to_owned(),
            Self::FormToClient(redirect_uri) if redirect_uri.is_out_of_band() => "'self'".to_owned(),
            Self::OwnForm => "'self'".to_owned(),
            Self::FormToClient(redirect_uri) => format!("'self' {}", redirect_uri.form_action_source()),
        };
        let style = STYLE_HASH.as_str();
        let policy = format!(
            "default-src 'none'; style-src '{style}'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
        );
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
    }
}

static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| format!("sha256-{}", STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()))));

#[cfg(test)]
mod tests {
    use super::*;

    fn form_action(policy: ContentSecurityPolicy<'_>) -> String {
        let value = policy.to_header_value().to_str().unwrap().to_owned();
        for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'sha256-"] {
            assert!(value.contains(directive), "{value}");
        }
        assert!(!value.contains("unsafe-inline") && !value.contains("script-src"), "{value}");
        value.split("; ").find(|directive| directive.starts_with("form-action")).unwrap().to_owned()
    }

    #[test]
    fn forms_lead_to_us_and_to_the_origin_of_the_validated_redirect() {
        let uri = |raw| RedirectUri::parse(raw).unwrap();
        assert_eq!(form_action(ContentSecurityPolicy::NoForm), "form-action 'none'");
        assert_eq!(form_action(ContentSecurityPolicy::OwnForm), "form-action 'self'");
        for (redirect, expected) in [
            ("http://localhost:3030/callback", "form-action 'self' http://localhost:3030"),
            ("http://127.0.0.1/cb", "form-action 'self' http://127.0.0.1"),
            ("http://[::1]:49152/cb", "form-action 'self' http:"),
            ("https://app.example/a;b?c=d,e", "form-action 'self' https://app.example"),
        ] {
            assert_eq!(form_action(ContentSecurityPolicy::FormToClient(&uri(redirect))), expected);
        }
    }
}
