//! The picture of a process: the shipped ones as they are to be seen, and of any graph that nothing lies upon anything.

use std::{collections::BTreeMap, fs, path::Path};

use laufzettel_domain::{Findings, Lang};
use laufzettel_process::{
    Folder, Process,
    picture::{
        Drawing, Picture, TooLarge,
        layout::{Layout, Link, Point, Size, layout},
        plain, svg,
    },
    read,
};
use proptest::prelude::*;

fn read_process(folder: &Folder, name: &str) -> Process {
    let mut findings = Findings::new(name);
    let process = read::read(folder, name, &mut findings);
    let lines: Vec<String> = findings.into_sorted().iter().map(|f| f.line(Lang::De)).collect();
    process.unwrap_or_else(|| panic!("{name}: {lines:?}"))
}

/// The shipped processes, with the schemas they read.
fn shipped() -> Folder {
    fn collect(dir: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(dir).expect("part of the project").flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                collect(&entry.path(), &format!("{name}/"), files);
            } else if let Ok(text) = fs::read_to_string(entry.path()) {
                files.insert(name, text);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = BTreeMap::new();
    collect(&root.join("workflows"), "", &mut files);
    collect(&root.join("schemas"), "../schemas/", &mut files);
    Folder { files }
}

fn draw(process: &Process, lang: Lang) -> Result<Picture, TooLarge> {
    Picture::of(process, &Drawing { lang, effect: &|_| None, states: true })
}

/// A process of so many steps, each after some before it; `pick` says after which, and what kind it is.
fn grown(count: usize, mut pick: impl FnMut(usize) -> usize) -> Process {
    let mut text = String::from(
        "process: gewachsen\nversion: 1.0.0\ntitle: Gewachsen\nverantwortlich: FB\nrechtsgrundlage: [x]\nzweck: x\nschutzbedarf: kein\ndatenkategorien: []\naufbewahrung: { vorgang: P1D, inhalte: P1D }\nautomatisierung: assistenz\nstart: { groups: [GG-A] }\ninput: { type: object }\nsteps:\n",
    );
    for n in 0..count {
        let needs: Vec<String> =
            (0..pick(3)).filter(|_| n > 0).map(|k| format!("\"s{}{}\"", n - 1 - pick(n.min(1 + 4 * (k + 1))), if pick(4) == 0 { "?" } else { "" })).collect();
        let mut unique: Vec<String> = Vec::new();
        for need in needs {
            if !unique.iter().any(|other| other.trim_matches(['"', '?']) == need.trim_matches(['"', '?'])) {
                unique.push(need);
            }
        }
        let condition = if pick(3) == 0 { "    if: \"{{ run.tenant == 'x' }}\"\n" } else { "" };
        text.push_str(&format!(
            "  s{n}:\n    title: Schritt {n} prüft etwas mit einem längeren Namen\n    needs: [{}]\n{condition}    set: {{ x: 1 }}\n",
            unique.join(", ")
        ));
    }
    read_process(&Folder { files: BTreeMap::from([("p.yaml".to_owned(), text)]) }, "p.yaml")
}

/// A sequence that looks random and is the same every time.
fn sequence(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("as drawn") % below.max(1)
    }
}

#[derive(Debug, Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

fn areas(layout: &Layout, sizes: &[Size]) -> Vec<Area> {
    let area = |(at, size): (&Point, &Size)| Area {
        left: f64::from(at.x),
        top: f64::from(at.y),
        right: f64::from(at.x + size.width),
        bottom: f64::from(at.y + size.height),
    };
    layout.places.iter().zip(sizes).map(area).collect()
}

