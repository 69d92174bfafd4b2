//! For how long an answer says that it is fresh (RFC 9111 §4.2): `Cache-Control: max-age` less `Age`.

use std::time::Duration;

use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap};

/// What the headers say; `None` when they say nothing that can be understood.
#[must_use]
pub fn freshness_lifetime(headers: &HeaderMap) -> Option<Duration> {
    let mut lifetime = None::<Duration>;
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    for directive in values.flat_map(|value| value.split(',')) {
        let stated = match directive.trim().split_once('=') {
            None if is_any(directive.trim(), &["no-store", "no-cache"]) => Some(Duration::ZERO),
            Some((name, value)) if is_any(name, &["max-age"]) => seconds(value),
            _ => None,
        };
        // RFC 9111 §4.2.1: of several, the most restrictive.
        lifetime = lifetime.into_iter().chain(stated).min();
    }
    let age = headers.get(AGE).and_then(|value| value.to_str().ok()).and_then(seconds).unwrap_or_default();
    lifetime.map(|lifetime| lifetime.saturating_sub(age))
}

fn is_any(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn seconds(value: &str) -> Option<Duration> {
    let digits = value.trim().trim_matches('"');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // RFC 9111 §1.2.2: a number too great to hold is as good as a very great one.
    Some(Duration::from_secs(digits.parse().unwrap_or(u64::from(u32::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(headers: &[(&'static str, &str)]) -> Option<u64> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        freshness_lifetime(&headers).map(|lifetime| lifetime.as_secs())
    }

    #[test]
    fn rfc9111_max_age_says_for_how_long() {
        assert_eq!(lifetime(&[("cache-control", "public, max-age=600, must-revalidate")]), Some(600));
        assert_eq!(lifetime(&[("cache-control", "Max-Age=\"600\"")]), Some(600));
        assert_eq!(lifetime(&[("cache-control", "max-age=600,max-age=300")]), Some(300));
        assert_eq!(lifetime(&[("cache-control", "max-age=600"), ("age", "100")]), Some(500));
        assert_eq!(lifetime(&[("cache-control", "max-age=600"), ("age", "1000")]), Some(0));
        assert_eq!(lifetime(&[("cache-control", "max-age=99999999999999999999999")]), Some(u64::from(u32::MAX)));
    }

    #[test]
    fn no_store_and_no_cache_mean_as_short_as_can_be() {
        assert_eq!(lifetime(&[("cache-control", "no-store")]), Some(0));
        assert_eq!(lifetime(&[("cache-control", "max-age=600, No-Cache")]), Some(0));
    }

    #[test]
    fn what_is_not_understood_says_nothing() {
        for value in ["", "public", "max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=x", "s-maxage=5"] {
            assert_eq!(lifetime(&[("cache-control", value)]), None, "{value}");
        }
        assert_eq!(lifetime(&[("age", "5"), ("expires", "0")]), None);
    }
}
