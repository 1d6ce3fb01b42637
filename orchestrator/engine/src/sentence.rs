//! Each record as a sentence: what an auditor reads beside the machine form.

mod arrivals;
mod audit;

use laufzettel_domain::{Text, Value};

fn word<'b>(body: &'b Value, pointer: &str) -> &'b str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or("–")
}

/// The step a record is about, and which item of its list.
fn step(body: &Value) -> String {
    item(word(body, "/step"), body.get("item"))
}

fn item(step: &str, item: Option<&Value>) -> String {
    item.and_then(Value::as_u64).map_or_else(|| step.to_owned(), |n| format!("{step} [{n}]"))
}

/// The step of an effect, and where in it: item, undo, and of an agent the turn and the call. German, English.
fn effect(body: &Value) -> (String, String) {
    let step = item(word(body, "/path/step"), body.pointer("/path/item"));
    let number = |name: &str| body.pointer(&format!("/path/{name}")).and_then(Value::as_u64).filter(|n| *n > 0);
    let undo = word(body, "/path/phase") == "undo";
    let say = |undone: &str, turn: &str, call: &str| {
        let undone = if undo { format!(" ({undone})") } else { String::new() };
        let turn = number("turn").map(|n| format!(", {turn} {n}")).unwrap_or_default();
        let call = number("call").map(|n| format!(", {call} {n}")).unwrap_or_default();
        format!("{step}{undone}{turn}{call}")
    };
    (say("Rücknahme", "Runde", "Aufruf"), say("undo", "turn", "call"))
}

/// What a task that was opened is about.
fn about(body: &Value) -> (String, String) {
    let (de, en) = match word(body, "/kind") {
        _ if body.pointer("/assign/applicant") == Some(&Value::Bool(true)) => {
            ("Frage an die antragstellende Person, Schritt", "question to the applicant, step")
        }
        "approval" => ("Freigabe eines Aufrufs, Schritt", "approval of a call, step"),
        "ask" => ("Rückfrage des Agenten, Schritt", "question of the agent, step"),
        "doubt" => ("Ist der Aufruf geschehen? Schritt", "did the call happen? Step"),
        "takeover" => ("Übernahme eines verweigerten Aufrufs, Schritt", "takeover of a refused call, step"),
        "repair" => ("Was wird aus dem gescheiterten Schritt", "what becomes of the failed step"),
        "restored" => {
            return (
                "Der Vorgang ruht nach einer Wiederherstellung, bis jemand nachgesehen hat".to_owned(),
                "the run rests after a restore until somebody has looked".to_owned(),
            );
        }
        _ => return (format!("Schritt {}", step(body)), format!("step {}", step(body))),
    };
    let (of, of_en) = effect(body);
    let known = body.pointer("/path/step").is_some();
    (format!("{de} {}", if known { of } else { step(body) }), format!("{en} {}", if known { of_en } else { step(body) }))
}

