//! The tools of the archive as the world sees them: names, arguments, results, and which function
//! answers. What a tool does stands elsewhere.

use laufzettel_mcp_kit::{
    Call, Datei, Failure, Tools,
    describe::{Effect, tool},
};
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Archive;

/// A version as callers name it: text, because other archives do not number theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub struct Fassung(pub i64);

impl From<Fassung> for String {
    fn from(version: Fassung) -> Self {
        version.0.to_string()
    }
}

impl TryFrom<String> for Fassung {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suchen {
    pub frage: String,
    pub akte: Option<String>,
    pub art: Option<String>,
    #[schemars(extend("format" = "date"))]
    pub von: Option<String>,
    #[schemars(extend("format" = "date"))]
    pub bis: Option<String>,
    pub ab: Option<u32>,
    pub anzahl: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Gesucht {
    pub treffer: Vec<Treffer>,
    pub mehr: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Treffer {
    pub dokument: String,
    pub version: Fassung,
    pub titel: String,
    pub akte: String,
    pub datum: String,
    pub ausschnitt: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lesen {
    pub dokument: String,
    pub version: Option<Fassung>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Gelesen {
    pub dokument: String,
    pub version: Fassung,
    pub titel: String,
    pub akte: String,
    pub metadaten: Map<String, Value>,
    pub datei: Datei,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextAuslesen {
    pub datei: Datei,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Ausgelesen {
    pub text: String,
    pub seiten: Vec<Seite>,
    pub media_type: String,
    pub ocr: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Seite {
    pub seite: usize,
    pub text: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Passagen {
    pub frage: Option<String>,
    pub dokument: Option<String>,
    pub version: Option<Fassung>,
    pub akte: Option<String>,
    pub ab: Option<u32>,
    pub anzahl: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Gefunden {
    pub passagen: Vec<Fundstelle>,
    pub mehr: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Fundstelle {
    pub document: String,
    pub version: Fassung,
    pub place: String,
    pub text: String,
    pub score: f64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AkteAnlegen {
    pub akte: String,
    pub titel: String,
    pub aktenplan: Option<String>,
    pub metadaten: Option<Map<String, Value>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Angelegt {
    pub akte: String,
    pub neu: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AkteLesen {
    pub akte: String,
    pub ab: Option<u32>,
    pub anzahl: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct AkteGelesen {
    pub akte: String,
    pub titel: String,
    pub dokumente: Vec<Eintrag>,
    pub mehr: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Eintrag {
    pub dokument: String,
    pub version: Fassung,
    pub titel: String,
    pub art: Option<String>,
    pub datum: String,
    pub storniert: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DokumentAblegen {
    pub akte: String,
    pub titel: String,
    /// Text; either this or `datei`.
    pub inhalt: Option<String>,
    pub datei: Option<Datei>,
    pub art: Option<String>,
    pub metadaten: Option<Map<String, Value>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Abgelegt {
    pub dokument_id: String,
    pub version: Fassung,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DokumentStornieren {
    pub dokument: String,
    pub grund: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Storniert {
    pub storniert: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetadatenSetzen {
    pub dokument: String,
    /// Names given are set, names with null removed, all others kept.
    pub metadaten: Map<String, Value>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Gesetzt {
    pub version: Fassung,
}

impl Tools for Archive {
    const NAME: &'static str = "laufzettel-mcp-dms";

    fn list(&self) -> Vec<Tool> {
        use Effect::{Read, Revoke, Write};
        vec![
            tool::<Suchen, Gesucht>("suchen", "Dokumente suchen", "Sucht Dokumente, in denen alle Wörter vorkommen", Read),
            tool::<Lesen, Gelesen>("lesen", "Dokument lesen", "Liefert ein Dokument mit Datei, Text und Metadaten", Read),
            tool::<TextAuslesen, Ausgelesen>("text_auslesen", "Text auslesen", "Liest den Text einer Datei aus", Read),
            tool::<Passagen, Gefunden>(
                "passagen",
                "Fundstellen",
                "Liefert Absätze, die zu einer Frage passen, oder alle Absätze eines Dokuments der Reihe nach",
                Read,
            ),
            tool::<AkteAnlegen, Angelegt>("akte_anlegen", "Akte anlegen", "Legt eine Akte an, wenn es sie noch nicht gibt", Write),
            tool::<AkteLesen, AkteGelesen>("akte_lesen", "Akte lesen", "Liefert eine Akte mit ihren Dokumenten", Read),
            tool::<DokumentAblegen, Abgelegt>(
                "dokument_ablegen",
                "Dokument ablegen",
                "Legt einen Text oder eine Datei in einer Akte ab; eine fehlende Akte wird angelegt",
                Write,
            ),
            tool::<DokumentStornieren, Storniert>(
                "dokument_stornieren",
                "Dokument stornieren",
                "Nimmt ein Dokument außer Kraft; es bleibt lesbar, wird aber nicht mehr gefunden",
                Revoke,
            ),
            tool::<MetadatenSetzen, Gesetzt>("metadaten_setzen", "Metadaten setzen", "Ändert Metadaten eines Dokuments; es entsteht eine neue Version", Write),
        ]
    }

    async fn call(&self, mut call: Call) -> Result<Value, Failure> {
        let answer = match call.tool() {
            "suchen" => self.suchen(call.take()?, &call.delegation).await,
            "lesen" => self.lesen(call.take()?, &call.delegation).await,
            "text_auslesen" => Self::text_auslesen(call.take()?).await,
            "passagen" => self.passagen(call.take()?, &call.delegation).await,
            "akte_anlegen" => self.akte_anlegen(call.take()?, &call).await,
            "akte_lesen" => self.akte_lesen(call.take()?, &call.delegation).await,
            "dokument_ablegen" => self.dokument_ablegen(call.take()?, &call).await,
            "dokument_stornieren" => self.dokument_stornieren(call.take()?, &call).await,
            "metadaten_setzen" => self.metadaten_setzen(call.take()?, &call).await,
            _ => Err(Failure::not_found("Dieses Werkzeug gibt es hier nicht.").into()),
        };
        Ok(answer?)
    }
}
