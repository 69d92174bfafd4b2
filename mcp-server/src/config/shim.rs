//! The metadata shim of an issuer, if it is to have one.

use serving::settings::Problems;

use super::{filled, list, switch};
use crate::cli::ShimArgs;
use crate::resource_server::{Preset, ResourceIdentifier, ShimClient, ShimOptions, ShimRedirectUri, shim};

const ON: &str = "MCP_RESOURCE_METADATA_SHIM";
const CLIENT_ID: &str = "MCP_RESOURCE_METADATA_SHIM_CLIENT_ID";
const REDIRECT_URIS: &str = "MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS";
const DROP_RESOURCE: &str = "MCP_RESOURCE_METADATA_SHIM_DROP_RESOURCE";
const ADD_AUDIENCE: &str = "MCP_RESOURCE_METADATA_SHIM_ADD_AUDIENCE";

/// None when it is off, and after a problem.
pub(super) fn options(
    args: &ShimArgs,
    preset: &Preset,
    resource: &ResourceIdentifier,
    problems: &mut Problems,
) -> Option<ShimOptions> {
    let client = client(args, problems);
    let drop_resource = switch(DROP_RESOURCE, args.drop_resource.as_deref(), problems).unwrap_or(preset.drop_resource);
    let add_audience = match filled(args.add_audience.as_ref()) {
        None => preset.add_audience.then(|| resource.as_str().to_owned()),
        Some(word) => Some(word).filter(|word| !matches!(word.as_str(), "off" | "false")),
    };
    if switch(ON, Some(&args.on), problems) != Some(true) {
        check_off(args, problems);
        return None;
    }
    let path = resource.url().path();
    if shim::paths(resource).iter().any(|taken| taken == path) || path.starts_with(shim::WELL_KNOWN) {
        let fix = "use another path, such as /mcp";
        problems.add("MCP_RESOURCE_PUBLIC_URL", "its path is one that the metadata shim needs", fix);
    }
    Some(ShimOptions { client, drop_resource, add_audience })
}

/// Whether it is on, before it is read as a whole.
pub(super) fn is_on(args: &ShimArgs) -> bool {
    matches!(args.on.as_str(), "on" | "true")
}

/// The second of two homes of the same settings is an error rather than ignored without a word.
pub(super) fn check_off(args: &ShimArgs, problems: &mut Problems) {
    let set = [
        (CLIENT_ID, !args.client_id.is_empty()),
        (REDIRECT_URIS, !args.redirect_uris.is_empty()),
        (DROP_RESOURCE, filled(args.drop_resource.as_ref()).is_some()),
        (ADD_AUDIENCE, filled(args.add_audience.as_ref()).is_some()),
    ];
    for (name, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
        problems.add(name, "is set, but there is no shim", "set MCP_RESOURCE_METADATA_SHIM=on, or remove it");
    }
}

fn client(args: &ShimArgs, problems: &mut Problems) -> Option<ShimClient> {
    let uris = list(&args.redirect_uris);
    match (args.client_id.is_empty(), uris.is_empty()) {
        (true, true) => return None,
        (true, false) => problems.add(CLIENT_ID, "missing beside redirect URIs", "name the client that they are of"),
        (false, true) => {
            problems.add(REDIRECT_URIS, "missing beside a client", "list the redirect URIs that it has at the issuer");
        }
        (false, false) => {}
    }
    if !args.client_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        problems.add(CLIENT_ID, "has characters that no client id has", "use the id as the issuer shows it");
    }
    let fix = "use https URIs, http on localhost, 127.0.0.1 or [::1], or a scheme of the client's own";
    let parse = |uri: &String| problems.check(REDIRECT_URIS, fix, ShimRedirectUri::parse(uri));
    let redirect_uris = uris.iter().map(parse).collect::<Option<Vec<_>>>()?;
    Some(ShimClient { client_id: args.client_id.clone(), redirect_uris })
}
