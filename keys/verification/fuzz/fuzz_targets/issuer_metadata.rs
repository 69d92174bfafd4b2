#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| verification_keys::fuzzing::issuer_metadata(bytes));
