//! Which scope implies which, and whether tools are hidden.

use serving::settings::Problems;

use super::switch;
use crate::cli::ScopeArgs;
use crate::resource_server::ScopePolicy;

/// What is set about scopes, as it was set.
#[derive(Clone, Debug)]
pub struct ScopeSettings {
    /// Chains from broad to narrow: `a>b>c,d>c`.
    pub hierarchy: String,
    /// Whether `tools/list` leaves out what the token may not call.
    pub hide_tools: bool,
}

pub(super) fn settings(args: &ScopeArgs, problems: &mut Problems) -> ScopeSettings {
    let hide_tools = switch("MCP_RESOURCE_HIDE_TOOLS", Some(&args.hide_tools), problems);
    ScopeSettings { hierarchy: args.hierarchy.clone(), hide_tools: hide_tools == Some(true) }
}

/// Adds the chains to what the tools say.
pub(super) fn policy(mut policy: ScopePolicy, settings: &ScopeSettings, problems: &mut Problems) -> ScopePolicy {
    const NAME: &str = "MCP_RESOURCE_SCOPE_HIERARCHY";
    // The quotes of a template of `.env` reach us from tools that do not take them off.
    let chains = settings.hierarchy.trim_matches('"').split(',').map(str::trim).filter(|chain| !chain.is_empty());
    for chain in chains {
        let scopes: Vec<&str> = chain.split('>').map(str::trim).collect();
        if scopes.len() < 2 || scopes.iter().any(|scope| scope.is_empty() || scope.contains([' ', '"', '\\'])) {
            problems.add(NAME, "is not a list of chains of scopes", "use chains such as mcp:admin>mcp:write>mcp:read");
        }
        for (broad, narrow) in scopes.iter().zip(scopes.iter().skip(1)) {
            policy = policy.implies(broad, narrow);
        }
    }
    policy
}
