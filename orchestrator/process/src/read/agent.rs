//! `agent` steps: a goal, the tools the model may pick among, whom it may ask, and how far it may go.

use laufzettel_domain::{
    Findings, Node, Text, Value,
    document::{Fields, Kind, fields},
};

use super::{Reader, step};
use crate::model::{Agent, AgentTool};

/// What a turn says beside an answer: no answer has fields of these names.
const TURN_WORDS: [&str; 4] = ["tool", "with", "ask", "calls"];
/// Tools of one agent at most: a model that chooses among more chooses badly, and nobody reads the list.
const TOOLS_MAX: usize = 32;

pub fn agent(node: &Node, key: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Agent> {
    let mut inner = Fields::open(node, key, findings)?;
    let call = step::request(&mut inner, node, "goal", reader);
    let tools_key = inner.path("tools");
    let tools = inner.req("tools").map(|node| tools(node, &tools_key, inner.findings)).unwrap_or_default();
    let ask = inner.opt("ask").and_then(|node| {
        let mut asked = Fields::open(node, format!("{key}.ask"), inner.findings)?;
        asked.req("groups");
        let groups = asked.texts("groups");
        asked.close();
        if groups.as_ref().is_some_and(Vec::is_empty) {
            let text = Text::new("Niemand ist genannt, der antworten könnte.", "Nobody is named who could answer.");
            inner.findings.error("LZ107", node.at, format!("{key}.ask.groups"), text);
        }
        groups
    });
    // as many turns as a clerk would read; what takes more is several steps
    let max_turns = inner.integer("max_turns", 1, 50).unwrap_or(10);
    // a long file and the way through it
    let max_tokens = inner.integer("max_tokens", 100, 2_000_000).unwrap_or(60_000);
    let max_tool_calls = inner.integer("max_tool_calls", 1, 200).unwrap_or(20);
    inner.req("output");
    let output_at = inner.opt("output").map_or(node.at, |n| n.at);
    inner.close();
    let call = call?;
    if call.output.as_ref()?.root.get("type") != Some(&Value::from("object")) {
        let text = Text::new("Die Antwort eines Agenten ist ein Objekt (type: object).", "An agent's answer is an object (type: object).");
        findings.error("LZ107", output_at, format!("{key}.output"), text);
    }
    let properties = call.output.as_ref()?.root.get("properties").and_then(Value::as_object);
    for name in properties.into_iter().flatten().map(|(name, _)| name.as_str()).filter(|name| TURN_WORDS.contains(name)) {
        let text = Text::new(
            format!("Ein Feld „{name}“ kann die Antwort eines Agenten nicht haben: So sagt er, was er als Nächstes tut."),
            format!("An agent's answer cannot have a field \"{name}\": that is how it says what it does next."),
        );
        findings.error("LZ108", output_at, format!("{key}.output"), text);
    }
    Some(Agent {
        call,
        tools,
        ask: ask.unwrap_or_default(),
        max_turns: u32::try_from(max_turns).unwrap_or(10),
        max_tokens: u64::try_from(max_tokens).unwrap_or(60_000),
        max_tool_calls: u32::try_from(max_tool_calls).unwrap_or(20),
    })
}

fn tools(node: &Node, key: &str, findings: &mut Findings) -> Vec<AgentTool> {
    if !matches!(node.kind, Kind::List(_)) {
        fields::wrong_type(node, key, &Text::new("eine Liste von Werkzeugen", "a list of tools"), findings);
        return Vec::new();
    }
    let items = node.items();
    if items.is_empty() || items.len() > TOOLS_MAX {
        let text = Text::new(format!("Ein Agent hat 1 bis {TOOLS_MAX} Werkzeuge."), format!("An agent has 1 to {TOOLS_MAX} tools."));
        findings.error("LZ107", node.at, key, text);
    }
    let mut all: Vec<AgentTool> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let Some(tool) = tool(item, &format!("{key}[{}]", n + 1), findings) else { continue };
        if all.iter().any(|known| known.call.name() == tool.call.name()) {
            let name = tool.call.name();
            let text = Text::new(format!("„{name}“ steht schon in der Liste."), format!("\"{name}\" is in the list already."));
            findings.error("LZ103", item.at, key, text);
        }
        all.push(tool);
    }
    all
}

/// `dms/suchen`, or with the author's own words and fixed arguments: `{ tool, description, with }`.
fn tool(node: &Node, key: &str, findings: &mut Findings) -> Option<AgentTool> {
    if !matches!(node.kind, Kind::Map(_)) {
        let (server, tool) = step::tool_name(node, key, findings)?;
        let call = crate::model::ToolCall { server, tool, with: std::collections::BTreeMap::new(), at: node.at };
        return Some(AgentTool { call, description: String::new() });
    }
    let mut inner = Fields::open(node, key, findings)?;
    inner.req("tool");
    let description = inner.text("description").unwrap_or_default().to_owned();
    let call = step::tool(&mut inner);
    inner.close();
    if description.contains("{{") || description.contains("{%") {
        let text = Text::new("Die Beschreibung ist fester Text; Werte gehören in data.", "The description is fixed text; values belong into data.");
        findings.error("LZ107", node.at, format!("{key}.description"), text);
    }
    Some(AgentTool { call: call?, description })
}
