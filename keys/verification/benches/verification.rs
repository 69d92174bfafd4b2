//! What a token costs that is seen for the first time, good or forged, beside one raw RSA-2048 verification by aws-lc.
//! The goals: the good one at most 1.25 times the raw one, the forged one no more than the good one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]

mod cpu_time;

use std::hint::black_box;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cpu_time::CpuTime;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;
use verification_keys::{
    AllowedAlgorithms, Claims,
    jwk_set::JwkSet,
    jws::CompactJws,
    testing::{TestKey, jwk_set},
};

fn token(key: &TestKey) -> String {
    key.access_token(&json!({
        "iss": "https://as.example", "sub": "0198f3c2-5d0e-7b1a-9c7e-2f6f0c9b1d34", "aud": "https://rs.example/mcp",
        "client_id": "simple-mcp-client", "scope": "mcp:read mcp:write", "iat": 1_800_000_000, "exp": 1_800_003_600,
        "jti": "0198f3c2-5d0e-7b1a-9c7e-2f6f0c9b1d35", "grant_id": "0198f3c2-5d0e-7b1a-9c7e-2f6f0c9b1d36",
    }))
}

/// Everything this crate does with a token: header, claims, key, signature.
fn verify(token: &str, keys: &JwkSet) -> Option<Claims> {
    let jws = CompactJws::parse(token, &AllowedAlgorithms::default()).ok()?;
    let claims = Claims::parse(jws.payload()).ok()?;
    jws.verify(keys.key(jws.header().key_id.as_deref(), jws.header().algorithm)?).ok()?;
    Some(claims)
}

fn verification(criterion: &mut Criterion<CpuTime>) {
    let key = TestKey::rsa_one();
    let keys = JwkSet::parse(jwk_set([&key]).to_string().as_bytes()).unwrap();
    let good = token(&key);
    let forged = token(&TestKey::rsa_two().with_kid("one"));
    let (signing_input, signature) = good.rsplit_once('.').unwrap();
    let cut_short = format!("{signing_input}.AAAA");
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key.jwk()[name].as_str().unwrap()).unwrap();
    let raw = RsaPublicKeyComponents { n: number("n"), e: number("e") };

    criterion.bench_function("raw RSA-2048", |bench| {
        bench
            .iter(|| raw.verify(&RSA_PKCS1_2048_8192_SHA256, black_box(signing_input.as_bytes()), &signature).unwrap());
    });
    criterion.bench_function("first seen", |bench| bench.iter(|| verify(black_box(&good), &keys).unwrap()));
    criterion.bench_function("forged", |bench| bench.iter(|| assert!(verify(black_box(&forged), &keys).is_none())));
    criterion
        .bench_function("cut short", |bench| bench.iter(|| assert!(verify(black_box(&cut_short), &keys).is_none())));
    criterion.bench_function("parsing alone", |bench| {
        bench.iter(|| {
            let jws = CompactJws::parse(black_box(&good), &AllowedAlgorithms::default()).unwrap();
            Claims::parse(jws.payload()).unwrap()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = verification
}
criterion_main!(benches);
