use mcp_server::resource_server::AccessToken;

fn main() {
    let _ = AccessToken::default();
}
