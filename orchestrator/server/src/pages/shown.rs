//! Values as people read them: labels from keys, dates, amounts and files in words.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use laufzettel_domain::{Label, Lang, Path, RunId, Trust, Value, file::File, money};
use laufzettel_process::{cite, expression::Part};
use laufzettel_worker::veil;
use serde::Serialize;

use super::{
    citation::{Beyond, Citation},
    markdown,
    names::{Names, Spelling},
    unseen,
    words::{format_date, format_moment, word},
};

/// One value with its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    pub label: String,
    /// One for a plain value; one per field or item of a nested one.
    pub lines: Vec<Line>,
    /// Protection need and categories.
    pub protection: Option<String>,
    /// The least certain first.
    pub origins: Vec<Source>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Line {
    pub label: Option<String>,
    pub text: String,
    /// Of a long text: all of it; `text` is how it begins.
    pub whole: Option<String>,
    /// Even `whole` is not all of it.
    pub cut: bool,
    /// Where the file it names can be fetched.
    pub link: Option<String>,
    /// It is written in Markdown, in these parts.
    #[serde(skip)]
    pub letter: Option<Vec<Part>>,
    /// As it will read, in elements of our own; `whole` is its exact wording then.
    pub html: Option<String>,
    pub citations: Vec<Citation>,
}

impl Line {
    fn new(label: Option<String>, text: String) -> Self {
        Self { label, text, ..Self::default() }
    }
}

/// Where a value comes from. What nobody in the house has made certain comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Modell,
    Antrag,
    Register,
    Mensch,
    Regel,
    /// A fact of the case itself: its number, its times, or another case it has called.
    Vorgang,
    /// A fixed text of the process.
    Prozess,
}

/// Where a value comes from, and which one: the model and its zone, the row of the table, the person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Source {
    pub kind: Origin,
    pub detail: String,
}

impl Source {
    pub fn new(kind: Origin, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// Characters of a text that stand there at once. As many count as seen by whoever completes a task (`labels::SEEN_CHARS_MAX`).
const OPEN_CHARS: usize = 500;
/// Characters that are folded away in the page; a longer text opens on a page of its own.
const FOLDED_CHARS: usize = 6_000;

/// Folds long texts, and lays out letters. `everything`: nothing is left out, however long.
pub fn bound(rows: &mut [Shown], everything: bool) {
    folded(rows, if everything { usize::MAX } else { FOLDED_CHARS });
}

/// The same with so many characters of a text at most.
pub fn folded(rows: &mut [Shown], limit: usize) {
    for line in rows.iter_mut().flat_map(|row| &mut row.lines) {
        line.html = line.letter.as_ref().and_then(|parts| markdown::letter(&line.text, parts));
        if line.html.is_none() && line.text.chars().count() <= OPEN_CHARS {
            continue;
        }
        let whole: String = line.text.chars().take(limit).collect();
        line.cut = whole.len() < line.text.len();
        if line.html.is_some() {
            (line.text, line.whole) = (String::new(), Some(whole));
            continue;
        }
        // about as much as two paragraphs, up to a word's end
        let begins: String = line.text.chars().take(OPEN_CHARS - 100).collect();
        line.text = format!("{} …", begins.rsplit_once(char::is_whitespace).map_or(begins.as_str(), |(begins, _)| begins));
        line.whole = Some(whole);
    }
}

/// Values at least that share their label before it is said once for all of them: of fewer it is read sooner where they stand.
const COMMON_MIN: usize = 4;

/// The label most values have, taken out of their rows to be said once; those with another keep theirs.
pub fn common_label(rows: &mut [Shown]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    rows.iter().filter_map(|row| row.protection.as_deref()).for_each(|label| *counts.entry(label).or_default() += 1);
    let (label, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    if count < COMMON_MIN || rows.iter().any(|row| row.protection.is_none()) {
        return None;
    }
    let label = label.to_owned();
    rows.iter_mut().filter(|row| row.protection.as_ref() == Some(&label)).for_each(|row| row.protection = None);
    Some(label)
}

/// What a value's parts are called, and the passages its quotations are taken from.
#[derive(Clone, Copy)]
pub struct Material<'m> {
    pub names: Names<'m>,
    pub passages: &'m Value,
    /// What lies in cases this one has called.
    pub beyond: &'m [Beyond],
    /// The run its files can be fetched from.
    pub run: Option<RunId>,
}

static NO_SPELLING: LazyLock<Spelling> = LazyLock::new(Spelling::default);

impl Material<'_> {
    /// Nothing but the keys.
    fn bare() -> Self {
        Self { names: Names::new(&NO_SPELLING, None), passages: &Value::Null, beyond: &[], run: None }
    }
}

impl Shown {
    pub fn of(key: &str, value: &Value, lang: Lang) -> Self {
        Self::with(key, value, Material::bare(), lang)
    }

