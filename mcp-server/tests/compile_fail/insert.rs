use axum::extract::Request;
use mcp_server::resource_server::AccessToken;

fn main() {
    let mut request = Request::new(());
    request.extensions_mut().insert::<AccessToken>("token");
}
