use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::resource_server::access_token::Verified;
use crate::resource_server::challenge::Reason;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn policy() -> ScopePolicy {
    ScopePolicy::new("mcp:read")
        .tool("get_time", "mcp:read")
        .tool("write_note", "mcp:read mcp:write")
        .tool("delete_all", Requirement::scopes("mcp:write").max_age(Duration::from_mins(5)))
        .prompt("summarize", "notes")
        .resource("user://profile", "profile")
        .template("user://notes/{note_id}", "notes")
        .implies("mcp:admin", "mcp:write")
        .implies("mcp:write", "mcp:read")
}

fn token(scopes: &str, authenticated_at: Option<Timestamp>) -> AccessToken {
    AccessToken::new(Verified {
        issuer: "https://issuer.example".into(),
        subject: None,
        client_id: None,
        scopes: Scopes::parse(scopes),
        audience: Vec::new(),
        expires_at: None,
        token_id: None,
        others: Box::default(),
        authenticated_at,
    })
}

fn tool(name: &str) -> Operation<'_> {
    Operation::Tool(name.into())
}

fn resource(uri: &str) -> Operation<'_> {
    Operation::Resource(uri.into())
}

fn checked(scopes: &str, operation: Operation<'_>) -> Result<(), Refusal> {
    policy().check_operations(&token(scopes, None), &[operation], NOW)
}

fn lacks(scopes: &str) -> Result<(), Refusal> {
    Err(Refusal::insufficient_scope(Scopes::parse(scopes)))
}

#[test]
fn a_tool_is_called_only_with_its_scope() {
    assert_eq!(checked("mcp:read", tool("get_time")), Ok(()));
    assert_eq!(checked("mcp:readonly other", tool("get_time")), lacks("mcp:read"));
}

#[test]
fn prompts_and_resources_need_theirs() {
    assert_eq!(checked("notes", Operation::Prompt("summarize".into())), Ok(()));
    assert_eq!(checked("mcp:admin", Operation::Prompt("summarize".into())), lacks("notes"));
    assert_eq!(checked("profile", resource("user://profile")), Ok(()));
    assert_eq!(checked("notes", resource("user://profile")), lacks("profile"));
    assert_eq!(checked("notes", resource("user://notes/1")), Ok(()));
    assert_eq!(checked("profile", resource("user://notes/1")), lacks("notes"));
}

#[test]
fn another_spelling_of_a_uri_never_needs_less() {
    for uri in ["USER://notes/1", "user://notes/1/", "user://notes%2F1", "user://./notes/1", "file:///etc/passwd", ""] {
        assert_eq!(checked("notes", resource(uri)), lacks("profile notes"), "{uri}");
        assert_eq!(checked("profile", resource(uri)), lacks("profile notes"), "{uri}");
    }
    let overlapping = policy().template("user://{anything}/secret", "secret");
    let refused = overlapping.check_operations(&token("notes", None), &[resource("user://notes/secret")], NOW);
    assert_eq!(refused, lacks("notes secret"));
}

#[test]
fn a_refusal_names_all_scopes_of_the_operation() {
    assert_eq!(checked("mcp:read", tool("write_note")), lacks("mcp:read mcp:write"));
    let always = policy().every_request("mcp:base");
    let both = [resource("user://profile"), resource("user://notes/1")];
    let refused = always.check_operations(&token("mcp:base notes", None), &both, NOW);
    assert_eq!(refused, lacks("mcp:base profile notes"));
}

#[test]
fn a_broad_scope_implies_all_narrower_ones() {
    for scopes in ["mcp:write", "mcp:admin"] {
        assert_eq!(checked(scopes, tool("write_note")), Ok(()), "{scopes}");
        assert_eq!(checked(scopes, tool("get_time")), Ok(()), "{scopes}");
    }
    let ageless = ScopePolicy::new("a").tool("t", "a b").template("u://{x}", "c").implies("b", "a");
    assert!(ageless.grants_everything(&token("b c", None)));
    assert!(!ageless.grants_everything(&token("a c", None)));
    assert!(!policy().grants_everything(&token("mcp:admin notes profile", None)), "an age is asked for");
}

#[test]
fn what_is_not_named_needs_what_is_said_for_the_rest() {
    assert_eq!(checked("", tool("unknown")), Ok(()));
    let base = policy().otherwise("mcp:read");
    let check = |operation| base.check_operations(&token("", None), &[operation], NOW);
    assert_eq!(check(tool("unknown")), lacks("mcp:read"));
    assert_eq!(check(Operation::Prompt("unknown".into())), lacks("mcp:read"));
    assert_eq!(check(resource("user://unknown")), lacks("mcp:read profile notes"));
    assert_eq!(base.check_operations(&token("", None), &[], NOW), Ok(()));
    let always = policy().every_request("mcp:base");
    assert_eq!(always.check_request(&token("", None), NOW), lacks("mcp:base"));
    assert_eq!(always.check_request(&token("mcp:base", None), NOW), Ok(()));
}

#[test]
fn an_old_sign_in_is_not_enough() {
    let at = |seconds| Some(Timestamp::from_second(seconds).unwrap());
    let check = |scopes, signed_in, now| {
        let now = Timestamp::from_second(now).unwrap();
        policy().check_operations(&token(scopes, signed_in), &[tool("delete_all")], now)
    };
    let age = SignedDuration::from_mins(5);
    let refusal = || Refusal::insufficient_user_authentication(age, Scopes::parse("mcp:write"));
    assert_eq!(check("mcp:write", at(1000), 1300), Ok(()));
    assert_eq!(check("mcp:write", at(1000), 1301), Err(refusal()));
    assert_eq!(check("mcp:write", None, 1000), Err(refusal()));
    assert_eq!(check("mcp:write", at(1010), 1000), Ok(()), "clocks differ");
    assert_eq!(check("mcp:read", at(0), 1301), lacks("mcp:write"));
    assert_eq!(refusal().reason(), Reason::InsufficientUserAuthentication);
}

#[test]
fn a_list_shows_the_tools_that_the_token_may_call() {
    let shown = |policy: &ScopePolicy, scopes: &str| {
        ["get_time", "write_note", "delete_all", "unknown"].map(|tool| policy.allows_tool(&token(scopes, None), tool))
    };
    assert_eq!(shown(&policy(), "mcp:read"), [true, false, false, true]);
    assert_eq!(shown(&policy(), "mcp:admin"), [true; 4]);
    assert_eq!(shown(&policy().otherwise("mcp:read"), ""), [false; 4]);
    assert_eq!(shown(&policy().every_request("base"), "mcp:admin"), [false; 4]);
}
