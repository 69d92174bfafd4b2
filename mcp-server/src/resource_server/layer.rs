//! The tower layer: `router.layer(resource_server.layer())`.

use tower::Layer;

use super::ResourceServer;
use super::service::ResourceServerService;

/// Wraps a service in [`ResourceServerService`].
#[derive(Clone, Debug)]
pub struct ResourceServerLayer(ResourceServer);

impl ResourceServerLayer {
    pub(super) const fn new(server: ResourceServer) -> Self {
        Self(server)
    }
}

impl<S> Layer<S> for ResourceServerLayer {
    type Service = ResourceServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ResourceServerService::new(self.0.clone(), inner)
    }
}
