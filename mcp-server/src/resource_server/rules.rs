//! The rules that the claims of an issuer's tokens are held to: kind, completeness, lifetime, audience,
//! client (RFC 9068 §4, RFC 8725 §3.8-3.12). Pure: claims and a time in, a verdict out.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use verification_keys::claims::Claims;

use super::audience::{Admitted, AudienceRules};
use super::challenge::{Reason, Refusal};
use super::presets::{Guard, Preset, RequiredClaim};
use super::scope::Scopes;
use super::scope_names::ScopeNames;

/// How far `exp`, `nbf` and `iat` may be off.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// The rules of one issuer.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) preset: &'static Preset,
    pub(super) audience: AudienceRules,
    pub(super) max_token_lifetime: SignedDuration,
    pub(super) scope_names: ScopeNames,
}

/// What the rules have found good.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) client_id: Option<String>,
    pub(super) scopes: Scopes,
    pub(super) audience: Vec<String>,
    pub(super) admitted: Admitted,
}

impl Rules {
    /// Checks the claims of a JWT. Its issuer is checked already.
    pub(super) fn check_token(&self, claims: &Claims, now: Timestamp) -> Result<Checked, Refusal> {
        self.check_kind(claims)?;
        let client_id = self.client(claims)?;
        self.check_complete(claims, client_id.as_deref())?;
        let expires_at = claims.expires_at.ok_or(Reason::ClaimsMalformed)?;
        check_times(claims, now)?;
        self.check_lifetime(claims.issued_at.unwrap_or(now), expires_at)?;
        self.check_audience(claims, client_id)
    }

    /// Checks an introspection answer about a token that nothing else is known of: what is there must be
    /// right, and the audience is a matter of the strictness as always.
    pub(super) fn check_answer(&self, claims: &Claims, issuer: &str, now: Timestamp) -> Result<Checked, Refusal> {
        check_answer_issuer(claims, issuer)?;
        sender_constrained(claims)?;
        check_times(claims, now)?;
        let client_id = self.client(claims)?;
        self.check_audience(claims, client_id)
    }

    /// Checks an introspection answer that confirms `token`, and narrows its scopes to what is left.
    pub(super) fn confirm(
        &self,
        token: Checked,
        (answer, issuer): (&Claims, &str),
        now: Timestamp,
    ) -> Result<Checked, Refusal> {
        check_answer_issuer(answer, issuer)?;
        check_times(answer, now)?;
        let audience = audience_of(answer);
        if !audience.is_empty() {
            self.audience.judge(&audience, token.client_id.as_deref())?;
        }
        let left = self.scopes(answer)?;
        let scopes = match answer.scope {
            // Only what both of them say.
            Some(_) => token.scopes.iter().filter(|scope| left.contains(scope)).collect(),
            None => token.scopes,
        };
        Ok(Checked { scopes, ..token })
    }

    fn check_kind(&self, claims: &Claims) -> Result<(), Refusal> {
        sender_constrained(claims)?;
        if !self.preset.is_strictly_typed() && looks_like_another_token(claims, &self.preset.guard) {
            return Err(Reason::NotAnAccessToken.into());
        }
        Ok(())
    }

    fn check_complete(&self, claims: &Claims, client_id: Option<&str>) -> Result<(), Refusal> {
        let filled = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
        let there = |claim: &RequiredClaim| match claim {
            RequiredClaim::Subject => filled(claims.subject.as_deref()),
            RequiredClaim::Client => filled(client_id),
            RequiredClaim::IssuedAt => claims.issued_at.is_some(),
            RequiredClaim::TokenId => filled(claims.token_id.as_deref()),
        };
        if self.preset.required.iter().all(there) { Ok(()) } else { Err(Reason::ClaimsMalformed.into()) }
    }

    fn check_lifetime(&self, issued_at: Timestamp, expires_at: Timestamp) -> Result<(), Refusal> {
        let lifetime = expires_at.duration_since(issued_at);
        if lifetime <= self.max_token_lifetime {
            return Ok(());
        }
        let expected = format!("at most {} s", self.max_token_lifetime.as_secs());
        Err(Refusal::explained(Reason::LifetimeTooLong, &expected, &format!("{} s", lifetime.as_secs())))
    }

