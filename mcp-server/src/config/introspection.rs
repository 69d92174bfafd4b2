//! When and as whom the issuer is asked.

use std::sync::Arc;

use jiff::SignedDuration;
use ring::rand::SystemRandom;
use serving::settings::Problems;
use verification_keys::{HttpHosts, Issuer};

use super::{filled, switch};
use crate::cli::IntrospectArgs;
use crate::resource_server::{
    AssertionKey, AuthenticationMethod, Credentials, Introspection, IntrospectionMode, IntrospectionOptions, Preset,
    Proof, Secret, Strictness,
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
    let method = problems.check(
        "MCP_RESOURCE_INTROSPECT_CLIENT_METHOD",
        "use basic, post, private_key_jwt or none",
        args.method.parse(),
    );
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
    let google = matches!(asked.preset.introspection, Introspection::TokenInformation(_));
    if google || method == AuthenticationMethod::Nobody {
        return Some(Credentials::nobody());
    }
    if method == AuthenticationMethod::PrivateKeyJwt {
        return by_key(args, problems);
    }
    if filled(args.client_key.as_ref()).is_some() {
        let fix = "set MCP_RESOURCE_INTROSPECT_CLIENT_METHOD=private_key_jwt, or remove it";
        problems.add("MCP_RESOURCE_INTROSPECT_CLIENT_KEY", "is set, but the method is another one", fix);
    }
    let known = |id: &str, secret: &str| {
        let secret = Secret::new(secret);
        let proof = if method == AuthenticationMethod::Post { Proof::Post(secret) } else { Proof::Basic(secret) };
        Credentials { client_id: id.to_owned(), proof }
    };
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

/// The client that proves itself with a key (RFC 7523).
fn by_key(args: &IntrospectArgs, problems: &mut Problems) -> Option<Credentials> {
    const KEY: &str = "MCP_RESOURCE_INTROSPECT_CLIENT_KEY";
    const FIX: &str = "name a file with an RSA key of at least 2048 bits, or a P-256 key, in PEM (PKCS#8)";
    let mut needed = |name: &'static str, value: Option<&String>| {
        let value = filled(value);
        if value.is_none() {
            problems.add(name, "missing beside the method private_key_jwt", "set it");
        }
        value
    };
    let client_id = needed("MCP_RESOURCE_INTROSPECT_CLIENT_ID", args.client_id.as_ref());
    let file = needed(KEY, args.client_key.as_ref());
    let pem = std::fs::read(file.as_ref()?).map_err(|error| format!("{}: {error}", file.unwrap_or_default()));
    #[expect(clippy::disallowed_methods, reason = "the settings are read at the edge of the process")]
    let random = Arc::new(SystemRandom::new());
    let key_id = filled(args.client_key_id.as_ref());
    let key = AssertionKey::from_pem(&problems.check(KEY, FIX, pem)?, key_id, random);
    let key = problems.check(KEY, FIX, key)?;
    Some(Credentials { client_id: client_id?, proof: Proof::PrivateKeyJwt(key) })
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
