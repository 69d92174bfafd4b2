#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mcp_server::resource_server::fuzzing::shim_metadata(bytes));
