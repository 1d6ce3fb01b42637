//! `graph`: the picture of a process, for looking at, printing, and other programs.

use std::{collections::BTreeMap, path::Path};

use anyhow::bail;
use laufzettel_domain::Findings;
use laufzettel_policy::ToolRule;
use laufzettel_process::{
    picture::{Drawing, Picture, TooLarge, plain, svg},
    read,
};

use super::{check::folder_of, configuration, tenant_of};
use crate::{
    args::{GraphFormat, Where},
    demo, house,
    out::{Out, code},
};

pub async fn graph(path: &Path, format: GraphFormat, at: &Where, out: &Out) -> anyhow::Result<u8> {
    if path.is_dir() {
        bail!("{} {}", path.display(), out.text("ist ein Ordner; ein Bild zeigt einen Prozess.", "is a folder; a picture shows one process."));
    }
    let (folder, name) = folder_of(path, out)?;
    let texts = house::read_folder(&folder)?;
    if texts.get(&name).is_none() {
        bail!("{} {}", path.display(), out.text("ist keine Textdatei bis 1 MiB.", "is no text file up to 1 MiB."));
    }
    let mut findings = Findings::new(path.display().to_string());
    let Some(process) = read::read(&texts, &name, &mut findings) else {
        for finding in findings.into_sorted() {
            out.note(finding.line(out.lang)).await;
        }
        return Ok(code::FINDINGS);
    };
    let tools = tools(at, out).await?;
    let effect = |tool: &str| tools.get(tool).map(|rule| rule.effect.text());
    let Ok(picture) = Picture::of(&process, &Drawing { lang: out.lang, effect: &effect, states: false }) else {
        bail!("{}", TooLarge::text().get(out.lang));
    };
    let drawn = match format {
        GraphFormat::Svg => svg::alone(&picture),
        GraphFormat::Mermaid => plain::mermaid(&picture),
        GraphFormat::Dot => plain::dot(&picture),
    };
    out.data(drawn.trim_end()).await;
    Ok(code::DONE)
}

/// What the tenant declares of its tools; without a configuration what is declared of the bundled ones.
async fn tools(at: &Where, out: &Out) -> anyhow::Result<BTreeMap<String, ToolRule>> {
    if at.config.is_none() {
        return Ok(demo::shipped_tools());
    }
    let config = configuration(at, out).await?;
    house::tool_rules(&config.tenants[&tenant_of(&config, at, out)?])
}