/// What a record of this kind says, from its body alone: never case content.
pub fn sentence(kind: &str, body: &Value) -> Text {
    let (de, en) = match kind {
        "run.started" => (
            format!(
                "{} hat den Vorgang {} gestartet: {} {}. Erlaubt durch {}.",
                word(body, "/caller/name"),
                word(body, "/nummer"),
                word(body, "/process"),
                word(body, "/version"),
                word(body, "/decision/rule")
            ),
            format!(
                "{} started {}: {} {}. Allowed by {}.",
                word(body, "/caller/name"),
                word(body, "/nummer"),
                word(body, "/process"),
                word(body, "/version"),
                word(body, "/decision/rule")
            ),
        ),
        "step.skipped" => match body.get("because").and_then(Value::as_str) {
            None if body.get("by").is_some() => (
                format!("{} hat den gescheiterten Schritt {} übersprungen.", word(body, "/by/name"), word(body, "/step")),
                format!("{} skipped the failed step {}.", word(body, "/by/name"), word(body, "/step")),
            ),
            None => (
                format!("Schritt {} übersprungen: seine Bedingung war nicht erfüllt.", word(body, "/step")),
                format!("Step {} skipped: its condition was false.", word(body, "/step")),
            ),
            Some(other) => (
                format!("Schritt {} übersprungen, weil {other} übersprungen wurde.", word(body, "/step")),
                format!("Step {} skipped because {other} was.", word(body, "/step")),
            ),
        },
        "step.completed" if body.get("by").is_some() => (
            format!("{} hat den Wert des gescheiterten Schritts {} angegeben.", word(body, "/by/name"), step(body)),
            format!("{} supplied the value of the failed step {}.", word(body, "/by/name"), step(body)),
        ),
        "step.completed" => (format!("Schritt {} erledigt.", step(body)), format!("Step {} completed.", step(body))),
        "step.failed" => {
            (format!("Schritt {} fehlgeschlagen ({}).", step(body), word(body, "/class")), format!("Step {} failed ({}).", step(body), word(body, "/class")))
        }
        "step.retried" => (
            format!("{} hat den Schritt {} noch einmal angeordnet.", word(body, "/by/name"), step(body)),
            format!("{} ordered the step {} again.", word(body, "/by/name"), step(body)),
        ),
        "retry.ordered" => {
            let steps = body.get("steps").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
            (
                format!("{} hat Schritt {} neu angeordnet, mit allem, was davon abhängt: {steps}.", word(body, "/by/name"), step(body)),
                format!("{} ordered step {} anew, with all that depends on it: {steps}.", word(body, "/by/name"), step(body)),
            )
        }
        "child.started" => (
            format!("Schritt {} hat den Vorgang {} begonnen: {}.", step(body), word(body, "/nummer"), word(body, "/process")),
            format!("Step {} began the run {}: {}.", step(body), word(body, "/nummer"), word(body, "/process")),
        ),
        "child.ended" => (
            format!("Der Vorgang, den Schritt {} begonnen hatte, ist {}.", step(body), ended(word(body, "/state"))),
            format!("The run that step {} began has ended: {}.", step(body), word(body, "/state")),
        ),
        "each.began" => {
            (format!("Schritt {} geht über {} Einträge.", step(body), body["count"]), format!("Step {} goes over {} items.", step(body), body["count"]))
        }
        "deadline.set" => {
            (format!("Schritt {} hat Zeit bis {}.", step(body), word(body, "/until")), format!("Step {} has until {}.", step(body), word(body, "/until")))
        }
        "deadline.passed" => (format!("Die Frist des Schritts {} ist abgelaufen.", step(body)), format!("The deadline of step {} has passed.", step(body))),
        "effect.intended" => (
            format!("Aufruf von {} vorgemerkt für Schritt {} unter den Rechten von {}.", word(body, "/target"), effect(body).0, word(body, "/who/name")),
            format!("Call of {} intended for step {} under the rights of {}.", word(body, "/target"), effect(body).1, word(body, "/who/name")),
        ),
        "effect.unanswered" | "effect.asked" => asked(kind, body),
        "effect.settled" | "effect.failed" if body.get("asked").is_some() => asked(kind, body),
        "effect.settled" => (
            format!("Aufruf für Schritt {} beantwortet. {}", effect(body).0, allowed(body, true)),
            format!("Call for step {} answered. {}", effect(body).1, allowed(body, false)),
        ),
        "effect.failed" => (
            format!("Aufruf für Schritt {} misslungen, Versuch {} ({}; {}).", effect(body).0, body["attempt"], word(body, "/class"), disposition(body).0),
            format!("Call for step {} failed, attempt {} ({}; {}).", effect(body).1, body["attempt"], word(body, "/class"), disposition(body).1),
        ),
        "effect.refused" => (
            format!("Aufruf für Schritt {} verweigert: {} Regel: {}.", effect(body).0, word(body, "/decision/reason/de"), word(body, "/decision/rule")),
            format!("Call for step {} refused: {} Rule: {}.", effect(body).1, word(body, "/decision/reason/en"), word(body, "/decision/rule")),
        ),
        "effect.deferred" => (
            format!("Aufruf für Schritt {} wartet bis {}: {}", effect(body).0, word(body, "/until"), word(body, "/reason/de")),
            format!("Call for step {} waits until {}: {}", effect(body).1, word(body, "/until"), word(body, "/reason/en")),
        ),
        "effect.resumed" => (
            format!("Aufruf für Schritt {} wieder aufgenommen von {}.", effect(body).0, word(body, "/by/name")),
            format!("Call for step {} resumed by {}.", effect(body).1, word(body, "/by/name")),
        ),
        "wait.began" => {
            (format!("Schritt {} wartet bis {}.", step(body), word(body, "/until")), format!("Step {} waits until {}.", step(body), word(body, "/until")))
        }
        kind if EVENTS.contains(&kind) => events(kind, body),
        "task.opened" => (format!("Aufgabe {} geöffnet: {}.", body["number"], about(body).0), format!("Task {} opened: {}.", body["number"], about(body).1)),
        "task.escalated" => (
            format!("Aufgabe {} ist noch offen; gefragt sind jetzt auch {}.", body["number"], listed(body, "groups")),
            format!("Task {} is still open; now {} are asked, too.", body["number"], listed(body, "groups")),
        ),
        "task.claimed" => claimed(body),
        "task.handed" => (
            format!(
                "{} hat Aufgabe {} an {} weitergegeben. Erlaubt durch {}.",
                word(body, "/by/name"),
                body["number"],
                word(body, "/to/name"),
                word(body, "/decision/rule")
            ),
            format!(
                "{} handed task {} over to {}. Allowed by {}.",
                word(body, "/by/name"),
                body["number"],
                word(body, "/to/name"),
                word(body, "/decision/rule")
            ),
        ),
        "task.returned" => (
            format!("{} hat Aufgabe {} zurückgegeben.", word(body, "/by/name"), body["number"]),
            format!("{} returned task {}.", word(body, "/by/name"), body["number"]),
        ),
        "task.deferred" if body["until"].is_null() => (
            format!("{} hat Aufgabe {} von der Wiedervorlage zurückgeholt.", word(body, "/by/name"), body["number"]),
            format!("{} took task {} up again.", word(body, "/by/name"), body["number"]),
        ),
        "task.deferred" => (
            format!("{} hat Aufgabe {} auf Wiedervorlage am {} gelegt.", word(body, "/by/name"), body["number"], word(body, "/until")),
            format!("{} put task {} aside until {}.", word(body, "/by/name"), body["number"], word(body, "/until")),
        ),
        "task.completed" => {
            let (by, task, rule, (place, place_en)) = (word(body, "/by/name"), &body["number"], word(body, "/decision/rule"), in_place(body));
            (format!("{by} hat Aufgabe {task}{place} erledigt. Erlaubt durch {rule}."), format!("{by} completed task {task}{place_en}. Allowed by {rule}."))
        }
        "task.withdrawn" => (format!("Aufgabe {} zurückgezogen.", body["number"]), format!("Task {} withdrawn.", body["number"])),
        "run.ending" if word(body, "/by/subject").starts_with("applicant:") => {
            ("Die antragstellende Person hat ihren Antrag zurückgezogen.".to_owned(), "The applicant withdrew her application.".to_owned())
        }
        "file.added" => ("Die antragstellende Person hat eine Datei nachgereicht.".to_owned(), "The applicant handed in another file.".to_owned()),
        "run.ending" => (format!("Der Vorgang endet ({}).", word(body, "/ending")), format!("The run is ending ({}).", word(body, "/ending"))),
        "run.ended" => {
            let state = word(body, "/state");
            (format!("Der Vorgang ist beendet: {}.", ended(state)), format!("The run has ended: {state}."))
        }
        "start.denied" => (
            format!("{} durfte {} nicht starten: {}", word(body, "/by/name"), word(body, "/process"), word(body, "/decision/reason/de")),
            format!("{} was denied to start {}: {}", word(body, "/by/name"), word(body, "/process"), word(body, "/decision/reason/en")),
        ),
        "task.denied" => (
            format!("{} durfte eine Aufgabe nicht erledigen: {}", word(body, "/by/name"), word(body, "/decision/reason/de")),
            format!("{} was denied a task: {}", word(body, "/by/name"), word(body, "/decision/reason/en")),
        ),
        "signin" => (
            format!("{} hat sich angemeldet ({}).", word(body, "/by/name"), word(body, "/login")),
            format!("{} signed in ({}).", word(body, "/by/name"), word(body, "/login")),
        ),
        "signin.failed" => (
            format!("Anmeldung misslungen ({}): {}, Grund: {}.", word(body, "/login"), word(body, "/by/name"), word(body, "/reason")),
            format!("Sign-in failed ({}): {}, reason: {}.", word(body, "/login"), word(body, "/by/name"), word(body, "/reason")),
        ),
        "signout" => match body.get("everywhere").and_then(Value::as_bool) {
            Some(true) => (format!("{} hat sich überall abgemeldet.", word(body, "/by/name")), format!("{} signed out everywhere.", word(body, "/by/name"))),
            _ => (format!("{} ist abgemeldet.", word(body, "/by/name")), format!("{} is signed out.", word(body, "/by/name"))),
        },
        "key.created" => (
            format!("Schlüssel {} ({}) für {} angelegt von {}.", word(body, "/key"), word(body, "/name"), word(body, "/holder/name"), word(body, "/by/name")),
            format!("Key {} ({}) for {} created by {}.", word(body, "/key"), word(body, "/name"), word(body, "/holder/name"), word(body, "/by/name")),
        ),
        "key.revoked" => (
            format!("Schlüssel {} ({}) gesperrt von {}.", word(body, "/key"), word(body, "/name"), word(body, "/by/name")),
            format!("Key {} ({}) revoked by {}.", word(body, "/key"), word(body, "/name"), word(body, "/by/name")),
        ),
        "deputy.named" | "deputy.ended" => deputies(kind, body),
        "content.viewed" => (
            format!("{} hat den Vorgang {} angesehen.", word(body, "/by/name"), word(body, "/run")),
            format!("{} looked at the run {}.", word(body, "/by/name"), word(body, "/run")),
        ),
        "content.exported" => exported(body),
        kind if audit::KINDS.contains(&kind) => audit::sentence(kind, body),
        kind if BOOKS.contains(&kind) => books(kind, body),
        "content.erased" | "records.pruned" => removed(kind, body),
        "store.restored" => (
            format!(
                "Die Datenbank wurde aus einer Sicherung wiederhergestellt. Es fehlt, was nach Prüfpunkt {} bis Prüfpunkt {} geschah.",
                body["from"], body["to"]
            ),
            format!("The database was restored from a backup. What happened after checkpoint {} up to checkpoint {} is missing.", body["from"], body["to"]),
        ),
        "schedule.began" | "schedule.missed" | "schedule.ended" => scheduled(kind, body),
        kind if arrivals::KINDS.contains(&kind) => arrivals::sentence(kind, body),
        "config.loaded" => (format!("Konfiguration geladen: {}.", word(body, "/digest")), format!("Configuration loaded: {}.", word(body, "/digest"))),
        "lane.opened" => ("Das Programm hat mit dem Schreiben begonnen.".to_owned(), "The program began to write.".to_owned()),
        "lane.closed" => ("Das Programm hat geordnet aufgehört zu schreiben.".to_owned(), "The program ceased to write in order.".to_owned()),
        other => (other.to_owned(), other.to_owned()),
    };
    let ((beside_de, beside_en), (found_de, found_en)) = (beside(body), found(body));
    Text::new(format!("{de}{beside_de}{found_de}"), format!("{en}{beside_en}{found_en}"))
}

