//! Human tasks on a terminal: what is shown, then field by field.

use std::{
    io::{BufRead as _, Write as _},
    path::Path,
};

use laufzettel_domain::Value;
use laufzettel_engine::Task;
use laufzettel_process::{
    Process, Schema,
    schema::{is_cent, is_file},
};
use serde_json::{Map, json};

use crate::out::Out;

/// Asks until the answer fits the form; an empty line leaves an optional field out. Ends with an error at end of input.
pub fn ask(process: &Process, task: &Task, out: &Out) -> anyhow::Result<Value> {
    let title = process.steps.get(&task.opened.step).map_or(task.opened.step.as_str(), |s| s.title.as_str());
    eprintln!("\n  {title}");
    if task.opened.assign.applicant {
        eprintln!("  {}", out.text("Eine Frage an die antragstellende Person", "A question to the applicant"));
    }
    for (name, value) in task.opened.show.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        eprintln!("    {:<28} {text}", name.replace('_', " "));
    }
    let schema = Schema::compile(task.opened.form.clone()).map_err(anyhow::Error::msg)?;
    loop {
        let mut values = Map::new();
        for (name, field) in task.opened.form.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = field_value(name, field, task.opened.vorschlag.get(name), out)? {
                values.insert(name.clone(), value);
            }
        }
        let values = Value::Object(values);
        let problems = schema.validate(&values);
        if problems.is_empty() {
            return Ok(values);
        }
        eprintln!("{}", crate::perform::problem_lines(&problems, out.lang));
    }
}

fn field_value(name: &str, field: &Value, proposed: Option<&Value>, out: &Out) -> anyhow::Result<Option<Value>> {
    let title = field.get("title").and_then(Value::as_str).unwrap_or(name);
    let options = field.get("enum").and_then(Value::as_array);
    let hint = match options {
        Some(options) => options.iter().map(|o| o.as_str().map_or_else(|| o.to_string(), str::to_owned)).collect::<Vec<_>>().join(" | "),
        // the terminal takes what the interface takes
        None if is_cent(field) => "Cent".to_owned(),
        None if is_file(field) => out.text("Datei", "file").to_owned(),
        None if field.get("type") == Some(&json!("boolean")) => out.text("ja | nein", "yes | no").to_owned(),
        None => String::new(),
    };
    if let Some(proposed) = proposed {
        eprintln!("  {}: {}", out.text("Vorschlag", "Proposal"), proposed.as_str().map_or_else(|| proposed.to_string(), str::to_owned));
    }
    eprint!("  {title}{}: ", if hint.is_empty() { String::new() } else { format!(" [{hint}]") });
    std::io::stderr().flush()?;
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        anyhow::bail!("{}", out.text("Die Eingabe ist zu Ende; die Aufgabe bleibt offen.", "End of input; the task stays open."));
    }
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    if is_file(field) {
        return Ok(crate::perform::file_at(line, Path::new(".")).inspect_err(|error| eprintln!("  {error}")).ok());
    }
    Ok(Some(match field.get("type").and_then(Value::as_str) {
        Some("boolean") => json!(matches!(line.to_lowercase().as_str(), "ja" | "j" | "yes" | "y" | "true")),
        Some("integer" | "number") => line.replace(',', ".").parse::<f64>().map_or_else(|_| json!(line), whole),
        _ => json!(line),
    }))
}

fn whole(n: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and typed by a person")]
    if n.fract() == 0.0 { json!(n as i64) } else { json!(n) }
}
