//! `authz keys`: the signing keys of the folder, which running servers read again every few seconds.

use super::{CommandError, Means};
use clap::Subcommand;
use jiff::Timestamp;
use serving::settings::InvalidSetting;
use signing_keys::{JWK_SET_MAX_AGE, KeyDirectoryError, KeyState, Rotation, SigningKeys};
use std::fmt::Write as _;

/// What to do about signing keys.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// List every key: the stage of its life, when that began or ends, its id
    List,
    /// Publish a new key, which signs when every resource server can know it
    Rotate {
        /// For a leaked key: the new one signs at once, every other one is withdrawn, and its tokens are worth nothing
        #[arg(long)]
        now: bool,
    },
    /// Remove the keys whose last token has expired
    Prune,
}

/// What was asked about keys cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The folder failed.
    #[error("{0}")]
    Folder(#[from] KeyDirectoryError),
}

/// Does what `command` says and returns what to print.
///
/// # Errors
/// It was not done.
pub fn run(command: &KeysCommand, means: &Means) -> Result<String, CommandError> {
    let now = means.clock.now();
    let keys = open(means, now)?;
    Ok(match command {
        KeysCommand::List => list(&keys, now),
        KeysCommand::Rotate { now: false } => rotate(&keys, now).map_err(KeysError::from)?,
        KeysCommand::Rotate { now: true } => rotate_now(&keys, now).map_err(KeysError::from)?,
        KeysCommand::Prune => prune(&keys, now).map_err(KeysError::from)?,
    })
}

/// A folder that is not there is a mistake in the settings: only a server makes one.
fn open(means: &Means, now: Timestamp) -> Result<SigningKeys, InvalidSetting> {
    let folder = &means.config.key_dir;
    let invalid = |problem: String, fix: String| InvalidSetting::new("MCP_AUTH_KEY_DIR", problem, fix);
    if !folder.is_dir() {
        let problem = format!("there is no folder {}", folder.display());
        return Err(invalid(problem, "name the folder of the running server, or start one, which makes it".to_owned()));
    }
    let opened = SigningKeys::open(folder, &means.config.key_policy, now);
    opened.map_err(|error| invalid(error.to_string(), error.fix()))
}

/// `stage TAB what follows TAB id` a line, oldest first.
fn list(keys: &SigningKeys, now: Timestamp) -> String {
    let ring = keys.ring();
    let mut text = String::new();
    // Writing to a string does not fail.
    for key in ring.past(now) {
        let _ = writeln!(text, "past\t`authz keys prune` removes it\t{}", key.key_id);
    }
    for (key, state) in ring.states(now) {
        let _ = match state {
            KeyState::Retired { until } => writeln!(text, "retired\tpublished until {until}\t{}", key.key_id),
            KeyState::Active { since } => writeln!(text, "active\tsigns since {since}\t{}", key.key_id),
            KeyState::Published { activates_at } => {
                writeln!(text, "published\tsigns from {activates_at}\t{}", key.key_id)
            }
        };
    }
    text
}

fn rotate(keys: &SigningKeys, now: Timestamp) -> Result<String, KeyDirectoryError> {
    let (Rotation::Added(added) | Rotation::AlreadyAdded(added)) = keys.rotate(now)?;
    let ring = keys.ring();
    let from = ring.states(now).find_map(|(key, state)| match state {
        KeyState::Published { activates_at } if key.key_id == added => Some(activates_at),
        KeyState::Published { .. } | KeyState::Active { .. } | KeyState::Retired { .. } => None,
    });
    let from = from.map_or_else(|| "now".to_owned(), |activates_at| activates_at.to_string());
    Ok(format!("published {added}, which signs from {from} on\n"))
}

fn rotate_now(keys: &SigningKeys, now: Timestamp) -> Result<String, KeyDirectoryError> {
    let replacement = keys.rotate_now(now)?;
    let withdrawn: Vec<_> = replacement.withdrawn.iter().map(|key_id| format!("withdrew {key_id}\n")).collect();
    let minutes = JWK_SET_MAX_AGE.as_secs() / 60;
    Ok(format!(
        "signing with {}\n{}Running servers on this folder follow within 10 seconds; from then on the tokens of withdrawn \
         keys are inactive at introspection.\nResource servers may hold a withdrawn key for up to {minutes} minutes, and \
         mcp-server for up to an hour while it cannot reach this issuer: restart those that must not wait.\n",
        replacement.added,
        withdrawn.concat(),
    ))
}

