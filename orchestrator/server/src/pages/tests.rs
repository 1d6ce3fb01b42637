//! Every page rendered in both languages and read back: nothing injected, everything labelled, nothing from elsewhere.

use std::collections::BTreeSet;

use laufzettel_domain::Lang;

use super::{samples::pages, *};

#[derive(Debug)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

const VOID: [&str; 5] = ["meta", "link", "input", "br", "!doctype"];

/// The tags of a document; fails on anything that does not nest.
fn tags(html: &str) -> Vec<Tag> {
    let (mut found, mut open, mut rest) = (Vec::new(), Vec::new(), html);
    while let Some((_, after)) = rest.split_once('<') {
        let (inside, after) = after.split_once('>').expect("every tag is closed");
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "nesting");
            continue;
        }
        let tag = tag(inside);
        if !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        found.push(tag);
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    found
}

fn tag(inside: &str) -> Tag {
    let (name, mut rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    while !rest.trim().is_empty() {
        rest = rest.trim_start();
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').expect("every value is quoted"),
            None => ("", after),
        };
        assert!(attributes.iter().all(|(other, _)| other != key), "{key} twice in <{inside}>");
        attributes.push((key.to_owned(), value.replace("&#x2f;", "/")));
        rest = after;
    }
    Tag { name: name.to_lowercase(), attributes }
}

fn frame(lang: Lang, person: bool) -> Frame {
    Frame {
        lang,
        tenant_name: "Verbandsgemeinde Bellheim".into(),
        person: person.then(|| format!("Sabine {}", samples::EVIL)),
        ways: vec![Link { href: "/aufgaben".into(), text: "Aufgaben".into() }, Link { href: "/protokoll".into(), text: "Protokoll".into() }],
        path: "/aufgaben".into(),
        query: String::new(),
        footer: vec![Link { href: "/impressum".into(), text: "Impressum".into() }],
    }
}

fn all() -> Vec<(String, Lang, String)> {
    let of = |lang, person| pages(lang).into_iter().map(move |(name, page)| (format!("{name} {lang:?} {person}"), lang, render(&page, &frame(lang, person))));
    [(Lang::De, false), (Lang::De, true), (Lang::En, false), (Lang::En, true)].into_iter().flat_map(|(lang, person)| of(lang, person)).collect()
}

#[test]
fn pages_say_their_language_and_have_one_heading() {
    for (name, lang, html) in all() {
        let tags = tags(&html);
        let expected = if lang == Lang::De { "de" } else { "en" };
        assert_eq!(tags.iter().find(|t| t.name == "html").and_then(|t| t.get("lang")), Some(expected), "{name}");
        assert_eq!(tags.iter().filter(|t| t.name == "h1").count(), 1, "{name}");
        let levels = tags.iter().filter_map(|t| t.name.strip_prefix('h')?.parse::<u8>().ok());
        levels.fold(1, |above, level| {
            assert!(level <= above + 1, "{name}: h{level} below h{above}");
            level
        });
    }
}

#[test]
fn nothing_is_injected_and_nothing_comes_from_elsewhere() {
    for (name, _, html) in all() {
        assert!(!html.contains("alert(\""), "{name}: raw quote");
        for tag in tags(&html) {
            let ours = tag.name == "script" && tag.get("src") == Some("/static/live.js");
            assert!(ours || !["script", "style", "iframe", "img", "object"].contains(&tag.name.as_str()), "{name}: <{}>", tag.name);
            for (key, value) in &tag.attributes {
                assert!(key != "style" && !key.starts_with("on"), "{name}: {key}");
                let address = ["href", "src", "action"].contains(&key.as_str());
                assert!(!address || (value.starts_with('/') && !value.starts_with("//")) || value.starts_with('#'), "{name}: {value}");
            }
        }
    }
}

#[test]
fn ids_are_unique_and_every_reference_leads_somewhere() {
    for (name, _, html) in all() {
        let tags = tags(&html);
        let mut ids = BTreeSet::new();
        for id in tags.iter().filter_map(|t| t.get("id")) {
            assert!(ids.insert(id), "{name}: {id} twice");
        }
        for tag in &tags {
            let words = ["for", "aria-describedby", "aria-labelledby"].into_iter().filter_map(|key| tag.get(key)).flat_map(str::split_whitespace);
            let anchor = tag.get("href").and_then(|href| href.strip_prefix('#'));
            for id in words.chain(anchor) {
                assert!(ids.contains(id), "{name}: nothing has the id {id}");
            }
        }
    }
}

#[test]
fn every_input_has_a_label_and_no_choice_is_made_beforehand() {
    for (name, _, html) in all() {
        let tags = tags(&html);
        let labelled: BTreeSet<&str> = tags.iter().filter(|t| t.name == "label").filter_map(|t| t.get("for")).collect();
        for tag in tags.iter().filter(|t| ["input", "select", "textarea"].contains(&t.name.as_str()) && t.get("type") != Some("hidden")) {
            assert!(tag.get("id").is_some_and(|id| labelled.contains(id)), "{name}: {tag:?}");
        }
        let chosen = tags.iter().filter(|t| t.get("checked").is_some() || t.get("selected").is_some());
        assert_eq!(chosen.count(), 0, "{name}");
    }
}

