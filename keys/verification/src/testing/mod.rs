//! For tests, here and in other crates: a clock that is set by hand, and fixed keys that sign.

mod manual_clock;
mod signing_key;

pub use manual_clock::ManualClock;
pub use signing_key::{TestKey, jwk_set};