/// What a server is asked about a call nobody knows of, and what it says.
fn asked(kind: &str, body: &Value) -> (String, String) {
    let (of, of_en) = effect(body);
    match kind {
        "effect.asked" => (
            format!("Der Server wird noch einmal gefragt, ob der Aufruf für Schritt {of} geschehen ist."),
            format!("The server is asked once more whether the call for step {of_en} happened."),
        ),
        "effect.unanswered" => {
            let person = body.get("doubt").is_some();
            let (also, also_en) = if person { (" Gefragt ist jetzt auch ein Mensch.", " A person is asked now, too.") } else { ("", "") };
            let (class, until) = (word(body, "/class"), word(body, "/until"));
            (
                format!("Der Server sagt nicht, ob der Aufruf für Schritt {of} geschehen ist ({class}); gefragt wird wieder {until}.{also}"),
                format!("The server does not say whether the call for step {of_en} happened ({class}); it is asked again {until}.{also_en}"),
            )
        }
        "effect.settled" => (
            format!("Der Server sagt: Der Aufruf für Schritt {of} ist geschehen. {}", allowed(body, true)),
            format!("The server says: the call for step {of_en} happened. {}", allowed(body, false)),
        ),
        _ => (
            format!("Der Server sagt vom Aufruf für Schritt {of}, Versuch {} und früheren: {}.", body["attempt"], disposition(body).0),
            format!("The server says of the call for step {of_en}, attempt {} and earlier: {}.", body["attempt"], disposition(body).1),
        ),
    }
}