fn prune(keys: &SigningKeys, now: Timestamp) -> Result<String, KeyDirectoryError> {
    let pruned = keys.prune(now)?;
    let lines: Vec<_> = pruned.iter().map(|key| format!("removed {}\n", key.key_id)).collect();
    Ok(if lines.is_empty() { "nothing to remove\n".to_owned() } else { lines.concat() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, routes, testing::*};
    use std::time::Duration;

    async fn is_active(server: &Server, token: &str) -> bool {
        let answer = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", token)]).await;
        answer.json()["active"].as_bool().unwrap()
    }

    fn kids(text: &str) -> Vec<&str> {
        text.lines().map(|line| line.rsplit(['\t', ' ']).next().unwrap()).collect()
    }

    #[tokio::test]
    async fn the_life_of_a_key_shows_in_the_list() {
        let server = Server::start().await;
        let stages = || {
            let text = run(&KeysCommand::List, &server.means()).unwrap();
            text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(stages(), ["active"]);
        let text = run(&KeysCommand::Rotate { now: false }, &server.means()).unwrap();
        assert!(text.starts_with("published ") && text.contains("signs from"), "{text}");
        assert_eq!(stages(), ["active", "published"]);
        server.clock.advance(Duration::from_mins(11));
        assert_eq!(stages(), ["retired", "active"]);
        assert_eq!(run(&KeysCommand::Prune, &server.means()).unwrap(), "nothing to remove\n");
        server.clock.advance(Duration::from_hours(25));
        assert_eq!(stages(), ["past", "active"]);
        let list = run(&KeysCommand::List, &server.means()).unwrap();
        assert_eq!(run(&KeysCommand::Prune, &server.means()).unwrap(), format!("removed {}\n", kids(&list)[0]));
        assert_eq!(stages(), ["active"]);
    }

    #[tokio::test]
    async fn a_running_server_follows_a_rotation_without_a_restart() {
        let server = Server::start().await;
        let before = server.token(RESOURCE).await;
        run(&KeysCommand::Rotate { now: false }, &server.means()).unwrap();
        server.services.keys.maintain(server.services.now()).unwrap();
        assert_eq!(server.get(routes::JWKS).await.json()["keys"].as_array().unwrap().len(), 2);
        server.clock.advance(Duration::from_mins(11));
        let after = server.token(RESOURCE).await;
        assert_ne!(before.split('.').next(), after.split('.').next(), "another kid");
        assert!(is_active(&server, &before).await && is_active(&server, &after).await);
    }

    #[tokio::test]
    async fn the_tokens_of_a_withdrawn_key_are_inactive_and_the_output_says_who_may_still_hold_it() {
        let server = Server::start().await;
        let before = server.token(RESOURCE).await;
        assert!(is_active(&server, &before).await);
        let text = run(&KeysCommand::Rotate { now: true }, &server.means()).unwrap();
        assert!(text.contains("withdrew ") && text.contains("up to 5 minutes") && text.contains("an hour"), "{text}");
        server.services.keys.maintain(server.services.now()).unwrap();
        assert!(!is_active(&server, &before).await);
        assert!(is_active(&server, &server.token(RESOURCE).await).await);
        assert_eq!(server.get(routes::JWKS).await.json()["keys"].as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_not_made() {
        let server = Server::start().await;
        let means = server.means();
        let key_dir = means.config.key_dir.join("other");
        let means = Means { config: Config { key_dir: key_dir.clone(), ..means.config }, ..means };
        let error = run(&KeysCommand::List, &means).unwrap_err();
        assert!(error.to_string().contains("MCP_AUTH_KEY_DIR: there is no folder"), "{error}");
        assert!(!key_dir.exists());
    }
}
