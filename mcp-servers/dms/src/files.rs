//! The bytes of documents, named by their SHA-256 below `files/`. A file is written whole or not at all, and never
//! changed; one left over by a broken call is harmless.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// The folder of bytes.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    dir: PathBuf,
}

impl Files {
    /// Makes the folders if missing, for the owner alone.
    pub fn open(data: &Path) -> io::Result<Self> {
        let dir = data.join("files");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(Self { dir })
    }

    /// Stores bytes under their digest (hex); durable when it returns.
    pub async fn put(&self, sha256: String, bytes: Vec<u8>) -> io::Result<()> {
        let dir = self.dir.clone();
        tokio::task::spawn_blocking(move || put(&dir, &sha256, &bytes)).await.map_err(io::Error::other)?
    }

    /// The bytes under a digest.
    pub async fn get(&self, sha256: &str) -> io::Result<Vec<u8>> {
        tokio::fs::read(folder(&self.dir, sha256).join(sha256)).await
    }
}

// Two hundred and fifty-six folders: a million files leave four thousand in each.
fn folder(dir: &Path, sha256: &str) -> PathBuf {
    dir.join(sha256.get(..2).unwrap_or_default())
}

fn put(dir: &Path, sha256: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = folder(dir, sha256);
    let path = folder.join(sha256);
    if path.exists() {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    // Two calls with the same bytes write the same: whoever renames last changes nothing.
    let draft = folder.join(format!("{sha256}.{:?}.tmp", std::thread::current().id()));
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(&folder)?.sync_all()?;
    File::open(dir)?.sync_all()
}
