//! The check chain of a token: shape → header (algorithm, `crit`, type) → issuer → key → signature →
//! claims, and the table of when the issuer is asked instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use url::Url;
use verification_keys::jwk_set::{KeyLookup, VerificationKey};
use verification_keys::jws::{CompactJws, Header, JwsError};
use verification_keys::{AllowedAlgorithms, Claims, Clock};

use super::access_token::{AccessToken, Verified};
use super::audience::Admitted;
use super::challenge::{Reason, Refusal};
use super::introspect::{IntrospectionMode, Introspector, Question};
use super::issuer::TrustedIssuer;
use super::metrics::Metrics;
use super::rules::Checked;
use super::verdicts::{TokenHash, Verdict, Verdicts};

/// Decides on tokens, and remembers the good ones.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) issuers: Vec<TrustedIssuer>,
    pub(super) verdicts: Verdicts,
    pub(super) clock: Arc<dyn Clock>,
    /// How many tokens passed only because the audience is observed.
    pub(super) observed: AtomicU64,
    pub(super) metrics: Arc<Metrics>,
}

/// A token on its way through the chain.
#[derive(Clone, Copy)]
struct Presented<'a> {
    token: &'a str,
    hash: TokenHash,
    arrived: Timestamp,
}

/// The issuer that a token is judged by.
#[derive(Clone, Copy)]
struct Judge<'a> {
    /// Its place among the others.
    index: usize,
    issuer: &'a TrustedIssuer,
    /// `iss`: one of its names.
    name: &'a Arc<str>,
    /// The tenant in that name.
    tenant: Option<&'a str>,
}

impl Judge<'_> {
    /// The signature is by `key`; or, without a `kid`, by what the issuer has put in its place since.
    async fn verify_signature(
        &self,
        jws: &CompactJws<'_>,
        key: Arc<VerificationKey>,
    ) -> Result<Arc<VerificationKey>, Refusal> {
        self.check_tenant(&key)?;
        let refused = match jws.verify(&key) {
            Ok(()) => return Ok(key),
            Err(error) => error,
        };
        if jws.header().key_id.is_none()
            && let Some(newer) = self.issuer.keys.only_key_after_refetch(jws.header().algorithm).await
            && newer != key
        {
            self.check_tenant(&newer)?;
            return jws.verify(&newer).map(|()| newer).map_err(|error| refused_shape(error).into());
        }
        Err(refused_shape(refused).into())
    }

    /// Tenants share a set, but not every key in it.
    fn check_tenant(&self, key: &VerificationKey) -> Result<(), Refusal> {
        let foreign = key.issuer().zip(self.tenant);
        if foreign.is_some_and(|(of, tenant)| !self.issuer.rules.preset.key_is_of(of, tenant)) {
            return Err(Reason::UnknownKey.into());
        }
        Ok(())
    }
}

impl Verifier {
    /// The verdict on a token seen before, if it still holds. No waiting, no parsing.
    pub(super) fn known(&self, hash: &TokenHash) -> Option<AccessToken> {
        let verdict = self.verdicts.get(hash, self.clock.now())?;
        let issuer = self.issuers.get(verdict.issuer)?;
        // A key that its issuer withdrew takes its verdicts with it.
        if verdict.key.as_ref().is_some_and(|key| !issuer.keys.holds(key)) {
            self.verdicts.forget(hash);
            return None;
        }
        Some(verdict.token.clone())
    }

    /// Where the issuer of a token tells about its person.
    pub(super) fn userinfo_endpoint(&self, token: &AccessToken) -> Option<Url> {
        let issuer = self.issuers.iter().find(|issuer| issuer.is_named(token.issuer()).is_some())?;
        issuer.keys.metadata()?.userinfo_endpoint.clone()
    }

    /// Judges a token seen for the first time.
    pub(super) async fn verify(&self, token: &str, hash: TokenHash) -> Result<AccessToken, Refusal> {
        let presented = Presented { token, hash, arrived: self.clock.now() };
        match CompactJws::parse(token, &AllowedAlgorithms::default()) {
            Ok(jws) => self.verify_jwt(presented, &jws).await,
            Err(JwsError::Opaque) => self.verify_opaque(presented).await,
            Err(error) => Err(refused_shape(error).into()),
        }
    }

    /// A refusal of `token`, with the scopes as its issuer calls them.
    pub(super) fn in_words_of(&self, token: &AccessToken, refusal: Refusal) -> Refusal {
        let issuer = self.issuers.iter().find(|issuer| issuer.is_named(token.issuer()).is_some());
        issuer.map_or(refusal.clone(), |issuer| refusal.asked_for(&issuer.rules.scope_names))
    }

