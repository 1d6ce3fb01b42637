//! How a tool is described: schemas from the types, annotations from what it does. No annotation is set by hand.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;

/// What a tool does to the world; the annotations follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Adds to the house; a repetition under the same key adds nothing.
    Write,
    /// Takes something out of force; a repetition changes nothing.
    Revoke,
    /// Leaves the house.
    Send,
}

impl Effect {
    fn annotations(self) -> ToolAnnotations {
        ToolAnnotations::new()
            .read_only(self == Self::Read)
            // Nothing here destroys: what is taken out of force stays readable, what is changed gets a new version.
            .destructive(false)
            // The writing tools remember their idempotency key; a message lies under a name made of it, so that sending
            // it again replaces it by itself.
            .idempotent(true)
            .open_world(self == Self::Send)
    }
}

/// A tool whose arguments and result are types.
pub fn tool<A, R>(name: &'static str, title: &str, description: &'static str, effect: Effect) -> Tool
where
    A: JsonSchema + 'static,
    R: JsonSchema + 'static,
{
    Tool::new(name, description, Arc::new(JsonObject::new()))
        .with_input_schema::<A>()
        .with_output_schema::<R>()
        .with_title(title)
        .with_annotations(effect.annotations())
}

/// A tool whose schemas come from a configuration.
pub fn tool_from_schemas(name: String, title: String, description: String, (input, output): (JsonObject, JsonObject), effect: Effect) -> Tool {
    Tool::new(name, description, Arc::new(input)).with_raw_output_schema(Arc::new(output)).with_title(title).with_annotations(effect.annotations())
}