/// The state a run ended in, as people say it.
fn ended(state: &str) -> &str {
    match state {
        "completed" => "abgeschlossen",
        "failed" => "gescheitert",
        "cancelled" => "abgebrochen",
        "stuck" => "steckengeblieben, ein Mensch muss helfen",
        other => other,
    }
}

fn listed(body: &Value, member: &str) -> String {
    let groups = body.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    groups.collect::<Vec<_>>().join(", ")
}

/// What raised a label.
fn found(body: &Value) -> (String, String) {
    let kinds: Vec<&str> = body.get("detected").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if kinds.is_empty() { Default::default() } else { (format!(" Erkannt: {}.", kinds.join(", ")), format!(" Detected: {}.", kinds.join(", "))) }
}

/// The operating system's user at whose terminal a person acted.
fn beside(body: &Value) -> (String, String) {
    let user = ["/by/os_user", "/caller/os_user"].iter().find_map(|path| body.pointer(path).and_then(Value::as_str));
    user.map(|user| (format!(" Kommandozeile von {user}."), format!(" Command line of {user}."))).unwrap_or_default()
}

fn exported(body: &Value) -> (String, String) {
    let (by, run) = (word(body, "/by/name"), word(body, "/run"));
    if body.get("file").is_some() {
        return (format!("{by} hat eine Datei des Vorgangs {run} abgerufen."), format!("{by} fetched a file of the run {run}."));
    }
    let why = body.get("reason").and_then(Value::as_str).map(|reason| format!(" Grund: {reason}")).unwrap_or_default();
    let why_en = body.get("reason").and_then(Value::as_str).map(|reason| format!(" Reason: {reason}")).unwrap_or_default();
    (format!("{by} hat das Protokoll ausgeführt.{why}"), format!("{by} exported the journal.{why_en}"))
}

