//! An issuer: its metadata, its clock, and whether MCP clients can use it.

use http::header;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;
use url::Url;
use verification_keys::http::Answer;
use verification_keys::metadata::well_known_urls;

use super::fetch::{self, Silence, lists};
use super::{Fault, Patient, Report, introspection, keys, shim};
use crate::resource_server::{CLOCK_TOLERANCE, IssuerOptions};

/// A difference of the clocks that is worth a word, in seconds.
const DRIFT: i64 = 10;

pub(super) async fn examine(patient: &Patient<'_>, issuer: &IssuerOptions, report: &mut Report) {
    let document = match find(patient, issuer, report).await {
        Some((answer, document)) => {
            clock(patient, &answer, report);
            name(issuer, &document, report);
            match issuer.shim {
                Some(_) => shim::examine(patient, issuer, &document, report).await,
                None => clients(patient, issuer, &document, report),
            }
            document
        }
        None => Value::Null,
    };
    keys::examine(patient, issuer, &document, report).await;
    introspection::examine(patient, issuer, &document, report).await;
}

/// The first document at the places where the server looks.
async fn find(patient: &Patient<'_>, issuer: &IssuerOptions, report: &mut Report) -> Option<(Answer, Value)> {
    let places = issuer.overrides().metadata_url.map_or_else(|| well_known_urls(&issuer.issuer), |url| vec![url]);
    let (mut missing, mut fault) = (Vec::new(), Fault::MetadataMissing);
    for url in places {
        let answer = match fetch::get(patient.client, &url).await {
            Ok(answer) => answer,
            Err(Silence::Certificate(told)) => return not_found(report, Fault::IssuerCertificate, told),
            Err(Silence::Unreachable(told)) => return not_found(report, Fault::IssuerUnreachable, told),
        };
        missing.push(format!("{url}: status {}", answer.status));
        match answer.status.as_u16() {
            200 => match fetch::object(&answer).filter(|document| text(document, "issuer").is_some()) {
                Some(document) => {
                    report.good(format!("{url} is there"));
                    return Some((answer, document));
                }
                None => fault = Fault::MetadataMalformed,
            },
            300..=399 => fault = Fault::MetadataRedirects,
            _ => {}
        }
    }
    not_found(report, fault, missing.join(", "))
}

fn not_found<T>(report: &mut Report, fault: Fault, told: String) -> Option<T> {
    report.add(fault, told);
    None
}

fn text<'d>(document: &'d Value, name: &str) -> Option<&'d str> {
    document.get(name)?.as_str()
}

fn clock(patient: &Patient<'_>, answer: &Answer, report: &mut Report) {
    let date = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let Some(theirs) = date.and_then(|date| rfc2822::parse(date).ok()).map(|date| date.timestamp()) else {
        return report.add(Fault::ClockUnknown, date.unwrap_or("no Date header"));
    };
    let ours = patient.clock.now();
    let difference = ours.duration_since(theirs).as_secs();
    let told = format!("here {}, there {} ({difference} s)", to_the_second(ours), to_the_second(theirs));
    if difference.abs() >= CLOCK_TOLERANCE.as_secs() {
        report.add(Fault::ClockSkew, told);
    } else if difference.abs() >= DRIFT {
        report.add(Fault::ClockDrift, told);
    } else {
        report.good(format!("the clocks agree: {told}"));
    }
}

fn to_the_second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn name(issuer: &IssuerOptions, document: &Value, report: &mut Report) {
    let (expected, found) = (issuer.issuer.as_str(), text(document, "issuer").unwrap_or_default());
    let told = format!("expected {expected}, found {found}");
    if found == expected {
        report.good(format!("the metadata is of {expected}"));
    } else if found.trim_end_matches('/') == expected.trim_end_matches('/') {
        report.add(Fault::MetadataIssuerSlash, told);
    } else {
        report.add(Fault::MetadataIssuerMismatch, told);
    }
}

/// What an MCP client needs of an authorization server (MCP authorization; RFC 8414, RFC 7636, RFC 9207).
/// `document` is what they see: the issuer's, or that of the shim in front of it.
pub(super) fn clients(patient: &Patient<'_>, trusted: &IssuerOptions, document: &Value, report: &mut Report) {
    let issuer = trusted.issuer.as_str();
    let is_url = |name| text(document, name).is_some_and(|raw| Url::parse(raw).is_ok());
    let is_true = |name: &str| document.get(name).and_then(Value::as_bool) == Some(true);
    let wrong = [
        (!is_url("authorization_endpoint"), Fault::AuthorizationEndpointMissing),
        (!is_url("token_endpoint"), Fault::TokenEndpointMissing),
        (lists(document, "response_types_supported", "code") == Some(false), Fault::CodeFlowMissing),
        (lists(document, "code_challenge_methods_supported", "S256").is_none(), Fault::PkceNotAdvertised),
        (lists(document, "code_challenge_methods_supported", "S256") == Some(false), Fault::PkceWithoutS256),
        (
            !is_url("registration_endpoint") && !is_true("client_id_metadata_document_supported"),
            Fault::RegistrationClosed,
        ),
        (trusted.shim.is_none() && !is_true("authorization_response_iss_parameter_supported"), Fault::IssNotAdvertised),
        (lists(document, "token_endpoint_auth_methods_supported", "none") == Some(false), Fault::PublicClientsRefused),
    ];
    for (_, fault) in wrong.into_iter().filter(|(is_wrong, _)| *is_wrong) {
        report.add(fault, issuer);
    }
    for scope in trusted.scope_names.asked(patient.options.scopes.challenge()).iter() {
        if lists(document, "scopes_supported", scope) == Some(false) {
            report.add(Fault::ScopeNotOffered, format!("{issuer}: {scope}"));
        }
    }
}
