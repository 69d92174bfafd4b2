//! What was read last of the rows that nearly every token needs: clients, and the grants under which they act for
//! themselves. It holds as long as nobody has committed anything to the database, this process or another, so it is what
//! a query would find. PostgreSQL tells nobody so cheaply: there nothing is kept.

use super::wal_index::{Version, WalIndex};
use crate::{
    domain::{ClientAuthentication, Grant, RegisteredClient, Subject},
    protocol::{ClientId, Resource},
};
use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The rows read last, and the state of the database that they are of.
pub(super) struct Recent {
    index: WalIndex,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    version: Option<Version>,
    clients: HashMap<ClientId, RegisteredClient>,
    direct_grants: HashMap<(ClientId, Subject, Resource), Grant>,
}

/// Of each kind: a few megabytes at the very most.
const MOST: usize = 500;
/// Of what a client says about itself. Whoever registers may say much more.
const MOST_BYTES: usize = 2048;

impl Recent {
    pub(super) fn new(index: WalIndex) -> Self {
        Self { index, kept: Mutex::default() }
    }

    /// To be asked before a query whose answer is to be kept.
    pub(super) fn version(&self) -> Option<Version> {
        self.index.version()
    }

    pub(super) fn client(&self, now: Option<Version>, id: &ClientId) -> Option<RegisteredClient> {
        self.kept().at(now)?.clients.get(id).cloned()
    }

    pub(super) fn keep_client(&self, since: Option<Version>, client: &RegisteredClient) {
        let mut kept = self.kept();
        if kept.is_of(since) && is_small(client) {
            insert(&mut kept.clients, client.id.clone(), client.clone());
        }
    }

    /// The grant of the same client, subject and resource.
    pub(super) fn direct_grant(&self, now: Option<Version>, like: &Grant) -> Option<Grant> {
        self.kept().at(now)?.direct_grants.get(&key(like)).cloned()
    }

    pub(super) fn keep_direct_grant(&self, since: Option<Version>, grant: &Grant) {
        let mut kept = self.kept();
        if kept.is_of(since) {
            insert(&mut kept.direct_grants, key(grant), grant.clone());
        }
    }

    /// The one who writes has committed, and touched nothing of this kind. What was kept `before` still holds, if nobody
    /// else has committed meanwhile.
    pub(super) fn outlives_own_commit(&self, before: Option<Version>) {
        let (Some(before), Some(now)) = (before, self.version()) else { return };
        let mut kept = self.kept();
        if kept.version == Some(before) && now.is_next_after(before) {
            kept.version = Some(now);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// What is kept of this state of the database, which may be nothing yet.
    fn at(&mut self, version: Option<Version>) -> Option<&mut Self> {
        let version = version?;
        if self.version != Some(version) {
            self.clients.clear();
            self.direct_grants.clear();
            self.version = Some(version);
        }
        Some(self)
    }

    /// Whether nothing was committed since.
    fn is_of(&self, version: Option<Version>) -> bool {
        version.is_some() && self.version == version
    }
}

/// A set of keys may be long, and what it is for takes longer than a query.
fn is_small(client: &RegisteredClient) -> bool {
    let texts = [&client.name, &client.uri].into_iter().flatten().map(String::len);
    let redirects = client.redirect_uris.iter().map(|uri| uri.as_str().len());
    let others = [client.id.as_str().len(), client.scope.tokens().map(|token| token.as_str().len()).sum()];
    let bytes: usize = texts.chain(redirects).chain(others).sum();
    bytes <= MOST_BYTES && !matches!(client.authentication, ClientAuthentication::PrivateKey { .. })
}

fn key(grant: &Grant) -> (ClientId, Subject, Resource) {
    (grant.client_id.clone(), grant.subject.clone(), grant.resource.clone())
}

fn insert<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= MOST {
        map.clear();
    }
    map.insert(key, value);
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").field("index", &self.index).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod tests {
    use super::*;
    use crate::{
        protocol::RedirectUri,
        store::{ClientStore as _, SqlStore},
    };

    /// A store with a client that it has read, and another on the same file.
    async fn two(folder: &tempfile::TempDir) -> (SqlStore, SqlStore, ClientId) {
        let url = format!("sqlite:{}", folder.path().join("a.db").display()).parse().unwrap();
        let (ours, other) = (SqlStore::open(&url).await.unwrap(), SqlStore::open(&url).await.unwrap());
        let add = "INSERT INTO clients (id, methods, redirect_uris, grant_types, scope, application_type, origin, \
            registered_at) VALUES ('c', 'none', '', '', '', 'web', 'demo', 1)";
        other.execute_for_test(add).await;
        let id = ClientId::parse("c").unwrap();
        assert!(ours.client(&id).await.unwrap().is_some());
        // From here on it cannot read.
        ours.reader.close().await;
        (ours, other, id)
    }

    const ANYTHING: &str = "INSERT INTO used_once VALUES ('k', hex(randomblob(8)), 1)";

    #[tokio::test]
    async fn nothing_is_read_twice_until_somebody_commits() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other, id) = two(&folder).await;
        assert!(ours.client(&id).await.unwrap().is_some());
        other.execute_for_test(ANYTHING).await;
        assert!(ours.client(&id).await.is_err(), "it has to be read again");
    }

    #[tokio::test]
    async fn an_own_commit_spares_what_is_kept_and_one_of_others_at_the_same_time_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other, id) = two(&folder).await;
        let before = ours.recent.version();
        ours.execute_for_test(ANYTHING).await;
        ours.recent.outlives_own_commit(before);
        assert!(ours.client(&id).await.unwrap().is_some());
        let before = ours.recent.version();
        ours.execute_for_test(ANYTHING).await;
        other.execute_for_test(ANYTHING).await;
        ours.recent.outlives_own_commit(before);
        assert!(ours.client(&id).await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_says_much_about_itself_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (_, other, id) = two(&folder).await;
        let mut client = other.client(&id).await.unwrap().unwrap();
        assert!(is_small(&client));
        client.redirect_uris = vec![RedirectUri::parse("https://app.example/callback").unwrap(); 100];
        assert!(!is_small(&client));
    }

    #[test]
    fn what_was_read_before_a_commit_is_not_kept_after_it() {
        let mut kept = Kept::default();
        assert!(kept.at(None).is_none() && !kept.is_of(None), "nothing is kept where nothing tells");
        assert!(kept.at(Some(Version::for_test(1))).is_some() && kept.is_of(Some(Version::for_test(1))));
        assert!(kept.at(Some(Version::for_test(2))).is_some() && !kept.is_of(Some(Version::for_test(1))));
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let mut map = HashMap::new();
        for number in 0..3 * MOST {
            insert(&mut map, number, number);
            assert!(map.len() <= MOST && map.contains_key(&number));
        }
    }
}