/// What went for good, why, and by whose word.
fn removed(kind: &str, body: &Value) -> (String, String) {
    let (by, run) = (word(body, "/by/name"), body.get("run").and_then(Value::as_str));
    let ranges = body.get("ranges").and_then(Value::as_array).into_iter().flatten();
    let count: u64 = ranges.filter_map(|range| Some(range.get(2)?.as_u64()?.saturating_sub(range.get(1)?.as_u64()?).saturating_add(1))).sum();
    let why = match word(body, "/reason") {
        "art17" => ("auf Verlangen (Art. 17 DSGVO)", "on request (Art. 17 GDPR)"),
        _ => ("nach Ablauf der Aufbewahrung", "as its time is over"),
    };
    let note = body.get("note").and_then(Value::as_str).map(|note| format!(" {note}")).unwrap_or_default();
    match (kind, run) {
        ("records.pruned", _) => {
            (format!("{by} hat einen Vorgang {} bis auf {count} Prüfsummen gelöscht.", why.0), format!("{by} removed a run {} but for {count} hashes.", why.1))
        }
        (_, Some(run)) => (
            format!("{by} hat die Inhalte von {count} Einträgen des Vorgangs {run} gelöscht, {}.{note}", why.0),
            format!("{by} erased the contents of {count} records of the run {run}, {}.{note}", why.1),
        ),
        (_, None) => (
            format!("{by} hat die Inhalte von {count} Einträgen neben Vorgängen gelöscht, {}.{note}", why.0),
            format!("{by} erased the contents of {count} records beside runs, {}.{note}", why.1),
        ),
    }
}

/// The clock as a trigger.
fn scheduled(kind: &str, body: &Value) -> (String, String) {
    let (process, schedule, last) = (word(body, "/process"), word(body, "/schedule"), word(body, "/last"));
    if kind == "schedule.began" {
        return (format!("Ab jetzt löst die Uhr {process} aus ({schedule})."), format!("From now on the clock begins {process} ({schedule})."));
    }
    if kind == "schedule.ended" {
        return (format!("Ein Zeitplan von {process} gilt nicht mehr."), format!("A schedule of {process} is no longer in force."));
    }
    let count = body.get("count").and_then(Value::as_u64).unwrap_or(1);
    let why = |lang: &str| body.pointer(&format!("/reason/{lang}")).and_then(Value::as_str).map(|why| format!(" {why}")).unwrap_or_default();
    (
        format!("{process} ({schedule}): {count} Zeitpunkte bis {last} ausgefallen.{}", why("de")),
        format!("{process} ({schedule}): {count} times until {last} were missed.{}", why("en")),
    )
}