/// Points along an arrow, as it is drawn: straight within a pair, in a bow between pairs.
fn along(route: &[Point]) -> Vec<(f64, f64)> {
    let steps = || (0..=40).map(|n| f64::from(n) / 40.0);
    let segment = |(n, pair): (usize, &[Point])| {
        let [a, b] = [pair[0], pair[1]].map(|p| (f64::from(p.x), f64::from(p.y)));
        let middle = f64::midpoint(a.1, b.1).floor();
        let at = move |t: f64| {
            if n % 2 == 0 {
                return (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
            }
            let bow = |p: [f64; 4]| (1.0 - t).powi(3) * p[0] + 3.0 * (1.0 - t).powi(2) * t * p[1] + 3.0 * (1.0 - t) * t * t * p[2] + t.powi(3) * p[3];
            (bow([a.0, a.0, b.0, b.0]), bow([a.1, middle, middle, b.1]))
        };
        steps().map(at).collect::<Vec<_>>()
    };
    route.windows(2).enumerate().flat_map(segment).collect()
}

fn well_laid(sizes: &[Size], links: &[Link], laid: &Layout) {
    let areas = areas(laid, sizes);
    for (n, a) in areas.iter().enumerate() {
        assert!(a.left >= 0.0 && a.top >= 0.0 && a.right <= f64::from(laid.width) && a.bottom <= f64::from(laid.height), "{a:?} beyond the picture");
        for b in &areas[n + 1..] {
            assert!(a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top, "{a:?} lies on {b:?}");
        }
    }
    for (link, route) in links.iter().zip(&laid.routes) {
        let (from, to) = (areas[link.from], areas[link.to]);
        let (first, last) = (route.first().expect("as drawn"), route.last().expect("as drawn"));
        assert_eq!((f64::from(first.y), f64::from(last.y)), (from.bottom, to.top), "{link:?} leads from box to box");
        assert!(from.left < f64::from(first.x) && f64::from(last.x) < to.right && f64::from(first.x) < from.right && to.left < f64::from(last.x));
        for (x, y) in along(route) {
            let hit = areas.iter().find(|a| a.left - 1.0 < x && x < a.right + 1.0 && a.top < y && y < a.bottom);
            assert!(hit.is_none(), "{link:?} goes through {hit:?} at {x}, {y}");
        }
    }
}

fn laid(picture: &Picture) -> (Vec<Size>, Vec<Link>, Layout) {
    let links = picture.arrows.iter().map(|a| Link { from: a.from, to: a.to, optional: a.optional }).collect();
    let layout = Layout {
        width: picture.size.width,
        height: picture.size.height,
        places: picture.cards.iter().map(|c| c.at).collect(),
        routes: picture.arrows.iter().map(|a| a.route.clone()).collect(),
    };
    (picture.cards.iter().map(|c| c.size).collect(), links, layout)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_lies_upon_anything(
        sizes in prop::collection::vec((40..300_i32, 20..200_i32), 1..40),
        pairs in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 0..120),
    ) {
        let sizes: Vec<Size> = sizes.into_iter().map(|(width, height)| Size { width, height }).collect();
        let mut links: Vec<Link> = Vec::new();
        for (a, b, optional) in pairs {
            let (a, b) = (a.index(sizes.len()), b.index(sizes.len()));
            if a != b && !links.iter().any(|l| (l.from, l.to) == (a.min(b), a.max(b))) {
                links.push(Link { from: a.min(b), to: a.max(b), optional });
            }
        }
        let first = layout(&sizes, &links).expect("as drawn");
        well_laid(&sizes, &links, &first);
        prop_assert_eq!(layout(&sizes, &links), Some(first));
    }
}

#[test]
fn large_processes_are_laid_out_well_and_always_alike() {
    for (count, seed) in [(1, 1), (60, 2), (60, 3), (200, 4), (200, 5)] {
        let process = grown(count, sequence(seed));
        let picture = draw(&process, Lang::De).expect("as drawn");
        let (sizes, links, layout) = laid(&picture);
        well_laid(&sizes, &links, &layout);
        assert_eq!(picture.cards.len(), count + 2);
        assert_eq!(svg::alone(&picture), svg::alone(&draw(&process, Lang::De).expect("as drawn")));
    }
    assert_eq!(draw(&grown(501, sequence(6)), Lang::De), Err(TooLarge));
}

/// Whoever follows the arrows comes to everything a step waits for, and to nothing else.
#[test]
fn the_arrows_left_out_are_said_by_others() {
    let process = grown(80, sequence(7));
    let picture = draw(&process, Lang::De).expect("as drawn");
    let number: BTreeMap<&str, usize> = process.order.iter().enumerate().map(|(n, id)| (id.as_str(), n + 1)).collect();
    let closure = |edges: &[(usize, usize)]| {
        let mut reach = vec![vec![false; 82]; 82];
        for to in 0..82 {
            for (from, _) in edges.iter().filter(|(_, t)| *t == to) {
                let theirs = reach[*from].clone();
                reach[to].iter_mut().zip(theirs).for_each(|(own, other)| *own |= other);
                reach[to][*from] = true;
            }
        }
        reach
    };
    for firm in [false, true] {
        let drawn: Vec<(usize, usize)> = picture.arrows.iter().filter(|a| a.from > 0 && a.to < 81 && !(firm && a.optional)).map(|a| (a.from, a.to)).collect();
        let mut needed = Vec::new();
        for (id, to) in process.order.iter().zip(1..) {
            needed.extend(process.steps[id].needs.iter().filter(|(_, optional)| !(firm && **optional)).map(|(need, _)| (number[need.as_str()], to)));
        }
        assert!(drawn.len() < needed.len(), "some are left out");
        assert_eq!(closure(&drawn), closure(&needed), "firm: {firm}");
    }
}

/// Each line of mermaid and dot is one of the few forms used here, and names only what was declared.
#[test]
fn other_programs_can_read_it() {
    let folder = shipped();
    let names: Vec<String> = folder.files.keys().filter(|n| !n.contains('/') && n.ends_with(".yaml") && !n.ends_with(".cases.yaml")).cloned().collect();
    assert_eq!(names.len(), 7);
    for name in names {
        let picture = draw(&read_process(&folder, &name), Lang::De).expect("as drawn");
        mermaid_reads(&plain::mermaid(&picture), &picture);
        dot_reads(&plain::dot(&picture), &picture);
    }
}

