//! (placeholder)
use std::path::Path;

use crate::out::Out;

pub async fn bench(_dir: &Path, _short: bool, _out: &Out) -> anyhow::Result<u8> {
    anyhow::bail!("noch nicht")
}
