//! Parameters of a request (`application/x-www-form-urlencoded`): some taken out, the others byte for byte as they came.

use url::form_urlencoded;

/// `raw` without the parameters named `dropped`.
pub(super) fn without(raw: &str, dropped: &[&str]) -> String {
    let kept = raw.split('&').filter(|pair| !pair.is_empty() && !is_named(pair, dropped));
    kept.collect::<Vec<_>>().join("&")
}

/// A name may be written with escapes.
fn is_named(pair: &str, names: &[&str]) -> bool {
    form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| names.contains(&name.as_ref()))
}

/// `raw` and one more parameter.
pub(super) fn with(raw: &str, name: &str, value: &str) -> String {
    let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    joined(&[raw, &pair])
}

/// What is not empty of `parts`, in one.
pub(super) fn joined(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("&")
}
