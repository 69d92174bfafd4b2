//! The tower layer: `router.layer(resource_server.layer())`.

use tower::Layer;

use super::ResourceServer;
use super::service::{Content, ResourceServerService};

/// Wraps a service in [`ResourceServerService`].
#[derive(Clone, Debug)]
pub struct ResourceServerLayer {
    server: ResourceServer,
    content: Content,
}

impl ResourceServerLayer {
    pub(super) const fn new(server: ResourceServer, content: Content) -> Self {
        Self { server, content }
    }
}

impl<S> Layer<S> for ResourceServerLayer {
    type Service = ResourceServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ResourceServerService::new(self.server.clone(), self.content, inner)
    }
}
