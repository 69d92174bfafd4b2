//! Cookies, kept apart by origin: on localhost a browser would share them between ports, which no step relies on.

use http::{HeaderMap, HeaderValue, header};
use std::collections::BTreeMap;
use url::Url;

/// What each origin has set, by name.
#[derive(Default)]
pub(super) struct CookieJar(BTreeMap<String, BTreeMap<String, String>>);

impl CookieJar {
    /// Keeps what an answer from `url` sets, and forgets what it ends.
    pub(super) fn keep(&mut self, url: &Url, headers: &HeaderMap) {
        let cookies = self.0.entry(url.origin().ascii_serialization()).or_default();
        let lines = headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        for line in lines {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            let ends = attributes.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"));
            if ends {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The `Cookie` header of a request to `url`.
    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let cookies = self.0.get(&url.origin().ascii_serialization()).filter(|cookies| !cookies.is_empty())?;
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        HeaderValue::try_from(pairs.join("; ")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (header::SET_COOKIE, HeaderValue::from_static(line))).collect()
    }

    #[test]
    fn cookies_go_back_to_their_own_origin_only() {
        let (ours, other) = ("http://localhost:1/a".parse().unwrap(), "http://localhost:2/a".parse().unwrap());
        let mut jar = CookieJar::default();
        jar.keep(&ours, &set(&["s=1; Path=/; HttpOnly", "t=2"]));
        assert_eq!(jar.header(&ours).unwrap(), "s=1; t=2");
        assert_eq!(jar.header(&other), None);
    }

    #[test]
    fn a_cookie_is_replaced_and_ended() {
        let ours = "http://localhost:1/".parse().unwrap();
        let mut jar = CookieJar::default();
        jar.keep(&ours, &set(&["s=1", "s=2; Path=/"]));
        assert_eq!(jar.header(&ours).unwrap(), "s=2");
        jar.keep(&ours, &set(&["s=; Max-Age=0"]));
        assert_eq!(jar.header(&ours), None);
    }
}
