//! The command line as people type it.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Laufzettel: Verwaltungsprozesse aus YAML, unter den Rechten der Handelnden, mit Protokoll, das niemand heimlich ändert
#[derive(Debug, Parser)]
#[command(name = "laufzettel", version)]
pub struct Args {
    /// Sprache der Ausgabe
    #[arg(long, global = true, default_value = "de")]
    pub lang: Language,
    /// Daten als JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Language {
    De,
    En,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum GraphFormat {
    Svg,
    Mermaid,
    Dot,
}

#[derive(Debug, clap::Args)]
pub struct Where {
    /// Konfiguration; ohne sie der Vorführmandant in ./laufzettel-data (check, graph: ohne sie nur die Dateien selbst)
    #[arg(long, value_name = "DATEI")]
    pub config: Option<PathBuf>,
    /// Mandant; nötig, wenn die Konfiguration mehrere hat
    #[arg(long, value_name = "MANDANT")]
    pub tenant: Option<String>,
}

// who acts; no doc comment: it would stand in for the help of every command that takes it
#[derive(Debug, Default, clap::Args)]
pub struct Who {
    /// Wer handelt; sonst, wer sich mit `laufzettel login` angemeldet hat
    #[arg(long = "as", id = "person", value_name = "PERSON")]
    pub by: Option<String>,
    /// Passwort zu --as, wo das Verzeichnis LDAP ist; ohne diese Datei wird am Terminal danach gefragt
    #[arg(long, value_name = "DATEI")]
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Alles zum Ausprobieren: Vorführmandant, Werkzeuge, Seiten auf 127.0.0.1:8080
    Up {
        #[command(flatten)]
        at: Where,
        /// Anderer Anschluss auf 127.0.0.1 (0 = irgendein freier)
        #[arg(long)]
        port: Option<u16>,
    },
    /// Betrieb mit einer Konfiguration
    Serve {
        #[arg(long, value_name = "DATEI")]
        config: PathBuf,
        /// Nach dem Zurückspielen einer Sicherung: vermerkt die Lücke, lässt offene Vorgänge ruhen und wiederholt Löschungen
        #[arg(long)]
        after_restore: bool,
    },
    /// Startet einen Vorgang und begleitet ihn (`--as applicant`: wie über den Eingang)
    Run {
        /// Prozessdatei oder Name eines Prozesses
        process: String,
        /// Eingabe als JSON; - = Standardeingabe
        #[arg(long, value_name = "DATEI|-")]
        input: Option<String>,
        #[command(flatten)]
        who: Who,
        /// Gewünschte Zone
        #[arg(long)]
        zone: Option<String>,
        /// Antwort auf eine Aufgabe
        #[arg(long = "answer", value_name = "SCHRITT=DATEI")]
        answers: Vec<String>,
        /// Endet, sobald der Vorgang wartet (Ende mit 7)
        #[arg(long)]
        until_waiting: bool,
        #[command(flatten)]
        at: Where,
    },
    /// Prüft Prozesse, bevor etwas läuft
    Check {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Jeder Weg von einer Quelle zu einem Ziel als Tabelle, für die oder den Datenschutzbeauftragten
        #[arg(long)]
        flows: bool,
        #[command(flatten)]
        at: Where,
    },
    /// Das Bild eines Prozesses, auf die Standardausgabe
    Graph {
        /// Prozessdatei
        path: PathBuf,
        #[arg(long, default_value = "svg")]
        format: GraphFormat,
        #[command(flatten)]
        at: Where,
    },
    /// Führt die Fälle eines Prozesses aus
    Test {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Spielt die Fälle noch einmal mit gestörten Aufrufen: abgestürzt, ohne Antwort, nicht erreichbar, abgelehnt; jeden Aufruf jedes
        /// Schritts einmal, mit `all` jeden Aufruf jedes Falls
        #[arg(long, value_name = "each|all", num_args = 0..=1, require_equals = true, default_missing_value = "each")]
        faults: Option<crate::cases::Faults>,
        #[command(flatten)]
        at: Where,
    },
    /// Gibt einen Prozess mit seinen Tabellen frei, wenn seine Fälle bestehen
    // not `Who`: whoever releases is also named by --by, which elsewhere filters (audit ledger)
    Release {
        /// Name des Prozesses
        process: String,
        /// Wer freigibt; sonst, wer sich mit `laufzettel login` angemeldet hat
        #[arg(long, visible_alias = "as", value_name = "PERSON")]
        by: Option<String>,
        /// Passwort dazu, wo das Verzeichnis LDAP ist; ohne diese Datei wird am Terminal danach gefragt
        #[arg(long, value_name = "DATEI")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        at: Where,
    },
    /// Meldet diese Sitzung am laufenden Server an: bestätigt wird im Browser
    Login {
        #[command(flatten)]
        at: Where,
    },
    /// Meldet diese Sitzung wieder ab
    Logout {
        #[command(flatten)]
        at: Where,
    },
    /// Mandanten
    #[command(subcommand)]
    Tenants(Tenants),
    /// Vorgänge
    #[command(subcommand)]
    Runs(Runs),
    /// Aufgaben
    #[command(subcommand)]
    Tasks(Tasks),
    /// Protokoll
    #[command(subcommand)]
    Audit(Audit),
    /// Werkzeugserver
    #[command(subcommand)]
    Tools(Tools),
    /// Schlüssel für Programme
    #[command(subcommand)]
    Keys(Keys),
    /// Wer im Verzeichnis steht und was eine Person darf
    #[command(subcommand)]
    Users(Users),
    /// JSON-Schema einer Datei, die Menschen schreiben
    Schema { name: SchemaName },
    /// Ein mitgelieferter Werkzeugserver
    #[command(subcommand)]
    Mcp(Mcp),
    /// Was es noch nicht gibt, wird beim Namen abgelehnt
    #[command(external_subcommand)]
    Other(Vec<String>),
    /// Messungen neben den Grenzen dieses Rechners
    Bench {
        /// Ordner auf der Platte, die gemessen wird
        #[arg(long, default_value = ".")]
        dir: PathBuf,
        /// Kürzer, zum Ausprobieren
        #[arg(long)]
        short: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Runs {
    /// Neueste zuerst
    List {
        #[arg(long)]
        state: Option<String>,
        #[arg(long)]
        process: Option<String>,
        /// Verantwortliche Stelle
        #[arg(long)]
        unit: Option<String>,
        /// Vorgangsnummer
        #[arg(long)]
        nummer: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Ein Vorgang, wie ihn ein Mensch liest
    Show {
        run: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Bricht einen Vorgang ab und nimmt zurück, was er getan hat
    Cancel {
        run: String,
        #[command(flatten)]
        who: Who,
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        at: Where,
    },
    /// Versucht einen verweigerten Schritt mit den heutigen Rechten noch einmal; jeden anderen führt es neu aus, mit allem, was davon abhängt
    Retry {
        run: String,
        /// Ohne Angabe der eine Schritt, der stillsteht oder gescheitert ist
        step: Option<String>,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Sagt, was mit einem zweifelhaften Aufruf war
    Resolve {
        run: String,
        step: String,
        #[command(flatten)]
        who: Who,
        /// Er ist geschehen; sein Ergebnis als JSON
        #[arg(long, value_name = "DATEI", conflicts_with = "did_not_happen")]
        happened: Option<PathBuf>,
        /// Er ist nicht geschehen
        #[arg(long)]
        did_not_happen: bool,
        #[command(flatten)]
        at: Where,
    },
    /// Rechnet einen Vorgang aus dem Protokoll nach
    Replay {
        run: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Debug, Subcommand)]
pub enum Tasks {
    /// Offene Aufgaben, die dringendste zuerst
    List {
        #[arg(long)]
        step: Option<String>,
        #[arg(long)]
        process: Option<String>,
        /// Erledigte und zurückgezogene
        #[arg(long)]
        closed: bool,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Eine Aufgabe: was vorliegt und was gefragt ist
    Show {
        task: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Übernimmt eine Aufgabe: andere sehen, wer sie hat, und erledigen sie solange nicht
    Claim {
        task: String,
        /// Warum, wenn jemand anderes sie schon hat
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Gibt eine übernommene Aufgabe an jemanden weiter, der sie erledigen darf
    HandOver {
        task: String,
        /// Anmeldename der Kollegin oder des Kollegen
        #[arg(long, value_name = "PERSON")]
        to: String,
        /// Was sie oder er wissen sollte
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Gibt eine übernommene Aufgabe zurück
    Return {
        task: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Erledigt eine Aufgabe
    Complete {
        task: String,
        #[command(flatten)]
        who: Who,
        /// Antwort als JSON; - = Standardeingabe
        #[arg(long, value_name = "DATEI|-")]
        input: String,
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Rechnet alles nach und nennt den ersten Bruch
    Verify {
        #[command(flatten)]
        at: Where,
    },
    /// Einträge als Sätze
    Show {
        /// Vorgangsnummer oder Kennung
        #[arg(long)]
        run: Option<String>,
        /// Art des Eintrags, etwa task.completed
        #[arg(long)]
        kind: Option<String>,
        /// Wer handelte: Teil des Namens oder die ganze Kennung
        #[arg(long = "person", value_name = "PERSON")]
        acted: Option<String>,
        /// Werkzeug (server/werkzeug), Server oder Modell
        #[arg(long)]
        tool: Option<String>,
        /// Dokument oder Datei, wo ein Aufruf es nennt und der Inhalt noch da ist
        #[arg(long)]
        document: Option<String>,
        /// Nur, was verweigert wurde
        #[arg(long)]
        denied: bool,
        /// Erster Tag (JJJJ-MM-TT)
        #[arg(long)]
        from: Option<jiff::civil::Date>,
        /// Letzter Tag
        #[arg(long)]
        until: Option<jiff::civil::Date>,
        /// So viele Einträge höchstens, die neuesten
        #[arg(long, default_value_t = 200)]
        limit: u32,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Das ganze Protokoll
    Export {
        #[arg(long, default_value = "jsonl")]
        format: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Was Modelle und Werkzeuge verbraucht haben, je Prozess und Ziel
    Ledger {
        /// Erster Tag (JJJJ-MM-TT)
        #[arg(long)]
        from: Option<jiff::civil::Date>,
        /// Letzter Tag
        #[arg(long)]
        to: Option<jiff::civil::Date>,
        #[arg(long)]
        by: Option<crate::wish::Period>,
        /// csv oder jsonl
        #[arg(long)]
        format: Option<String>,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Auskunft nach Art. 15 DSGVO: was zu einer Person gespeichert ist
    Subject {
        #[arg(long)]
        familienname: Option<String>,
        #[arg(long)]
        vornamen: Option<String>,
        /// JJJJ-MM-TT oder TT.MM.JJJJ
        #[arg(long)]
        geburtsdatum: Option<String>,
        #[arg(long)]
        email: Option<String>,
        /// Eine weitere Angabe, wie das Feld im Prozess heißt; mehrfach möglich
        #[arg(long = "feld", value_name = "NAME=WERT", value_parser = crate::args::field)]
        fields: Vec<(String, String)>,
        /// Wofür; steht für immer im Protokoll, deshalb ohne Namen von Betroffenen
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Verzeichnis von Verarbeitungstätigkeiten (Art. 30 DSGVO) mit Verfahrensdokumentation
    Processing {
        /// Nur dieser Prozess
        #[arg(long)]
        process: Option<String>,
        /// md, csv oder json
        #[arg(long, default_value = "md")]
        format: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Löscht die Inhalte eines beendeten Vorgangs und der von ihm aufgerufenen, endgültig
    Erase {
        /// Vorgangsnummer oder Kennung
        run: String,
        /// Warum; steht für immer im Protokoll, deshalb ohne Namen von Betroffenen
        #[arg(long)]
        reason: String,
        /// Auch Belege: Entscheidungen von Menschen und Berechnungen nach Regeln
        #[arg(long)]
        with_decisions: bool,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Schreibt jetzt einen Prüfpunkt
    Checkpoint {
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// Mandanten mit ihren Prozessen, freigegeben oder nicht
    List {
        #[arg(long, value_name = "DATEI")]
        config: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Tools {
    /// Werkzeugserver und was von ihnen freigegeben ist
    List {
        #[command(flatten)]
        at: Where,
    },
    /// Gibt die heutigen Definitionen eines Servers frei
    Pin {
        server: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Was sich gegenüber der freigegebenen Fassung geändert hat
    Diff {
        server: Option<String>,
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Legt einen Schlüssel an und zeigt ihn einmal
    Create {
        /// Wie Menschen ihn nennen
        #[arg(long)]
        name: String,
        /// Der Schlüssel handelt als Dienstkonto (nötig: admin); ohne diese Angabe als die Person, die ihn anlegt, nie an ihrer Stelle
        /// bei einer Entscheidung
        #[arg(long, value_name = "KONTO")]
        service: Option<String>,
        #[command(flatten)]
        who: Who,
        /// Prozesse, für die er gilt; * steht für beliebige Zeichen
        #[arg(long = "process", value_name = "MUSTER", required = true)]
        processes: Vec<String>,
        /// Anfragen je Minute
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=6000))]
        per_minute: u32,
        /// Wie lange er gilt, höchstens zwei Jahre
        #[arg(long, default_value = "P1Y", value_name = "DAUER")]
        expires: String,
        #[command(flatten)]
        at: Where,
    },
    /// Alle Schlüssel
    List {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Sperrt einen Schlüssel sofort
    Revoke {
        /// Kennung aus `keys list`
        key: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Debug, Subcommand)]
pub enum Users {
    /// Alle, wo das Verzeichnis eine Datei ist
    List {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
    /// Eine Person: ihre Gruppen von jetzt, und was sie damit darf
    Show {
        user: String,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SchemaName {
    Process,
    Config,
    Cases,
    Directory,
    Registers,
    Journal,
}

#[derive(Debug, Subcommand)]
pub enum Mcp {
    Dms(laufzettel_mcp_dms::Options),
    Registry(laufzettel_mcp_registry::Options),
    Mail(laufzettel_mcp_mail::Options),
    Echo(laufzettel_mcp_echo::Options),
}

/// `name=wert`
pub fn field(text: &str) -> Result<(String, String), String> {
    text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "NAME=WERT".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    /// Names that collide only show when a command is called.
    #[test]
    fn every_command_holds_together() {
        super::Args::command().debug_assert();
    }
}
