//! The keys of an issuer: there, readable, and fit to verify with.

use std::collections::HashSet;

use http::{HeaderName, StatusCode, header};
use serde_json::Value;
use url::Url;
use verification_keys::SigningAlgorithm;
use verification_keys::http::Answer;
use verification_keys::jwk_set::{JwkSet, UnusableKey, VerificationKey};

use super::fetch::{self, Silence};
use super::{Fault, Patient, Report};
use crate::resource_server::IssuerOptions;

pub(super) async fn examine(patient: &Patient<'_>, issuer: &IssuerOptions, document: &Value, report: &mut Report) {
    let Some(url) = place(issuer, document, report) else { return };
    let answer = match fetch::get(patient.client, &url).await {
        Ok(answer) if answer.status == StatusCode::OK => answer,
        Ok(answer) => return report.add(Fault::JwksStatus, format!("{url}: status {}", answer.status)),
        Err(Silence::Certificate(told) | Silence::Unreachable(told)) => {
            return report.add(Fault::JwksUnreachable, told);
        }
    };
    match JwkSet::parse(&answer.body) {
        Ok(set) => key_set(&url, (&set, &age(&answer)), report),
        Err(error) => report.add(Fault::JwksMalformed, format!("{url}: {error}")),
    }
}

fn place(issuer: &IssuerOptions, document: &Value, report: &mut Report) -> Option<Url> {
    if let Some(url) = &issuer.places.jwks {
        return Some(url.clone());
    }
    if document.is_null() {
        // Told already.
        return None;
    }
    let raw = document.get("jwks_uri").and_then(Value::as_str);
    let Some(url) = raw.and_then(|raw| Url::parse(raw).ok()) else {
        report.add(Fault::JwksUriMissing, raw.unwrap_or("no jwks_uri"));
        return None;
    };
    if !issuer.places.http_hosts.allows(&url) {
        report.add(Fault::JwksUriInsecure, url.as_str());
        return None;
    }
    Some(url)
}

/// How old the set is, and for how long it may be kept, as its issuer says (RFC 9111 §5).
fn age(answer: &Answer) -> String {
    let text = |name: HeaderName| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let age = text(header::AGE).map_or_else(|| "fresh".to_owned(), |seconds| format!("{seconds} s old"));
    let kept = text(header::CACHE_CONTROL)
        .map_or_else(|| "no Cache-Control".to_owned(), |kept| format!("Cache-Control: {kept}"));
    format!("{age}, {kept}")
}

fn key_set(url: &Url, (set, age): (&JwkSet, &str), report: &mut Report) {
    for reason in set.passed_over() {
        let fault = match reason {
            UnusableKey::Secret => Fault::JwksSecretKey,
            UnusableKey::WeakRsa(_) => Fault::JwksWeakKey,
            UnusableKey::Malformed(_)
            | UnusableKey::OtherUse
            | UnusableKey::UnsupportedType
            | UnusableKey::UnsupportedAlgorithm => Fault::JwksKeyPassedOver,
        };
        report.add(fault, format!("{url}: {reason}"));
    }
    let usable: Vec<&VerificationKey> = set.iter().collect();
    if usable.is_empty() {
        return report.add(Fault::JwksNoUsableKey, url.as_str());
    }
    let mut seen = HashSet::new();
    for key in &usable {
        match key.key_id() {
            None => report.add(Fault::JwksKeyWithoutId, format!("{url}: the key with thumbprint {}", key.thumbprint())),
            Some(kid) if !seen.insert(kid) => report.add(Fault::JwksDuplicateId, format!("{url}: {kid}")),
            Some(_) => {}
        }
    }
    let fits = |algorithm: &SigningAlgorithm| usable.iter().any(|key| key.is_for(*algorithm));
    let algorithms: Vec<&str> =
        SigningAlgorithm::ALL.iter().copied().filter(fits).map(SigningAlgorithm::as_str).collect();
    let (count, algorithms) = (usable.len(), algorithms.join(", "));
    let keys = if count == 1 { "key" } else { "keys" };
    report.good(format!("{url} has {count} usable {keys}, for {algorithms} ({age})"));
}
