//! There is no way to an `AccessToken` but the verifier: each way around does not compile.

#[test]
#[ignore = "builds what it needs in a folder of its own: cargo test -p mcp-server --no-default-features --test compile_fail -- --ignored"]
fn no_access_token_without_the_verifier() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
