//! `authz users`: the people who can sign in. Passwords come from the terminal or from standard input, never from the
//! command line, where other users of the machine see them.

use super::{CommandError, Means};
use crate::{
    domain::{
        DisplayName, Email, InvalidDisplayName, InvalidEmail, InvalidUsername, PasswordHash, Person, PersonOrigin,
        PersonState, Subject, Username,
    },
    login::passwords::{InvalidNewPassword, Password, PasswordError, PasswordLimits, PasswordPool},
    store::{Addition, PersonStore as _, SqlStore},
};
use clap::{Args, Subcommand};
use std::io;

/// What to do about people.
#[derive(Clone, Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a person; the password is asked for, or read from the first line of standard input
    Add(AddArgs),
    /// List everybody: login name, state, how they came in, subject, name, e-mail address
    List,
    /// Give a person a new password, and sign them out everywhere
    Passwd {
        /// The login name
        user: String,
    },
    /// Sign a person out everywhere, revoke what they allowed, and refuse them from now on
    Disable {
        /// The login name
        user: String,
    },
    /// Let a disabled person sign in again
    Enable {
        /// The login name
        user: String,
    },
    /// Remove a person with all that hangs on them; the same name later is another person
    Delete {
        /// The login name
        user: String,
    },
}

/// A new person.
#[derive(Args, Clone, Debug)]
pub struct AddArgs {
    /// The name to sign in with
    pub user: String,
    /// What the person is called
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// How to write to the person
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
}

