use mcp_server::resource_server::access_token::Verified;

fn main() {
    let _: Verified = todo!();
}
