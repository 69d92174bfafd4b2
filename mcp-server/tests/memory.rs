//! What an endless key set costs in memory. A process of its own: other tests would be measured with it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

#[path = "it/bench.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod bench;
#[path = "it/issuer.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod issuer;

use serde_json::json;

use crate::bench::Bench;
use crate::issuer::Fault;

/// The most memory that this process has had at once, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn fifty_megabytes_of_key_set_are_not_kept() {
    let bench = Bench::new().await;
    assert_eq!(bench.verdict(&bench.token(json!({}))).await.0, 200);
    let before = peak();
    for attempt in 0..5 {
        bench.issuer.fails(Fault::Blank(50 << 20));
        bench.advance(31);
        assert!(bench.server.fetch_keys().await.is_err());
        assert_eq!(bench.verdict(&bench.token(json!({"jti": attempt.to_string()}))).await.0, 200);
    }
    let grown = peak() - before;
    assert!(grown < 20 * 1024, "{grown} KiB more");
}
