//! Whether a form post comes from our own pages, by what the browser says: `Origin` and `Sec-Fetch-Site`.
//!
//! Our pages are sent with `Referrer-Policy: no-referrer`, and under that policy a browser sends `Origin: null` with
//! its own form posts (Fetch §3.2.6). `null` alone could also be a foreign sandboxed frame, so it counts only together
//! with `Sec-Fetch-Site: same-origin`, which no page can forge. Programs that send neither header are held by the
//! CSRF token alone.

use http::{HeaderMap, HeaderName, HeaderValue, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The post comes from another site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form was posted by another site")]
pub struct CrossSite;

/// Checks a form post against our own origin.
///
/// # Errors
/// The browser says that another site posted it, or does not say clearly.
pub fn check(headers: &HeaderMap, own_origin: &str) -> Result<(), CrossSite> {
    let site = only(headers, &SEC_FETCH_SITE)?;
    let own = match only(headers, &header::ORIGIN)? {
        Some("null") => site == Some("same-origin"),
        Some(origin) => origin == own_origin && is_not_foreign(site),
        None => is_not_foreign(site),
    };
    if own { Ok(()) } else { Err(CrossSite) }
}

/// `none` is a post that the person repeats, by a reload for example.
fn is_not_foreign(site: Option<&str>) -> bool {
    matches!(site, None | Some("same-origin" | "none"))
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, CrossSite> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(HeaderValue::to_str).transpose().map_err(|_| CrossSite)?;
    if values.next().is_some() { Err(CrossSite) } else { Ok(first) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "http://localhost:9000";

    fn posted(origins: &[&'static str], sites: &[&'static str]) -> Result<(), CrossSite> {
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        for site in sites {
            headers.append(SEC_FETCH_SITE, HeaderValue::from_static(site));
        }
        check(&headers, OWN)
    }

    #[test]
    fn accepts_our_own_pages() {
        assert_eq!(posted(&[OWN], &["same-origin"]), Ok(()));
        assert_eq!(posted(&[OWN], &[]), Ok(()), "a browser without fetch metadata");
        assert_eq!(posted(&["null"], &["same-origin"]), Ok(()), "what Referrer-Policy: no-referrer leads to");
        assert_eq!(posted(&[], &[]), Ok(()), "not a browser");
        assert_eq!(posted(&[], &["none"]), Ok(()), "started by the person");
    }

    #[test]
    fn refuses_other_sites() {
        for origin in [
            "null",
            "http://localhost:3000",
            "https://localhost:9000",
            "http://localhost:9000.evil.example",
            "http://localhost:9000/",
            "http://LOCALHOST:9000",
            "https://evil.example",
            "",
        ] {
            assert_eq!(posted(&[origin], &[]), Err(CrossSite), "{origin}");
        }
        for site in ["cross-site", "same-site", "", "Same-Origin"] {
            assert_eq!(posted(&[OWN], &[site]), Err(CrossSite), "{site}");
            assert_eq!(posted(&["null"], &[site]), Err(CrossSite), "null, {site}");
            assert_eq!(posted(&[], &[site]), Err(CrossSite), "no origin, {site}");
        }
        assert_eq!(posted(&["https://evil.example"], &["same-origin"]), Err(CrossSite));
        assert_eq!(posted(&["null"], &["none"]), Err(CrossSite));
        assert_eq!(posted(&[OWN, OWN], &[]), Err(CrossSite));
        assert_eq!(posted(&[OWN], &["same-origin", "cross-site"]), Err(CrossSite));
    }
}
