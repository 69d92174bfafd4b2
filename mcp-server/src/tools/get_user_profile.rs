//! `get_user_profile`: who the person is that the token was issued for.

use rmcp::handler::server::tool::Extension;
use rmcp::handler::server::wrapper::Json;
use rmcp::{tool, tool_router};

use super::Tools;
use super::profile::Profile;
use crate::resource_server::{AccessToken, UserInfo};

/// Its name.
pub(super) const NAME: &str = "get_user_profile";
/// What a token must allow.
pub(super) const REQUIRED_SCOPE: &str = "mcp:read";

#[tool_router(router = get_user_profile_router, vis = "pub(super)")]
impl Tools {
    /// Tells who somebody is.
    #[tool(
        description = "Your user id, e-mail address, name, account creation, last sign-in and permissions",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn get_user_profile(
        &self,
        Extension(token): Extension<AccessToken>,
        Extension(user_info): Extension<Option<UserInfo>>,
    ) -> Json<Profile> {
        Json(self.profile(&token, user_info.as_ref()).await)
    }
}
