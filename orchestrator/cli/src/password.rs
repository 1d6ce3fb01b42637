//! The password of whoever acts at the command line: from a file, or asked for without an echo.

use std::{
    io::{BufRead as _, IsTerminal as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

pub fn read(person: &str, file: Option<&Path>) -> anyhow::Result<String> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} lässt sich nicht lesen", file.display()))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("Das Passwort von „{person}“ fehlt: --password-file DATEI, oder am Terminal eingeben.");
    }
    eprint!("Passwort von {person}: ");
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Flush, &shown)?;
    eprintln!();
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
