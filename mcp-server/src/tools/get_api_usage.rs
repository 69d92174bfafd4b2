//! `get_api_usage`: how much the person used today and this month, and what is left of the quota.

use rmcp::handler::server::tool::Extension;
use rmcp::handler::server::wrapper::Json;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Serialize;

use super::Tools;
use crate::resource_server::AccessToken;
use crate::storage::{NoPerson, Person, StorageError};

/// Its name.
pub(super) const NAME: &str = "get_api_usage";
/// What a token must allow.
pub(super) const REQUIRED_SCOPE: &str = "mcp:read";

/// The answer. Days and months are those of UTC; this call is not counted yet.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ApiUsage {
    /// Tool calls, resource reads and prompts since midnight.
    requests_today: u64,
    /// The same since the first of the month.
    requests_this_month: u64,
    /// Text asked and answered since midnight, in tokens, estimated at four bytes each.
    tokens_today: u64,
    /// The same since the first of the month.
    tokens_this_month: u64,
    /// Requests that there are per month; null when there is no end of them.
    monthly_quota: Option<u64>,
    /// Requests that are left of them. With none left, only this tool answers.
    quota_remaining: Option<u64>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Unknown {
    #[error(transparent)]
    NoPerson(#[from] NoPerson),
    #[error("the usage is not known: {0}")]
    Storage(#[from] StorageError),
}

#[tool_router(router = get_api_usage_router, vis = "pub(super)")]
impl Tools {
    /// Tells what was used.
    #[tool(
        description = "Your requests and tokens today and this month, and what is left of your quota",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn get_api_usage(&self, Extension(token): Extension<AccessToken>) -> Result<Json<ApiUsage>, String> {
        self.usage_of(&token).await.map(Json).map_err(|error| error.to_string())
    }

    async fn usage_of(&self, token: &AccessToken) -> Result<ApiUsage, Unknown> {
        let used = self.means.meter.usage(&Person::of(token)?, self.means.clock.now()).await?;
        let quota = self.means.meter.quota();
        Ok(ApiUsage {
            requests_today: used.today.requests,
            requests_this_month: used.month.requests,
            tokens_today: used.today.tokens,
            tokens_this_month: used.month.tokens,
            monthly_quota: quota,
            quota_remaining: quota.map(|quota| quota.saturating_sub(used.month.requests)),
        })
    }
}