    async fn verify_jwt(&self, presented: Presented<'_>, jws: &CompactJws<'_>) -> Result<AccessToken, Refusal> {
        let claims = Claims::parse(jws.payload()).map_err(|_| Reason::ClaimsMalformed)?;
        let judge = self.judge(&claims)?;
        check_header(jws.header(), judge.issuer)?;
        match find_key(jws.header(), judge.issuer, presented.arrived).await? {
            KeyLookup::Found(key) => {
                let key = judge.verify_signature(jws, key).await?;
                self.verify_claims(presented, judge, claims, key).await
            }
            KeyLookup::UnknownInFreshSet => Err(Reason::UnknownKey.into()),
            KeyLookup::UnknownInOlderSet => {
                self.without_key(presented, judge, &claims, Reason::UnknownKey.into()).await
            }
            KeyLookup::NoKeys => {
                let refusal = Refusal::retry_after(Reason::KeysUnavailable, 5);
                self.without_key(presented, judge, &claims, refusal).await
            }
        }
    }

    /// The signature is good: the claims decide, and in `always` the issuer has the last word.
    async fn verify_claims(
        &self,
        presented: Presented<'_>,
        judge: Judge<'_>,
        claims: Claims,
        key: Arc<VerificationKey>,
    ) -> Result<AccessToken, Refusal> {
        let rules = &judge.issuer.rules;
        let mut checked = rules.check_token(&claims, presented.arrived)?;
        let mut until = claims.expires_at.ok_or(Reason::ClaimsMalformed)?;
        if judge.issuer.mode == IntrospectionMode::Always {
            let introspector = judge.issuer.introspector.as_ref();
            let introspector = introspector.ok_or(Refusal::retry_after(Reason::IntrospectionUnavailable, 60))?;
            let _turn = introspector.turn(presented.hash).await;
            if let Some(token) = self.known(&presented.hash) {
                return Ok(token);
            }
            let now = self.clock.now();
            let answer = introspector.ask((presented.token, presented.hash), Question::Confirm, now).await?;
            let confirmed = rules.confirm(checked, (&answer, judge.name), now);
            checked = confirmed.map_err(|refusal| introspector.remember(presented.hash, refusal, now))?;
            until = until.min(introspector.believed_until(now));
        }
        Ok(self.accept(presented.hash, judge, claims, (checked, until, Some(key))))
    }

    /// A JWT whose key is not to be had: the issuer is asked if that is configured and its claims are not
    /// already a *no*. Nothing of it is quoted: there is no signature.
    async fn without_key(
        &self,
        presented: Presented<'_>,
        judge: Judge<'_>,
        claims: &Claims,
        otherwise: Refusal,
    ) -> Result<AccessToken, Refusal> {
        let Some(introspector) = judge.issuer.fallback() else {
            return Err(otherwise);
        };
        judge.issuer.rules.check_token(claims, presented.arrived).map_err(Refusal::unexplained)?;
        self.ask(presented, judge, introspector, Question::Jwt).await
    }

    async fn verify_opaque(&self, presented: Presented<'_>) -> Result<AccessToken, Refusal> {
        let marked = self.issuers.iter().enumerate().find(|(_, issuer)| issuer.opaque_tokens);
        let (index, issuer) = marked.ok_or(Reason::OpaqueToken)?;
        let judge = Judge { index, issuer, name: &issuer.name, tenant: None };
        let introspector = judge.issuer.fallback().ok_or(Reason::OpaqueToken)?;
        self.ask(presented, judge, introspector, Question::Opaque).await
    }

    async fn ask(
        &self,
        presented: Presented<'_>,
        judge: Judge<'_>,
        introspector: &Introspector,
        question: Question,
    ) -> Result<AccessToken, Refusal> {
        let _turn = introspector.turn(presented.hash).await;
        if let Some(token) = self.known(&presented.hash) {
            return Ok(token);
        }
        let now = self.clock.now();
        let answer = introspector.ask((presented.token, presented.hash), question, now).await?;
        let checked = judge.issuer.rules.check_answer(&answer, judge.name, now);
        let checked = checked.map_err(|refusal| introspector.remember(presented.hash, refusal, now))?;
        let believed = introspector.believed_until(now);
        let until = answer.expires_at.map_or(believed, |expires_at| expires_at.min(believed));
        Ok(self.accept(presented.hash, judge, answer, (checked, until, None)))
    }

