//! The tools of the mail server as the world sees them, and which function answers.

use std::path::{Path, PathBuf};

use laufzettel_mcp_kit::{
    Begun, Call, Datei, Failure, Notes, Tools,
    describe::{Effect, tool},
    settling,
};
use rmcp::model::Tool;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    Error,
    address::is_address,
    incoming,
    letter::Letter,
    outgoing::{self, Laying, make},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Brief {
    /// One address or a list of addresses.
    #[schemars(schema_with = "recipients")]
    pub an: Value,
    pub betreff: String,
    pub text: String,
    #[serde(default)]
    #[schemars(schema_with = "attachments")]
    pub anhaenge: Option<Vec<Value>>,
    /// The `message_id` answered.
    pub antwort_auf: Option<String>,
}

fn recipients(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "array"], "format": "email", "items": { "type": "string", "format": "email" }
    })
}

fn attachments(generator: &mut SchemaGenerator) -> Schema {
    let datei = generator.subschema_for::<Datei>();
    // The name of a document is taken by servers that can fetch it; this one says that it cannot.
    json_schema!({ "type": ["array", "null"], "items": { "anyOf": [{ "type": "string" }, datei] } })
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Gesendet {
    pub message_id: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Entworfen {
    pub entwurf_id: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Posteingang {
    /// A folder below the inbox.
    pub ordner: Option<String>,
    /// A date or a moment (RFC 3339).
    pub seit: Option<String>,
    pub ab: Option<u32>,
    pub anzahl: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Post {
    pub nachrichten: Vec<Nachricht>,
    pub mehr: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Nachricht {
    pub id: String,
    pub von: String,
    pub betreff: String,
    pub datum: String,
    /// Names.
    pub anhaenge: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lesen {
    pub id: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Geoeffnet {
    pub id: String,
    pub von: String,
    pub an: Vec<String>,
    pub betreff: String,
    pub datum: String,
    pub text: String,
    pub anhaenge: Vec<Datei>,
}

/// The mail folders, open.
#[derive(Debug, Clone)]
pub struct Mail {
    maildir: PathBuf,
    absender: String,
    notes: Notes,
}

impl Mail {
    /// Makes missing folders; refuses a sender that is no address.
    pub fn open(maildir: &Path, absender: &str) -> Result<Self, Error> {
        if !is_address(absender) {
            return Err(Error::Absender(absender.to_owned()));
        }
        for folder in ["out", "entwuerfe", "eingang"] {
            let path = maildir.join(folder);
            make(&path, &["tmp", "new", "cur"]).map_err(|source| Error::Folder { path, source })?;
        }
        let belege = outgoing::notes(maildir);
        make(maildir, &["belege"]).map_err(|source| Error::Folder { path: belege.clone(), source })?;
        Ok(Self { maildir: maildir.to_owned(), absender: absender.to_owned(), notes: Notes::at(&belege) })
    }

    async fn lay_down(&self, folder: &'static str, call: &mut Call, result: fn(&Letter) -> Value) -> Result<Value, Failure> {
        let letter = Letter::new(call.take()?, &self.absender, call)?;
        let result = result(&letter);
        self.notes.once(call, Laying { dir: self.maildir.clone(), folder, letter, result }, self.came_of()).await
    }

    fn came_of(&self) -> impl FnOnce(&Begun) -> Result<Option<Value>, Failure> + Send + 'static {
        let maildir = self.maildir.clone();
        move |begun| outgoing::came_of(&maildir, begun)
    }

    async fn reading<A: Send + 'static>(&self, wanted: A, answer: fn(&Path, &A) -> Result<Value, Failure>) -> Result<Value, Failure> {
        let maildir = self.maildir.clone();
        let reading = spawn_blocking(move || answer(&maildir, &wanted));
        reading.await.map_err(|_| Failure::unavailable("Der Posteingang ist gestört."))?
    }
}

impl Tools for Mail {
    const NAME: &'static str = "laufzettel-mcp-mail";

    fn list(&self) -> Vec<Tool> {
        vec![
            tool::<Brief, Gesendet>("senden", "Nachricht senden", "Gibt eine Nachricht in den Postausgang", Effect::Send),
            tool::<Brief, Entworfen>("entwurf", "Entwurf ablegen", "Legt eine Nachricht als Entwurf ab, ohne sie zu senden", Effect::Write),
            tool::<Posteingang, Post>("posteingang", "Posteingang", "Listet eingegangene Nachrichten, die neuesten zuerst", Effect::Read),
            tool::<Lesen, Geoeffnet>("lesen", "Nachricht lesen", "Liefert eine eingegangene Nachricht mit Anhängen", Effect::Read),
            settling::settle(),
        ]
    }

    async fn call(&self, mut call: Call) -> Result<Value, Failure> {
        match call.tool() {
            "senden" => self.lay_down("out", &mut call, |letter| json!(Gesendet { message_id: letter.message_id.clone() })).await,
            "entwurf" => self.lay_down("entwuerfe", &mut call, |letter| json!(Entworfen { entwurf_id: letter.name.clone() })).await,
            settling::NAME => settling::answer(&self.notes, call, self.came_of()).await,
            "posteingang" => self.reading(call.take()?, incoming::list).await,
            "lesen" => self.reading(call.take()?, incoming::open).await,
            _ => Err(Failure::not_found("Dieses Werkzeug gibt es hier nicht.")),
        }
    }
}