fn word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn mermaid_reads(text: &str, picture: &Picture) {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("---"));
    assert!(lines.next().expect("as drawn").starts_with("title: \""));
    assert_eq!((lines.next(), lines.next()), (Some("---"), Some("flowchart TB")));
    let (mut boxes, mut arrows) = (Vec::new(), 0);
    for line in lines.map(str::trim) {
        match line.split_once(" -.-> ").or_else(|| line.split_once(" --> ")).filter(|_| !line.contains('"')) {
            Some((from, to)) => {
                assert!(boxes.contains(&from) && boxes.contains(&to), "{line}");
                arrows += 1;
            }
            None => {
                let (id, rest) = line.split_at(line.find(['[', '(', '{']).expect("as drawn"));
                let (open, rest) = rest.split_once('"').expect("as drawn");
                let (label, close) = rest.split_once('"').expect("as drawn");
                assert!(word(id) && id != "end", "{line}");
                assert!([("[", "]"), ("(", ")"), ("([", "])"), ("[/", "/]"), ("[[", "]]"), ("{{", "}}")].contains(&(open, close)), "{line}");
                assert!(!label.replace("<br>", "").contains(['<', '>', '&', '`']), "{line}");
                boxes.push(id);
            }
        }
    }
    assert_eq!((boxes.len(), arrows), (picture.cards.len(), picture.arrows.len()));
}

fn dot_reads(text: &str, picture: &Picture) {
    let body = text.strip_prefix("digraph \"").expect("as drawn").split_once("{\n").expect("as drawn").1.strip_suffix("}\n").expect("as drawn");
    let (mut boxes, mut arrows) = (Vec::new(), 0);
    for line in body.lines().map(str::trim).skip(4) {
        let statement = line.strip_suffix(';').expect("as drawn");
        if let Some((from, to)) = statement.split_once(" -> ").filter(|_| !statement.contains('"')) {
            assert!(boxes.contains(&from) && boxes.contains(&to.split(' ').next().expect("as drawn")), "{line}");
            arrows += 1;
        } else {
            let (id, rest) = statement.split_once(" [shape=").expect("as drawn");
            let label = rest.split_once(", label=\"").expect("as drawn").1.strip_suffix("\"]").expect("as drawn");
            assert!(word(id), "{line}");
            // every quote inside is escaped, and no escape is left open at the end
            assert!(!label.replace("\\\\", "").replace("\\\"", "").contains('"') && !label.replace("\\\\", "").ends_with('\\'), "{line}");
            boxes.push(id);
        }
    }
    assert_eq!((boxes.len(), arrows), (picture.cards.len(), picture.arrows.len()));
}

/// Recorded pictures: `tests/picture/NAME`. One that changed is written beside the build, to be looked at and put there.
#[test]
fn the_shipped_processes_look_as_recorded() {
    let folder = shipped();
    for name in ["hundesteuer", "gewerbeanmeldung", "sitzungsvorlage", "wohngeld-vollstaendigkeit", "sitzung-umsetzung", "wohngeld-anlage"] {
        let process = read_process(&folder, &format!("{name}.yaml"));
        let picture = draw(&process, Lang::De).expect("as drawn");
        let (sizes, links, layout) = laid(&picture);
        well_laid(&sizes, &links, &layout);
        is_recorded(&format!("{name}.mmd"), &plain::mermaid(&picture));
        is_recorded(&format!("{name}.dot"), &plain::dot(&picture));
    }
    let small = draw(&read_process(&folder, "sitzung-umsetzung.yaml"), Lang::En).expect("as drawn");
    is_recorded("sitzung-umsetzung.en.svg", &svg::alone(&small));
}

fn is_recorded(name: &str, drawn: &str) {
    let recorded = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/picture").join(name)).unwrap_or_default();
    if recorded != drawn {
        let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&beside, drawn).expect("as drawn");
        panic!("{name} is not as recorded: see {}", beside.display());
    }
}

#[test]
fn hostile_text_stays_text() {
    let evil = r#"</text><script>alert("x")</script> & 'y' \" ]"#;
    let text = format!(
        "process: p\nversion: 1.0.0\ntitle: {0}\nverantwortlich: FB\nrechtsgrundlage: [x]\nzweck: x\nschutzbedarf: kein\ndatenkategorien: []\naufbewahrung: {{ vorgang: P1D, inhalte: P1D }}\nautomatisierung: assistenz\nstart: {{ groups: [{0}] }}\ninput: {{ type: object }}\nsteps:\n  s: {{ title: {0}, set: {{ x: 1 }} }}\n",
        serde_json::Value::from(evil)
    );
    let process = read_process(&Folder { files: BTreeMap::from([("p.yaml".to_owned(), text)]) }, "p.yaml");
    let picture = draw(&process, Lang::De).expect("as drawn");
    let drawn = svg::alone(&picture);
    assert!(!drawn.contains("<script") && !drawn.contains("alert(\""), "{drawn}");
    mermaid_reads(&plain::mermaid(&picture), &picture);
    dot_reads(&plain::dot(&picture), &picture);
}
