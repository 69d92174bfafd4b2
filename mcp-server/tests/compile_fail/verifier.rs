use mcp_server::resource_server::verifier::Verifier;

fn main() {
    let _: Verifier = todo!();
}
