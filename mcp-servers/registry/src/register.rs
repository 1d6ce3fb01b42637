//! One register: who may ask, what is compared, what is answered. Pure but for reading the source.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_mcp_kit::{Delegation, Failure, Page, paging::ANZAHL_MAX};
use rmcp::model::JsonObject;
use serde_json::{Value, json};

use crate::{
    RegisterConfig,
    config::{FAMILIENNAME, PERSON},
    source::{Record, Source},
};

/// Bytes of one search text: longer than any name or address.
const TEXT_BYTES_MAX: usize = 200;

/// An open register.
#[derive(Debug)]
pub(crate) struct Register {
    pub name: String,
    pub config: RegisterConfig,
    /// Fields by SID.
    pub granted: BTreeMap<String, BTreeSet<String>>,
    pub source: Source,
}

/// What a search asks for, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Search {
    /// Field and text as they were given.
    pub criteria: BTreeMap<String, String>,
    page: Page,
}

/// What a search found.
pub(crate) struct Found {
    pub answer: Value,
    /// Blocked persons that would have been hits.
    pub blocked: Vec<Record>,
}

impl Register {
    /// The fields this caller gets, or why none.
    pub fn permitted(&self, who: &Delegation) -> Result<BTreeSet<&str>, Failure> {
        let fields: BTreeSet<&str> = who.groups.iter().filter_map(|sid| self.granted.get(sid)).flatten().map(String::as_str).collect();
        if fields.is_empty() {
            return Err(Failure::denied("Ihre Gruppen berechtigen nicht zu Auskünften aus diesem Register."));
        }
        let purposes = &self.config.purposes;
        if purposes.iter().any(|purpose| purpose == "*" || Some(purpose) == who.zweck.as_ref()) {
            return Ok(fields);
        }
        Err(Failure::denied("Der Zweck dieses Vorgangs berechtigt nicht zu Auskünften aus diesem Register."))
    }

    /// Checks the arguments; empty ones count as not given.
    pub fn search(&self, arguments: JsonObject) -> Result<Search, Failure> {
        let (mut criteria, mut page) = (BTreeMap::new(), [None, None]);
        for (name, value) in arguments {
            match (name.as_str(), &value) {
                (_, Value::Null) => {}
                ("ab", Value::Number(_)) => page[0] = Some(number(&value)?),
                ("anzahl", Value::Number(_)) => page[1] = Some(number(&value)?),
                (_, Value::String(text)) if self.config.search.contains(&name) => {
                    if text.len() > TEXT_BYTES_MAX {
                        return Err(Failure::invalid(format!("„{name}“ ist zu lang.")));
                    }
                    if !text.trim().is_empty() {
                        criteria.insert(name, text.clone());
                    }
                }
                _ => {
                    return Err(Failure::invalid(format!("„{name}“ ist hier kein Suchfeld oder kein Text.")));
                }
            }
        }
        if self.name == PERSON && !criteria.contains_key(FAMILIENNAME) {
            return Err(Failure::invalid("Es braucht einen Familiennamen."));
        }
        if criteria.is_empty() {
            return Err(Failure::invalid("Es braucht mindestens ein Suchfeld."));
        }
        Ok(Search { criteria, page: Page::new(page[0], page[1])? })
    }

    /// Reads the register. A blocked person is no hit, and is kept apart.
    pub async fn find(&self, search: &Search, fields: &BTreeSet<&str>) -> Result<Found, Failure> {
        let wanted: Vec<(&str, String)> = search.criteria.iter().map(|(field, text)| (field.as_str(), folded(text))).collect();
        let block = self.config.block.as_ref().map(|block| block.field.as_str());
        // A few more than may be shown: enough to know whether there are more.
        let keep = self.config.limit + 1;
        let (mut hits, mut blocked) = (Vec::new(), Vec::new());
        self.source
            .each(|record| {
                if wanted.iter().all(|(field, text)| record.get(*field).is_some_and(|value| same(value, text))) {
                    let set = block.and_then(|field| record.get(field)).is_some_and(is_set);
                    let list = if set { &mut blocked } else { &mut hits };
                    if list.len() < keep {
                        list.push(record.clone());
                    }
                }
            })
            .await?;
        Ok(Found { answer: self.answer(hits, search.page, fields), blocked })
    }

