//! A text written in Markdown as it will read: paragraphs, lists, tables, bold and italics, in elements of our own and no others.
//!
//! The text may be foreign. Nothing in it leads anywhere, loads anything or becomes a heading, a button or a landmark of the page: HTML
//! stands there as text, a link says where it would lead, an image what it would load. What this could not show whole, or not within its
//! bounds, is refused: the caller shows the text as it is.

mod typed;

use std::fmt::Write as _;

use laufzettel_process::expression::Part;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

/// Characters of a text that is laid out: three pages of a letter.
pub const CHARS_MAX: usize = 10_000;
/// Elements within each other; a letter needs four.
const DEPTH_MAX: usize = 8;
/// Columns of a table: more do not fit a telephone.
const COLUMNS_MAX: usize = 6;
/// Bytes of what comes out: half of what a page may have.
const HTML_BYTES_MAX: usize = 48 * 1024;

/// A letter by its parts: only what stands in the file it was made from has its looks. `None`: the text is shown as it is, for it is not made
/// of these parts, or cannot be laid out whole.
pub fn letter(text: &str, parts: &[Part]) -> Option<String> {
    if text.chars().count() > CHARS_MAX || !parts.iter().flat_map(|part| part.text.chars()).eq(text.chars()) {
        return None;
    }
    html(&typed::as_text(parts)?)
}

/// `None`: the text is shown as it is.
fn html(text: &str) -> Option<String> {
    if text.chars().count() > CHARS_MAX || text.trim().is_empty() {
        return None;
    }
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES);
    // what only defines a link stands nowhere in what is read
    if parser.reference_definitions().iter().next().is_some() {
        return None;
    }
    let mut page = Letter::default();
    for event in parser {
        page.take(event)?;
        if page.html.len() > HTML_BYTES_MAX {
            return None;
        }
    }
    // nothing is lost, nothing comes in: a row longer than its table, a number of a list, a sign that is written and not seen
    (marks(text) == marks(&page.told)).then_some(page.html)
}

/// What is read of a text, whatever its layout: letters, digits, and every sign nobody sees.
fn marks(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace() && *c != '„' && *c != '“')).collect()
}

#[derive(Default)]
struct Letter {
    html: String,
    /// Everything that is read, in its order, with the numbers of lists.
    told: String,
    /// The next number of the lists that are open; `None`: they count nothing.
    numbers: Vec<Option<u64>>,
    depth: usize,
    /// Within the first row of a table.
    heads: bool,
    /// The first row of a table, until it is known whether anything stands in it.
    head: String,
    /// Where links and images lead that are open.
    ways: Vec<String>,
}

impl Letter {
    fn take(&mut self, event: Event<'_>) -> Option<()> {
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return None;
                }
                self.open(tag)?;
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                self.close(tag);
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => {
                self.raw("<code>");
                self.text(&text);
                self.raw("</code>");
            }
            // in a letter a line is a line
            Event::SoftBreak | Event::HardBreak => self.raw("<br>"),
            Event::Rule => self.raw("<p class=\"schrift__linie\">* * *</p>"),
            Event::FootnoteReference(_) | Event::TaskListMarker(_) | Event::InlineMath(_) | Event::DisplayMath(_) => return None,
        }
        Some(())
    }

    fn open(&mut self, tag: Tag<'_>) -> Option<()> {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.raw("<p>"),
            Tag::Heading { .. } => self.raw("<p class=\"schrift__titel\">"),
            Tag::BlockQuote(_) => self.raw("<blockquote>"),
            Tag::CodeBlock(kind) => {
                self.raw("<pre>");
                if let CodeBlockKind::Fenced(name) = kind
                    && !name.is_empty()
                {
                    self.text(&name);
                    self.raw("\n");
                }
            }
            Tag::List(first) => self.list(first),
            Tag::Item => {
                self.raw("<li>");
                if let Some(Some(number)) = self.numbers.last_mut() {
                    let _ = write!(self.told, "{number}");
                    *number += 1;
                }
            }
            Tag::Table(columns) if columns.len() > COLUMNS_MAX => return None,
            Tag::Table(_) => self.raw("<table class=\"schrift__tafel\">"),
            Tag::TableHead => {
                self.heads = true;
                self.head = std::mem::take(&mut self.html);
                self.raw("<thead><tr>");
            }
            Tag::TableRow => self.raw("<tr>"),
            Tag::TableCell => self.raw(if self.heads { "<th scope=\"col\">" } else { "<td>" }),
            Tag::Emphasis => self.raw("<em>"),
            Tag::Strong => self.raw("<strong>"),
            Tag::Link { link_type, dest_url, title, .. } => self.ways.push(way(link_type, &dest_url, &title)),
            Tag::Image { dest_url, title, .. } => {
                self.raw("[");
                self.ways.push(format!("] ({})", both(&dest_url, &title)));
            }
            _ => return None,
        }
        Some(())
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::Heading(_) => self.raw("</p>"),
            TagEnd::BlockQuote(_) => self.raw("</blockquote>"),
            TagEnd::CodeBlock => self.raw("</pre>"),
            TagEnd::List(ordered) => {
                self.numbers.pop();
                self.raw(if ordered { "</ol>" } else { "</ul>" });
            }
            TagEnd::Item => self.raw("</li>"),
            TagEnd::Table => self.raw("</tbody></table>"),
            TagEnd::TableHead => self.headed(),
            TagEnd::TableRow => self.raw("</tr>"),
            TagEnd::TableCell => self.raw(if self.heads { "</th>" } else { "</td>" }),
            TagEnd::Emphasis => self.raw("</em>"),
            TagEnd::Strong => self.raw("</strong>"),
            TagEnd::Link | TagEnd::Image => {
                let way = self.ways.pop().unwrap_or_default();
                self.text(&way);
            }
            _ => {}
        }
    }

    /// A first row in which nothing stands names no columns.
    fn headed(&mut self) {
        let row = std::mem::replace(&mut self.html, std::mem::take(&mut self.head));
        if row.replace("<th scope=\"col\">", "").replace("</th>", "") != "<thead><tr>" {
            self.html.push_str(&row);
            self.raw("</tr></thead>");
        }
        self.raw("<tbody>");
        self.heads = false;
    }

    fn list(&mut self, first: Option<u64>) {
        self.numbers.push(first);
        match first {
            None => self.raw("<ul>"),
            Some(1) => self.raw("<ol>"),
            Some(first) => {
                let _ = write!(self.html, "<ol start=\"{first}\">");
            }
        }
    }

    fn raw(&mut self, ours: &str) {
        self.html.push_str(ours);
    }

    fn text(&mut self, foreign: &str) {
        self.told.push_str(foreign);
        for c in foreign.chars() {
            match c {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                c => self.html.push(c),
            }
        }
    }
}

