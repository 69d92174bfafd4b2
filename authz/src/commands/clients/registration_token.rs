//! `authz clients registration-token`: initial access tokens (RFC 7591 §1.2).

use super::{ClientsError, CommandError, Means};
use crate::{
    domain::{InitialAccess, InitialAccessToken, TokenName},
    store::{InitialAccessStore as _, SqlStore},
};
use clap::Subcommand;
use jiff::SignedDuration;

/// What to do about the tokens that allow to register a client.
#[derive(Clone, Debug, Subcommand)]
pub enum RegistrationTokenCommand {
    /// Make one, and print it; clients send it as `Authorization: Bearer` to the registration endpoint
    Add {
        /// What to call it
        name: String,
        /// How long it counts
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
    },
    /// List them: name, made, until when
    List,
    /// Remove one; the clients that were registered with it stay
    Remove {
        /// Its name
        name: String,
    },
}

pub(super) async fn run(
    command: RegistrationTokenCommand,
    store: &SqlStore,
    means: &Means,
) -> Result<String, CommandError> {
    match command {
        RegistrationTokenCommand::Add { name, days } => {
            let token = InitialAccessToken::generate(means.random.as_ref())?;
            let now = means.clock.now();
            let expires_at = now + SignedDuration::from_hours(24) * i32::from(days);
            let access = InitialAccess { name: parse(&name)?, hash: token.hash(), created_at: now, expires_at };
            if !store.add_initial_access(&access).await? {
                return Err(ClientsError::TokenNameTaken(name).into());
            }
            Ok(format!("{}\nIt counts until {expires_at} and is not shown again.\n", token.reveal()))
        }
        RegistrationTokenCommand::List => {
            let line = |token: &InitialAccess| format!("{}\t{}\t{}\n", token.name, token.created_at, token.expires_at);
            Ok(store.initial_accesses().await?.iter().map(line).collect())
        }
        RegistrationTokenCommand::Remove { name } => {
            if !store.remove_initial_access(&parse(&name)?).await? {
                return Err(ClientsError::UnknownToken(name).into());
            }
            Ok(format!("{name} is gone\n"))
        }
    }
}

fn parse(name: &str) -> Result<TokenName, ClientsError> {
    TokenName::parse(name).map_err(|_| ClientsError::TokenName(name.to_owned()))
}
