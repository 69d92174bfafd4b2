//! The resource as a client meets it: the challenge at the public URL, and the metadata that it names.

use http::{StatusCode, header};
use serde_json::Value;
use url::Url;
use verification_keys::http::{Answer, CallError, read_limited};

use super::fetch::{self, Silence};
use super::{Fault, Patient, Report};
use crate::resource_server::metadata;

const MAX_BYTES: usize = 64 * 1024;
const PROBE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

pub(super) async fn examine(patient: &Patient<'_>, report: &mut Report) {
    let url = patient.options.resource.url();
    match call(patient, url).await {
        Err(Silence::Certificate(told)) => return report.add(Fault::ServerCertificate, told),
        Err(Silence::Unreachable(told)) => return report.add(Fault::ServerUnreachable, told),
        Ok(answer) => challenge(patient, &answer, report),
    }
    let Ok(url) = metadata::url(&patient.options.resource).parse::<Url>() else { return };
    match fetch::get(patient.client, &url).await {
        Err(Silence::Certificate(told) | Silence::Unreachable(told)) => report.add(Fault::PrmMissing, told),
        Ok(answer) if answer.status != StatusCode::OK => {
            report.add(Fault::PrmMissing, format!("{url}: status {}", answer.status));
        }
        Ok(answer) => document(patient, &url, &answer, report),
    }
}

async fn call(patient: &Patient<'_>, url: &Url) -> Result<Answer, Silence> {
    let request = patient.client.post(url.clone()).header(header::CONTENT_TYPE, "application/json").body(PROBE);
    let answer = match request.send().await {
        Ok(response) => read_limited(response, MAX_BYTES).await,
        Err(error) => Err(CallError::NoAnswer(error)),
    };
    answer.map_err(|error| fetch::silence(url, &error))
}

fn challenge(patient: &Patient<'_>, answer: &Answer, report: &mut Report) {
    let resource = &patient.options.resource;
    let told = format!("{resource}: status {}", answer.status);
    let reason = fetch::object(answer).and_then(|body| Some(body.get("reason")?.as_str()?.to_owned()));
    match answer.status.as_u16() {
        401 => {}
        200..=299 => return report.add(Fault::ServerUnprotected, told),
        300..=399 => return report.add(Fault::ServerRedirects, told),
        403 if reason.as_deref() == Some("host_not_allowed") => return report.add(Fault::HostRefused, told),
        500..=599 => return report.add(Fault::ServerFailing, told),
        _ => return report.add(Fault::EndpointMissing, told),
    }
    let expected = metadata::url(resource);
    match named_metadata(answer) {
        None => report.add(Fault::ChallengeMissing, told),
        Some(named) if named == expected => report.good("the public URL asks for a token and says where to get one"),
        Some(named) => report.add(Fault::ChallengeElsewhere, format!("expected {expected}, found {named}")),
    }
}

/// The `resource_metadata` of the challenge (RFC 9728 §5.1).
fn named_metadata(answer: &Answer) -> Option<String> {
    let mut challenges =
        answer.headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let (_, rest) = challenges.find_map(|challenge| challenge.split_once("resource_metadata=\""))?;
    Some(rest.split_once('"')?.0.to_owned())
}

fn document(patient: &Patient<'_>, url: &Url, answer: &Answer, report: &mut Report) {
    let Some(document) = fetch::object(answer) else {
        return report.add(Fault::PrmMalformed, url.as_str());
    };
    let resource = patient.options.resource.as_str();
    let named = document.get("resource").and_then(Value::as_str).unwrap_or("none");
    if named != resource {
        report.add(Fault::PrmResourceMismatch, format!("expected {resource}, found {named}"));
    }
    for issuer in patient.options.advertised() {
        if fetch::lists(&document, "authorization_servers", &issuer) != Some(true) {
            let found = document.get("authorization_servers").map_or_else(|| "none".to_owned(), ToString::to_string);
            report.add(Fault::PrmIssuerMissing, format!("expected {issuer}, found {found}"));
        }
    }
    if !answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        report.add(Fault::PrmNoCors, url.as_str());
    }
    report.good(format!("{url} is there"));
}