/// Who has a task in hand now, and who had it.
fn claimed(body: &Value) -> (String, String) {
    let (by, task, rule, (place, place_en)) = (word(body, "/by/name"), &body["number"], word(body, "/decision/rule"), in_place(body));
    match body.pointer("/over/name").and_then(Value::as_str) {
        None => (format!("{by} hat Aufgabe {task}{place} übernommen. Erlaubt durch {rule}."), format!("{by} took task {task}{place_en}. Allowed by {rule}.")),
        Some(over) => (
            format!("{by} hat Aufgabe {task}{place} an sich genommen, die {over} hatte. Erlaubt durch {rule}."),
            format!("{by} took task {task}{place_en} over from {over}. Allowed by {rule}."),
        ),
    }
}

/// Whose deputy somebody was in this.
fn in_place(body: &Value) -> (String, String) {
    let name = body.pointer("/stands_for/name").and_then(Value::as_str);
    name.map(|name| (format!(" in Vertretung für {name}"), format!(" standing in for {name}"))).unwrap_or_default()
}

/// Who stands in for whom, and until when.
fn deputies(kind: &str, body: &Value) -> (String, String) {
    let (by, person, deputy) = (word(body, "/by/name"), word(body, "/person/name"), word(body, "/deputy/name"));
    if kind == "deputy.ended" {
        return (format!("{by} hat die Vertretung von {person} durch {deputy} beendet."), format!("{by} ended that {deputy} stands in for {person}."));
    }
    let (from, until) = (word(body, "/from"), word(body, "/until"));
    (
        format!("{by} hat {deputy} als Vertretung von {person} benannt, von {from} bis {until}. Rechte gibt das keine."),
        format!("{by} named {deputy} to stand in for {person}, from {from} until {until}. This gives no rights."),
    )
}

/// What came from elsewhere, for a step that waits for it.
const EVENTS: [&str; 5] = ["event.awaited", "event.delivered", "event.received", "event.refused", "event.denied"];

fn events(kind: &str, body: &Value) -> (String, String) {
    let (name, by, step) = (word(body, "/name"), word(body, "/by/name"), step(body));
    match (kind, body.get("until").and_then(Value::as_str)) {
        ("event.awaited", None) => (format!("Schritt {step} wartet auf das Ereignis „{name}“."), format!("Step {step} waits for the event \"{name}\".")),
        ("event.awaited", Some(until)) => {
            (format!("Schritt {step} wartet bis {until} auf das Ereignis „{name}“."), format!("Step {step} waits until {until} for the event \"{name}\"."))
        }
        ("event.delivered", _) => (
            format!("Das Ereignis „{name}“ für Schritt {step} ist da, gesendet von {}.", word(body, "/sender")),
            format!("The event \"{name}\" for step {step} is there, sent by {}.", word(body, "/sender")),
        ),
        ("event.received", _) => (format!("{by} hat das Ereignis „{name}“ gemeldet."), format!("{by} reported the event \"{name}\".")),
        ("event.refused", _) => (
            format!("Ein Ereignis „{name}“ passte nicht zu dem, worauf der Vorgang {} wartet.", word(body, "/run")),
            format!("An event \"{name}\" did not fit what the run {} waits for.", word(body, "/run")),
        ),
        _ => (
            format!("{by} durfte das Ereignis „{name}“ nicht melden: {}", word(body, "/decision/reason/de")),
            format!("{by} was denied to report the event \"{name}\": {}", word(body, "/decision/reason/en")),
        ),
    }
}

/// What is on record about the house itself.
const BOOKS: [&str; 10] = [
    "access.denied",
    "config.changed",
    "grant.changed",
    "pin.loaded",
    "pin.approved",
    "quota.exceeded",
    "quota.nearly",
    "run.denied",
    "release.denied",
    "process.released",
];

