//! What a task of the engine's own is about, in plain words: what happened, what each choice does, and what is done already.

use laufzettel_domain::{EffectPath, Lang, names::Phase};
use laufzettel_engine::{Disposition, EffectRun, EffectStatus, Run, Task, TaskKind};
use laufzettel_process::Process;

use super::Matter;
use crate::pages::{
    tasks::{Choice, Told},
    words::word,
};

/// `None` for a task the author wrote: she says herself what it is about.
pub fn told(matter: &Matter<'_>, task: &Task, at: &dyn Fn(jiff::Timestamp) -> String) -> Option<Told> {
    let case = Case::new(matter, task);
    let (happened, choices) = match task.opened.kind {
        TaskKind::Human => return None,
        TaskKind::Takeover => case.takeover(),
        TaskKind::Doubt => case.doubt(),
        TaskKind::Repair => case.repair(),
        TaskKind::Approval => case.approval(),
        TaskKind::Ask => case.ask(),
        TaskKind::Restored => case.restored(),
    };
    let choices = choices.into_iter().map(|(choice, does)| Choice { choice: choice.to_owned(), does: does.to_owned() }).collect();
    Some(Told { happened, done: done(matter, at), choices })
}

type Words = (String, Vec<(&'static str, &'static str)>);

/// What is spoken of.
struct Case {
    lang: Lang,
    step: String,
    target: String,
    who: String,
    undo: bool,
}

impl Case {
    fn new(matter: &Matter<'_>, task: &Task) -> Self {
        let (run, process) = (&matter.loaded.run, matter.process());
        let effect = task.opened.path.as_ref().and_then(|path| run.effects.get(path));
        Self {
            lang: matter.lang,
            step: process.steps.get(&task.opened.step).map_or_else(String::new, |step| step.title.clone()),
            target: effect.map(|effect| effect.intent.target.clone()).unwrap_or_default(),
            who: effect.map(|effect| effect.intent.who.name.clone()).unwrap_or_default(),
            undo: task.opened.path.as_ref().is_some_and(|path| path.phase == Phase::Undo),
        }
    }

    fn say(&self, de: String, en: String) -> String {
        if self.lang == Lang::De { de } else { en }
    }

