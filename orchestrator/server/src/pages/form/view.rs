//! A form as its template shows it: one flat list of group beginnings, fields and group ends.

use std::collections::BTreeMap;

use laufzettel_domain::{Lang, Path, Value};
use laufzettel_process::schema::Problem;
use serde::Serialize;

use super::{
    Accepted, Choice, Depth, FILE_REFERENCE, FILE_REMOVED, Field, Form, Group, Kind, Line, List, Node, collect, lists::lists, parse::as_sent, sent, times,
};
use crate::pages::{Source, shown, words::word};

/// Up to so many choices all lie open; more go into a list to open.
const RADIOS_MAX: usize = 6;

/// What stands in the fields, and what is wrong with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filled<'a> {
    /// As sent; empty on the first look.
    pub pairs: &'a [(String, String)],
    /// Of `Form::parse`, then of the schema; the first at a field is shown.
    pub problems: &'a [Problem],
    pub files: &'a [UploadedFile],
    /// Values of the same shape proposed for the fields: texts are filled in, choices shown beside and not ticked.
    pub proposal: Option<&'a Value>,
    /// By field: where its proposal comes from.
    pub proposed_by: Option<&'a BTreeMap<String, Vec<Source>>>,
    /// The person fills in their own data: the browser may help.
    pub own_data: bool,
}

/// A file uploaded on an earlier page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedFile {
    /// Dotted path of its field.
    pub path: String,
    /// What the browser sends back for it, under `path` + [`FILE_REFERENCE`].
    pub reference: String,
    pub name: String,
    pub bytes: u64,
}

/// A form ready for its template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormView {
    /// For the summary at the top, in the order of the fields; those of no field come last.
    pub problems: Vec<ProblemView>,
    pub items: Vec<Item>,
    /// It takes files: `multipart/form-data`.
    pub multipart: bool,
}

impl FormView {
    /// In one form of the page with something else, which needs none of this: a browser must not insist on it.
    #[must_use]
    pub fn beside(mut self) -> Self {
        for item in &mut self.items {
            if let Item::Field(field) = item {
                field.required = false;
            }
        }
        self
    }

