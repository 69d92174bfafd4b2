//! Keys through their whole life: two replicas on one folder sign while keys rotate on a scaled clock, and resource
//! servers with the key cache of mcp-server, which fetch from either replica over HTTP, verify what they signed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use axum::{Router, extract::State, http::header, routing::get};
use jiff::Timestamp;
use serde_json::{Value, json};
use signing_keys::{JWK_SET_MAX_AGE, KeyPolicy, SigningKeys};
use std::{
    collections::{HashSet, VecDeque},
    path::Path,
    sync::Arc,
    time::Duration,
};
use verification_keys::{
    AllowedAlgorithms, Clock as _,
    http::{self, ClientOptions},
    jwk_set::{JwkSetSource, KeyLookup, RemoteJwkSet, RemoteOptions},
    jws::CompactJws,
    testing::ManualClock,
};

const START: Timestamp = Timestamp::constant(1_800_000_000, 0);
/// The clock moves by so much at a time.
const STEP: Duration = Duration::from_secs(20);
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// Small against the real 90 days, so that keys are published, active and retired side by side.
const ROTATION: Duration = Duration::from_mins(50);
/// A replica that is busy looks at the folder as rarely as this, in steps.
const SLOW_REPLICA: usize = 6;

/// An authorization server as far as its keys are concerned.
struct Replica {
    keys: SigningKeys,
    clock: Arc<ManualClock>,
}

/// A token, and the moment at which it expires.
struct Token {
    jws: String,
    expires_at: Timestamp,
}

#[derive(Debug, Default)]
struct Counts {
    issued: usize,
    rotations: usize,
    pruned: usize,
    verified: usize,
    refused: usize,
}

impl Replica {
    fn open(folder: &Path, clock: &Arc<ManualClock>) -> Arc<Self> {
        let policy = KeyPolicy {
            rotation: Some(ROTATION),
            max_token_lifetime: TOKEN_LIFETIME,
            activation_delay: JWK_SET_MAX_AGE * 2,
            ..KeyPolicy::default()
        };
        let keys = SigningKeys::open(folder, &policy, clock.now()).unwrap();
        Arc::new(Self { keys, clock: clock.clone() })
    }

    fn issue(&self, number: usize) -> Token {
        let now = self.clock.now();
        let expires_at = now + TOKEN_LIFETIME;
        let claims = json!({ "iss": "https://as.example", "jti": number, "exp": expires_at.as_second() });
        Token { jws: self.keys.sign("at+jwt", &claims, now).unwrap(), expires_at }
    }
}

/// The JWKS of a replica on a loopback port, with the headers of authz.
async fn serve(replica: Arc<Replica>) -> JwkSetSource {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let document = async |State(replica): State<Arc<Replica>>| {
        let headers = [(header::CACHE_CONTROL, "public, max-age=300"), (header::CONTENT_TYPE, "application/json")];
        (headers, replica.keys.jwk_set(replica.clock.now()).to_json())
    };
    let router = Router::new().route("/jwks.json", get(document)).with_state(replica);
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    JwkSetSource::Url(url.parse().unwrap())
}

/// Whether a resource server accepts a token that is in time.
async fn accepts(cache: &RemoteJwkSet, jws: &str, now: Timestamp) -> bool {
    let jws = CompactJws::parse(jws, &AllowedAlgorithms::default()).unwrap();
    let (kid, algorithm) = (jws.header().key_id.as_deref().unwrap(), jws.header().algorithm);
    let found = match cache.cached_key(kid, algorithm) {
        Some(key) => KeyLookup::Found(key),
        None => cache.key(kid, algorithm, now).await,
    };
    matches!(found, KeyLookup::Found(key) if jws.verify(&key).is_ok())
}

fn published(replica: &Replica) -> HashSet<String> {
    let document: Value = serde_json::from_slice(&replica.keys.jwk_set(replica.clock.now()).to_json()).unwrap();
    document["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Signs with both replicas, each on a thread of its own.
async fn issue(replicas: &[Arc<Replica>; 2], each: usize) -> Vec<Token> {
    let signing = replicas.clone().map(|replica| {
        tokio::task::spawn_blocking(move || (0..each).map(|number| replica.issue(number)).collect::<Vec<_>>())
    });
    let mut tokens = Vec::new();
    for signed in signing {
        tokens.extend(signed.await.unwrap());
    }
    tokens
}

/// So many rotations, with so many tokens at each step by each replica. Every token is verified when it is new and in
/// its last second.
async fn live(rotations: usize, each: usize) -> Counts {
    verification_keys::install_crypto_providers();
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let replicas = [(); 2].map(|()| Replica::open(&folder.path().join("keys"), &clock));
    let mut caches = Vec::new();
    for replica in &replicas {
        let client = http::client(&ClientOptions::default()).unwrap();
        let source = serve(replica.clone()).await;
        caches.push(RemoteJwkSet::new(source, client, clock.clone(), RemoteOptions::default()));
    }
    let (mut counts, mut outstanding, mut seen) = (Counts::default(), VecDeque::new(), published(&replicas[0]));
    let mut step = 0;
    while counts.rotations < rotations || !outstanding.is_empty() {
        step += 1;
        clock.advance(STEP);
        maintain(&replicas, step, &mut counts);
        seen.extend(published(&replicas[0]));
        counts.rotations = seen.len() - 1;
        let new = if counts.rotations < rotations { issue(&replicas, each).await } else { Vec::new() };
        counts.issued += new.len();
        verify(&caches, &new, &clock, &mut counts).await;
        outstanding.extend(new);
        let later = clock.now() + STEP;
        let last = outstanding.iter().take_while(|token: &&Token| token.expires_at <= later).count();
        verify(&caches, &outstanding.drain(..last).collect::<Vec<_>>(), &clock, &mut counts).await;
    }
    counts
}

/// One replica looks at the folder at each step, the other one now and then; old keys are removed as they become old.
fn maintain(replicas: &[Arc<Replica>; 2], step: usize, counts: &mut Counts) {
    let [busy, prompt] = replicas;
    let now = prompt.clock.now();
    prompt.keys.maintain(now).unwrap();
    if step.is_multiple_of(SLOW_REPLICA) {
        busy.keys.maintain(now).unwrap();
        counts.pruned += busy.keys.prune(now).unwrap().len();
    }
}

async fn verify(caches: &[RemoteJwkSet], tokens: &[Token], clock: &ManualClock, counts: &mut Counts) {
    for token in tokens {
        assert!(token.expires_at > clock.now() - STEP);
        for cache in caches {
            counts.verified += 1;
            counts.refused += usize::from(!accepts(cache, &token.jws, clock.now()).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_valid_token_is_refused_while_keys_rotate() {
    let counts = live(3, 2).await;
    assert_eq!(counts.refused, 0, "{counts:?}");
    assert!(counts.rotations >= 3 && counts.pruned > 0 && counts.verified == 4 * counts.issued, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs minutes: 100,000 signatures"]
async fn no_valid_token_of_a_hundred_thousand_is_refused_while_keys_rotate() {
    let counts = live(22, 16).await;
    println!("{counts:?}");
    assert_eq!(counts.refused, 0, "{counts:?}");
    assert!(counts.issued >= 100_000 && counts.rotations >= 20, "{counts:?}");
}