    fn answer(&self, hits: Vec<Record>, page: Page, fields: &BTreeSet<&str>) -> Value {
        let beyond = hits.len() > self.config.limit;
        let shown = hits.into_iter().take(self.config.limit).map(|record| granted(record, fields));
        let shown: Vec<Record> = shown.collect();
        let anzahl = shown.len();
        let (treffer, more) = page.cut(shown);
        json!({ "anzahl": anzahl, "treffer": treffer, "mehr": more || beyond })
    }

    /// What the tool takes.
    pub fn input_schema(&self) -> JsonObject {
        let text = json!({ "type": ["string", "null"], "maxLength": TEXT_BYTES_MAX });
        let mut properties: JsonObject = self.config.search.iter().map(|field| (field.clone(), text.clone())).collect();
        properties.insert("ab".to_owned(), json!({ "type": ["integer", "null"], "minimum": 0 }));
        properties.insert("anzahl".to_owned(), json!({ "type": ["integer", "null"], "minimum": 1, "maximum": ANZAHL_MAX }));
        let required: &[&str] = if self.name == PERSON { &[FAMILIENNAME] } else { &[] };
        if self.name == PERSON {
            properties.insert(FAMILIENNAME.to_owned(), json!({ "type": "string", "maxLength": TEXT_BYTES_MAX }));
        }
        object(&json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false }))
    }

    /// What it answers: every field some group gets.
    pub fn output_schema(&self) -> JsonObject {
        let scalar = json!({ "type": ["string", "number", "boolean", "null"] });
        let fields: JsonObject = self.granted.values().flatten().map(|field| (field.clone(), scalar.clone())).collect();
        let hit = json!({ "type": "object", "properties": fields, "additionalProperties": false });
        object(&json!({
            "type": "object",
            "properties": {
                "anzahl": { "type": "integer", "description": "Hits that may be shown, at most the register's limit" },
                "treffer": { "type": "array", "items": hit },
                "mehr": { "type": "boolean" },
            },
            "required": ["anzahl", "treffer", "mehr"],
        }))
    }
}

fn object(value: &Value) -> JsonObject {
    value.as_object().cloned().unwrap_or_default()
}

fn number(value: &Value) -> Result<u32, Failure> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| Failure::invalid("„ab“ und „anzahl“ müssen ganze Zahlen sein."))
}

fn granted(record: Record, fields: &BTreeSet<&str>) -> Record {
    record.into_iter().filter(|(field, _)| fields.contains(field.as_str())).collect()
}

/// Text in lower case with single blanks; no letter is taken for another.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn same(value: &Value, text: &str) -> bool {
    match value {
        Value::String(value) => folded(value) == text,
        Value::Number(value) => value.to_string() == text,
        _ => false,
    }
}

/// Anything but an evident no blocks: an unknown mark counts as the strictest.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !["", "0", "nein", "false", "n"].contains(&folded(text).as_str()),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{folded, is_set, same};

    #[test]
    fn text_is_compared_without_case_and_with_umlauts() {
        for (value, text, expected) in [
            (json!("Müller"), "MÜLLER", true),
            (json!("Müller"), "Mueller", false),
            (json!("Müller"), "Muller", false),
            (json!("Groß"), "Gross", false),
            (json!("  Anna   Maria "), "anna maria", true),
            (json!("Anna Maria"), "Anna", false),
            (json!(54338), "54338", true),
            (json!(null), "", false),
            (json!(true), "true", false),
        ] {
            assert_eq!(same(&value, &folded(text)), expected, "{value} {text}");
        }
    }

    #[test]
    fn anything_but_no_blocks() {
        for value in [json!(null), json!(false), json!(0), json!(""), json!("0"), json!("Nein")] {
            assert!(!is_set(&value), "{value}");
        }
        for value in [json!(true), json!(1), json!("ja"), json!("2027-01-01"), json!("§ 51"), json!([])] {
            assert!(is_set(&value), "{value}");
        }
    }
}