/// What a link says of where it leads; one that is its own address says it already.
fn way(kind: LinkType, address: &CowStr<'_>, title: &CowStr<'_>) -> String {
    match kind {
        LinkType::Autolink | LinkType::Email => String::new(),
        _ => format!(" ({})", both(address, title)),
    }
}

fn both(address: &str, title: &str) -> String {
    if title.is_empty() { address.to_owned() } else { format!("{address}, „{title}“") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_as_it_reads() {
        for (text, expected) in [
            ("Guten Tag\nAnna\n\nBis **bald**, *ja*", "<p>Guten Tag<br>Anna</p><p>Bis <strong>bald</strong>, <em>ja</em></p>"),
            ("# Bescheid\n\n## Begründung", "<p class=\"schrift__titel\">Bescheid</p><p class=\"schrift__titel\">Begründung</p>"),
            ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
            ("3. c\n4. d", "<ol start=\"3\"><li>c</li><li>d</li></ol>"),
            ("1. c", "<ol><li>c</li></ol>"),
            ("| | |\n|---|---|\n| Hund | Rex |", "<table class=\"schrift__tafel\"><tbody><tr><td>Hund</td><td>Rex</td></tr></tbody></table>"),
            (
                "| A | |\n|---|---|\n| 1 | 2 |",
                "<table class=\"schrift__tafel\"><thead><tr><th scope=\"col\">A</th><th scope=\"col\"></th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
            ),
            ("> so", "<blockquote><p>so</p></blockquote>"),
        ] {
            assert_eq!(html(text).as_deref(), Some(expected), "{text}");
        }
    }

    /// Nothing in it leads anywhere, loads anything or stands in the page as an element of its own, and nothing of it is hidden.
    #[test]
    fn foreign_text_stays_text() {
        for (text, expected) in [
            ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
            ("Da <b onclick=x>ist</b> was", "<p>Da &lt;b onclick=x&gt;ist&lt;/b&gt; was</p>"),
            ("<!-- heimlich -->", "<p>&lt;!-- heimlich --&gt;</p>"),
            ("[Hier](javascript:alert(1))", "<p>Hier (javascript:alert(1))</p>"),
            ("[Hier](https://boese.example \"klick\")", "<p>Hier (https://boese.example, „klick“)</p>"),
            ("<https://boese.example>", "<p>https://boese.example</p>"),
            ("![Siegel](https://boese.example/x.png)", "<p>[Siegel] (https://boese.example/x.png)</p>"),
            ("```heimlich\ncode\n```", "<pre>heimlich\ncode\n</pre>"),
            ("a\n\n---\n\nb", "<p>a</p><p class=\"schrift__linie\">* * *</p><p>b</p>"),
            ("`<i>`", "<p><code>&lt;i&gt;</code></p>"),
        ] {
            assert_eq!(html(text).map(|html| html.replace("\n</p>", "</p>")).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_too_much_or_would_be_hidden_is_shown_as_it_is() {
        let nested: String = (0..200).map(|n| format!("{}- x\n", "  ".repeat(n))).collect();
        let wide = format!("|{}\n|{}\n|{}\n", " a |".repeat(500), "---|".repeat(500), " b |".repeat(500));
        let long = format!("|a|b|c|d|e|f|\n|-|-|-|-|-|-|\n{}", "|||||||\n".repeat(1_200));
        for text in [
            nested,
            wide,
            long,
            ">".repeat(5_000),
            "*a ".repeat(4_000),
            String::new(),
            "[a]\n\n[a]: https://boese.example".to_owned(),
            // a cell more than the table has, a number that is not the next, a sign that comes of an entity
            "x\n\na|b\n-|-\n1|2|versteckt".to_owned(),
            "1. a\n7. b".to_owned(),
            "a&#8203;b".to_owned(),
            "a&#8238;b".to_owned(),
            "a &auml; b".to_owned(),
        ] {
            let began = std::time::Instant::now();
            assert_eq!(html(&text), None, "{}", text.chars().take(40).collect::<String>());
            assert!(began.elapsed().as_secs() < 5);
        }
    }
}
