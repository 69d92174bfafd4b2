//! The life of a family, by rule and by arbitrary histories.

use super::*;
use crate::{
    domain::{GrantId, Subject},
    protocol::{Resource, Scope},
};
use proptest::{collection::vec, prelude::*};
use ring::rand::SystemRandom;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
const GRACE: SignedDuration = SignedDuration::from_secs(10);
const TTL: SignedDuration = SignedDuration::from_hours(24);

#[expect(clippy::disallowed_methods, reason = "the edge of this test")]
fn random() -> SystemRandom {
    SystemRandom::new()
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

fn family() -> (RefreshToken, RefreshFamily) {
    let grant = Grant {
        id: GrantId::generate(&random()).unwrap(),
        subject: Subject::generate(&random()).unwrap(),
        client_id: client("c_1"),
        scope: Scope::parse("mcp:read").unwrap(),
        resource: Resource::parse("http://localhost:8001/mcp").unwrap(),
        authentication: None,
        created_at: NOW,
        state: GrantState::Alive,
    };
    let first = RefreshToken::generate(&random()).unwrap();
    let family = RefreshFamily::begin(&first, grant, NOW + TTL);
    (first, family)
}

fn using(token: &RefreshToken, now: Timestamp) -> (RefreshToken, Refreshing) {
    let next = token.next(&random()).unwrap();
    let refreshing = Refreshing {
        family: token.family(),
        presented: token.hash(),
        client_id: client("c_1"),
        next: next.hash(),
        next_expires_at: now + TTL,
        grace: GRACE,
    };
    (next, refreshing)
}

#[test]
fn a_token_survives_the_wire_and_nothing_else_parses() {
    let token = RefreshToken::generate(&random()).unwrap();
    let wire = token.reveal();
    let parsed = RefreshToken::parse(&wire).unwrap();
    assert_eq!((wire.len(), parsed.hash(), parsed.family()), (64, token.hash(), token.family()));
    for hostile in ["", "x", &"a".repeat(63), &"a".repeat(100_000), &"=".repeat(64), &"+".repeat(64)] {
        assert!(RefreshToken::parse(hostile).is_none());
    }
    assert_eq!(format!("{token:?}"), "RefreshToken(***)");
    let next = token.next(&random()).unwrap();
    assert_eq!(next.family(), token.family());
    assert_ne!(next.hash(), token.hash());
}

#[test]
fn a_token_of_another_client_ends_the_grant() {
    let (first, family) = family();
    let (_, refreshing) = using(&first, NOW);
    let thief = Refreshing { client_id: client("c_2"), ..refreshing };
    assert_eq!(family.judge(&thief, NOW), Rotation::Reused);
}

#[test]
fn the_parent_is_spared_for_the_grace_time_and_not_longer() {
    let (first, family) = family();
    let (_, refreshing) = using(&first, NOW);
    let family = family.rotated(&refreshing, NOW);
    assert_eq!(family.judge(&refreshing, NOW), Rotation::Spared);
    assert_eq!(family.judge(&refreshing, NOW + SignedDuration::from_secs(9)), Rotation::Spared);
    assert_eq!(family.judge(&refreshing, NOW + GRACE), Rotation::Reused);
    let without_grace = Refreshing { grace: SignedDuration::ZERO, ..refreshing };
    assert_eq!(family.judge(&without_grace, NOW), Rotation::Reused);
}

#[test]
fn a_token_is_over_at_its_time_and_every_token_at_the_end_of_the_grant() {
    let (first, family) = family();
    let (_, refreshing) = using(&first, NOW);
    assert_eq!(family.judge(&refreshing, NOW + TTL - SignedDuration::from_secs(1)), Rotation::Rotated);
    assert_eq!(family.judge(&refreshing, NOW + TTL), Rotation::Dead);
    let grant = Grant { state: GrantState::Revoked { at: NOW }, ..family.grant.clone() };
    assert_eq!(RefreshFamily { grant, ..family }.judge(&refreshing, NOW), Rotation::Dead);
}

proptest! {
    /// Each step presents one of the tokens that were ever made, some seconds after the step before.
    #[test]
    fn in_any_history_only_the_newest_token_is_ever_taken(steps in vec((any::<prop::sample::Index>(), 0_i64..30), 1..40)) {
        let (first, mut family) = family();
        let mut made = vec![first];
        let (mut now, mut rotated_at) = (NOW, NOW);
        for (index, seconds) in steps {
            now += SignedDuration::from_secs(seconds);
            let presented = index.index(made.len());
            let age = made.len() - 1 - presented;
            let (next, refreshing) = using(&made[presented], now);
            let rotation = family.judge(&refreshing, now);
            let expected = match age {
                0 => Rotation::Rotated,
                1 if now < rotated_at + GRACE => Rotation::Spared,
                _ => Rotation::Reused,
            };
            prop_assert_eq!(rotation, expected);
            match rotation {
                Rotation::Rotated => {
                    family = family.rotated(&refreshing, now);
                    made.push(next);
                    rotated_at = now;
                }
                Rotation::Spared => {}
                Rotation::Reused | Rotation::Dead => break,
            }
        }
    }

    #[test]
    fn nothing_from_the_wire_makes_it_panic(raw in "\\PC{0,80}|[A-Za-z0-9_-]{64}") {
        if let Some(token) = RefreshToken::parse(&raw) {
            prop_assert_eq!(token.reveal(), raw);
        }
    }
}