    /// As the form beside it says it.
    fn own(&self, key: &str) -> &'static str {
        word(&format!("eigen_{key}"), self.lang)
    }

    fn pick(&self, de: &'static str, en: &'static str) -> &'static str {
        if self.lang == Lang::De { de } else { en }
    }

    fn cancel(&self) -> (&'static str, &'static str) {
        (
            self.own("takeover_entscheidung_abbrechen"),
            self.pick(
                "Der Vorgang endet. Was er schon getan hat, wird rückgängig gemacht, soweit der Prozess das vorsieht.",
                "The case ends. What it has done already is undone as far as the process provides for it.",
            ),
        )
    }

    fn takeover(&self) -> Words {
        let Self { step, target, who, .. } = self;
        let happened = self.say(
            format!("Der Schritt „{step}“ sollte mit den Rechten von {who} „{target}“ aufrufen. Die Prüfung davor hat das nicht erlaubt. Der Aufruf ist nicht geschehen; der Vorgang wartet."),
            format!("The step “{step}” was to call “{target}” with the rights of {who}. The check before it did not allow that. The call did not happen; the case waits."),
        );
        let again = self.pick(
            "Alles wird neu geprüft. Lief der Schritt mit den Rechten eines Menschen, gelten ab jetzt Ihre. Ist es dann erlaubt, geschieht der Aufruf; sonst kommt diese Aufgabe wieder.",
            "Everything is checked anew. If the step ran with the rights of a person, yours count from now on. If it is allowed then, the call happens; else this task comes back.",
        );
        (happened, vec![(self.own("takeover_entscheidung_erneut"), again), self.cancel()])
    }

    fn doubt(&self) -> Words {
        let Self { step, target, who, .. } = self;
        let undo = self.say(if self.undo { " (Rücknahme)".to_owned() } else { String::new() }, if self.undo { " (undo)".to_owned() } else { String::new() });
        let happened = self.say(
            format!("Der Schritt „{step}“{undo} hat „{target}“ mit den Rechten von {who} aufgerufen. Eine klare Antwort kam nicht: Niemand weiß, ob es geschehen ist. Bitte sehen Sie dort nach, bevor Sie antworten. Bis dahin wird nichts wiederholt."),
            format!("The step “{step}”{undo} called “{target}” with the rights of {who}. No clear answer came: nobody knows whether it happened. Please look there before you answer. Until then nothing is repeated."),
        );
        // of what was taken back nobody is asked what came of it
        let yes = if self.undo {
            self.pick("Der Aufruf gilt als geschehen und wird nicht wiederholt.", "The call counts as happened and is not repeated.")
        } else {
            self.pick(
                "Der Aufruf gilt als geschehen und wird nicht wiederholt. Mit dem, was Sie unter „Was dabei herauskam“ eintragen, geht der Vorgang weiter.",
                "The call counts as happened and is not repeated. The case goes on with what you enter under “What came of it”.",
            )
        };
        let no = self.pick(
            "Der Aufruf gilt als nicht geschehen und wird jetzt neu gemacht, es sei denn, der Vorgang braucht ihn nicht mehr. War er doch geschehen, geschieht er damit doppelt. Möglich ist das eine Minute nach dem letzten Versuch.",
            "The call counts as not happened and is now made anew, unless the case has no use for it any more. If it had happened, it happens twice. This is possible a minute after the last attempt.",
        );
        (happened, vec![(word("yes", self.lang), yes), (word("no", self.lang), no)])
    }

    fn repair(&self) -> Words {
        let step = &self.step;
        let happened = self.say(
            format!(
                "Der Schritt „{step}“ ist gescheitert, auch nach allen Wiederholungen, die der Prozess vorsieht. Der Vorgang wartet auf Ihre Entscheidung."
            ),
            format!("The step “{step}” failed, in spite of all repetitions the process provides for. The case waits for your decision."),
        );
        let choices = vec![
            (
                self.own("repair_entscheidung_erneut"),
                self.pick(
                    "Der Schritt beginnt von vorn, bei einer Liste mit den Einträgen, die noch nicht fertig sind. Was er selbst schon getan hat, bleibt getan.",
                    "The step begins anew; of a list, with the entries that are not done yet. What it has done itself stays done.",
                ),
            ),
            (
                self.own("repair_entscheidung_wert"),
                self.pick(
                    "Der Schritt gilt als erledigt, mit dem Wert, den Sie eintragen. Wo diese Wahl fehlt, kann niemand für einen Menschen antworten.",
                    "The step counts as done, with the value you enter. Where this choice is missing, nobody can answer in a person's place.",
                ),
            ),
            (
                self.own("repair_entscheidung_ueberspringen"),
                self.pick(
                    "Es geht ohne seinen Wert weiter. Schritte, die ihn brauchen, werden mit übersprungen.",
                    "It goes on without its value. Steps that need it are skipped, too.",
                ),
            ),
            self.cancel(),
        ];
        (happened, choices)
    }

    fn approval(&self) -> Words {
        let step = &self.step;
        let happened = self.say(
            format!("Der KI-Agent im Schritt „{step}“ möchte diesen Aufruf machen. Noch ist nichts geschehen. Unten steht jedes Argument genau so, wie es hinausginge, mit seiner Herkunft."),
            format!("The AI agent in the step “{step}” wants to make this call. Nothing has happened yet. Every argument stands below exactly as it would go out, with where it comes from."),
        );
        let choices = vec![
            (
                self.own("approval_entscheidung_freigeben"),
                self.pick(
                    "Der Aufruf geschieht einmal, mit genau diesen Argumenten. Für jeden weiteren werden Sie wieder gefragt.",
                    "The call happens once, with exactly these arguments. For any other you are asked again.",
                ),
            ),
            (
                self.own("approval_entscheidung_ablehnen"),
                self.pick(
                    "Der Aufruf geschieht nicht. Das Modell erfährt Ihren Grund und arbeitet weiter.",
                    "The call does not happen. The model is told your reason and goes on.",
                ),
            ),
        ];
        (happened, choices)
    }

    fn ask(&self) -> Words {
        let step = &self.step;
        let happened = self.say(
            format!("Der KI-Agent im Schritt „{step}“ kommt ohne eine Auskunft nicht weiter. Ihre Antwort geht als Material an das Modell; sie ist keine Entscheidung."),
            format!("The AI agent in the step “{step}” cannot go on without a piece of information. Your answer goes to the model as material; it decides nothing."),
        );
        (happened, Vec::new())
    }

    fn restored(&self) -> Words {
        let happened = self.pick(
            "Die Datenbank wurde aus einer Sicherung wiederhergestellt. Was nach der Sicherung in diesem Vorgang geschah, weiß das Programm nicht. Bitte vergleichen Sie mit der Akte, was davon schon getan ist.",
            "The database was restored from a backup. What happened in this case after the backup the program does not know. Please compare with the file what of it is done already.",
        );
        let go_on = self.pick(
            "Der Vorgang läuft ab dem Stand der Sicherung weiter. Was danach schon geschehen war, kann dabei noch einmal geschehen.",
            "The case goes on from the backup. What had happened after it may happen once more.",
        );
        let (_, cancelled) = self.cancel();
        (happened.to_owned(), vec![(self.own("restored_entscheidung_fortsetzen"), go_on), (self.own("restored_entscheidung_abbrechen"), cancelled)])
    }
}

/// What the case has changed in the world and not taken back, or may have: whoever decides must know.
fn done(matter: &Matter<'_>, at: &dyn Fn(jiff::Timestamp) -> String) -> Vec<String> {
    let (run, process) = (&matter.loaded.run, matter.process());
    let acted = |(path, effect): &(&EffectPath, &EffectRun)| path.phase == Phase::Do && effect.acted() && !is_undone(run, path);
    let earlier = run.earlier.iter().map(|(path, effect)| (path, effect));
    earlier.chain(run.effects.iter().filter(acted)).map(|(path, effect)| line(process, path, effect, matter.lang, at)).collect()
}

fn is_undone(run: &Run, path: &EffectPath) -> bool {
    let undo = run.effects.get(&EffectPath::of(&path.slot(), Phase::Undo));
    undo.is_some_and(|undo| matches!(undo.status, EffectStatus::Settled { .. }))
}

fn line(process: &Process, path: &EffectPath, effect: &EffectRun, lang: Lang, at: &dyn Fn(jiff::Timestamp) -> String) -> String {
    let title = process.steps.get(&path.step).map_or(path.step.as_str(), |step| &step.title);
    let item = if path.item > 0 { format!(" [{}]", path.item) } else { String::new() };
    let (target, who, when) = (&effect.intent.target, &effect.intent.who.name, at(effect.updated_at));
    let sure = matches!(effect.status, EffectStatus::Settled { .. } | EffectStatus::GaveUp { disposition: Disposition::Happened, .. });
    match (lang, sure) {
        (Lang::De, true) => format!("{title}{item}: „{target}“, {when}, mit den Rechten von {who}"),
        (Lang::De, false) => format!("{title}{item}: „{target}“, {when}, vielleicht geschehen"),
        (Lang::En, true) => format!("{title}{item}: “{target}”, {when}, with the rights of {who}"),
        (Lang::En, false) => format!("{title}{item}: “{target}”, {when}, it may have happened"),
    }
}
