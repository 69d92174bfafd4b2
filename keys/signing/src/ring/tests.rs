//! The rules of the ring, as examples and as properties of every history of keys.

use super::*;
use proptest::prelude::*;

const POLICY: KeyPolicy = KeyPolicy {
    size: crate::KeySize::Rsa2048,
    rotation: Some(Duration::from_secs(10_000)),
    max_token_lifetime: Duration::from_hours(1),
    activation_delay: Duration::from_mins(10),
};
const RETENTION: i64 = 3_600 + 60;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn key_id(number: usize) -> KeyId {
    KeyId::thumbprint(&number.to_string(), "AQAB")
}

fn key(number: usize, created_at: i64) -> RingKey {
    RingKey { created_at: at(created_at), key_id: key_id(number) }
}

fn states(ring: &KeyRing, now: i64) -> Vec<KeyState> {
    ring.states(at(now)).map(|(_, state)| state).collect()
}

#[test]
fn a_key_is_published_then_active_then_retired_then_gone() {
    let ring = KeyRing::new([key(2, 1_000), key(1, 0)], POLICY);
    let activates_at = at(1_600);
    let until = at(1_600 + RETENTION);
    let active_first = KeyState::Active { since: at(0) };
    assert_eq!(states(&ring, 1_599), [active_first, KeyState::Published { activates_at }]);
    let active_second = KeyState::Active { since: activates_at };
    assert_eq!(states(&ring, 1_600), [KeyState::Retired { until }, active_second]);
    assert_eq!(states(&ring, 1_599 + RETENTION), [KeyState::Retired { until }, active_second]);
    assert_eq!(states(&ring, 1_600 + RETENTION), [active_second]);
}

#[test]
fn the_first_key_of_an_empty_folder_is_active_at_once() {
    let ring = KeyRing::new([key(1, 500)], POLICY);
    assert_eq!(ring.signing(at(500)), Some(&key_id(1)));
    assert_eq!(ring.signing(at(0)), Some(&key_id(1)), "a clock that is behind changes nothing");
}

#[test]
fn an_empty_ring_signs_nothing_and_wants_a_key_at_once() {
    let ring = KeyRing::new([], POLICY);
    assert_eq!(ring.signing(at(0)), None);
    assert_eq!(ring.published(at(0)).count(), 0);
    assert_eq!(ring.next_rotation(at(7)), Some(at(7)));
}

#[test]
fn rotation_is_due_when_the_newest_key_has_its_age() {
    let ring = KeyRing::new([key(1, 0), key(2, 5_000)], POLICY);
    assert_eq!(ring.next_rotation(at(6_000)), Some(at(15_000)));
    assert_eq!(ring.next_rotation(at(20_000)), Some(at(20_000)), "overdue is due now");
    let manual = KeyPolicy { rotation: None, ..POLICY };
    assert_eq!(KeyRing::new([key(1, 0)], manual).next_rotation(at(20_000)), None);
}

#[test]
fn the_end_of_time_is_not_overrun() {
    let ring = KeyRing::new([key(1, 0), RingKey { created_at: Timestamp::MAX, key_id: key_id(2) }], POLICY);
    assert_eq!(ring.next_rotation(at(0)), Some(Timestamp::MAX));
    assert_eq!(ring.signing(at(0)), Some(&key_id(1)));
}

/// Keys made over some hours, as (creation time, name), in any order, some in the same second.
fn histories() -> impl Strategy<Value = Vec<RingKey>> {
    prop::collection::vec(0_i64..50_000, 1..12)
        .prop_map(|times| times.into_iter().enumerate().map(|(number, time)| key(number, time)).collect())
}

/// What a process sees at `now`: the keys made by then.
fn visible(history: &[RingKey], now: i64) -> KeyRing {
    KeyRing::new(history.iter().filter(|key| key.created_at <= at(now)).cloned(), POLICY)
}

proptest! {
    #[test]
    fn at_every_instant_exactly_one_key_signs(history in histories(), now in 0_i64..70_000) {
        let ring = KeyRing::new(history, POLICY);
        let active: Vec<_> = ring
            .states(at(now))
            .filter_map(|(key, state)| matches!(state, KeyState::Active { .. }).then_some(&key.key_id))
            .collect();
        prop_assert_eq!(active, Vec::from_iter(ring.signing(at(now))));
    }

    #[test]
    fn the_key_of_every_unexpired_token_is_published(
        history in histories(),
        signed_at in 0_i64..60_000,
        age in 0_i64..RETENTION,
    ) {
        let then = visible(&history, signed_at);
        if let Some(signer) = then.signing(at(signed_at)) {
            let now = visible(&history, signed_at + age);
            prop_assert!(now.published(at(signed_at + age)).any(|published| published == signer));
        }
    }

    #[test]
    fn nothing_signs_before_its_activation_delay(history in histories(), now in 0_i64..70_000) {
        let ring = visible(&history, now);
        let first = ring.keys.first().map(|key| key.key_id.clone());
        for key in &ring.keys {
            let is_new = at(now) < later(key.created_at, POLICY.activation_delay);
            if is_new && ring.signing(at(now)) == Some(&key.key_id) {
                prop_assert_eq!(Some(&key.key_id), first.as_ref());
            }
        }
    }

    #[test]
    fn a_key_that_no_process_saw_yet_changes_no_signature(history in histories(), now in 0_i64..70_000) {
        // Replicas read the folder at different times; within the delay they must agree.
        prop_assume!(history.iter().any(|key| key.created_at <= at(now)));
        let late = now - 599;
        let seen_late = visible(&history, late);
        if seen_late.newest().is_some() {
            let seen = visible(&history, now);
            prop_assert_eq!(seen_late.signing(at(now)), seen.signing(at(now)));
        }
    }

    #[test]
    fn removing_what_is_no_longer_published_changes_nothing(history in histories(), now in 0_i64..70_000, later in 0_i64..10_000) {
        let ring = KeyRing::new(history, POLICY);
        let kept: Vec<_> = ring.states(at(now)).map(|(key, _)| key.clone()).collect();
        let pruned = KeyRing::new(kept, POLICY);
        let then = at(now + later);
        prop_assert_eq!(pruned.signing(then), ring.signing(then));
        prop_assert!(pruned.published(then).eq(ring.published(then)));
    }

    #[test]
    fn rotating_on_schedule_makes_one_key_a_period(start in 0_i64..1_000, steps in 1_usize..20) {
        let mut keys = vec![key(0, start)];
        for number in 1..=steps {
            let ring = KeyRing::new(keys.clone(), POLICY);
            let due = ring.next_rotation(at(start)).unwrap();
            prop_assert_eq!(due, at(start + 10_000 * i64::try_from(number).unwrap()));
            keys.push(RingKey { created_at: due, key_id: key_id(number) });
        }
    }
}
