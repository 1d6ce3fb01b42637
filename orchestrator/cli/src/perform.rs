//! Carries out a wish on an open house, for whoever asked: the command line or a client over the socket.

pub mod audit;
mod erase;
mod keys;
mod ledger;
pub mod login;
mod release;
mod report;
mod run;
mod runs;
mod show;
mod tasks;
mod users;

use laufzettel_directory::Error as DirectoryError;
use laufzettel_domain::{Caller, Lang, RunId, Via};
use laufzettel_engine::Rejection;
use laufzettel_policy::{Action, Decision};
use laufzettel_worker::WishError;

pub use run::{attach_files, attach_to_answer, file_at};

use crate::{
    config::DirectoryConfig,
    house::House,
    out::{Out, code},
    seat,
    wish::Wish,
};

/// A sign-in is said on pages, and only a running server has them.
pub const NO_SERVER: &str = "Angemeldet wird auf den Seiten des laufenden Servers; hier läuft keiner (laufzettel serve, laufzettel up).";

/// The exit code of a wish; what went wrong has been said.
pub async fn perform(house: &House, wish: Wish, out: &Out) -> u8 {
    let done = match wish {
        Wish::Login | Wish::Logout => Err(Failed::new(code::USAGE, NO_SERVER)),
        Wish::Run(wish) => run::run(house, wish, out).await,
        Wish::RunsList { state, process, unit, nummer, limit } => {
            let processes = process.into_iter().collect();
            runs::list(house, laufzettel_store::RunFilter { state, processes, unit, nummer, limit, ..Default::default() }, out).await
        }
        Wish::RunsShow { run } => runs::show(house, &run, out).await,
        Wish::RunsCancel { run, reason } => runs::cancel(house, &run, &reason, out).await,
        Wish::RunsRetry { run, step } => runs::retry(house, &run, step.as_deref(), out).await,
        Wish::RunsResolve { run, step, happened } => runs::resolve(house, &run, &step, happened, out).await,
        Wish::RunsReplay { run } => runs::replay(house, &run, out).await,
        Wish::TasksList { step, process, closed } => {
            let limit = laufzettel_store::TASKS_PAGE_MAX as usize;
            tasks::list(house, laufzettel_worker::Wanted { closed, step, process, limit, ..laufzettel_worker::Wanted::default() }, out).await
        }
        Wish::TasksShow { task } => tasks::show(house, &task, out).await,
        Wish::TasksClaim { task, reason } => tasks::claim(house, &task, &reason, out).await,
        Wish::TasksHandOver { task, to, note } => tasks::hand_over(house, &task, &to, &note, out).await,
        Wish::TasksReturn { task } => tasks::give_back(house, &task, out).await,
        Wish::TasksComplete { task, values } => tasks::complete(house, &task, &values, out).await,
        Wish::AuditVerify => audit::verify_live(house, out).await,
        Wish::AuditShow(wish) => audit::show(house, &wish, out).await,
        Wish::AuditExport { format } => audit::export(house, &format, out).await,
        Wish::AuditSubject(wish) => report::subject(house, &wish, out).await,
        Wish::AuditProcessing { process, format } => report::processing(house, process.as_deref(), &format, out).await,
        Wish::AuditLedger(wish) => ledger::ledger(house, &wish, out).await,
        Wish::PinApproved { server, tools } => release::pins(house, &server, tools, out).await,
        Wish::Release { candidate } => release::release(house, &candidate, out).await,
        Wish::TenantsShow => release::show(house, out).await,
        Wish::AuditErase { run, reason, with_decisions } => erase::erase(house, &run, &reason, with_decisions, out).await,
        Wish::AuditCheckpoint => audit::checkpoint(house, out).await,
        Wish::KeysCreate(wish) => keys::create(house, wish, out).await,
        Wish::KeysList => keys::list(house, out).await,
        Wish::KeysRevoke { key } => keys::revoke(house, &key, out).await,
        Wish::UsersList => users::list(house, out).await,
        Wish::UsersShow { user } => users::show(house, &user, out).await,
    };
    said(done.map_err(|failed| plain(house, failed, out.lang)), out).await
}

/// What is wrong with the store is said first, and in the language of whoever asks.
fn plain(house: &House, failed: Failed, lang: Lang) -> Failed {
    match house.desk.tenant.store.trouble().map(laufzettel_store::Trouble::text) {
        Some(text) if failed.message.contains(&text.de) => Failed::new(failed.code, text.get(lang)),
        _ => failed,
    }
}