    pub fn with(key: &str, value: &Value, material: Material<'_>, lang: Lang) -> Self {
        let mut lines = Vec::new();
        Walk { key, material, lang, lines: &mut lines }.add(None, &[], value);
        if lines.is_empty() {
            lines.push(Line::new(None, word("nothing", lang).to_owned()));
        }
        let label = material.names.title(&[]).unwrap_or_else(|| material.names.label(&[key.to_owned()]));
        Self { label, lines, protection: None, origins: Vec::new() }
    }

    /// A value as a program is given it: under its own name, nothing left out but the code of a status page, nothing in other words. What
    /// nobody would see is named.
    pub fn exact(name: &str, value: &Value, run: RunId) -> Self {
        let text = match value {
            // what is text and looks like it needs no quotes
            Value::String(text) if !text.is_empty() && text.trim() == text && serde_json::from_str::<Value>(text).is_err() => veil::text(text),
            Value::Array(_) | Value::Object(_) => serde_json::to_string_pretty(&veil::value(value)).unwrap_or_default(),
            other => veil::text(&other.to_string()),
        };
        let line = Line { link: file_link(run, value), ..Line::new(None, unseen::named(&text)) };
        Self { label: name.to_owned(), lines: vec![line], protection: None, origins: Vec::new() }
    }

    /// Every key of an object: those of `order` first, the rest by name. Anything else, a file too, is one value.
    pub fn list(value: &Value, order: &[String], lang: Lang) -> Vec<Self> {
        let Some(map) = value.as_object().filter(|_| File::from_value(value).is_none()) else {
            return vec![Self { label: word("value", lang).to_owned(), ..Self::of("", value, lang) }];
        };
        let rest = map.keys().filter(|key| !order.contains(key));
        order.iter().chain(rest).filter_map(|key| Some(Self::of(key, map.get(key)?, lang))).collect()
    }

    #[must_use]
    pub fn labelled(mut self, label: &Label, lang: Lang) -> Self {
        self.protection = Some(label_in_words(label, lang));
        self
    }

    /// Its text is written in Markdown in these parts, if it is one text.
    #[must_use]
    pub fn letter(mut self, parts: Option<Vec<Part>>) -> Self {
        if let [line] = self.lines.as_mut_slice() {
            // as the text itself is shown
            let told = |part: Part| Part { text: foreign(&part.text), ..part };
            line.letter = parts.map(|parts| parts.into_iter().map(told).collect());
        }
        self
    }

    #[must_use]
    pub fn from(mut self, origins: impl IntoIterator<Item = Source>) -> Self {
        self.origins.extend(origins);
        self
    }
}

/// What somebody else said, as people may read it: no secret address, and what nobody sees is named.
pub fn foreign(text: &str) -> String {
    unseen::named(&veil::text(text))
}

/// „hoch: Steuerdaten, personenbezogen; von außen, ungeprüft“
pub fn label_in_words(label: &Label, lang: Lang) -> String {
    let kinds: Vec<&str> = label.kategorien.iter().map(|kind| word(&format!("kategorie_{}", kind.as_str()), lang)).collect();
    let level = word(&format!("schutzbedarf_{}", label.schutzbedarf.as_str()), lang);
    let level = if kinds.is_empty() { level.to_owned() } else { format!("{level}: {}", kinds.join(", ")) };
    let trust = match label.trust {
        Trust::Untrusted => "trust_untrusted",
        Trust::Inert => "trust_inert",
        Trust::Trusted => return level,
    };
    format!("{level}; {}", word(trust, lang))
}

/// A value on its way into lines.
struct Walk<'w> {
    key: &'w str,
    material: Material<'w>,
    lang: Lang,
    lines: &'w mut Vec<Line>,
}

