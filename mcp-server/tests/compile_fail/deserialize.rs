use mcp_server::resource_server::AccessToken;

fn main() {
    let _ = serde_json::from_str::<AccessToken>(r#"{"sub":"ada"}"#);
}