/// What was asked about a person cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// Nobody has this login name.
    #[error("there is nobody called {0:?}; `authz users list` shows everybody")]
    Unknown(String),
    /// Somebody has it.
    #[error("somebody is called {0:?} already; take another name, or give them a password with `authz users passwd`")]
    NameTaken(String),
    /// It cannot be a login name.
    #[error(transparent)]
    Username(#[from] InvalidUsername),
    /// It cannot be a name.
    #[error(transparent)]
    Name(#[from] InvalidDisplayName),
    /// It cannot be an e-mail address.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// It cannot be a password.
    #[error(transparent)]
    Password(#[from] InvalidNewPassword),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] PasswordError),
    /// Nobody typed one.
    #[error("no password could be read: {0}; type it, or pipe it in: printf '%s' \"$PASSWORD\" | authz users …")]
    Ask(#[from] io::Error),
}

/// Does what `command` says and returns what to print.
///
/// # Errors
/// It was not done.
pub async fn run(command: UsersCommand, means: &Means) -> Result<String, CommandError> {
    let store = means.store().await?;
    match command {
        UsersCommand::Add(args) => add(&store, means, &args).await,
        UsersCommand::List => Ok(store.people().await?.iter().map(line).collect()),
        UsersCommand::Passwd { user } => {
            let subject = find(&store, &user).await?;
            store.set_password(&subject, &ask(means).await?, None).await?;
            Ok(format!("{user} has a new password, and is signed out everywhere\n"))
        }
        UsersCommand::Disable { user } => {
            store.disable_person(&find(&store, &user).await?, means.clock.now()).await?;
            let lifetime = means.config.settings.access_token_ttl.as_secs();
            Ok(format!(
                "{user} is disabled, signed out everywhere, and what they had allowed is revoked\n\
                 A resource server that does not introspect takes access tokens until they expire, which is within \
                 {lifetime} seconds.\n"
            ))
        }
        UsersCommand::Enable { user } => {
            store.enable_person(&find(&store, &user).await?).await?;
            Ok(format!("{user} can sign in again\n"))
        }
        UsersCommand::Delete { user } => {
            store.delete_person(&find(&store, &user).await?).await?;
            Ok(format!("{user} is gone\n"))
        }
    }
}

async fn add(store: &SqlStore, means: &Means, args: &AddArgs) -> Result<String, CommandError> {
    let username = Username::parse(&args.user).map_err(UsersError::from)?;
    let name = args.name.as_deref().map(DisplayName::parse).transpose().map_err(UsersError::from)?;
    let email = args.email.as_deref().map(Email::parse).transpose().map_err(UsersError::from)?;
    let taken = || UsersError::NameTaken(args.user.clone());
    // Before anybody types a password for nothing.
    if store.person_by_username(&username).await?.is_some() {
        return Err(taken().into());
    }
    let person = Person {
        subject: Subject::generate(means.random.as_ref())?,
        username,
        password: ask(means).await?,
        name,
        email,
        origin: PersonOrigin::Operator,
        state: PersonState::Enabled,
    };
    match store.add_person(&person).await? {
        Addition::Added => Ok(format!("added {}, whose subject in tokens is {}\n", args.user, person.subject)),
        Addition::NameTaken => Err(taken().into()),
    }
}

async fn find(store: &SqlStore, user: &str) -> Result<Subject, CommandError> {
    let unknown = || UsersError::Unknown(user.to_owned());
    let username = Username::parse(user).map_err(|_| unknown())?;
    Ok(store.person_by_username(&username).await?.ok_or_else(unknown)?.subject)
}

async fn ask(means: &Means) -> Result<PasswordHash, UsersError> {
    let password = Password::choose(&(means.ask_password)("Password: ")?)?;
    let random = means.random.as_ref();
    let pool = PasswordPool::new(PasswordLimits { at_once: 1, waiting: 0 }, random)?;
    Ok(pool.hash(&password, random).await?)
}

fn line(person: &Person) -> String {
    let state = match person.state {
        PersonState::Enabled => "enabled",
        PersonState::Disabled { .. } => "disabled",
    };
    let origin = match person.origin {
        PersonOrigin::Demo => "demo",
        PersonOrigin::Operator => "operator",
        PersonOrigin::SignedUp => "signed up",
    };
    let name = person.name.as_ref().map_or("-", DisplayName::as_str);
    let email = person.email.as_ref().map_or("-", Email::as_str);
    format!("{}\t{state}\t{origin}\t{}\t{name}\t{email}\n", person.username.as_str(), person.subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pages::testing::Tab, routes, testing::*};
    use http::StatusCode;

    fn ann() -> AddArgs {
        AddArgs { user: "ann".to_owned(), name: Some("Ann Example".to_owned()), email: Some("ann@example.com".into()) }
    }

    fn of(make: impl Fn(String) -> UsersCommand, user: &str) -> UsersCommand {
        make(user.to_owned())
    }

    async fn sign_in(server: &Server, password: &str) -> StatusCode {
        Tab::new(server).sign_in("", "ann", password).await.status
    }

    #[tokio::test]
    async fn an_added_person_signs_in_and_is_listed_without_the_password() {
        let server = Server::start().await;
        let means = server.means();
        let text = run(UsersCommand::Add(ann()), &means).await.unwrap();
        assert!(text.starts_with("added ann, whose subject in tokens is u_"), "{text}");
        assert_eq!(sign_in(&server, "a password of ann").await, StatusCode::SEE_OTHER);
        let list = run(UsersCommand::List, &means).await.unwrap();
        let line = list.lines().find(|line| line.starts_with("ann\t")).unwrap();
        assert!(line.starts_with("ann\tenabled\toperator\tu_") && line.ends_with("\tAnn Example\tann@example.com"));
        assert!(!list.contains("argon2"), "{list}");
    }

    #[tokio::test]
    async fn a_name_is_given_once_and_what_cannot_be_a_name_is_refused() {
        let server = Server::start().await;
        let means = server.means();
        run(UsersCommand::Add(ann()), &means).await.unwrap();
        let error = run(UsersCommand::Add(ann()), &means).await.unwrap_err();
        assert!(matches!(error, CommandError::Users(UsersError::NameTaken(_))), "{error:?}");
        for bad in [
            AddArgs { user: " ann".to_owned(), ..ann() },
            AddArgs { user: "bob".to_owned(), name: Some("a\nb".to_owned()), ..ann() },
            AddArgs { user: "bob".to_owned(), email: Some("bob".to_owned()), ..ann() },
        ] {
            assert!(run(UsersCommand::Add(bad.clone()), &means).await.is_err(), "{bad:?}");
        }
        let short = Means { ask_password: |_| Ok("short".to_owned()), ..server.means() };
        let error = run(UsersCommand::Add(AddArgs { user: "bob".to_owned(), ..ann() }), &short).await.unwrap_err();
        assert!(error.to_string().contains("at least 8"), "{error}");
        assert_eq!(run(UsersCommand::List, &means).await.unwrap().lines().count(), 2, "the demo person and ann");
    }

    #[tokio::test]
    async fn a_new_password_signs_out_and_is_the_only_one() {
        let server = Server::start().await;
        run(UsersCommand::Add(ann()), &server.means()).await.unwrap();
        let mut tab = Tab::new(&server);
        tab.sign_in("", "ann", "a password of ann").await;
        let means = Means { ask_password: |_| Ok("another password".to_owned()), ..server.means() };
        run(of(|user| UsersCommand::Passwd { user }, "ann"), &means).await.unwrap();
        assert!(tab.get(routes::LOGIN).await.body.contains("<h1>Sign in</h1>"));
        assert_eq!(sign_in(&server, "a password of ann").await, StatusCode::UNAUTHORIZED);
        assert_eq!(sign_in(&server, "another password").await, StatusCode::SEE_OTHER);
    }

    #[tokio::test]
    async fn a_disabled_person_is_refused_and_an_enabled_one_is_not() {
        let server = Server::start().await;
        let means = server.means();
        run(UsersCommand::Add(ann()), &means).await.unwrap();
        run(of(|user| UsersCommand::Disable { user }, "ann"), &means).await.unwrap();
        assert_eq!(sign_in(&server, "a password of ann").await, StatusCode::UNAUTHORIZED);
        assert!(run(UsersCommand::List, &means).await.unwrap().contains("ann\tdisabled\t"));
        run(of(|user| UsersCommand::Enable { user }, "ann"), &means).await.unwrap();
        assert_eq!(sign_in(&server, "a password of ann").await, StatusCode::SEE_OTHER);
    }

    #[tokio::test]
    async fn a_deleted_person_is_gone_and_so_are_their_tokens() {
        let server = Server::start().await;
        let token = server.token(RESOURCE).await;
        let active = async || {
            let answer = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", &token)]).await;
            answer.json()["active"].as_bool().unwrap()
        };
        assert!(active().await);
        let means = server.means();
        run(of(|user| UsersCommand::Delete { user }, "demo_user"), &means).await.unwrap();
        assert!(!active().await);
        for unknown in ["demo_user", "no\nbody", ""] {
            let error = run(of(|user| UsersCommand::Delete { user }, unknown), &means).await.unwrap_err();
            assert!(matches!(error, CommandError::Users(UsersError::Unknown(_))), "{error:?}");
        }
    }
}