#[test]
fn wordings_of_every_state_exist() {
    for current in Station::ALL {
        let page = Page::Status(Box::new(StatusPage::sample(current)));
        assert_eq!(render(&page, &frame(Lang::De, false)).matches("aria-current=\"step\"").count(), 1);
    }
    let words_of = [
        (Said::Arrived, "ist angekommen"),
        (Said::TooLate, "nicht übernommen"),
        (Said::Changed, "gleich wieder absenden"),
        (Said::Resting, "einige Tage"),
        (Said::Later, "gerade nicht annehmen"),
        (Said::Withdrawn, "ist zurückgezogen"),
        (Said::Added, "Ihre Datei ist angekommen"),
    ];
    for (said, words) in words_of {
        let page = Page::Status(Box::new(StatusPage { said: Some(said), ..StatusPage::asking(false, Lang::De) }));
        assert!(render(&page, &frame(Lang::De, false)).contains(words), "{said:?}");
    }
    for (more, words) in [(0, None), (1, Some("noch eine Frage an Sie.")), (3, Some("weitere Fragen an Sie: 3"))] {
        let mut page = StatusPage::asking(false, Lang::De);
        page.question.as_mut().unwrap().more = more;
        let html = render(&Page::Status(Box::new(page)), &frame(Lang::De, false));
        assert_eq!(["noch eine Frage an Sie.", "weitere Fragen an Sie: 3"].into_iter().find(|words| html.contains(words)), words, "{more}");
    }
    for origin in [Origin::Antrag, Origin::Register, Origin::Modell, Origin::Regel, Origin::Mensch, Origin::Vorgang, Origin::Prozess] {
        let shown = vec![Shown::of("x", &1.into(), Lang::De).from([Source::new(origin, "")])];
        let page = Page::Aufgabe(AufgabePage { shown, ..AufgabePage::sample(false, Lang::De) });
        assert!(tags(&render(&page, &frame(Lang::De, true))).len() > 10);
    }
    for decision in [Decision::Assistenz, Decision::Teil, Decision::Voll] {
        let mut page = AntragPage::sample(false, Lang::De);
        page.notice = page.notice.map(|notice| Notice { decision, ai: decision == Decision::Voll, ai_does: Vec::new(), privacy_contact: None, ..notice });
        assert!(tags(&render(&Page::Antrag(Box::new(page)), &frame(Lang::De, false))).len() > 10);
    }
}

#[test]
fn the_most_urgent_task_stands_first() {
    let rows = |tasks: Vec<TaskRow>| tasks.into_iter().map(|t| (t.number, t.overdue)).collect::<Vec<_>>();
    let AufgabenPage { tasks, aside, .. } = AufgabenPage::sample();
    let expected = [("2026-000123", true), ("2026-000124", false)].map(|(n, o)| (n.to_owned(), o));
    // one is put aside
    assert_eq!((rows(tasks), rows(aside)), (expected.to_vec(), vec![("2026-000125".to_owned(), false)]));
}

#[test]
fn what_a_program_computed_is_folded_below_what_somebody_did() {
    let html = render(&Page::Status(Box::new(StatusPage::sample(Station::InBearbeitung))), &frame(Lang::De, false));
    let (open, folded) = html.split_once("gerechnet, zusammengestellt oder gewartet (3)</summary>").expect("it is folded");
    for (kind, is_folded) in [("happened_rules", true), ("happened_set", true), ("happened_wait", true), ("happened_staff", false), ("happened_model", false)] {
        let said = words::word(kind, Lang::De);
        assert_eq!((open.contains(said), folded.contains(said)), (!is_folded, is_folded), "{kind}");
    }
}

#[test]
fn stations_before_the_current_one_lie_behind() {
    let passed = |current| StatusPage::stations(current, &[]).iter().map(|s| s.passed).collect::<Vec<_>>();
    assert_eq!(passed(Station::InBearbeitung), [true, true, true, false, false, false]);
    assert_eq!(passed(Station::Abgeschlossen), [true, true, true, true, false, false]);
}

#[test]
fn the_other_language_keeps_the_filters() {
    let html = render(&Page::Startseite(StartseitePage::sample()), &Frame { query: "von=2026-11-01&person=%22%3E".into(), ..frame(Lang::De, true) });
    let links: Vec<_> = tags(&html).iter().filter_map(|t| t.get("href").map(str::to_owned)).filter(|href| href.ends_with("lang=en")).collect();
    assert_eq!(links, ["/aufgaben?von=2026-11-01&amp;person=%22%3E&amp;lang=en"]);
}

#[test]
fn a_strange_path_does_not_lead_to_another_host() {
    for path in ["//evil.example/x", "/\\evil.example", "evil"] {
        let html = render(&Page::Fehler(FehlerPage { typed: Vec::new(), ..FehlerPage::sample() }), &Frame { path: path.into(), ..frame(Lang::De, false) });
        let links: Vec<_> = tags(&html).iter().filter_map(|t| t.get("href").map(str::to_owned)).filter(|href| href.ends_with("?lang=en")).collect();
        assert_eq!(links, [format!("/{}?lang=en", path.trim_start_matches(['/', '\\']))]);
    }
}
