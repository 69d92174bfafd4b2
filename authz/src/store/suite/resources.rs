//! Resource servers.

use super::super::*;
use super::scene::*;
use crate::{
    domain::{DisplayName, GrantState, Origin, RegisteredClient, ResourceScopes, ServedResource},
    protocol::{Resource, Scope},
};

rules! {
    resources_survive_a_restart_with_their_scopes,
    a_resource_brings_and_takes_its_introspection_clients,
    what_was_granted_for_a_resource_ends_with_it,
}

fn resource(id: &str, chains: &str) -> ServedResource {
    let scopes = ResourceScopes::with_chains(Scope::parse("write read").unwrap(), chains).unwrap();
    ServedResource { id: Resource::parse(id).unwrap(), name: Some(DisplayName::parse("It's \"one\"").unwrap()), scopes }
}

async fn resources_survive_a_restart_with_their_scopes(database: Database) {
    let store = database.open().await;
    assert_eq!(store.resources().await.unwrap(), []);
    let (first, second) = (resource("http://a/mcp", "write>read"), resource("http://b/mcp", ""));
    for resource in [&second, &first, &second] {
        store.put_resource(resource, None).await.unwrap();
    }
    let store = database.reopen(store).await;
    assert_eq!(store.resources().await.unwrap(), [first.clone(), second.clone()]);
    let changed = ServedResource { name: None, scopes: resource("http://a/mcp", "").scopes, id: first.id };
    store.put_resource(&changed, None).await.unwrap();
    assert_eq!(store.resources().await.unwrap(), [changed, second]);
}

async fn a_resource_brings_and_takes_its_introspection_clients(database: Database) {
    let store = database.open().await;
    let resource = resource("http://a/mcp", "");
    let introspects = |id, origin| RegisteredClient { introspects: Some(resource.id.clone()), ..client(id, origin) };
    let (own, demo) = (introspects("rs_1", Origin::Operator), introspects("mcp-server", Origin::Demo));
    store.put_client(&demo).await.unwrap();
    store.put_client(&client("other", Origin::Operator)).await.unwrap();
    store.put_resource(&resource, Some(&own)).await.unwrap();
    assert_eq!(store.client(&own.id).await.unwrap(), Some(own.clone()));
    assert!(store.put_resource(&resource, Some(&own)).await.is_err(), "an id is given out once");
    assert!(store.remove_resource(&resource.id, NOW).await.unwrap());
    assert!(!store.remove_resource(&resource.id, NOW).await.unwrap());
    assert_eq!((store.resources().await.unwrap().len(), store.client(&own.id).await.unwrap()), (0, None));
    assert_eq!(store.client(&demo.id).await.unwrap(), Some(demo), "the demo set is not the operator's");
}

async fn what_was_granted_for_a_resource_ends_with_it(database: Database) {
    let store = database.open().await;
    let grant = approved(&store).await.grant;
    let state = async |store: &SqlStore| store.grant(&grant.id).await.unwrap().unwrap().state;
    assert!(!store.remove_resource(&grant.resource, NOW).await.unwrap(), "it is one of the settings");
    assert_eq!(state(&store).await, GrantState::Alive);
    store.put_resource(&resource(grant.resource.as_str(), ""), None).await.unwrap();
    assert!(store.remove_resource(&grant.resource, NOW).await.unwrap());
    assert_eq!(state(&database.reopen(store).await).await, GrantState::Revoked { at: NOW });
}