/// The exit code, after a failure has been told.
pub async fn said(done: Done, out: &Out) -> u8 {
    match done {
        Ok(code) => code,
        Err(Failed { code, message }) => {
            out.note(message).await;
            code
        }
    }
}

/// Why a wish was not carried out, ready to be said.
pub struct Failed {
    pub code: u8,
    pub message: String,
}

impl Failed {
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<laufzettel_store::Error> for Failed {
    fn from(error: laufzettel_store::Error) -> Self {
        Self::new(code::ENDED_BADLY, format!("Der Speicher antwortet nicht: {error}"))
    }
}

/// A record something depends on was not written: who looked is part of the journal, so nothing is shown.
impl From<laufzettel_store::AppendError> for Failed {
    fn from(error: laufzettel_store::AppendError) -> Self {
        Self::new(code::ENDED_BADLY, format!("Der Eintrag ins Protokoll misslingt, deshalb geschieht nichts: {error}"))
    }
}

pub type Done = Result<u8, Failed>;

pub fn wish_failed(error: WishError, lang: Lang) -> Failed {
    match error {
        WishError::Unknown => Failed::new(
            code::USAGE,
            match lang {
                Lang::De => "Diesen Vorgang gibt es nicht.",
                Lang::En => "There is no such run.",
            },
        ),
        WishError::Denied(decision) => denied(&decision, lang),
        WishError::Rejected(Rejection::Denied(decision)) => denied(&decision, lang),
        WishError::Rejected(Rejection::Stale(text)) => Failed::new(code::ENDED_BADLY, text.get(lang)),
        WishError::Rejected(Rejection::Invalid(problems)) => Failed::new(code::USAGE, problem_lines(&problems, lang)),
        // the command line never says that a wish is the same as another
        WishError::Repeated => Failed::new(code::ENDED_BADLY, "Das ist schon geschehen."),
        WishError::Unavailable(why) => Failed::new(code::ENDED_BADLY, why),
    }
}

pub fn denied(decision: &Decision, lang: Lang) -> Failed {
    let word = match lang {
        Lang::De => "Verweigert",
        Lang::En => "Denied",
    };
    Failed::new(code::DENIED, format!("{word}: {} ({})", decision.reason.get(lang), decision.rule))
}

pub fn problem_lines(problems: &[laufzettel_process::schema::Problem], lang: Lang) -> String {
    let lines = problems.iter().map(|p| if p.path.0.is_empty() { p.message.get(lang).to_owned() } else { format!("{}: {}", p.path, p.message.get(lang)) });
    lines.collect::<Vec<_>>().join("\n")
}

/// `--as applicant`: a citizen, as if it had come through the process's own intake. Nobody of the house.
pub const APPLICANT: &str = "applicant";

/// A directory that does not answer.
pub(crate) const SILENT: (&str, &str) =
    ("Das Verzeichnis ist gerade nicht erreichbar. Bitte später noch einmal.", "The directory cannot be reached now. Please try again later.");

/// Who acts: `--as`, else whoever has signed in at this seat.
pub async fn caller(house: &House, out: &Out) -> Result<Caller, Failed> {
    match &out.asker.by {
        Some(user) if user != APPLICANT => named(house, user, out).await,
        _ => out.signed_in().await.ok_or_else(|| nobody(house, out)),
    }
}

/// Somebody called by her name. A file believes it, LDAP asks for the password; where people are what a sign-in claims, only a
/// sign-in makes them known.
pub async fn named(house: &House, user: &str, out: &Out) -> Result<Caller, Failed> {
    if let Some(caller) = out.signed_in().await.filter(|caller| caller.upn == user || caller.subject == user) {
        return Ok(caller);
    }
    let tenant = &house.desk.tenant;
    let now = tenant.clock.now();
    let known = match (house.directory(), &out.asker.password) {
        (DirectoryConfig::File(_), _) => tenant.directory.sign_in(user, Via::Terminal, now).await,
        // the password that was given belongs to one person: it is tried on nobody else's account
        (DirectoryConfig::Ldap(_), Some(_)) if out.asker.by.as_deref() != Some(user) => Err(DirectoryError::Credentials),
        (DirectoryConfig::Ldap(_), Some(password)) => tenant.directory.authenticate(user, password, Via::Terminal, now).await,
        (DirectoryConfig::Ldap(_), None) => Err(DirectoryError::Credentials),
        (DirectoryConfig::Claims { .. }, _) => {
            let de = "Mit directory: oidc gibt es kein --as: Wer hier handelt, meldet sich an (laufzettel login, bei laufendem Server).";
            let en = "With directory: oidc there is no --as: whoever acts here signs in (laufzettel login, while the server runs).";
            return Err(Failed::new(code::USAGE, out.text(de, en)));
        }
    };
    let known = known.map(|caller| Caller { os_user: Some(os_user(out)), ..caller });
    known.map_err(|error| match error {
        DirectoryError::Unknown => {
            Failed::new(code::DENIED, out.told(format!("„{user}“ steht nicht im Verzeichnis."), format!("\"{user}\" is not in the directory.")))
        }
        DirectoryError::Credentials => Failed::new(
            code::DENIED,
            out.told(
                format!("„{user}“ steht nicht im Verzeichnis, oder das Passwort stimmt nicht."),
                format!("\"{user}\" is not in the directory, or the password is wrong."),
            ),
        ),
        DirectoryError::Disabled => Failed::new(
            code::DENIED,
            out.told(format!("Das Konto „{user}“ ist gesperrt oder abgelaufen."), format!("The account \"{user}\" is disabled or has expired.")),
        ),
        DirectoryError::Unavailable => Failed::new(code::ENDED_BADLY, out.text(SILENT.0, SILENT.1)),
    })
}

/// Nobody was named, and nobody has signed in here.
fn nobody(house: &House, out: &Out) -> Failed {
    let text = match house.directory() {
        DirectoryConfig::File(_) => {
            let people: Vec<String> = house.desk.tenant.directory.people().into_iter().filter(|p| !p.disabled).map(|p| p.user).collect();
            let people = people.join(", ");
            out.told(
                format!("Wer handelt? Bitte --as angeben oder anmelden (laufzettel login). Im Verzeichnis stehen: {people}"),
                format!("Who acts? Please give --as or sign in (laufzettel login). In the directory are: {people}"),
            )
        }
        DirectoryConfig::Ldap(_) => out.told(
            "Wer handelt? Bitte --as NAME angeben (das Passwort wird erfragt) oder anmelden (laufzettel login).",
            "Who acts? Please give --as NAME (the password is asked for) or sign in (laufzettel login).",
        ),
        DirectoryConfig::Claims { .. } => {
            let en = "Who acts? Please sign in: laufzettel login, while the server runs.";
            out.told("Wer handelt? Bitte anmelden: laufzettel login, bei laufendem Server.", en)
        }
    };
    Failed::new(code::USAGE, text)
}

/// Whoever looks or administers, with one of these rights. Where the directory is a file nobody proves who she is, and asking for
/// a right would be for show: without a name it is then the operating system's user, and the record says so.
pub async fn entitled(house: &House, rights: &[Action], out: &Out) -> Result<Caller, Failed> {
    let Some(caller) = person(house, out).await? else { return Ok(operator(out)) };
    house.desk.may_any(&caller, rights).await.map_err(|e| wish_failed(e, out.lang))?;
    Ok(caller)
}

/// Whoever looks. `None`: nobody is named where nobody could prove who she is.
pub async fn person(house: &House, out: &Out) -> Result<Option<Caller>, Failed> {
    let provable = !matches!(house.directory(), DirectoryConfig::File(_)) || out.asker.by.is_some();
    if provable { caller(house, out).await.map(Some) } else { Ok(out.signed_in().await) }
}

/// Whoever logged in at this machine, for the record beside a person.
fn os_user(out: &Out) -> String {
    let here = || std::process::id().try_into().ok().and_then(|pid| seat::of(out.uid, pid)).map(|seat| seat.os_user);
    let told = match &out.place {
        Some(place) => Some(place.seat.os_user.clone()),
        None => here(),
    };
    told.unwrap_or_else(|| seat::name(out.uid))
}

/// The operating system's user at the command line: whoever looks without a name of the directory is still somebody.
pub fn operator(out: &Out) -> Caller {
    let (uid, name) = (out.uid, seat::name(out.uid));
    Caller { subject: format!("os:{uid}"), upn: name.clone(), name, via: Via::Terminal, os_user: None }
}

/// A run nobody knows, or that is hidden from whoever asks: the same words.
pub fn no_run(lang: Lang) -> Failed {
    wish_failed(WishError::Unknown, lang)
}

/// A run by its id, or by its case number.
pub async fn find_run(house: &House, written: &str, lang: Lang) -> Result<RunId, Failed> {
    if let Some(run) = RunId::parse(written) {
        return Ok(run);
    }
    let wanted = laufzettel_store::RunFilter { nummer: Some(written.to_owned()), limit: 1, ..Default::default() };
    let page = house.desk.tenant.store.runs(&wanted, &|_| true).await?;
    page.rows.first().map(|row| row.run).ok_or_else(|| no_run(lang))
}
