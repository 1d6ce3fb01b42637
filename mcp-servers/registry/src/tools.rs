//! One tool for each register, made from the configuration, and the way of a search through it.

use std::{collections::BTreeMap, sync::Arc};

use laufzettel_mcp_kit::{
    Call, Failure, Tools,
    describe::{Effect, tool_from_schemas},
};
use rmcp::model::Tool;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    Config, Error, Written,
    inbox::{self, Asked},
    register::Register,
    source::Source,
};

/// All registers of a configuration, open.
#[derive(Debug)]
pub struct Registry {
    /// By the name of the tool.
    registers: BTreeMap<String, Register>,
    asked: mpsc::Sender<Asked>,
    config: Config,
}

impl Registry {
    /// Opens all registers or none.
    pub async fn open(config: &Config) -> Result<(Self, Written), Error> {
        let mut registers = BTreeMap::new();
        for (name, register) in &config.registers {
            let wrong = |wrong| Error::Config { register: name.clone(), wrong };
            let source = Source::open(name, register, &config.folder).await?;
            let granted = config.granted(register).map_err(wrong)?;
            let open = Register { name: name.clone(), config: register.clone(), granted, source };
            registers.insert(format!("{name}_suchen"), open);
        }
        let (asked, written) = inbox::open();
        Ok((Self { registers, asked, config: config.clone() }, written))
    }

    async fn search(&self, register: &Register, call: Call) -> Result<Value, Failure> {
        let fields = register.permitted(&call.delegation)?;
        let search = register.search(call.arguments)?;
        let found = register.find(&search, &fields).await?;
        let asked = Asked {
            register: Arc::from(register.name.as_str()),
            inbox: register.config.block.as_ref().map(|block| self.config.folder.join(&block.inbox)),
            at: call.at,
            who: call.delegation,
            criteria: search.criteria,
            blocked: found.blocked,
        };
        let noted = self.asked.send(asked).await;
        noted.map_err(|_| Failure::unavailable("Das Register ist gerade nicht erreichbar."))?;
        Ok(found.answer)
    }
}

impl Tools for Registry {
    const NAME: &'static str = "laufzettel-mcp-registry";

    fn list(&self) -> Vec<Tool> {
        let tool = |(tool, register): (&String, &Register)| {
            let schemas = (register.input_schema(), register.output_schema());
            let title = format!("Register „{}“ durchsuchen", register.name);
            let description = format!("Sucht im Register „{}“; verglichen wird der ganze Text ohne Groß und Klein", register.name);
            tool_from_schemas(tool.clone(), title, description, schemas, Effect::Read)
        };
        self.registers.iter().map(tool).collect()
    }

    async fn call(&self, call: Call) -> Result<Value, Failure> {
        match self.registers.get(call.tool()) {
            Some(register) => self.search(register, call).await,
            None => Err(Failure::not_found("Dieses Register gibt es hier nicht.")),
        }
    }
}
