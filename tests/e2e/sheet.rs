//! A form as somebody without a script reads it: what stands in it, what its buttons send. It knows nothing of what is asked.

use std::path::Path;

use serde_json::Value;

use crate::desk::{Server, client};

/// One page with its form.
#[derive(Debug, Clone)]
pub struct Sheet {
    pub status: u16,
    /// The whole page as it came.
    pub html: String,
    /// The same, entities read.
    pub text: String,
    action: String,
    /// Everything the form would send without a button.
    pairs: Vec<(String, String)>,
    /// Choices by name: what each would send.
    choices: Vec<(String, String)>,
    /// Texts, lists to open, areas: names.
    texts: Vec<String>,
    /// Inputs for files.
    files: Vec<String>,
    chosen: Vec<(String, String, Vec<u8>)>,
    pub buttons: Vec<String>,
}

impl Sheet {
    pub async fn open(server: &Server, path: &str) -> Self {
        Self::try_open(server, path).await.expect("an answer")
    }

    /// `None`: nobody is there (any more).
    pub async fn try_open(server: &Server, path: &str) -> Option<Self> {
        let answer = client().get(server.url(path)).send().await.ok()?;
        let status = answer.status().as_u16();
        Some(Self::read(status, &answer.text().await.ok()?))
    }

    /// The code of a draft, on the page that tells it.
    pub fn code(&self) -> Option<String> {
        let (_, behind) = self.text.split_once("entwurf__code\">")?;
        behind.split_once('<').map(|(code, _)| code.to_owned())
    }

    fn read(status: u16, html: &str) -> Self {
        let mut sheet = Self {
            status,
            html: html.to_owned(),
            text: unescaped(html),
            action: String::new(),
            pairs: vec![],
            choices: vec![],
            texts: vec![],
            files: vec![],
            chosen: vec![],
            buttons: vec![],
        };
        let main = html.split_once("<main").map_or("", |(_, main)| main);
        let mut rest = main;
        let mut select = String::new();
        while let Some((_, after)) = rest.split_once('<') {
            let (tag, behind) = after.split_once('>').unwrap_or((after, ""));
            rest = behind;
            let get = |key: &str| attribute(tag, key);
            let name = get("name").unwrap_or_default();
            match tag.split_whitespace().next().unwrap_or_default() {
                "form" => sheet.action = get("action").unwrap_or_default(),
                "button" => sheet.buttons.extend(get("value")),
                "textarea" => {
                    let inner = behind.split_once("</textarea>").map_or("", |(inner, _)| inner);
                    sheet.pairs.push((name.clone(), unescaped(inner.strip_prefix('\n').unwrap_or(inner))));
                    sheet.texts.push(name);
                }
                "select" => {
                    select.clone_from(&name);
                    sheet.texts.push(name);
                }
                "option" => {
                    let value = get("value").unwrap_or_default();
                    sheet.choices.push((select.clone(), value.clone()));
                    if is_set(tag, "selected") {
                        sheet.pairs.push((select.clone(), value));
                    }
                }
                "input" => sheet.input(tag, name),
                _ => {}
            }
        }
        sheet
    }