impl Walk<'_> {
    /// `below`: the way from the value as a whole to this part of it.
    fn add(&mut self, label: Option<&str>, below: &[String], value: &Value) {
        let named = |part: &str| label.map_or_else(|| part.to_owned(), |label| format!("{label}, {part}"));
        match value {
            Value::Object(map) if File::from_value(value).is_none() => {
                // what shows it comes after what is said
                let (shows, says): (Vec<_>, Vec<_>) = map.iter().partition(|(key, _)| *key == cite::BELEGE);
                for (key, inner) in says.into_iter().chain(shows) {
                    if key == cite::BELEGE && self.cite(label, inner) {
                        continue;
                    }
                    let below = [below, std::slice::from_ref(key)].concat();
                    self.add(Some(&named(&unseen::named(&self.material.names.label(&below)))), &below, inner);
                }
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    let below = [below, &[n.to_string()]].concat();
                    let numbered = (item.is_object() && items.len() > 1).then(|| named(&(n + 1).to_string()));
                    self.add(numbered.as_deref().or(label), &below, item);
                }
            }
            scalar => {
                let key = below.iter().rev().find(|part| !Path::is_element(part)).map_or(self.key, String::as_str);
                let text = self.material.names.spelled(below, scalar, self.lang).unwrap_or_else(|| spell(key, scalar, self.lang));
                let link = self.material.run.and_then(|run| file_link(run, scalar));
                self.lines.push(Line { link, ..Line::new(label.map(str::to_owned), foreign(&text)) });
            }
        }
    }

    /// Quotations beside what they are to show: they belong to what was said just before. `false`: these are none.
    fn cite(&mut self, label: Option<&str>, value: &Value) -> bool {
        let quoted = value
            .as_array()
            .and_then(|list| list.iter().map(|one| Citation::of(one, self.material.passages, self.material.beyond)).collect::<Option<Vec<_>>>());
        let Some(citations) = quoted.filter(|list| !list.is_empty()) else { return false };
        let heading = word("quoted_from", self.lang);
        let label = label.map_or_else(|| heading.to_owned(), |label| format!("{label}, {heading}"));
        self.lines.push(Line { label: Some(label), citations, ..Line::default() });
        true
    }
}

/// Where a file of a run can be fetched.
pub fn file_link(run: RunId, value: &Value) -> Option<String> {
    let file = File::from_value(value)?;
    Some(format!("/vorgaenge/{run}/dateien/{}", file.file.strip_prefix("blob:")?))
}

/// A scalar or a file in words. A number under a key ending in `_cent` is an amount.
pub fn spell(key: &str, value: &Value, lang: Lang) -> String {
    match value {
        Value::Null => word("nothing", lang).to_owned(),
        Value::Bool(yes) => word(if *yes { "yes" } else { "no" }, lang).to_owned(),
        Value::Number(n) if key.ends_with("_cent") => n.as_i64().map_or_else(|| n.to_string(), |cent| money::spelled(cent, lang)),
        Value::Number(_) => number(value, lang),
        Value::String(text) if text.trim().is_empty() => word("nothing", lang).to_owned(),
        Value::String(text) => day(text, lang),
        other => File::from_value(other).map_or_else(|| other.to_string(), |f| file(&f, lang)),
    }
}

/// A value without quotes.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

/// An ISO date in the person's form, and a moment by the clock it was written by; any other text as it is.
pub fn day(text: &str, lang: Lang) -> String {
    if let Some(date) = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten() {
        return format_date(date, lang);
    }
    moment(text, lang).unwrap_or_else(|| text.to_owned())
}

/// Of an RFC 3339 timestamp. One that was written by another clock than the one here (all offices are in Germany) says by which.
fn moment(text: &str, lang: Lang) -> Option<String> {
    let instant = text.parse::<Timestamp>().ok().filter(|_| text.len() <= RFC3339_CHARS_MAX)?;
    let at = text.get(..19)?.parse::<DateTime>().ok()?;
    let spelled = format_moment(at, lang);
    let offset = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let here = TimeZone::get("Europe/Berlin").is_ok_and(|zone| instant.to_zoned(zone).strftime("%:z").to_string() == offset);
    Some(match offset {
        "Z" | "z" => format!("{spelled} (UTC)"),
        _ if here => spelled,
        other => format!("{spelled} (UTC{other})"),
    })
}

/// Of a timestamp with nanoseconds and an offset.
const RFC3339_CHARS_MAX: usize = 35;

pub fn number(value: &Value, lang: Lang) -> String {
    let plain = plain(value);
    if lang == Lang::De { plain.replace('.', ",") } else { plain }
}

pub fn file(file: &File, lang: Lang) -> String {
    format!("{} ({})", unseen::named(&file.name), size(file.size, lang))
}

