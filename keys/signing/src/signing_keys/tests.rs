//! The keys of an issuer over time: first start, restart, rotation, and files that go wrong meanwhile.

use super::*;
use crate::{InvalidKey, KeyState, seal::tests::random, signer::tests::pem};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{JwsVerifier as _, RS256},
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, thread};
use tempfile::TempDir;

const DELAY: i64 = 600;
const DAY: i64 = 24 * 60 * 60;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn folder() -> TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
}

fn open(folder: &TempDir, now: i64) -> SigningKeys {
    SigningKeys::open(folder.path(), &KeyPolicy::default(), at(now)).unwrap()
}

fn put(folder: &TempDir, name: &str, content: &[u8]) {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn key_files(folder: &TempDir) -> Vec<String> {
    KeyDirectory::open(folder.path()).unwrap().file_names()
}

fn sign(keys: &SigningKeys, now: i64) -> String {
    keys.sign("at+jwt", &json!({ "iat": now }), at(now)).unwrap()
}

fn key_id_of(jws: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(jws.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

fn published(keys: &SigningKeys, now: i64) -> Vec<Value> {
    let document: Value = serde_json::from_slice(&keys.jwk_set(at(now)).to_json()).unwrap();
    document["keys"].as_array().unwrap().clone()
}

/// Whether a resource server that fetches the document at `now` accepts the signature.
fn verifies(keys: &SigningKeys, jws: &str, now: i64) -> bool {
    let kid = key_id_of(jws);
    let Some(jwk) = published(keys, now).into_iter().find(|jwk| jwk["kid"] == kid.as_str()) else { return false };
    let jwk: Jwk = serde_json::from_value(jwk).unwrap();
    let (signed, signature) = jws.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    RS256.verifier_from_jwk(&jwk).unwrap().verify(signed.as_bytes(), &signature).is_ok()
}

#[test]
fn the_first_start_makes_a_key_and_later_starts_load_it() {
    let folder = folder();
    let first = open(&folder, 1_000);
    let jws = sign(&first, 1_000);
    assert!(verifies(&first, &jws, 1_000));
    let second = open(&folder, 5_000);
    assert_eq!(key_files(&folder).len(), 1);
    assert!(verifies(&second, &jws, 5_000));
    assert_eq!(key_id_of(&sign(&second, 5_000)), key_id_of(&jws));
}

#[test]
fn processes_that_start_at_once_share_the_first_key() {
    let folder = folder();
    let key_ids: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| key_id_of(&sign(&open(&folder, 0), 0)))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(key_ids.iter().all(|key_id| *key_id == key_ids[0]));
    assert_eq!(key_files(&folder).len(), 1);
}

#[test]
fn the_document_holds_nothing_private() {
    let folder = folder();
    let keys = open(&folder, 0);
    let published = published(&keys, 0);
    let members: Vec<_> = published[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["kty", "n", "e", "kid", "alg", "use"]);
}

#[test]
fn debug_output_holds_no_private_key() {
    let folder = folder();
    put(&folder, "mine.pem", pem(0));
    let keys = open(&folder, 0);
    let private = josekit::jwk::alg::rsa::RsaKeyPair::from_pem(pem(0)).unwrap();
    let private = serde_json::to_value(josekit::jwk::KeyPair::to_jwk_private_key(&private)).unwrap();
    let shown = format!("{keys:?} {:?} {:?} {:?}", keys.current(), keys.contents(), keys.jwk_set(at(0)));
    for member in ["d", "p", "q", "dp", "dq", "qi"] {
        assert!(!shown.contains(private[member].as_str().unwrap()), "{member}");
    }
    assert!(!shown.contains("PRIVATE"));
}

#[test]
fn a_rotated_key_is_published_at_once_and_signs_after_the_delay() {
    let folder = folder();
    let keys = open(&folder, 0);
    let before = sign(&keys, 1_000);
    let Rotation::Added(added) = keys.rotate(at(1_000)).unwrap() else { panic!("nobody else rotates") };
    assert_eq!(published(&keys, 1_000).len(), 2);
    assert_eq!(key_id_of(&sign(&keys, 999 + DELAY)), key_id_of(&before));
    let after = sign(&keys, 1_000 + DELAY);
    assert_eq!(key_id_of(&after), added.as_str());
    let expired_everywhere = 1_000 + DELAY + DAY + 60;
    assert!(verifies(&keys, &before, expired_everywhere - 1) && verifies(&keys, &after, expired_everywhere - 1));
    assert!(!verifies(&keys, &before, expired_everywhere) && verifies(&keys, &after, expired_everywhere));
}

#[test]
fn after_a_rotation_at_once_the_new_key_alone_signs_and_is_published() {
    for last_rotation in [None, Some(100_000), Some(199_990)] {
        let folder = folder();
        let (keys, replica) = (open(&folder, 0), open(&folder, 0));
        let mut before = vec![sign(&keys, 0)];
        if let Some(at_second) = last_rotation {
            keys.rotate(at(at_second)).unwrap();
            before.push(sign(&keys, 200_000));
        }
        let Replacement { added, withdrawn } = keys.rotate_now(at(200_000)).unwrap();
        assert_eq!(withdrawn.len(), 1 + usize::from(last_rotation.is_some()));
        replica.reload(at(200_000)).unwrap();
        for keys in [&keys, &replica] {
            let after = sign(keys, 200_000);
            assert_eq!((key_id_of(&after), published(keys, 200_000).len()), (added.as_str().to_owned(), 1));
            assert!(verifies(keys, &after, 200_000));
            assert!(before.iter().all(|jws| !verifies(keys, jws, 200_000)), "{last_rotation:?}");
        }
        assert_eq!(key_files(&folder).len(), 1);
    }
}

#[test]
fn what_was_sealed_is_read_by_replicas_for_as_long_as_its_key_is_published() {
    let folder = folder();
    let (keys, replica) = (open(&folder, 0), open(&folder, 0));
    let sealed = keys.seal("a", b"content", &random(), at(0)).unwrap();
    let opened = |keys: &SigningKeys, now| keys.open_sealed("a", &sealed, at(now));
    assert_eq!(opened(&replica, 0).as_deref(), Some(b"content".as_slice()));
    assert_eq!(replica.open_sealed("b", &sealed, at(0)), None);
    keys.rotate(at(1)).unwrap();
    let retired = 1 + DELAY + DAY + 60;
    assert_eq!(opened(&keys, retired - 1).as_deref(), Some(b"content".as_slice()));
    assert_eq!(opened(&keys, retired), None);
    let after = keys.seal("a", b"content", &random(), at(retired)).unwrap();
    keys.rotate_now(at(retired)).unwrap();
    assert_eq!(keys.open_sealed("a", &after, at(retired)), None, "others know the key");
}

#[test]
fn a_rotation_at_once_has_the_new_key_active_before_the_old_one_goes() {
    let folder = folder();
    let keys = open(&folder, 0);
    let old = fs::read(folder.path().join(&key_files(&folder)[0])).unwrap();
    let name = key_files(&folder)[0].clone();
    let added = keys.rotate_now(at(200_000)).unwrap().added;
    // As a replica sees it that reads the folder between the two steps.
    put(&folder, &name, &old);
    let between = open(&folder, 200_000);
    assert_eq!(published(&between, 200_000).len(), 2);
    assert_eq!(key_id_of(&sign(&between, 200_000)), added.as_str());
    // And after a crash there, the next attempt ends it.
    assert_eq!(between.rotate_now(at(200_001)).unwrap().withdrawn.len(), 2);
}

#[test]
fn pruning_removes_keys_past_their_time_and_nothing_else() {
    let folder = folder();
    let keys = open(&folder, 0);
    let first = sign(&keys, 0);
    keys.rotate(at(1_000)).unwrap();
    let end = 1_000 + DELAY + DAY + 60;
    assert_eq!(keys.prune(at(end - 1)).unwrap(), []);
    let signing = key_id_of(&sign(&keys, end));
    let pruned: Vec<_> = keys.prune(at(end)).unwrap().into_iter().map(|key| key.key_id.to_string()).collect();
    assert_eq!(pruned, [key_id_of(&first)]);
    assert_eq!(key_files(&folder).len(), 1);
    assert_eq!(key_id_of(&sign(&keys, end)), signing);
    assert_eq!(keys.prune(at(end + DAY)).unwrap(), [], "the key that signs is never past");
}

#[test]
fn a_replica_sees_the_rotation_of_another_before_it_counts() {
    let folder = folder();
    let (one, other) = (open(&folder, 0), open(&folder, 0));
    let Rotation::Added(added) = one.rotate(at(100)).unwrap() else { panic!("nobody else rotates") };
    assert_eq!(other.rotate(at(101)).unwrap(), Rotation::AlreadyAdded(added));
    assert_eq!(other.ring(), one.ring());
    assert_eq!(key_files(&folder).len(), 2);
    assert!(!other.reload(at(102)).unwrap(), "nothing has changed since");
}

#[test]
fn maintenance_rotates_when_the_newest_key_has_its_age() {
    let folder = folder();
    let (one, other) = (open(&folder, 0), open(&folder, 0));
    one.maintain(at(90 * DAY - 1)).unwrap();
    assert_eq!(key_files(&folder).len(), 1);
    thread::scope(|scope| {
        for keys in [&one, &other] {
            scope.spawn(|| keys.maintain(at(90 * DAY)).unwrap());
        }
    });
    assert_eq!(key_files(&folder).len(), 2);
    one.maintain(at(90 * DAY + 1)).unwrap();
    other.maintain(at(90 * DAY + 1)).unwrap();
    assert_eq!(key_files(&folder).len(), 2);
    assert_eq!(one.ring(), other.ring());
}

#[test]
fn a_key_dropped_in_is_adopted_on_reload() {
    let folder = folder();
    let keys = open(&folder, 0);
    put(&folder, "mine.pem", pem(0));
    assert!(keys.reload(at(50)).unwrap());
    let states: Vec<_> = keys.ring().states(at(50)).map(|(_, state)| state).collect();
    assert_eq!(states, [KeyState::Active { since: at(0) }, KeyState::Published { activates_at: at(50 + DELAY) }]);
}

#[test]
fn a_bad_file_stops_a_start_but_not_a_running_service() {
    let folder = folder();
    let keys = open(&folder, 0);
    let jws = sign(&keys, 0);
    put(&folder, "bad.pem", b"-----BEGIN PRIVATE KEY-----\ncut short");
    assert!(!keys.reload(at(1)).unwrap());
    assert!(verifies(&keys, &jws, 1) && verifies(&keys, &sign(&keys, 1), 1));
    let refused = SigningKeys::open(folder.path(), &KeyPolicy::default(), at(1)).unwrap_err();
    assert!(
        matches!(&refused, KeyDirectoryError::Key { path, source: InvalidKey::NotPem } if path.ends_with("bad.pem"))
    );
    put(&folder, "bad.pem", pem(1));
    assert!(keys.reload(at(2)).unwrap(), "repaired");
}

#[test]
fn a_known_key_outlives_its_damaged_file() {
    let folder = folder();
    let keys = open(&folder, 0);
    let jws = sign(&keys, 0);
    put(&folder, &key_files(&folder)[0], b"damaged");
    for now in 1..4 {
        keys.reload(at(now)).unwrap();
        assert_eq!(key_id_of(&sign(&keys, now)), key_id_of(&jws));
    }
}

#[test]
fn an_emptied_folder_is_an_error_and_the_keys_stay() {
    let folder = folder();
    let keys = open(&folder, 0);
    let jws = sign(&keys, 0);
    fs::remove_file(folder.path().join(&key_files(&folder)[0])).unwrap();
    assert!(matches!(keys.reload(at(1)), Err(KeyDirectoryError::Emptied(path)) if path == folder.path()));
    assert!(verifies(&keys, &jws, 1) && key_id_of(&sign(&keys, 1)) == key_id_of(&jws));
}

#[test]
fn a_removed_key_is_not_published_after_the_reload() {
    let folder = folder();
    let keys = open(&folder, 0);
    let jws = sign(&keys, 0);
    keys.rotate(at(1)).unwrap();
    fs::remove_file(folder.path().join(&key_files(&folder)[0])).unwrap();
    assert!(keys.reload(at(2)).unwrap());
    assert!(!verifies(&keys, &jws, 2));
    assert!(verifies(&keys, &sign(&keys, 2), 2), "the only key left signs at once");
}

#[test]
fn an_unsafe_policy_is_refused_before_the_folder_is_touched() {
    let folder = folder();
    let policy = KeyPolicy { activation_delay: std::time::Duration::ZERO, ..KeyPolicy::default() };
    assert!(matches!(SigningKeys::open(folder.path(), &policy, at(0)), Err(KeyDirectoryError::Policy(_))));
    assert!(key_files(&folder).is_empty());
}

#[test]
fn many_threads_sign_while_keys_are_read_again() {
    fn is_shared<T: Send + Sync + 'static>(_: &T) {}
    let folder = folder();
    let keys = open(&folder, 0);
    is_shared(&keys);
    thread::scope(|scope| {
        for now in 0..4 {
            let keys = &keys;
            scope.spawn(move || (0..10).for_each(|_| assert!(verifies(keys, &sign(keys, now), now))));
        }
        scope.spawn(|| (0..20).for_each(|now| assert!(!keys.reload(at(now)).unwrap())));
    });
}
