//! Several servers at once: each with its session, opened when it is first used; one of them is in use.

use http::HeaderMap;

use crate::{
    app::{App, AppError},
    config::Servers,
    oauth::{
        endpoint::{Endpoint, InvalidEndpoint},
        sign_in::SignInSettings,
    },
    run::StartError,
    servers::Server,
    terminal::{BOLD, sanitize_line, styled},
};

/// Makes the client of a server; nothing is sent yet.
pub type Make = Box<dyn Fn(&Server) -> Result<App, StartError> + Send>;

/// The servers of a person, and the sessions with them.
pub struct Connections {
    known: Vec<Known>,
    current: usize,
    /// For servers that are in no file.
    base: SignInSettings,
    make: Make,
}

struct Known {
    server: Server,
    app: Option<App>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a known name nor a URL.
    #[error("there is no server {name}; it may be {known}, or a URL")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A URL that is not called.
    #[error("{url} cannot be used: {reason}")]
    Url {
        /// What was asked for.
        url: String,
        /// The rule.
        reason: InvalidEndpoint,
    },
    /// The client's own parts.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No session.
    #[error(transparent)]
    App(#[from] AppError),
}

impl Connections {
    /// Nothing is opened yet.
    ///
    /// # Errors
    /// When the client of the server in use cannot be made.
    pub fn new(servers: &Servers, make: Make) -> Result<Self, StartError> {
        let known = servers.all.iter().map(|server| Known { server: server.clone(), app: None }).collect();
        let mut connections = Self { known, current: servers.in_use, base: servers.base.clone(), make };
        connections.app()?;
        Ok(connections)
    }

    /// The client of the server in use.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn app(&mut self) -> Result<&mut App, StartError> {
        let known = self.known.get_mut(self.current).ok_or(StartError::NoServer)?;
        let app = match known.app.take() {
            Some(app) => app,
            None => (self.make)(&known.server)?,
        };
        Ok(known.app.insert(app))
    }

    /// Uses the server `name`, which may be a URL too, and opens a session with it.
    ///
    /// # Errors
    /// When there is no such server or no session; the one before stays in use then.
    pub async fn connect(&mut self, name: &str) -> Result<&mut App, ConnectError> {
        let before = self.current;
        self.current = self.find(name)?;
        if let Err(error) = self.app()?.connect().await {
            self.current = before;
            return Err(error.into());
        }
        Ok(self.app()?)
    }

    /// One line a server: its name, where it is, and whether there is a session; the one in use has a star.
    #[must_use]
    pub fn table(&self) -> String {
        let width = self.known.iter().map(|known| known.server.name.chars().count()).max().unwrap_or(0);
        let line = |(at, known): (usize, &Known)| {
            let star = if at == self.current { '*' } else { ' ' };
            let gap = " ".repeat(width.saturating_sub(known.server.name.chars().count()));
            let open = if known.app.as_ref().is_some_and(App::is_open) { "  (connected)" } else { "" };
            let name = styled(BOLD, &sanitize_line(&known.server.name));
            format!("{star} {name}{gap}  {}{open}\n", sanitize_line(&known.server.place()))
        };
        self.known.iter().enumerate().map(line).collect()
    }

    /// The names of all servers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|known| known.server.name.as_str())
    }

    /// Ends all sessions.
    pub async fn close(&mut self) {
        for app in self.known.iter_mut().filter_map(|known| known.app.as_mut()) {
            app.close().await;
        }
    }

    fn find(&mut self, name: &str) -> Result<usize, ConnectError> {
        if let Some(at) = self.names().position(|known| known == name) {
            return Ok(at);
        }
        if !name.contains("://") {
            let known: Vec<&str> = self.names().collect();
            return Err(ConnectError::Unknown { name: name.to_owned(), known: known.join(", ") });
        }
        let url = |reason| ConnectError::Url { url: name.to_owned(), reason };
        let sign_in = SignInSettings { server: Endpoint::parse(name).map_err(url)?, ..self.base.clone() };
        let server = Server { name: name.to_owned(), program: None, headers: HeaderMap::new(), sign_in };
        self.known.push(Known { server, app: None });
        Ok(self.known.len().saturating_sub(1))
    }
}