/// Bytes in words.
pub fn size(bytes: u64, lang: Lang) -> String {
    let (unit, name) = match bytes {
        0..1024 => return format!("{bytes} {}", word("bytes", lang)),
        1024..1_048_576 => (1024, "KB"),
        _ => (1_048_576, "MB"),
    };
    let tenths = bytes.saturating_mul(10) / unit;
    let mark = if lang == Lang::De { ',' } else { '.' };
    if tenths.is_multiple_of(10) { format!("{} {name}", tenths / 10) } else { format!("{}{mark}{} {name}", tenths / 10, tenths % 10) }
}

/// What people call a media type.
pub fn media_type(name: &str) -> String {
    let known = [("application/pdf", "PDF"), ("image/jpeg", "JPEG"), ("image/png", "PNG"), ("text/plain", "Text (TXT)")];
    known.iter().find(|(media, _)| *media == name).map_or_else(|| name.to_owned(), |(_, word)| (*word).to_owned())
}

/// `tage_bis_anmeldung` → „Tage bis anmeldung“: blanks for underscores, a capital in front, known words as they are written. `_cent`
/// at the end goes: the amount says its currency.
pub fn humanize(key: &str) -> String {
    let written = |word: &str| WRITTEN.iter().find(|(raw, _)| *raw == word).map_or_else(|| stem(word), |(_, right)| (*right).to_owned());
    let key = key.strip_suffix("_cent").unwrap_or(key);
    let words: Vec<String> = key.split('_').filter(|w| !w.is_empty()).map(written).collect();
    let text = words.join(" ");
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn stem(word: &str) -> String {
    STEMS.iter().fold(word.to_owned(), |word, (raw, right)| word.replace(raw, right))
}

/// Whole words of keys that are written otherwise.
const WRITTEN: [(&str, &str); 16] = [
    ("ags", "AGS"),
    ("email", "E-Mail"),
    ("iban", "IBAN"),
    ("bic", "BIC"),
    ("plz", "PLZ"),
    ("id", "ID"),
    ("url", "URL"),
    ("sepa", "SEPA"),
    ("dms", "DMS"),
    ("pdf", "PDF"),
    ("ki", "KI"),
    ("fuer", "für"),
    ("lhundg", "LHundG"),
    ("ueber", "über"),
    ("oe", "OE"),
    ("nr", "Nr."),
];

/// Parts of words that keys spell without umlauts.
const STEMS: [(&str, &str); 58] = [
    ("koerper", "körper"),
    ("gaststaett", "gaststätt"),
    ("bafoeg", "BAföG"),
    ("erwerbstaet", "erwerbstät"),
    ("spaet", "spät"),
    ("oeffentlich", "öffentlich"),
    ("ermaessig", "ermäßig"),
    ("gefaehr", "gefähr"),
    ("gueltig", "gültig"),
    ("pruef", "prüf"),
    ("gebuehr", "gebühr"),
    ("strasse", "straße"),
    ("faellig", "fällig"),
    ("rueck", "rück"),
    ("gruend", "gründ"),
    ("behoerd", "behörd"),
    ("staendig", "ständig"),
    ("aender", "änder"),
    ("hoehe", "höhe"),
    ("schluessel", "schlüssel"),
    ("bestaetig", "bestätig"),
    ("empfaenger", "empfänger"),
    ("vorgaeng", "vorgäng"),
    ("moeglich", "möglich"),
    ("persoenlich", "persönlich"),
    ("jaehr", "jähr"),
    ("groesse", "größe"),
    ("massnahm", "maßnahm"),
    ("erklaer", "erklär"),
    ("anhoer", "anhör"),
    ("verstaendn", "verständn"),
    ("hinzufueg", "hinzufüg"),
    ("flaech", "fläch"),
    ("vermoeg", "vermög"),
    ("spruech", "sprüch"),
    ("kaemmer", "kämmer"),
    ("waehr", "währ"),
    ("buero", "büro"),
    ("fuehr", "führ"),
    ("buerger", "bürger"),
    ("naechst", "nächst"),
    ("angehoer", "angehör"),
    ("erhoeh", "erhöh"),
    ("stuetz", "stütz"),
    ("verfueg", "verfüg"),
    ("saechl", "sächl"),
    ("schaed", "schäd"),
    ("traeg", "träg"),
    ("schuess", "schüss"),
    ("gemaess", "gemäß"),
    ("kuend", "künd"),
    ("kuenft", "künft"),
    ("loesch", "lösch"),
    ("foerder", "förder"),
    ("uebersicht", "übersicht"),
    ("uebermitt", "übermitt"),
    ("uebernahm", "übernahm"),
    ("laeng", "läng"),
];

#[cfg(test)]
mod tests;
