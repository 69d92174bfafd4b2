//! When and as whom the issuer is asked.

use jiff::SignedDuration;
use serving::settings::Problems;
use verification_keys::{HttpHosts, Issuer};

use super::{filled, switch};
use crate::cli::IntrospectArgs;
use crate::resource_server::{
    AuthenticationMethod, Credentials, Introspection, IntrospectionMode, IntrospectionOptions, Preset, Secret,
    Strictness,
};

/// As whom our own authorization server knows this one in its demo set.
const DEMO_ID: &str = "mcp-server";
const DEMO_SECRET: &str = "mcp-server-secret-123";
const LONGEST_CACHE: u32 = 3600;

/// Who would be asked.
pub(super) struct Asked<'a> {
    pub(super) strictness: Strictness,
    pub(super) issuer: &'a Issuer,
    pub(super) preset: &'static Preset,
}

/// What the words of the settings mean, whoever is asked.
pub(super) struct Words {
    mode: Option<IntrospectionMode>,
    method: AuthenticationMethod,
    cache: SignedDuration,
}

pub(super) fn words(args: &IntrospectArgs, problems: &mut Problems) -> Option<Words> {
    let fix = "use fallback, never or always";
    let mode = filled(args.mode.as_ref()).map(|raw| problems.check("MCP_RESOURCE_INTROSPECT", fix, raw.parse()));
    let method =
        problems.check("MCP_RESOURCE_INTROSPECT_CLIENT_METHOD", "use basic, post or none", args.method.parse());
    let cache = cache(&args.cache_seconds, problems);
    let mode = match mode {
        Some(parsed) => Some(parsed?),
        None => None,
    };
    Some(Words { mode, method: method?, cache: cache? })
}

pub(super) fn options(
    args: &IntrospectArgs,
    words: &Words,
    asked: &Asked<'_>,
    problems: &mut Problems,
) -> IntrospectionOptions {
    let credentials = credentials(args, asked, words.method, problems);
    let mode = match (words.mode, asked.strictness) {
        (Some(mode), _) => mode,
        // By default only where somebody can be asked.
        (None, Strictness::True | Strictness::Observe) if credentials.is_some() => IntrospectionMode::Fallback,
        (None, _) => IntrospectionMode::Never,
    };
    let unreachable = match asked.preset.introspection {
        Introspection::Unavailable => Some("cannot be asked about tokens"),
        Introspection::Configured => Some("does not say where it is asked about tokens"),
        Introspection::Advertised | Introspection::TokenInformation(_) => None,
    };
    if mode != IntrospectionMode::Never
        && filled(args.url.as_ref()).is_none()
        && let Some(problem) = unreachable
    {
        let problem = format!("the issuer of the preset {} {problem}", asked.preset.name);
        problems.add("MCP_RESOURCE_INTROSPECT", problem, "use never, or set MCP_RESOURCE_INTROSPECT_URL");
    } else if mode != IntrospectionMode::Never && credentials.is_none() {
        let fix = "set it and MCP_RESOURCE_INTROSPECT_CLIENT_SECRET, or MCP_RESOURCE_INTROSPECT=never";
        problems.add("MCP_RESOURCE_INTROSPECT_CLIENT_ID", "missing, so the issuer cannot be asked", fix);
    }
    IntrospectionOptions { mode, credentials, cache: words.cache }
}

fn cache(raw: &str, problems: &mut Problems) -> Option<SignedDuration> {
    const NAME: &str = "MCP_RESOURCE_INTROSPECT_CACHE_SECONDS";
    const FIX: &str = "use a whole number of seconds up to 3600";
    let seconds = problems.check(NAME, FIX, raw.parse::<u32>())?;
    if seconds > LONGEST_CACHE {
        problems.add(NAME, "too long: a revoked token would be taken all that time", FIX);
    }
    Some(SignedDuration::from_secs(i64::from(seconds)))
}

fn credentials(
    args: &IntrospectArgs,
    asked: &Asked<'_>,
    method: AuthenticationMethod,
    problems: &mut Problems,
) -> Option<Credentials> {
    let known =
        |id: &str, secret: &str| Credentials { client_id: id.to_owned(), client_secret: Secret::new(secret), method };
    let google = matches!(asked.preset.introspection, Introspection::TokenInformation(_));
    if google || method == AuthenticationMethod::Nobody {
        return Some(Credentials::nobody());
    }
    match (filled(args.client_id.as_ref()), filled(args.client_secret.as_ref())) {
        (Some(id), Some(secret)) => Some(known(&id, &secret)),
        (None, None) if asked.is_demo() => Some(known(DEMO_ID, DEMO_SECRET)),
        (None, None) => None,
        (Some(_), None) => {
            problems.add("MCP_RESOURCE_INTROSPECT_CLIENT_SECRET", "missing", "set it, the client id is set");
            None
        }
        (None, Some(_)) => {
            problems.add("MCP_RESOURCE_INTROSPECT_CLIENT_ID", "missing", "set it, the client secret is set");
            None
        }
    }
}

impl Asked<'_> {
    /// Our own authorization server on this machine.
    fn is_demo(&self) -> bool {
        let loopback = HttpHosts::default();
        self.preset.name == "authz" && self.issuer.url().scheme() == "http" && loopback.allows(self.issuer.url())
    }
}

/// Whether opaque tokens are taken: as configured, else as the preset says if anybody can be asked.
pub(super) fn opaque_tokens(
    args: &IntrospectArgs,
    preset: &Preset,
    options: &IntrospectionOptions,
    problems: &mut Problems,
) -> bool {
    const NAME: &str = "MCP_RESOURCE_OPAQUE_TOKENS";
    let asked = options.mode != IntrospectionMode::Never;
    let told = switch(NAME, args.opaque_tokens.as_deref(), problems);
    if told == Some(true) && !asked {
        problems.add(NAME, "on, but the issuer is never asked about them", "set MCP_RESOURCE_INTROSPECT=fallback");
    }
    told.unwrap_or(preset.opaque_tokens && asked)
}