    fn input(&mut self, tag: &str, name: String) {
        let value = attribute(tag, "value").unwrap_or_default();
        match attribute(tag, "type").as_deref() {
            Some("radio" | "checkbox") => {
                if is_set(tag, "checked") {
                    self.pairs.push((name.clone(), value.clone()));
                }
                self.choices.push((name, value));
            }
            Some("file") => self.files.push(name),
            Some("hidden") => self.pairs.push((name, value)),
            _ => {
                self.pairs.push((name.clone(), value));
                self.texts.push(name);
            }
        }
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn asks(&self, name: &str) -> bool {
        self.texts.iter().chain(&self.files).chain(self.choices.iter().map(|(known, _)| known)).any(|known| known == name)
    }

    /// Types, chooses, ticks.
    pub fn enter(&mut self, name: &str, value: &str) {
        assert!(self.asks(name), "nothing asks for {name}");
        self.pairs.retain(|(known, _)| known != name);
        self.pairs.push((name.to_owned(), value.to_owned()));
    }

    /// What no page asked for, as somebody sends it who writes her own requests.
    pub fn smuggle(&mut self, name: &str, value: &str) {
        self.pairs.push((name.to_owned(), value.to_owned()));
    }

    pub fn attach(&mut self, name: &str, file: &str, bytes: &[u8]) {
        assert!(self.files.iter().any(|known| known == name), "no file is asked for at {name}");
        self.chosen.push((name.to_owned(), file.to_owned(), bytes.to_vec()));
    }

    pub fn has(&self, button: &str) -> bool {
        self.buttons.iter().any(|known| known == button)
    }

    /// The button that leads on.
    pub fn on(&self) -> Option<String> {
        self.buttons.iter().find(|button| ["weiter", "pruefen"].contains(&button.as_str())).cloned()
    }

    /// Presses a button: what comes next.
    pub async fn press(&self, server: &Server, button: &str) -> Self {
        self.try_press(server, button).await.expect("an answer")
    }

    /// `None`: nobody is there (any more).
    pub async fn try_press(&self, server: &Server, button: &str) -> Option<Self> {
        assert!(self.has(button), "no button {button}, but {:?} on {}", self.buttons, self.text);
        let mut body = Vec::new();
        for (name, value) in self.pairs.iter().chain([&("_schritt".to_owned(), button.to_owned())]) {
            body.extend(format!("--rand\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
        }
        for (name, file, bytes) in &self.chosen {
            let head = format!("--rand\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: application/pdf\r\n\r\n");
            body.extend(head.into_bytes());
            body.extend(bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--rand--\r\n");
        let request = client().post(server.url(&self.action)).header("origin", server.url("")).header("content-type", "multipart/form-data; boundary=rand");
        let answer = request.body(body).send().await.ok()?;
        let status = answer.status().as_u16();
        Some(Self::read(status, &answer.text().await.ok()?))
    }

    /// The same page in the other language, by the button at its head.
    pub async fn switched(&self, server: &Server) -> Self {
        let head = self.html.split_once("<main").map_or("", |(head, _)| head);
        let button = head.split('<').find(|tag| tag.contains("formaction=\"")).unwrap_or_else(|| panic!("no switch: {head}"));
        let (action, value) = (attribute(button, "formaction").unwrap_or_default(), attribute(button, "value").unwrap_or_default());
        Self { action, buttons: vec![value.clone()], ..self.clone() }.press(server, &value).await
    }

    /// Fills in what this page asks of `target`; files lie in `folder`.
    pub fn fill(&mut self, target: &Value, folder: &Path) {
        let mut names: Vec<String> = self.texts.iter().cloned().chain(self.choices.iter().map(|(name, _)| name.clone())).collect();
        names.dedup();
        for name in names.into_iter().filter(|name| !name.starts_with('_') && !name.ends_with(".entfernen")) {
            if let Some(text) = told(target, &name) {
                let cent = at(target, &name).and_then(Value::as_u64).filter(|_| self.text.contains(&format!("id=\"f-{name}.einheit\"")));
                self.enter(&name, &cent.map_or(text, |cent| format!("{},{:02}", cent / 100, cent % 100)));
            }
        }
        for name in self.files.clone() {
            let wanted = at(target, &name).cloned().unwrap_or_default();
            let already = self.pairs.iter().any(|(known, _)| *known == format!("{name}.datei"));
            for file in wanted.as_array().cloned().unwrap_or_else(|| vec![wanted]).iter().filter(|_| !already) {
                let Some(path) = file["file"].as_str() else { continue };
                let bytes = std::fs::read(folder.join(path)).expect("a file of the cases");
                self.attach(&name, path.rsplit('/').next().unwrap_or(path), &bytes);
            }
        }
    }

    /// A list on this page with fewer entries than `target` has.
    pub fn short_list(&self, target: &Value) -> Option<String> {
        self.buttons.iter().filter_map(|button| button.strip_prefix("dazu:")).find_map(|path| {
            let wanted = at(target, path).and_then(Value::as_array).map_or(0, Vec::len);
            let prefix = format!("oeffnen:{path}.");
            let there = self.buttons.iter().filter(|button| button.starts_with(&prefix)).count();
            (there < wanted).then(|| path.to_owned())
        })
    }
}

fn at<'v>(target: &'v Value, name: &str) -> Option<&'v Value> {
    target.pointer(&format!("/{}", name.replace('.', "/")))
}

/// What somebody would type for a field: a date has three.
fn told(target: &Value, name: &str) -> Option<String> {
    if let Some((path, part)) = name.rsplit_once('.')
        && let Some(n) = ["jahr", "monat", "tag"].iter().position(|known| *known == part)
        && let Some(date) = at(target, path).and_then(Value::as_str)
    {
        return date.split('-').nth(n).map(str::to_owned);
    }
    match at(target, name)? {
        Value::String(text) => Some(text.clone()),
        Value::Bool(yes) => Some(if *yes { "ja" } else { "nein" }.to_owned()),
        Value::Number(number) => Some(number.to_string().replace('.', ",")),
        Value::Array(lines) => Some(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")),
        _ => None,
    }
}

fn attribute(tag: &str, key: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!(" {key}=\""))?;
    after.split_once('"').map(|(value, _)| unescaped(value))
}

fn is_set(tag: &str, key: &str) -> bool {
    tag.split_whitespace().any(|word| word == key)
}

fn unescaped(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}
