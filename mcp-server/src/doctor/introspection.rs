//! Asking the issuer about a made-up token, if it is ever to be asked (RFC 7662).

use http::{StatusCode, header};
use reqwest::RequestBuilder;
use serde_json::Value;
use url::Url;
use verification_keys::http::{Answer, CallError, read_limited};

use super::fetch::{self, Silence};
use super::{Fault, Patient, Report};
use crate::resource_server::{Introspection, IntrospectionMode, IssuerOptions, token_information};

const MAX_BYTES: usize = 64 * 1024;
/// No issuer has issued this.
const MADE_UP: &str = "portcullis-doctor-made-up-token";

pub(super) async fn examine(patient: &Patient<'_>, issuer: &IssuerOptions, document: &Value, report: &mut Report) {
    let Some(credentials) = &issuer.introspection.credentials else { return };
    if issuer.introspection.mode == IntrospectionMode::Never {
        return;
    }
    let named = document.get("introspection_endpoint").and_then(Value::as_str).and_then(|raw| Url::parse(raw).ok());
    let Some(url) = issuer.overrides().introspection_endpoint.or(named) else {
        if !document.is_null() {
            report.add(Fault::IntrospectionNotOffered, issuer.issuer.as_str());
        }
        return;
    };
    // The credentials go only where the server would send them.
    if !issuer.places.http_hosts.allows(&url) {
        return report.add(Fault::IntrospectionUnreachable, format!("{url}: plain http is not allowed there"));
    }
    let asked = if let Introspection::TokenInformation(_) = issuer.preset.introspection {
        token_information::request(patient.client, url.clone(), MADE_UP)
    } else {
        let request = patient.client.post(url.clone()).header(header::ACCEPT, "application/json");
        match credentials.present(request, MADE_UP, (&issuer.issuer, patient.clock.now())) {
            Ok(asked) => asked,
            Err(error) => return report.add(Fault::IntrospectionUnreachable, format!("{url}: {error}")),
        }
    };
    match (answer(&url, asked).await, issuer.preset.introspection) {
        (Ok(answer), Introspection::TokenInformation(_)) => judge_token_information(&url, &answer, report),
        (Ok(answer), _) => judge(&url, &answer, report),
        (Err(Silence::Certificate(told) | Silence::Unreachable(told)), _) => {
            report.add(Fault::IntrospectionUnreachable, told);
        }
    }
}

async fn answer(url: &Url, asked: RequestBuilder) -> Result<Answer, Silence> {
    let answer = match asked.send().await {
        Ok(response) => read_limited(response, MAX_BYTES).await,
        Err(error) => Err(CallError::NoAnswer(error)),
    };
    answer.map_err(|error| fetch::silence(url, &error))
}

/// Google's has answers of its own: 400 for what is no token.
fn judge_token_information(url: &Url, answer: &Answer, report: &mut Report) {
    let told = format!("{url}: status {}", answer.status);
    match token_information::is_active(answer) {
        Some(false) => report.good(format!("{url} answers this server's questions")),
        Some(true) => report.add(Fault::IntrospectionSaysYes, told),
        None => report.add(Fault::TokenInformationMalformed, told),
    }
}

fn judge(url: &Url, answer: &Answer, report: &mut Report) {
    let told = format!("{url}: status {}", answer.status);
    let body = fetch::object(answer);
    let member = |name: &str| body.as_ref().and_then(|body| body.get(name));
    let invalid_client = member("error").and_then(Value::as_str) == Some("invalid_client");
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => report.add(Fault::IntrospectionUnauthorized, told),
        _ if invalid_client => report.add(Fault::IntrospectionUnauthorized, told),
        StatusCode::OK => match member("active").and_then(Value::as_bool) {
            Some(false) => report.good(format!("{url} answers this server's questions")),
            Some(true) => report.add(Fault::IntrospectionSaysYes, told),
            None => report.add(Fault::IntrospectionMalformed, told),
        },
        _ => report.add(Fault::IntrospectionStatus, told),
    }
}
