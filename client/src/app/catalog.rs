//! Resources and prompts of the server, and signing in by itself.

use jiff::Timestamp;
use rmcp::model::{GetPromptResult, JsonObject, Prompt, ReadResourceResult, Resource, ResourceTemplate};
use std::time::Duration;

use super::{App, AppError, Next};
use crate::{
    completion::Known,
    oauth::{discovery::Probe, sign_in::Held},
};

/// How long the prompt waits for what completion would like to know.
const COMPLETION_PATIENCE: Duration = Duration::from_secs(3);

impl App {
    /// The server's resources, and the templates of others.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn resources(&mut self) -> Result<(Vec<Resource>, Vec<ResourceTemplate>), AppError> {
        self.run(async |session| Ok((session.resources().await?, session.resource_templates().await?))).await
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn read(&mut self, uri: &str) -> Result<ReadResourceResult, AppError> {
        self.run(async |session| session.read(uri).await).await
    }

    /// The server's prompts.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn prompts(&mut self) -> Result<Vec<Prompt>, AppError> {
        self.run(async |session| session.prompts().await).await
    }

    /// Fills in a prompt.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn prompt(&mut self, name: &str, arguments: Option<&JsonObject>) -> Result<GetPromptResult, AppError> {
        self.run(async |session| session.prompt(name, arguments.cloned()).await).await
    }

    /// What the open session's server has, for completion; what it refuses or is slow with stays unknown.
    pub async fn known(&self) -> Known {
        let Some(open) = &self.session else { return Known::default() };
        let session = &open.session;
        let lists = async { tokio::join!(session.tools(), session.prompts(), session.resources()) };
        let Ok((tools, prompts, resources)) = tokio::time::timeout(COMPLETION_PATIENCE, lists).await else {
            return Known::default();
        };
        Known {
            tools: tools.unwrap_or_default(),
            prompts: prompts.unwrap_or_default(),
            resources: resources.unwrap_or_default().into_iter().map(|resource| resource.uri.clone()).collect(),
            servers: Vec::new(),
        }
    }

    /// Signs in, if the server asks for that; `again` also where a good token is kept.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn login(&mut self, again: bool) -> Result<(), AppError> {
        let mut next = Next::Kept;
        if again {
            self.close().await;
            if let Probe::Challenged(challenge) = self.probe().await? {
                next = Next::SignIn(challenge);
            }
        }
        self.run_from(next, async |_session| Ok(())).await
    }

    /// The token of the open session, if there is one and the server asks for one.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        self.session.as_ref()?.held.as_deref()
    }

    /// The time of this client's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.sign_in.clock.now()
    }
}
