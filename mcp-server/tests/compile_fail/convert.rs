use mcp_server::resource_server::AccessToken;

fn main() {
    let _: AccessToken = "token".to_owned().into();
    let _ = AccessToken::try_from("token");
}
