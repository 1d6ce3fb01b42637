//! Files in a folder: a JSON file is the input itself, any other is the one file the input asks for.

use std::{io, sync::Arc};

use laufzettel_domain::{
    Digest, Text, Value,
    file::{BYTES_MAX, File, media_type},
};
use laufzettel_process::arrival::{FolderPaths, file_field};
use laufzettel_store::failpoint;
use serde_json::json;

use super::{
    AGAIN_S, Begun, Portion, Progress, Refusal, Turn, Way, blocking,
    letter::file_name,
    place::{self, Bytes, Found, Place, Shelf},
    receipt,
};
use crate::desk::Desk;

/// Bytes of a JSON file that is an input: as much as a program may send to a webhook.
const JSON_BYTES_MAX: usize = 1024 * 1024;

/// What a file is for its process.
enum Read {
    Input(Value),
    Refused(Refusal),
    /// It is not finished, or the store does not take it now.
    NotYet,
}

impl Desk {
    /// Takes what lies there and has not changed since the last look. An error is told once: nobody can look there now.
    pub(super) async fn look_into_folder(&self, way: &Way<'_>, paths: &FolderPaths, progress: &mut Progress, restored: Option<i64>) -> Result<(), Text> {
        let Some(root) = self.tenant.places.folder.clone() else {
            return Err(Text::new("Der Betrieb hat keinen Ordner geöffnet (eingang.folder).", "The operator opened no folder (eingang.folder)."));
        };
        let (opened, now) = (paths.clone(), self.now());
        let resting = progress.resting(now);
        let (place, mut found) = blocking(move || {
            let place = Place::open(&root, &opened)?;
            let found = place.list(|raw| resting.contains(raw))?;
            Ok((Arc::new(place), found))
        })
        .await
        .map_err(|error| place::unreachable(&error))?;
        let before = std::mem::take(&mut progress.marks);
        progress.marks = found.iter().map(|found| (found.raw.clone(), found.mark)).collect();
        progress.order(now, &mut found, |found| &found.raw);
        let mut portion = Portion::new(now);
        for found in found.into_iter().filter(|found| before.get(&found.raw) == Some(&found.mark)) {
            if way.stop.is_cancelled() {
                break;
            }
            let raw = found.raw.clone();
            let turn = self.take_file(way, progress, restored, Arrived { place: place.clone(), found }).await;
            if !portion.goes_on(progress, raw, turn) {
                break;
            }
        }
        progress.state()
    }

    /// One file, from where it lies to where it is put away.
    async fn take_file(&self, way: &Way<'_>, progress: &mut Progress, restored: Option<i64>, file: Arrived) -> io::Result<Turn> {
        let (name, changed) = (file.found.name.clone(), file.found.changed);
        let bytes = match file.read().await? {
            Bytes::All(bytes) => bytes,
            Bytes::Moving => return Ok(Turn::Passed),
            Bytes::TooLarge(_) => {
                // told apart by how it looks: its bytes are not looked at
                let digest = Digest::of_value(&json!([name, file.found.mark.told()]));
                return self.set_aside(way, progress, file, digest, Refusal::too_large(BYTES_MAX)).await;
            }
        };
        let digest = Digest::of(&bytes);
        let receipt = receipt(way, &json!([name, digest.to_string()]));
        match self.is_older(progress, restored, changed, &receipt).await {
            Some(false) => {}
            Some(true) => return self.set_aside(way, progress, file, digest, Refusal::restored()).await,
            None => return Ok(Turn::Rests),
        }
        let input = match self.read_file(way, &name, &bytes).await {
            Read::Input(input) => input,
            Read::Refused(refusal) => return self.set_aside(way, progress, file, digest, refusal).await,
            Read::NotYet => {
                progress.rest(self.now(), AGAIN_S);
                return Ok(Turn::Rests);
            }
        };
        match self.begin_arrival(way, progress, input, receipt).await {
            Begun::Run => {
                failpoint::pass("arrival.before_done", io::Error::other)?;
                file.put_away(Shelf::Done, digest, None).await?;
                Ok(Turn::Taken)
            }
            Begun::Unfit(problems) => self.set_aside(way, progress, file, digest, Refusal::unfit(way.process, &problems)).await,
            Begun::NotNow => Ok(Turn::Rests),
        }
    }

    async fn read_file(&self, way: &Way<'_>, name: &str, bytes: &[u8]) -> Read {
        if name.to_lowercase().ends_with(".json") {
            return json_input(bytes);
        }
        let Some(field) = file_field(&way.process.input) else {
            return Read::Refused(Refusal::new(
                "Dieser Prozess nimmt nur JSON-Dateien (.json): Seine Eingabe hat kein Feld, das eine Datei aufnimmt, oder mehrere.",
                "This process takes JSON files (.json) only: its input has no field that takes a file, or several.",
            ));
        };
        let file = File::describe(&shown(name), &media_type(name, bytes), bytes);
        match self.tenant.store.put_bytes(&file.file, bytes, crate::micros(self.now())).await {
            Ok(()) => Read::Input(json!({ field: file })),
            Err(error) => {
                tracing::warn!(%error, "a file that arrived waits for the store");
                Read::NotYet
            }
        }
    }

    /// On record, then out of the way with the reason beside it.
    async fn set_aside(&self, way: &Way<'_>, progress: &mut Progress, file: Arrived, digest: Digest, refusal: Refusal) -> io::Result<Turn> {
        let key = receipt(way, &json!([file.found.name, digest.to_string()]));
        let name = shown(&file.found.name);
        if !self.tell_refused(way, progress, &key, &name, &refusal).await {
            return Ok(Turn::Rests);
        }
        failpoint::pass("arrival.before_report", io::Error::other)?;
        let report = report(way, &name, &refusal);
        file.put_away(Shelf::Failed, digest, Some(report)).await?;
        Ok(Turn::Taken)
    }
}

/// A file, and the open folders it goes between.
struct Arrived {
    place: Arc<Place>,
    found: Found,
}

impl Arrived {
    async fn read(&self) -> io::Result<Bytes> {
        let (place, found) = (self.place.clone(), self.found.clone());
        blocking(move || place.read(&found, BYTES_MAX)).await
    }

    async fn put_away(self, shelf: Shelf, digest: Digest, report: Option<String>) -> io::Result<()> {
        blocking(move || self.place.put_away(&self.found, shelf, &digest, report.as_deref())).await
    }
}

/// A file's name where people read it.
fn shown(name: &str) -> String {
    file_name(name, || "Datei".to_owned())
}

fn json_input(bytes: &[u8]) -> Read {
    if bytes.len() > JSON_BYTES_MAX {
        return Read::Refused(Refusal::too_large(JSON_BYTES_MAX as u64));
    }
    // programs of other houses write the mark some editors begin a text with
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice(text) {
        Ok(input) => Read::Input(input),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Read::Refused(Refusal::new(
                format!("Das ist kein gültiges JSON: Zeile {line}, Spalte {column}."),
                format!("This is no valid JSON: line {line}, column {column}."),
            ))
        }
    }
}

/// What whoever finds the file reads beside it.
fn report(way: &Way<'_>, name: &str, refusal: &Refusal) -> String {
    format!(
        "Diese Datei wurde nicht angenommen.\n\nDatei:   {}\nProzess: {} ({})\n\n{}\n\nBitte berichtigen und noch einmal in den Ordner „{}“ legen.\n",
        name, way.process.title, way.process.id, refusal.message.de, way.place
    )
}
