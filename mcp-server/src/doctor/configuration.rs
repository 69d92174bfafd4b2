//! What the settings alone tell.

use super::{Fault, Patient, Report};
use crate::resource_server::Strictness;

pub(super) fn examine(patient: &Patient<'_>, report: &mut Report) {
    let resource = &patient.options.resource;
    if resource.url().scheme() == "http" && !resource.is_loopback() {
        report.add(Fault::PublicUrlInsecure, resource.as_str());
    }
    for issuer in &patient.options.issuers {
        let told = format!("{} (MCP_RESOURCE_OAUTH_STRICT={})", issuer.issuer, issuer.audience.strictness.as_str());
        if issuer.audience.checks_nothing() {
            report.add(Fault::AudienceNotChecked, told);
        } else if issuer.audience.strictness != Strictness::True {
            report.add(Fault::StrictOff, told);
        }
        let credentials = issuer.introspection.credentials.as_ref();
        if !resource.is_loopback() && credentials.is_some_and(|known| known.client_id == "mcp-server") {
            report.add(Fault::DemoCredentials, "the client mcp-server");
        }
    }
}
