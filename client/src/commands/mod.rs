//! What the verbs do and say; the prompt and the program share them.

pub mod arguments;
mod report;
pub mod schema;
pub(crate) mod show;
mod token;

pub use report::Report;

use rmcp::model::{CallToolResult, JsonObject};
use serde_json::json;

use crate::{
    app::{App, AppError, Exit},
    status,
    verbs::{Format, Verb},
};
use arguments::{Arguments, InvalidArguments};
use show::to_json;

/// Does what `verb` says.
pub async fn perform(app: &mut App, verb: &Verb, format: Format) -> Report {
    let _waiting = status::waiting(&waiting_for(verb));
    done(app, verb, format).await.unwrap_or_else(|failed| failed)
}

fn waiting_for(verb: &Verb) -> String {
    match verb {
        Verb::List => "Listing the tools …".to_owned(),
        Verb::Call { tool, .. } => format!("Calling {tool} …"),
        Verb::Resources => "Listing the resources …".to_owned(),
        Verb::Read { uri } => format!("Reading {uri} …"),
        Verb::Prompts => "Listing the prompts …".to_owned(),
        Verb::Prompt { prompt, .. } => format!("Filling in {prompt} …"),
        Verb::Whoami => "Asking who you are …".to_owned(),
        Verb::Token { .. } => "Looking for a token …".to_owned(),
        Verb::Login { .. } => "Signing in …".to_owned(),
        Verb::Logout => "Signing out …".to_owned(),
    }
}

/// Both sides are reports: the second one ends a verb early.
async fn done(app: &mut App, verb: &Verb, format: Format) -> Result<Report, Report> {
    Ok(match verb {
        Verb::List => Report::shown(format, &app.tools().await?, |tools| show::tools(tools)),
        Verb::Call { tool, arguments } => {
            let arguments = tool_arguments(app, tool, arguments).await?;
            call(app, tool, arguments.as_ref(), format).await?
        }
        Verb::Resources => {
            let (resources, templates) = app.resources().await?;
            match format {
                Format::Text => Report::success(show::resources(&resources, &templates)),
                Format::Json => {
                    Report::success(to_json(&json!({"resources": resources, "resourceTemplates": templates})))
                }
            }
        }
        Verb::Read { uri } => Report::shown(format, &app.read(uri).await?, show::contents),
        Verb::Prompts => Report::shown(format, &app.prompts().await?, |prompts| show::prompts(prompts)),
        Verb::Prompt { prompt, arguments } => {
            let arguments = prompt_arguments(app, prompt, arguments).await?;
            Report::shown(format, &app.prompt(prompt, arguments.as_ref()).await?, show::messages)
        }
        Verb::Whoami => call(app, "whoami", None, format).await?,
        Verb::Token { reveal } => {
            app.connect().await?;
            token::report(app, *reveal, format)
        }
        Verb::Login { again } => {
            app.login(*again).await?;
            token::signed_in(app, format)
        }
        Verb::Logout => {
            app.sign_out().await?;
            Report::success("Given back and forgotten. The next command signs in again.".to_owned())
        }
    })
}

async fn call(app: &mut App, tool: &str, arguments: Option<&JsonObject>, format: Format) -> Result<Report, AppError> {
    let result: CallToolResult = app.call(tool, arguments).await?;
    let failed = result.is_error == Some(true);
    if failed && format == Format::Text {
        return Ok(Report::tool_error(&show::result(&result)));
    }
    let exit = if failed { Exit::Tool } else { Exit::Success };
    Ok(Report { exit, ..Report::shown(format, &result, show::result) })
}

/// Words are typed by the tool's schema, which is fetched for them; an object goes as it is.
async fn tool_arguments(app: &mut App, name: &str, words: &[String]) -> Result<Option<JsonObject>, Report> {
    let arguments = Arguments::parse(words)?;
    if !matches!(arguments, Arguments::Words(_)) {
        return Ok(arguments.typed(name, &JsonObject::new())?);
    }
    let tools = app.tools().await?;
    let Some(tool) = tools.iter().find(|tool| tool.name == name) else {
        return Err(unknown("tool", name, tools.iter().map(|tool| tool.name.as_ref())));
    };
    Ok(arguments.typed(&format!("the tool {name}"), &tool.input_schema)?)
}

/// All arguments of a prompt are texts (MCP "Prompts").
async fn prompt_arguments(app: &mut App, name: &str, words: &[String]) -> Result<Option<JsonObject>, Report> {
    let arguments = Arguments::parse(words)?;
    let prompts = app.prompts().await?;
    let Some(prompt) = prompts.iter().find(|prompt| prompt.name == name) else {
        return Err(unknown("prompt", name, prompts.iter().map(|prompt| prompt.name.as_str())));
    };
    let all = prompt.arguments.as_deref().unwrap_or_default();
    let property = |name: &str| (name.to_owned(), json!({"type": "string"}));
    let properties: JsonObject = all.iter().map(|argument| property(&argument.name)).collect();
    let required: Vec<&str> =
        all.iter().filter(|one| one.required == Some(true)).map(|argument| argument.name.as_str()).collect();
    let schema =
        JsonObject::from_iter([("properties".to_owned(), properties.into()), ("required".to_owned(), required.into())]);
    Ok(arguments.typed(&format!("the prompt {name}"), &schema)?)
}

fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Report {
    let known: Vec<&str> = known.take(20).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Report::failure(Exit::Tool, &format!("the server has no {kind} {name}; it has {known}"))
}

impl From<AppError> for Report {
    fn from(error: AppError) -> Self {
        Self::failure(error.exit(), &error.to_string())
    }
}

impl From<InvalidArguments> for Report {
    fn from(error: InvalidArguments) -> Self {
        Self::failure(Exit::Usage, &error.to_string())
    }
}