    /// The one place where an [`AccessToken`] is made.
    fn accept(
        &self,
        hash: TokenHash,
        judge: Judge<'_>,
        claims: Claims,
        (checked, until, key): (Checked, Timestamp, Option<Arc<VerificationKey>>),
    ) -> AccessToken {
        if let Admitted::WouldRefuse(refusal) = &checked.admitted {
            self.observed.fetch_add(1, Ordering::Relaxed);
            self.metrics.would_refuse(&judge.issuer.name, refusal.reason());
            tracing::warn!(would_refuse = %refusal.reason().code(), issuer = %judge.name,
                client = checked.client_id.as_deref(), detail = refusal.detail(),
                "accepted a token that strict mode refuses");
        }
        let not_before = claims.not_before;
        let authenticated_at = authenticated_at(&claims);
        let token = AccessToken::new(Verified {
            issuer: Arc::clone(judge.name),
            subject: claims.subject,
            client_id: checked.client_id,
            scopes: checked.scopes,
            audience: checked.audience,
            expires_at: claims.expires_at,
            token_id: claims.token_id,
            authenticated_at,
            others: claims.extra.into_iter().map(|(name, value)| (name.into_boxed_str(), value)).collect(),
        });
        self.verdicts.insert(hash, Verdict { token: token.clone(), issuer: judge.index, not_before, until, key });
        token
    }

    /// RFC 9068 §4: `iss` must be an issuer that is trusted, byte for byte; of several tenants, the one that the
    /// token says it is of.
    fn judge(&self, claims: &Claims) -> Result<Judge<'_>, Refusal> {
        let named = claims.issuer.as_deref().ok_or(Reason::ClaimsMalformed)?;
        let found = self.issuers.iter().enumerate().find_map(|(index, issuer)| {
            let (name, tenant) = issuer.is_named(named)?;
            Some(Judge { index, issuer, name, tenant })
        });
        let judge = found.ok_or(Reason::IssuerUnknown)?;
        let stated = claims.extra.get("tid").and_then(serde_json::Value::as_str);
        if judge.tenant.is_some() && judge.tenant != stated {
            return Err(Reason::IssuerUnknown.into());
        }
        Ok(judge)
    }
}

/// What the header must be for `issuer`: signed in a way that it may use, with the type of an access token.
fn check_header(header: &Header, issuer: &TrustedIssuer) -> Result<(), Refusal> {
    let preset = issuer.rules.preset;
    if !issuer.signs_with(header.algorithm) {
        return Err(Reason::AlgorithmNotAllowed.into());
    }
    if !preset.accepts_type(header.token_type.as_deref()) {
        return Err(Reason::TokenTypeMismatch.into());
    }
    if preset.guard.absent_from_header.iter().any(|name| header.has(name)) {
        return Err(Reason::NotAnAccessToken.into());
    }
    Ok(())
}

/// The key that the token names; without a name, the only one that fits, if that is allowed for the issuer.
async fn find_key(header: &Header, issuer: &TrustedIssuer, arrived: Timestamp) -> Result<KeyLookup, Refusal> {
    let Some(kid) = header.key_id.as_deref() else {
        if !issuer.unnamed_keys {
            return Err(Reason::KeyIdMissing.into());
        }
        let only = issuer.keys.only_key(header.algorithm).await;
        let none = if issuer.keys.is_ready() { Err(Reason::KeyIdMissing.into()) } else { Ok(KeyLookup::NoKeys) };
        return only.map(KeyLookup::Found).map_or(none, Ok);
    };
    Ok(match issuer.keys.cached_key(kid, header.algorithm) {
        Some(key) => KeyLookup::Found(key),
        None => issuer.keys.key(kid, header.algorithm, arrived).await,
    })
}

/// When the person signed in (OpenID Connect Core §2). Anything but an integer says nothing.
fn authenticated_at(claims: &Claims) -> Option<Timestamp> {
    Timestamp::from_second(claims.extra.get("auth_time")?.as_i64()?).ok()
}

const fn refused_shape(error: JwsError) -> Reason {
    match error {
        JwsError::Opaque => Reason::OpaqueToken,
        JwsError::TooLarge => Reason::TokenTooLarge,
        JwsError::Malformed(_) => Reason::TokenMalformed,
        JwsError::AlgorithmNotAllowed | JwsError::KeyMismatch => Reason::AlgorithmNotAllowed,
        JwsError::CriticalHeader => Reason::CriticalHeader,
        JwsError::SignatureInvalid => Reason::SignatureInvalid,
    }
}
