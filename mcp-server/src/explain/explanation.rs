//! The verdict of the verifier itself, and beside each check what was expected and presented. Nothing is
//! decided here.

use jiff::Timestamp;
use serde::Serialize;
use verification_keys::SigningAlgorithm;

use super::check::{Check, Outcome};
use super::presented::Presented;
use crate::resource_server::{
    AccessToken, AudienceRules, CLOCK_TOLERANCE, IntrospectionMode, IssuerOptions, MAX_TOKEN_BYTES, Reason, Refusal,
    RequiredClaim, ResourceServer, ResourceServerOptions, Strictness, shim,
};

/// What a configuration thinks of a token.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// `accepted` or `refused`.
    pub verdict: &'static str,
    /// The reason code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The HTTP status that a request with the token gets.
    pub status: u16,
    /// The `error_description` of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What to do about a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The settings that the remedy names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// What `MCP_RESOURCE_OAUTH_STRICT=true` would answer to a token that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_refuse: Option<&'static str>,
    /// Whether a key of the issuer has verified what is presented. If not, anybody may have written it.
    pub signature_verified: bool,
    /// What an accepted token allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// Each check, in the order of the verifier.
    pub checks: Vec<Step>,
}

/// One check, with what was expected and presented.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Which one.
    pub check: Check,
    /// What came of it.
    pub outcome: Outcome,
    /// What the configuration expects.
    pub expected: String,
    /// What the token says, if it says anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presented: Option<String>,
}

/// What is looked at to tell what was expected.
struct View<'a> {
    options: &'a ResourceServerOptions,
    issuer: Option<&'a IssuerOptions>,
    key_ids: Vec<String>,
    /// Whether there are keys, with names or without.
    has_keys: bool,
    presented: &'a Presented,
    now: Timestamp,
}

impl Explanation {
    /// Asks the verifier of `server`, which was made with `options`. Like any request it may fetch keys and ask
    /// the issuer.
    pub async fn of(token: &str, options: &ResourceServerOptions, server: &ResourceServer, now: Timestamp) -> Self {
        let verdict = server.verify(token).await;
        let presented = Presented::read(token);
        let named = presented.text("iss");
        let is_named = |issuer: &&IssuerOptions| issuer.names().iter().any(|name| Some(name.as_str()) == named);
        let issuer = options.issuers.iter().find(is_named);
        // Of an unknown issuer, what the only known one demands is shown.
        let issuer = issuer.or_else(|| options.issuers.first().filter(|_| options.issuers.len() == 1));
        let key_ids = issuer.map(|issuer| server.key_ids(issuer.issuer.as_str())).unwrap_or_default();
        let has_keys = issuer.is_some_and(|issuer| server.has_keys(issuer.issuer.as_str()));
        let view = View { options, issuer, key_ids, has_keys, presented: &presented, now };
        view.explain(&verdict)
    }

    /// Whether the token is accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.reason.is_none()
    }
}

