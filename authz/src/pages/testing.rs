//! For tests: a browser that keeps its cookie, follows nothing, and posts the forms that it was shown.

use crate::{
    domain::{ClientAuthentication, Origin},
    protocol::{AuthenticationMethod, ClientId, RedirectUri},
    testing::{Answer, CLIENT, Parameter as _, Server, encode, post, request_with},
};
use axum::body::Body;
use http::{HeaderName, Request, header};
use serde_json::json;

/// One browser.
pub(crate) struct Tab<'a> {
    pub(crate) server: &'a Server,
    /// `name=value`, as the browser sends it.
    pub(crate) cookie: Option<String>,
    /// What it sends with forms besides.
    pub(crate) headers: Vec<(HeaderName, &'static str)>,
    pub(crate) host: &'static str,
}

impl<'a> Tab<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self { server, cookie: None, headers: Vec::new(), host: "localhost:9000" }
    }

    pub(crate) fn at(server: &'a Server, host: &'static str) -> Self {
        Self { host, ..Self::new(server) }
    }

    pub(crate) async fn get(&mut self, uri: &str) -> Answer {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        self.send(request).await
    }

    pub(crate) async fn post(&mut self, uri: &str, form: &[(&str, &str)]) -> Answer {
        let mut request = post(uri, form);
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.parse().unwrap());
        }
        self.send(request).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        request.headers_mut().insert(header::HOST, self.host.parse().unwrap());
        if let Some(cookie) = &self.cookie {
            request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
        }
        let answer = self.server.send(request).await;
        if let Some(set) = answer.header(header::SET_COOKIE) {
            let pair = set.split(';').next().unwrap();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        answer
    }

    /// Comes from a client.
    pub(crate) async fn authorize(&mut self, changes: &[(&str, &str)]) -> Answer {
        self.get(&format!("/oauth2/authorize?{}", encode(&request_with(changes)))).await
    }

    /// Comes from a client, and returns the id of the request that the pages are about.
    pub(crate) async fn begin(&mut self, changes: &[(&str, &str)]) -> String {
        let answer = self.authorize(changes).await;
        answer.location().parameter("request").unwrap()
    }

    /// The CSRF token of this browser, from the page that it is on.
    pub(crate) async fn csrf(&mut self) -> String {
        field(&self.get("/login").await, "csrf").unwrap()
    }

    /// Posts the login form with a right token.
    pub(crate) async fn sign_in(&mut self, request: &str, username: &str, password: &str) -> Answer {
        let csrf = self.csrf().await;
        let form = [("csrf", csrf.as_str()), ("request", request), ("username", username), ("password", password)];
        self.post("/login", &form).await
    }

    /// Comes from a client and signs in: the browser is before the consent page.
    pub(crate) async fn begin_signed_in(&mut self, changes: &[(&str, &str)]) -> String {
        let request = self.begin(changes).await;
        let answer = self.sign_in(&request, "demo_user", "demo_password").await;
        assert_eq!(answer.location().path(), "/consent");
        request
    }

    /// Posts the consent form with a right token.
    pub(crate) async fn decide(&mut self, request: &str, decision: &str) -> Answer {
        let csrf = self.csrf().await;
        self.post("/consent", &[("csrf", csrf.as_str()), ("request", request), ("decision", decision)]).await
    }
}

/// The value of a hidden field.
pub(crate) fn field(page: &Answer, name: &str) -> Option<String> {
    let (_, behind) = page.body.split_once(&format!(r#"name="{name}" value=""#))?;
    Some(behind.split_once('"')?.0.to_owned())
}

/// Registers a public client and returns its id.
pub(crate) async fn register(server: &Server, name: &str, redirect_uri: &str) -> String {
    let metadata = json!({
        "client_name": name, "redirect_uris": [redirect_uri], "token_endpoint_auth_method": "none",
    });
    let answer = server.post_json("/register", &metadata).await;
    answer.json()["client_id"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

/// Where the client of [`operator_client`] gets its answers.
pub(crate) const HTTPS_REDIRECT: &str = "https://app.example/cb";

/// A client that the operator registered: public for [`AuthenticationMethod::None`], else with a secret.
pub(crate) async fn operator_client(server: &Server, method: AuthenticationMethod) -> String {
    let mut client = server.services.store.client(&ClientId::parse(CLIENT).unwrap()).await.unwrap().unwrap();
    client.id = ClientId::parse("our-app").unwrap();
    client.origin = Origin::Operator;
    client.redirect_uris = vec![RedirectUri::parse(HTTPS_REDIRECT).unwrap()];
    if method == AuthenticationMethod::None {
        client.authentication = ClientAuthentication::Public;
    }
    server.services.store.put_client(&client).await.unwrap();
    client.id.as_str().to_owned()
}