    fn check_audience(&self, claims: &Claims, client_id: Option<String>) -> Result<Checked, Refusal> {
        let audience = audience_of(claims);
        let admitted = self.audience.judge(&audience, client_id.as_deref())?;
        Ok(Checked { client_id, scopes: self.scopes(claims)?, audience, admitted })
    }

    fn client(&self, claims: &Claims) -> Result<Option<String>, Reason> {
        for &name in self.preset.client_claims {
            match (name, claims.extra.get(name)) {
                ("client_id", _) if claims.client_id.is_some() => return Ok(claims.client_id.clone()),
                (_, Some(Value::String(client))) => return Ok(Some(client.clone())),
                (_, Some(_)) => return Err(Reason::ClaimsMalformed),
                (_, None) => {}
            }
        }
        Ok(None)
    }

    /// All scopes, wherever they are and in whatever form, under our names.
    fn scopes(&self, claims: &Claims) -> Result<Scopes, Reason> {
        // RFC 9068 §2.2.3.1: where the type promises its form, `scope` is a string.
        if self.preset.is_strictly_typed() && claims.extra.contains_key("scope") {
            return Err(Reason::ClaimsMalformed);
        }
        let mut found: Vec<&str> = claims.scope.as_deref().into_iter().flat_map(|list| list.split(' ')).collect();
        let more = self.scope_names.more_claims.iter().map(String::as_str);
        for value in self.preset.scope_claims.iter().copied().chain(more).filter_map(|path| at(&claims.extra, path)) {
            collect(value, &mut found)?;
        }
        Ok(self.scope_names.ours(found.into_iter(), self.preset.short_scopes))
    }
}

fn audience_of(claims: &Claims) -> Vec<String> {
    claims.audience.iter().map(ToOwned::to_owned).collect()
}

fn check_answer_issuer(answer: &Claims, issuer: &str) -> Result<(), Refusal> {
    if answer.issuer.as_deref().is_none_or(|named| named == issuer) {
        Ok(())
    } else {
        Err(Reason::IssuerUnknown.into())
    }
}

/// RFC 7800: a token bound to a key is worth nothing without proof of that key (RFC 9449 §7, RFC 8705 §3).
fn sender_constrained(claims: &Claims) -> Result<(), Refusal> {
    if claims.extra.contains_key("cnf") { Err(Reason::SenderConstrained.into()) } else { Ok(()) }
}

/// Whether the claims are those of an ID token, a refresh token, or another token that is not for resources.
fn looks_like_another_token(claims: &Claims, guard: &Guard) -> bool {
    let differs = |(name, expected): &(&str, &[&str])| {
        claims.extra.get(*name).is_some_and(|value| !value.as_str().is_some_and(|word| expected.contains(&word)))
    };
    guard.words.iter().any(differs) || guard.absent.iter().any(|&name| claims.extra.contains_key(name))
}

/// The claim of this name, or what a path with dots leads to: `realm_access.roles`.
fn at<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    claims.get(path).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| {
            let (outer, inner) = (path.get(..dot)?, path.get(dot + 1..)?);
            at(claims.get(outer)?.as_object()?, inner)
        })
    })
}

/// Adds scopes in any form: one string, a list, or an object whose names they are.
fn collect<'c>(value: &'c Value, found: &mut Vec<&'c str>) -> Result<(), Reason> {
    match value {
        Value::String(list) => found.extend(list.split(' ')),
        Value::Array(list) => {
            let scopes: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            found.extend(scopes.ok_or(Reason::ClaimsMalformed)?);
        }
        Value::Object(names) => found.extend(names.keys().map(String::as_str)),
        _ => return Err(Reason::ClaimsMalformed),
    }
    Ok(())
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
    if let Some(expires_at) = claims.expires_at
        && now.duration_since(expires_at) >= CLOCK_TOLERANCE
    {
        let expected = format!("exp after {now}");
        return Err(Refusal::explained(Reason::TokenExpired, &expected, &expires_at.to_string()));
    }
    for begin in [claims.not_before, claims.issued_at].into_iter().flatten() {
        if begin.duration_since(now) > CLOCK_TOLERANCE {
            let expected = format!("nbf and iat up to {now}");
            return Err(Refusal::explained(Reason::TokenNotYetValid, &expected, &begin.to_string()));
        }
    }
    Ok(())
}
