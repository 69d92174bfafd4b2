//! The metadata shim: whether the issuer can have one, and whether clients get its document.

use http::{StatusCode, header};
use serde_json::Value;

use super::fetch::{self, Silence};
use super::{Fault, Patient, Report, issuer};
use crate::resource_server::{IssuerOptions, shim};

/// `theirs` is the issuer's own document.
pub(super) async fn examine(patient: &Patient<'_>, trusted: &IssuerOptions, theirs: &Value, report: &mut Report) {
    if theirs.get("authorization_response_iss_parameter_supported").and_then(Value::as_bool) == Some(true) {
        report.add(Fault::ShimIssuerSendsIss, trusted.issuer.as_str());
    }
    if fetch::lists(theirs, "code_challenge_methods_supported", "S256") == Some(false) {
        report.add(Fault::PkceWithoutS256, trusted.issuer.as_str());
    }
    let origin = shim::issuer(&patient.options.resource);
    let Ok(url) = format!("{origin}{}", shim::WELL_KNOWN).parse() else { return };
    let answer = match fetch::get(patient.client, &url).await {
        Ok(answer) => answer,
        Err(Silence::Certificate(told) | Silence::Unreachable(told)) => return report.add(Fault::ShimMissing, told),
    };
    let status = answer.status;
    let Some(ours) = fetch::object(&answer).filter(|_| status == StatusCode::OK) else {
        return report.add(Fault::ShimMissing, format!("{url}: status {status}"));
    };
    let found = ours.get("issuer").and_then(Value::as_str).unwrap_or("none");
    if found != origin {
        return report.add(Fault::ShimIssuerMismatch, format!("{url}: expected issuer {origin}, found {found}"));
    }
    report.good(format!("{url} stands in front of {}", trusted.issuer));
    issuer::clients(patient, trusted, &ours, report);
    endpoints(patient, &origin, &ours, report).await;
}

/// The endpoints that the document says are ours. None of the probes reaches the issuer, or asks for anything.
async fn endpoints(patient: &Patient<'_>, origin: &str, ours: &Value, report: &mut Report) {
    let probes = [
        ("authorization_endpoint", shim::AUTHORIZE, StatusCode::FOUND),
        ("registration_endpoint", shim::REGISTER, StatusCode::BAD_REQUEST),
        ("token_endpoint", shim::TOKEN, StatusCode::BAD_REQUEST),
    ];
    for (member, path, expected) in probes {
        let own = format!("{origin}{path}");
        if ours.get(member).and_then(Value::as_str) != Some(own.as_str()) {
            continue;
        }
        let request = match path {
            shim::AUTHORIZE => patient.client.get(&own),
            _ => patient.client.post(&own).header(header::CONTENT_TYPE, "application/json").body("{}"),
        };
        match request.send().await {
            Ok(response) if response.status() == expected => report.good(format!("{own} is there")),
            Ok(response) => report.add(Fault::ShimEndpointMissing, format!("{own}: status {}", response.status())),
            Err(error) => report.add(Fault::ShimEndpointMissing, format!("{own}: {}", fetch::chain(&error))),
        }
    }
}