    /// Fields and blocks of these titles are worded by the page, in the reader's language; all others by an author, in German.
    #[must_use]
    pub fn spoken(mut self, by_us: impl Fn(&str) -> bool) -> Self {
        for item in &mut self.items {
            match item {
                Item::Field(field) => field.own = by_us(&field.label),
                Item::Open { title, own, .. } => *own = by_us(title),
                Item::List(_) | Item::Close => {}
            }
        }
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemView {
    /// Id of the first input of the field.
    pub target: Option<String>,
    pub label: Option<String>,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum Item {
    Open { title: String, hint: Option<String>, help: Option<String>, optional: bool, own: bool },
    Close,
    Field(Box<FieldView>),
    List(Box<ListView>),
}

/// The overview of a list: its entries have pages of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListView {
    pub id: String,
    /// Dotted path: what is added to.
    pub path: String,
    pub label: String,
    pub hint: Option<String>,
    pub help: Option<String>,
    /// What one of them is called.
    pub entry: String,
    pub optional: bool,
    pub entries: Vec<EntryView>,
    /// No further one is taken.
    pub full: bool,
    pub max: usize,
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryView {
    pub id: String,
    /// Dotted path with its number: what is changed or removed.
    pub path: String,
    pub number: usize,
    /// Its first answer; empty if there is none.
    pub text: String,
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FieldView {
    pub id: String,
    pub name: String,
    pub label: String,
    pub hint: Option<String>,
    pub help: Option<String>,
    /// `text area consent radios checks select date duration file`
    pub kind: &'static str,
    /// The `type` of a text input.
    pub input: &'static str,
    pub inputmode: Option<&'static str>,
    pub max: Option<u64>,
    /// Stands behind the input.
    pub unit: Option<&'static str>,
    /// What goes into each line of an area.
    pub each_line: Option<&'static str>,
    pub value: String,
    pub options: Vec<OptionView>,
    pub required: bool,
    /// Marked as voluntary.
    pub optional: bool,
    /// Marked as needed only where other answers say so.
    pub conditional: bool,
    pub error: Option<String>,
    /// Ids of hint, proposal and error.
    pub described_by: String,
    pub autocomplete: Option<&'static str>,
    pub proposal: Option<String>,
    /// The proposal stands in the field.
    pub filled: bool,
    /// Where it comes from.
    pub proposal_from: Vec<Source>,
    pub file: Option<FileView>,
    /// Its words are the page's own, in the reader's language.
    pub own: bool,
}

/// A choice, a unit, or one of the inputs of a date: three parts, and the time of a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionView {
    pub id: String,
    pub name: String,
    pub text: String,
    pub value: String,
    pub chosen: bool,
    pub autocomplete: Option<&'static str>,
    /// The time of a moment, which is written in more characters than the other parts.
    pub clock: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileView {
    /// For `accept`.
    pub accept: String,
    pub kinds: String,
    pub max: Option<String>,
    pub reference_name: String,
    pub remove_name: String,
    /// Those there already.
    pub there: Vec<FileThere>,
    /// It takes so many, and several at once.
    pub several: Option<usize>,
    /// No further one is taken.
    pub full: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileThere {
    pub reference: String,
    /// Name and size.
    pub text: String,
    /// What the box that removes it sends.
    pub remove: String,
}

impl Form {
    pub fn view(&self, filled: &Filled<'_>, lang: Lang) -> FormView {
        let mut items = Vec::new();
        self.sheets.iter().for_each(|nodes| open(nodes, filled, lang, &mut items));
        let multipart = self.shown().iter().any(|field| matches!(field.kind, Kind::File(_) | Kind::Files { .. }));
        FormView { problems: self.summary(filled.problems, lang), items, multipart }
    }

    fn summary(&self, problems: &[Problem], lang: Lang) -> Vec<ProblemView> {
        let fields = self.shown();
        let mut at_lists = Vec::new();
        self.sheets.iter().for_each(|nodes| lists(nodes, false, &mut at_lists));
        let at_fields = fields.iter().filter_map(|field| {
            let text = first(problems, &field.path, lang)?;
            Some(ProblemView { target: Some(field.first_id()), label: Some(self.told_apart(field)), text })
        });
        let placed = |p: &Problem| fields.iter().any(|f| f.path.covers(&p.path)) || at_lists.iter().any(|list| list.path.covers(&p.path));
        let loose = problems.iter().filter(|p| !placed(p)).map(|p| {
            let label = p.path.0.last().map(|name| shown::humanize(name));
            ProblemView { target: None, label, text: p.message.get(lang).to_owned() }
        });
        at_fields.chain(at_lists.iter().flat_map(|list| list.problems(problems, lang))).chain(loose).collect()
    }
}

impl Form {
    /// What a field is called, with its block where another field before the person is called the same.
    fn told_apart(&self, field: &Field) -> String {
        if self.shown().iter().filter(|other| other.title == field.title).count() == 1 {
            return field.title.clone();
        }
        let group = self.sheets.iter().find_map(|nodes| group_of(nodes, &field.path, None));
        group.map_or_else(|| field.title.clone(), |group| format!("{group}, {}", field.title))
    }
}

/// The heading of the innermost group a field stands in.
fn group_of<'n>(nodes: &'n [Node], path: &Path, heading: Option<&'n str>) -> Option<&'n str> {
    nodes.iter().find_map(|node| match node {
        Node::Field(field) => heading.filter(|_| field.path == *path),
        Node::Group(group) => group_of(&group.nodes, path, Some(&group.title)),
        Node::List(_) => None,
    })
}

impl List {
    fn id(&self) -> String {
        format!("f-{}", self.path)
    }

    /// What is wrong with the list itself, then which of its entries are not done.
    fn problems(&self, problems: &[Problem], lang: Lang) -> Vec<ProblemView> {
        let own = self.error(problems, lang).map(|text| ProblemView { target: Some(self.id()), label: Some(self.title.clone()), text });
        let inside = (0..self.entries.len()).filter_map(|index| {
            let text = self.unfinished(index, problems, lang)?;
            Some(ProblemView { target: Some(format!("{}.{index}", self.id())), label: Some(format!("{} {}", self.entry, index + 1)), text })
        });
        own.into_iter().chain(inside).collect()
    }

    fn error(&self, problems: &[Problem], lang: Lang) -> Option<String> {
        problems.iter().find(|p| p.path == self.path).map(|p| p.message.get(lang).to_owned())
    }

    fn unfinished(&self, index: usize, problems: &[Problem], lang: Lang) -> Option<String> {
        let entry = self.path.child(&index.to_string());
        problems.iter().any(|p| entry.covers(&p.path)).then(|| word("entry_unfinished", lang).to_owned())
    }

    fn view(&self, filled: &Filled<'_>, lang: Lang) -> ListView {
        let entry = |(index, nodes): (usize, &Vec<Node>)| EntryView {
            id: format!("{}.{index}", self.id()),
            path: format!("{}.{index}", self.path),
            number: index + 1,
            text: first_answer(nodes, filled.pairs, lang),
            error: self.unfinished(index, filled.problems, lang),
        };
        ListView {
            id: self.id(),
            path: self.path.to_string(),
            label: self.title.clone(),
            hint: self.hint.clone(),
            help: self.help.clone(),
            entry: self.entry.clone(),
            optional: !self.required && !says_so(&self.title),
            entries: self.entries.iter().enumerate().map(entry).collect(),
            full: self.entries.len() >= self.max,
            max: self.max,
            error: self.error(filled.problems, lang),
        }
    }
}

/// By which somebody knows an entry again: its first field that is filled in, as it was typed if it is not right yet.
fn first_answer(nodes: &[Node], pairs: &[(String, String)], lang: Lang) -> String {
    let mut fields = Vec::new();
    collect(nodes, Depth::Page, &mut fields);
    let told = |field: &Field| match field.answer(pairs) {
        Some(value) => field.spell_value(&value, lang),
        None => sent(pairs, &field.name()).unwrap_or_default().to_owned(),
    };
    fields.into_iter().map(told).find(|text| !text.is_empty()).unwrap_or_default()
}

fn open(nodes: &[Node], filled: &Filled<'_>, lang: Lang, items: &mut Vec<Item>) {
    for node in nodes {
        match node {
            Node::Field(field) => items.push(Item::Field(Box::new(field.view(filled, lang)))),
            Node::List(list) => items.push(Item::List(Box::new(list.view(filled, lang)))),
            // everything in it stands in branches that do not apply
            Node::Group(Group { nodes, .. }) if nodes.is_empty() => {}
            Node::Group(Group { title, hint, help, optional, nodes, .. }) => {
                let optional = *optional && !says_so(title);
                items.push(Item::Open { title: title.clone(), hint: hint.clone(), help: help.clone(), optional, own: false });
                open(nodes, filled, lang, items);
                items.push(Item::Close);
            }
        }
    }
}

fn answer(key: &str, name: &str, lang: Lang) -> Choice {
    Choice { value: Value::Null, key: key.to_owned(), text: word(name, lang).to_owned() }
}

/// „Telefonnummer (freiwillig)“ needs no second mark.
fn says_so(title: &str) -> bool {
    let title = title.to_lowercase();
    title.contains("freiwillig") || title.contains("optional")
}

fn first(problems: &[Problem], path: &Path, lang: Lang) -> Option<String> {
    problems.iter().find(|p| path.covers(&p.path)).map(|p| p.message.get(lang).to_owned())
}

impl Field {
    fn id(&self) -> String {
        format!("f-{}", self.path)
    }

    /// Where a link of the error summary leads.
    fn first_id(&self) -> String {
        match &self.kind {
            Kind::Date | Kind::Moment(_) => format!("{}.tag", self.id()),
            Kind::Duration => format!("{}.anzahl", self.id()),
            Kind::YesNo | Kind::Many(_) => format!("{}.1", self.id()),
            Kind::One(choices) if choices.len() <= RADIOS_MAX => format!("{}.1", self.id()),
            _ => self.id(),
        }
    }

    fn view(&self, filled: &Filled<'_>, lang: Lang) -> FieldView {
        let proposed = filled.proposal.and_then(|p| self.path.find(p)).filter(|v| !v.is_null());
        let prefilled = proposed.filter(|_| filled.pairs.is_empty() && self.takes_proposal()).map(|v| self.pairs(v));
        let pairs = prefilled.as_deref().unwrap_or(filled.pairs);
        let (kind, options) = self.shape(pairs, filled.own_data, lang);
        let mut view = FieldView {
            id: self.id(),
            name: self.name(),
            label: self.title.clone(),
            hint: self.hint.clone(),
            help: self.help.clone(),
            kind,
            options,
            value: sent(pairs, &self.name()).unwrap_or_default().to_owned(),
            required: self.must(),
            conditional: self.conditional,
            optional: !self.required && !self.conditional && self.kind != Kind::Consent && !says_so(&self.title),
            error: first(filled.problems, &self.path, lang),
            autocomplete: self.autocomplete(filled.own_data),
            filled: prefilled.is_some(),
            proposal: proposed.map(|v| self.spell_value(v, lang)),
            proposal_from: proposed.and_then(|_| filled.proposed_by?.get(self.path.root())).cloned().unwrap_or_default(),
            file: self.file(filled.files, lang),
            unit: (self.kind == Kind::Money).then_some("€"),
            each_line: self.each_line(lang),
            ..FieldView::default()
        };
        (view.input, view.inputmode, view.max) = self.input();
        view.described_by = described_by(&view);
        view
    }

    fn shape(&self, pairs: &[(String, String)], own_data: bool, lang: Lang) -> (&'static str, Vec<OptionView>) {
        match &self.kind {
            // what a model proposed has lines, whatever the schema says of its length
            Kind::Text { .. } if sent(pairs, &self.name()).is_some_and(|text| text.contains('\n')) => ("area", Vec::new()),
            Kind::Text { .. } | Kind::Number { .. } | Kind::Money => ("text", Vec::new()),
            Kind::Area { .. } | Kind::Lines(_) => ("area", Vec::new()),
            Kind::Consent => ("consent", Vec::new()),
            Kind::File(_) | Kind::Files { .. } => ("file", Vec::new()),
            Kind::Date => ("date", self.date_parts(pairs, own_data, lang)),
            Kind::Moment(_) => ("date", self.date_parts(pairs, own_data, lang).into_iter().chain([self.clock(pairs, lang)]).collect()),
            Kind::Duration => ("duration", self.units(pairs, lang)),
            Kind::Many(choices) => ("checks", self.options(choices, pairs)),
            Kind::One(choices) if choices.len() > RADIOS_MAX => ("select", self.options(choices, pairs)),
            Kind::One(choices) => ("radios", self.radios(choices.clone(), pairs, lang)),
            Kind::YesNo => ("radios", self.radios(vec![answer("ja", "yes", lang), answer("nein", "no", lang)], pairs, lang)),
        }
    }

    /// A choice that may be left out can be taken back: without JavaScript nothing else unticks a radio button.
    fn radios(&self, mut choices: Vec<Choice>, pairs: &[(String, String)], lang: Lang) -> Vec<OptionView> {
        if !self.must() {
            choices.push(answer("", "not_given", lang));
        }
        self.options(&choices, pairs)
    }

    fn options(&self, choices: &[Choice], pairs: &[(String, String)]) -> Vec<OptionView> {
        let name = self.name();
        let chosen = |choice: &Choice| pairs.iter().any(|(key, value)| *key == name && as_sent(value) == as_sent(&choice.key));
        let option = |(n, choice): (usize, &Choice)| OptionView {
            id: format!("{}.{}", self.id(), n + 1),
            name: name.clone(),
            text: choice.text.clone(),
            value: choice.key.clone(),
            chosen: chosen(choice),
            autocomplete: None,
            clock: false,
        };
        choices.iter().enumerate().map(option).collect()
    }

    fn date_parts(&self, pairs: &[(String, String)], own_data: bool, lang: Lang) -> Vec<OptionView> {
        let birthday = own_data && self.last() == "geburtsdatum";
        let parts = [("tag", "day", "bday-day"), ("monat", "month", "bday-month"), ("jahr", "year", "bday-year")];
        let part = |(part, label, token): (&str, &str, &'static str)| {
            let name = format!("{}.{part}", self.path);
            OptionView {
                id: format!("f-{name}"),
                text: word(label, lang).to_owned(),
                value: sent(pairs, &name).unwrap_or_default().to_owned(),
                chosen: false,
                autocomplete: birthday.then_some(token),
                clock: false,
                name,
            }
        };
        parts.map(part).to_vec()
    }

    fn clock(&self, pairs: &[(String, String)], lang: Lang) -> OptionView {
        let name = format!("{}{}", self.path, times::CLOCK);
        OptionView {
            id: format!("f-{name}"),
            text: word("clock", lang).to_owned(),
            value: sent(pairs, &name).unwrap_or_default().to_owned(),
            chosen: false,
            autocomplete: None,
            clock: true,
            name,
        }
    }

    fn units(&self, pairs: &[(String, String)], lang: Lang) -> Vec<OptionView> {
        let name = format!("{}{}", self.path, times::UNIT);
        let unit = |(key, text): (&str, &str)| OptionView {
            id: format!("f-{name}"),
            name: name.clone(),
            text: text.to_owned(),
            value: key.to_owned(),
            chosen: sent(pairs, &name) == Some(key),
            autocomplete: None,
            clock: false,
        };
        times::units(lang).map(unit).collect()
    }

    fn each_line(&self, lang: Lang) -> Option<&'static str> {
        let Kind::Lines(line) = &self.kind else { return None };
        Some(word(
            match line {
                Line::Text => "line_text",
                Line::Whole => "line_whole",
                Line::Number => "line_number",
                Line::Money => "line_money",
                Line::Date => "line_date",
            },
            lang,
        ))
    }

    fn file(&self, files: &[UploadedFile], lang: Lang) -> Option<FileView> {
        let (Accepted { media_types, max_bytes }, several) = match &self.kind {
            Kind::File(accepted) => (accepted, None),
            Kind::Files { accepted, max, .. } => (accepted, Some(*max)),
            _ => return None,
        };
        let name = self.name();
        let there = |(n, file): (usize, &UploadedFile)| FileThere {
            reference: file.reference.clone(),
            text: format!("{} ({})", file.name, shown::size(file.bytes, lang)),
            remove: (n + 1).to_string(),
        };
        let there: Vec<FileThere> = files.iter().filter(|f| f.path == name).enumerate().map(there).collect();
        Some(FileView {
            accept: media_types.join(","),
            kinds: media_types.iter().map(|m| shown::media_type(m)).collect::<Vec<_>>().join(", "),
            max: max_bytes.map(|bytes| shown::size(bytes, lang)),
            full: several.is_some_and(|max| there.len() >= max),
            there,
            several,
            reference_name: format!("{name}{FILE_REFERENCE}"),
            remove_name: format!("{name}{FILE_REMOVED}"),
        })
    }
}

fn described_by(view: &FieldView) -> String {
    let parts = [
        ("einheit", view.unit.is_some()),
        ("hinweis", view.hint.is_some()),
        ("zeilen", view.each_line.is_some()),
        ("datei", view.file.is_some()),
        ("vorschlag", view.proposal.is_some()),
        ("fehler", view.error.is_some()),
    ];
    let ids: Vec<String> = parts.iter().filter(|(_, there)| *there).map(|(part, _)| format!("{}.{part}", view.id)).collect();
    ids.join(" ")
}
