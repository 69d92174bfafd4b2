//! What a server has besides tools: resources and prompts; each list in bounded pages.

use rmcp::{
    ServiceError,
    model::{
        GetPromptRequestParams, GetPromptResult, JsonObject, PaginatedRequestParams, Prompt, ReadResourceRequestParams,
        ReadResourceResult, Resource, ResourceTemplate, Tool,
    },
};

use std::sync::atomic::Ordering;

use super::{McpError, Session};

/// Most pages of a list read; a server could hand out cursors for ever.
pub(super) const MAX_PAGES: usize = 64;
/// Most entries kept.
pub(super) const MAX_ENTRIES: usize = 4096;
/// JSON-RPC: the server does not know the method, so it has nothing of the kind.
const METHOD_NOT_FOUND: i32 = -32601;

impl Session {
    /// All tools, at most 4096.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn tools(&self) -> Result<Vec<Tool>, McpError> {
        let page = async |at| self.service.list_tools(Some(at)).await.map(|page| (page.tools, page.next_cursor));
        let tools = pages(page).await?;
        self.schemas_known.store(true, Ordering::Relaxed);
        Ok(tools)
    }

    /// All resources, at most 4096; none from a server that has no resources.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn resources(&self) -> Result<Vec<Resource>, McpError> {
        let page =
            async |at| self.service.list_resources(Some(at)).await.map(|page| (page.resources, page.next_cursor));
        none_if_unknown(pages(page).await)
    }

    /// All templates of resources, at most 4096; none from a server that has none.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn resource_templates(&self) -> Result<Vec<ResourceTemplate>, McpError> {
        let page = async |at| {
            let page = self.service.list_resource_templates(Some(at)).await;
            page.map(|page| (page.resource_templates, page.next_cursor))
        };
        none_if_unknown(pages(page).await)
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn read(&self, uri: &str) -> Result<ReadResourceResult, McpError> {
        Ok(self.service.read_resource(ReadResourceRequestParams::new(uri)).await?)
    }

    /// All prompts, at most 4096; none from a server that has no prompts.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn prompts(&self) -> Result<Vec<Prompt>, McpError> {
        let page = async |at| self.service.list_prompts(Some(at)).await.map(|page| (page.prompts, page.next_cursor));
        none_if_unknown(pages(page).await)
    }

    /// Fills in a prompt.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn prompt(&self, name: &str, arguments: Option<JsonObject>) -> Result<GetPromptResult, McpError> {
        let mut prompt = GetPromptRequestParams::new(name);
        prompt.arguments = arguments;
        Ok(self.service.get_prompt(prompt).await?)
    }
}

async fn pages<T>(
    page: impl AsyncFn(PaginatedRequestParams) -> Result<(Vec<T>, Option<String>), ServiceError>,
) -> Result<Vec<T>, McpError> {
    let mut all = Vec::new();
    let mut cursor = None;
    for _page in 0..MAX_PAGES {
        let (entries, next) = page(PaginatedRequestParams::default().with_cursor(cursor)).await?;
        all.extend(entries);
        all.truncate(MAX_ENTRIES);
        cursor = next;
        if cursor.is_none() || all.len() == MAX_ENTRIES {
            break;
        }
    }
    Ok(all)
}

fn none_if_unknown<T>(list: Result<Vec<T>, McpError>) -> Result<Vec<T>, McpError> {
    match list {
        Err(McpError::Refused { code: METHOD_NOT_FOUND, .. }) => Ok(Vec::new()),
        list => list,
    }
}