fn books(kind: &str, body: &Value) -> (String, String) {
    let (by, version) = (word(body, "/by/name"), word(body, "/version"));
    let (process, server) = (word(body, "/process"), word(body, "/server"));
    let (reason_de, reason_en) = (word(body, "/decision/reason/de"), word(body, "/decision/reason/en"));
    let sections: Vec<&str> = body.get("sections").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let number = |name: &str| body.get(name).map_or_else(|| "–".to_owned(), Value::to_string);
    match kind {
        "config.changed" => (format!("Konfiguration geändert: {}.", sections.join(", ")), format!("Configuration changed: {}.", sections.join(", "))),
        "grant.changed" => (format!("Recht Nr. {} geändert.", number("index")), format!("Grant no. {} changed.", number("index"))),
        "pin.loaded" => (
            format!("Freigegebene Werkzeuge von {server} geladen: {}.", word(body, "/digest")),
            format!("Approved tools of {server} loaded: {}.", word(body, "/digest")),
        ),
        "pin.approved" => (
            format!("{by} hat das Werkzeug {server}/{} freigegeben.", word(body, "/tool")),
            format!("{by} approved the tool {server}/{}.", word(body, "/tool")),
        ),
        "quota.exceeded" => (
            format!("Kontingent ausgeschöpft ({}, erlaubt {}), {} abgewiesen.", word(body, "/limit"), number("allowed"), number("refused")),
            format!("Quota used up ({}, allowed {}), {} refused.", word(body, "/limit"), number("allowed"), number("refused")),
        ),
        "quota.nearly" => (
            format!("Kontingent fast ausgeschöpft ({}): {} von {}.", word(body, "/limit"), number("used"), number("allowed")),
            format!("Quota nearly used up ({}): {} of {}.", word(body, "/limit"), number("used"), number("allowed")),
        ),
        "run.denied" if word(body, "/order") == "view" => (
            format!("{by} durfte den Vorgang {} nicht ansehen: {reason_de}", word(body, "/run")),
            format!("{by} was denied to look at the run {}: {reason_en}", word(body, "/run")),
        ),
        "run.denied" => (
            format!("{by} durfte am Vorgang {} nichts ändern ({}): {reason_de}", word(body, "/run"), word(body, "/order")),
            format!("{by} was denied to change the run {} ({}): {reason_en}", word(body, "/run"), word(body, "/order")),
        ),
        "access.denied" => {
            (format!("{by} durfte nicht: {} {reason_de}", word(body, "/action")), format!("{by} was denied: {} {reason_en}", word(body, "/action")))
        }
        "release.denied" => {
            (format!("{by} durfte {process} {version} nicht freigeben: {reason_de}"), format!("{by} was denied to release {process} {version}: {reason_en}"))
        }
        _ if body.get("trial") == Some(&Value::Bool(true)) && body.get("played").is_some() => {
            let of = body.pointer("/played/results").and_then(Value::as_array).map_or(0, Vec::len);
            (
                format!("{process} {version} gilt zur Probe als freigegeben, {} von {of} Fällen bestanden.", number("cases")),
                format!("{process} {version} counts as released for trial, {} of {of} cases passed.", number("cases")),
            )
        }
        _ if body.get("trial") == Some(&Value::Bool(true)) => (
            format!("{process} {version} gilt zur Probe als freigegeben, ohne Fälle."),
            format!("{process} {version} counts as released for trial, without cases."),
        ),
        _ => (
            format!("{by} hat {process} {version} freigegeben, {} Fälle bestanden.", number("cases")),
            format!("{by} released {process} {version}, {} cases passed.", number("cases")),
        ),
    }
}

fn allowed(body: &Value, german: bool) -> String {
    let model = body.pointer("/meta/model").and_then(Value::as_str);
    let zone = body.pointer("/meta/zone").and_then(Value::as_str);
    let by = match (model, zone) {
        (Some(model), Some(zone)) if german => format!(" Modell: {model}, Zone {zone}."),
        (Some(model), Some(zone)) => format!(" Model: {model}, zone {zone}."),
        _ => String::new(),
    };
    let rule = word(body, "/meta/decision/rule");
    if german { format!("Erlaubt durch {rule}.{by}") } else { format!("Allowed by {rule}.{by}") }
}

fn disposition(body: &Value) -> (&'static str, &'static str) {
    match word(body, "/disposition") {
        "did_not_happen" => ("ist nicht geschehen", "did not happen"),
        "happened" => ("ist geschehen", "happened"),
        _ => ("ob es geschehen ist, ist unbekannt", "unknown whether it happened"),
    }
}
