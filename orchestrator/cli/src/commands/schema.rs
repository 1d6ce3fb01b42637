//! `schema`: the JSON Schema of a file people write, for completion in their editors.

use crate::{
    args::SchemaName,
    out::{Out, code},
};

pub async fn schema(name: SchemaName, out: &Out) -> anyhow::Result<u8> {
    let text = match name {
        SchemaName::Process => include_str!("../../../../schemas/process.schema.json"),
        SchemaName::Config => include_str!("../../../../schemas/config.schema.json"),
        SchemaName::Cases => include_str!("../../../../schemas/cases.schema.json"),
        SchemaName::Directory => include_str!("../../../../schemas/directory.schema.json"),
        SchemaName::Registers => include_str!("../../../../schemas/registers.schema.json"),
        SchemaName::Journal => include_str!("../../../../schemas/journal.schema.json"),
    };
    out.data(text.trim_end()).await;
    Ok(code::DONE)
}