impl View<'_> {
    fn explain(&self, verdict: &Result<AccessToken, Refusal>) -> Explanation {
        let refusal = verdict.as_ref().err();
        let failed = refusal.and_then(|refusal| self.failed(refusal.reason()));
        let signature_verified = self.signature_verified(failed, refusal.is_none());
        let step = |check| self.step(check, failed, (refusal.is_none(), signature_verified));
        let remedy = refusal.map(|refusal| refusal.reason().remedy());
        Explanation {
            verdict: if refusal.is_none() { "accepted" } else { "refused" },
            reason: refusal.map(|refusal| refusal.reason().code()),
            status: refusal.map_or(200, |refusal| refusal.reason().status().as_u16()),
            description: refusal.map(Refusal::description),
            remedy: remedy.map(|remedy| remedy.replace('`', "")),
            settings: remedy.map(settings_in).unwrap_or_default(),
            would_refuse: verdict.as_ref().ok().and_then(|token| self.would_refuse(token)),
            signature_verified,
            scopes: verdict.as_ref().ok().map(|token| token.scopes().to_string()),
            checks: Check::ALL.into_iter().map(step).collect(),
        }
    }

    fn failed(&self, reason: Reason) -> Option<Check> {
        let unreadable = self.presented.claims.as_ref().is_none_or(Result::is_err);
        let guard = self.issuer.map(|issuer| issuer.preset.guard.absent_from_header).unwrap_or_default();
        match reason {
            Reason::NotAnAccessToken if guard.iter().any(|name| self.presented.header(name).is_some()) => {
                Some(Check::Type)
            }
            Reason::ClaimsMalformed if unreadable => Some(Check::Claims),
            Reason::ClaimsMalformed if self.presented.text("iss").is_none() => Some(Check::Issuer),
            reason => Check::of(reason),
        }
    }

    /// The verifier got past the signature, and not because the issuer was asked instead.
    fn signature_verified(&self, failed: Option<Check>, accepted: bool) -> bool {
        let past = accepted || failed.is_some_and(|failed| failed > Check::Signature);
        let held = match self.presented.key_id() {
            Some(kid) => self.key_ids.iter().any(|held| held == kid),
            None => self.has_keys,
        };
        past && held && !self.presented.is_opaque()
    }

    fn would_refuse(&self, token: &AccessToken) -> Option<&'static str> {
        let rules = &self.issuer?.audience;
        let strict = AudienceRules { strictness: Strictness::True, ..rules.clone() };
        let refusal = strict.judge(token.audience(), token.client_id()).err()?;
        Some(refusal.reason().code())
    }

    fn step(&self, check: Check, failed: Option<Check>, (accepted, verified): (bool, bool)) -> Step {
        let (expected, presented) = self.values(check);
        let of_jwt = !matches!(check, Check::Size | Check::Shape | Check::Introspection);
        let never_asked = self.issuer.is_none_or(|issuer| issuer.introspection.mode == IntrospectionMode::Never);
        let by_key = matches!(check, Check::Key | Check::Signature);
        let outcome = match failed {
            Some(failed) if failed == check => Outcome::Failed,
            Some(failed) if check > failed => Outcome::NotReached,
            None if !accepted => Outcome::NotReached,
            _ if of_jwt && self.presented.is_opaque() => Outcome::NotNeeded,
            _ if check == Check::Introspection && never_asked => Outcome::NotNeeded,
            // The issuer was asked, because there is no such key here.
            _ if by_key && !verified && failed.is_none_or(|failed| failed > Check::Signature) => Outcome::NotNeeded,
            _ => Outcome::Passed,
        };
        Step { check, outcome, expected, presented }
    }

    /// What is expected and what is presented.
    fn values(&self, check: Check) -> (String, Option<String>) {
        let token = self.presented;
        match check {
            Check::Size => (format!("at most {MAX_TOKEN_BYTES} bytes"), Some(format!("{} bytes", token.bytes))),
            Check::Shape => (self.expected_shape().to_owned(), Some(token.shape())),
            Check::Algorithm => (self.algorithms(), token.header("alg")),
            Check::Critical => ("no crit".to_owned(), token.header("crit")),
            Check::Claims => ("one JSON object, each claim of its type, times as integers".to_owned(), self.claims()),
            Check::Issuer => (self.issuers(), token.claim("iss")),
            Check::Type => (self.types(), token.header("typ")),
            Check::KeyId => (self.key_name().to_owned(), token.header("kid")),
            Check::Key => (self.keys(), token.header("kid")),
            Check::Signature => ("a signature by that key over this token".to_owned(), None),
            Check::Kind => ("an access token that is a plain bearer token".to_owned(), self.telling_claims()),
            Check::Required => (self.required(), self.required_claims()),
            Check::Times => (self.times(), token.times()),
            Check::Lifetime => (self.lifetime(), token.lifetime()),
            Check::Audience => (self.audience(), token.claim("aud")),
            Check::Client => (self.clients(), self.client()),
            Check::Introspection => (self.introspection(), None),
        }
    }

    fn expected_shape(&self) -> &'static str {
        let opaque = self.options.issuers.iter().any(|issuer| issuer.opaque_tokens);
        if opaque { "a JWT, or an opaque token of the issuer" } else { "a JWT: 3 segments of base64url" }
    }

    fn algorithms(&self) -> String {
        let allowed = self.issuer.map(|issuer| issuer.algorithms).unwrap_or_default();
        let names = SigningAlgorithm::ALL.into_iter().filter(|algorithm| allowed.contains(*algorithm));
        format!("one of {}", names.map(SigningAlgorithm::as_str).collect::<Vec<_>>().join(", "))
    }

    fn claims(&self) -> Option<String> {
        Some(match self.presented.claims.as_ref()? {
            Ok(_) => "as expected".to_owned(),
            Err(error) => error.to_string(),
        })
    }

    fn issuers(&self) -> String {
        let names: Vec<String> = self.options.issuers.iter().flat_map(IssuerOptions::names).collect();
        let names = names.join(" or ");
        if self.options.issuers.iter().any(|issuer| issuer.shim.is_some()) {
            return format!("{names} (not {}: the metadata shim issues nothing)", shim::issuer(&self.options.resource));
        }
        names
    }

    fn types(&self) -> String {
        let Some(issuer) = self.issuer else { return "the type of the issuer's access tokens".to_owned() };
        let untyped = if issuer.preset.untyped { " or none" } else { "" };
        format!("{}{untyped} (preset {})", issuer.preset.token_types.join(" or "), issuer.preset.name)
    }

    fn takes_unnamed(&self) -> bool {
        self.issuer.is_some_and(|issuer| issuer.unnamed_keys)
    }

    fn key_name(&self) -> &'static str {
        if self.takes_unnamed() { "the name of a key, or none if one key fits" } else { "the name of a key" }
    }

    fn keys(&self) -> String {
        if self.presented.key_id().is_none() && self.takes_unnamed() {
            return "the only key of the issuer for the algorithm".to_owned();
        }
        if self.key_ids.is_empty() {
            return "a key of the issuer, but none could be had".to_owned();
        }
        format!("one of {}", self.key_ids.join(", "))
    }

    /// Claims that tell another kind of token, or one bound to a key.
    fn telling_claims(&self) -> Option<String> {
        let telling = ["cnf", "nonce", "at_hash", "c_hash", "token_use", "typ"];
        let found = telling.iter().filter_map(|name| Some(format!("{name} {}", self.presented.claim(name)?)));
        Some(found.collect::<Vec<_>>().join(", ")).filter(|found| !found.is_empty())
    }

    fn required(&self) -> String {
        let required = self.issuer.map(|issuer| issuer.preset.required).unwrap_or_default();
        let names: Vec<&str> = required.iter().map(|claim| self.claim_names(*claim)).chain(["exp"]).collect();
        names.join(", ")
    }

    fn required_claims(&self) -> Option<String> {
        let names = ["sub", "client_id", "azp", "cid", "appid", "iat", "jti", "exp"];
        let there: Vec<&str> = names.into_iter().filter(|name| self.presented.claim(name).is_some()).collect();
        Some(there.join(", ")).filter(|there| !there.is_empty())
    }

    fn claim_names(&self, claim: RequiredClaim) -> &'static str {
        match claim {
            RequiredClaim::Subject => "sub",
            RequiredClaim::Client => {
                self.issuer.and_then(|issuer| issuer.preset.client_claims.first().copied()).unwrap_or("client_id")
            }
            RequiredClaim::IssuedAt => "iat",
            RequiredClaim::TokenId => "jti",
        }
    }

    fn times(&self) -> String {
        format!("now {}, give or take {} s", self.now.strftime("%Y-%m-%dT%H:%M:%SZ"), CLOCK_TOLERANCE.as_secs())
    }

    fn lifetime(&self) -> String {
        let bound = self.issuer.map(|issuer| issuer.max_token_lifetime.unwrap_or(issuer.preset.max_token_lifetime));
        bound.map_or_else(String::new, |bound| format!("at most {} s", bound.as_secs()))
    }

    fn audience(&self) -> String {
        let Some(rules) = self.issuer.map(|issuer| &issuer.audience) else { return String::new() };
        let ours = [rules.resource.as_str()].into_iter().chain(rules.also_accepted.iter().map(String::as_str));
        let ours = ours.collect::<Vec<_>>().join(" or ");
        match rules.strictness {
            Strictness::True => ours,
            Strictness::Observe => format!("{ours} (observed, not enforced)"),
            Strictness::False => format!("anything (MCP_RESOURCE_OAUTH_STRICT=false; strict: {ours})"),
        }
    }

    fn clients(&self) -> String {
        let allowed = self.issuer.and_then(|issuer| issuer.audience.allowed_clients.as_ref());
        allowed.map_or_else(|| "any client".to_owned(), |clients| clients.join(" or "))
    }

    fn client(&self) -> Option<String> {
        let claims = self.issuer.map(|issuer| issuer.preset.client_claims).unwrap_or_default();
        claims.iter().find_map(|name| self.presented.claim(name))
    }

    fn introspection(&self) -> String {
        match self.issuer.map(|issuer| issuer.introspection.mode) {
            Some(IntrospectionMode::Always) => "active, by the issuer's word".to_owned(),
            Some(IntrospectionMode::Fallback) => "active, if it has to be asked".to_owned(),
            Some(IntrospectionMode::Never) | None => "not asked (MCP_RESOURCE_INTROSPECT=never)".to_owned(),
        }
    }
}

/// The names of settings in a remedy, which stand in backticks there.
fn settings_in(remedy: &str) -> Vec<String> {
    let names = remedy.split('`').skip(1).step_by(2).filter(|word| word.starts_with("MCP_"));
    names.map(|word| word.split('=').next().unwrap_or(word).to_owned()).collect()
}
