use mcp_server::resource_server::{AccessToken, Scopes};

fn promote(token: &mut AccessToken) {
    token.0.scopes = Scopes::parse("mcp:admin");
}

fn main() {}
