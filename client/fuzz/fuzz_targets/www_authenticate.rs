#![no_main]

#[path = "../../src/oauth/challenge.rs"]
pub mod challenge;
#[path = "../../src/oauth/fuzzing.rs"]
mod fuzzing;
#[path = "../../src/oauth/scope.rs"]
pub mod scope;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::www_authenticate(bytes));
