//! The check chain of a token: shape → header (algorithm, `crit`, type) → issuer → key → signature →
//! claims, and the table of when the issuer is asked instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
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
    pub(super) algorithms: AllowedAlgorithms,
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

/// The issuer that a token is judged by, and its place among the others.
type Judge<'a> = (usize, &'a TrustedIssuer);

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

    /// Judges a token seen for the first time.
    pub(super) async fn verify(&self, token: &str, hash: TokenHash) -> Result<AccessToken, Refusal> {
        let presented = Presented { token, hash, arrived: self.clock.now() };
        match CompactJws::parse(token, &self.algorithms) {
            Ok(jws) => self.verify_jwt(presented, &jws).await,
            Err(JwsError::Opaque) => self.verify_opaque(presented).await,
            Err(error) => Err(refused_shape(error).into()),
        }
    }

    async fn verify_jwt(&self, presented: Presented<'_>, jws: &CompactJws<'_>) -> Result<AccessToken, Refusal> {
        let claims = Claims::parse(jws.payload()).map_err(|_| Reason::ClaimsMalformed)?;
        let judge = self.judge(claims.issuer.as_deref())?;
        let kid = key_id(jws.header(), judge)?;
        let keys = &judge.1.keys;
        let lookup = match keys.cached_key(kid, jws.header().algorithm) {
            Some(key) => KeyLookup::Found(key),
            None => keys.key(kid, jws.header().algorithm, presented.arrived).await,
        };
        match lookup {
            KeyLookup::Found(key) => {
                jws.verify(&key).map_err(refused_shape)?;
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
        let rules = &judge.1.rules;
        let mut checked = rules.check_token(&claims, presented.arrived)?;
        let mut until = claims.expires_at.ok_or(Reason::ClaimsMalformed)?;
        if judge.1.mode == IntrospectionMode::Always {
            let introspector = judge.1.introspector.as_ref();
            let introspector = introspector.ok_or(Refusal::retry_after(Reason::IntrospectionUnavailable, 60))?;
            let _turn = introspector.turn(presented.hash).await;
            if let Some(token) = self.known(&presented.hash) {
                return Ok(token);
            }
            let now = self.clock.now();
            let answer = introspector.ask((presented.token, presented.hash), Question::Confirm, now).await?;
            let confirmed = rules.confirm(checked, (&answer, &judge.1.name), now);
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
        let Some(introspector) = judge.1.fallback() else {
            return Err(otherwise);
        };
        judge.1.rules.check_token(claims, presented.arrived).map_err(Refusal::unexplained)?;
        self.ask(presented, judge, introspector, Question::Jwt).await
    }

    async fn verify_opaque(&self, presented: Presented<'_>) -> Result<AccessToken, Refusal> {
        let marked = self.issuers.iter().enumerate().find(|(_, issuer)| issuer.opaque_tokens);
        let judge = marked.ok_or(Reason::OpaqueToken)?;
        let introspector = judge.1.fallback().ok_or(Reason::OpaqueToken)?;
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
        let checked = judge.1.rules.check_answer(&answer, &judge.1.name, now);
        let checked = checked.map_err(|refusal| introspector.remember(presented.hash, refusal, now))?;
        let believed = introspector.believed_until(now);
        let until = answer.expires_at.map_or(believed, |expires_at| expires_at.min(believed));
        Ok(self.accept(presented.hash, judge, answer, (checked, until, None)))
    }

    /// The one place where an [`AccessToken`] is made.
    fn accept(
        &self,
        hash: TokenHash,
        (index, issuer): Judge<'_>,
        claims: Claims,
        (checked, until, key): (Checked, Timestamp, Option<Arc<VerificationKey>>),
    ) -> AccessToken {
        if let Admitted::WouldRefuse(refusal) = &checked.admitted {
            self.observed.fetch_add(1, Ordering::Relaxed);
            self.metrics.would_refuse(&issuer.name, refusal.reason());
            tracing::warn!(would_refuse = %refusal.reason().code(), issuer = %issuer.name,
                client = checked.client_id.as_deref(), detail = refusal.detail(),
                "accepted a token that strict mode refuses");
        }
        let not_before = claims.not_before;
        let authenticated_at = authenticated_at(&claims);
        let token = AccessToken::new(Verified {
            issuer: Arc::clone(&issuer.name),
            subject: claims.subject,
            client_id: checked.client_id,
            scopes: checked.scopes,
            audience: checked.audience,
            expires_at: claims.expires_at,
            token_id: claims.token_id,
            authenticated_at,
            others: claims.extra,
        });
        self.verdicts.insert(hash, Verdict { token: token.clone(), issuer: index, not_before, until, key });
        token
    }

    /// RFC 9068 §4: `iss` must be an issuer that is trusted, byte for byte.
    fn judge(&self, named: Option<&str>) -> Result<Judge<'_>, Refusal> {
        let named = named.ok_or(Reason::ClaimsMalformed)?;
        let mut issuers = self.issuers.iter().enumerate();
        issuers.find(|(_, issuer)| &*issuer.name == named).ok_or_else(|| Reason::IssuerUnknown.into())
    }
}

/// The `kid` of a token whose type is that of an access token.
fn key_id<'h>(header: &'h Header, (_, issuer): Judge<'_>) -> Result<&'h str, Refusal> {
    if !issuer.rules.preset.accepts_type(header.token_type.as_deref()) {
        return Err(Reason::TokenTypeMismatch.into());
    }
    header.key_id.as_deref().ok_or_else(|| Reason::KeyIdMissing.into())
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
