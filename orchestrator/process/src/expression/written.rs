//! Which parts of a text made from a file of the process stand in that file, and which came with a value. The text is made once more, with
//! marks around every value; nothing is guessed from how it looks. Refuses whatever does not come out as it did: the caller compares.

use std::{fmt::Write as _, sync::LazyLock};

use minijinja::{Environment, Error, State};

use super::{
    Scope,
    environment::ENVIRONMENT,
    functions,
    template::{Expression, lone},
};

/// Endings of files whose looks mean something: Markdown.
const ENDING: &str = ".md";
/// Noncharacters, which no text that is exchanged has (Unicode 16, 23.7): here a value begins and ends, here a file.
const VALUE: [char; 2] = ['\u{FDD0}', '\u{FDD1}'];
const FILE: [char; 2] = ['\u{FDD2}', '\u{FDD3}'];

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    /// It stands so in the file; otherwise it came with a value.
    pub fixed: bool,
}

static MARKING: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = ENVIRONMENT.clone();
    env.set_formatter(|out, state, value| {
        out.write_char(VALUE[0])?;
        minijinja::escape_formatter(out, state, value)?;
        Ok(out.write_char(VALUE[1])?)
    });
    env.add_function("render", |state: &State<'_, '_>, file: &str| -> Result<String, Error> {
        let text = functions::render(state, file)?;
        Ok(if file.ends_with(ENDING) { format!("{}{text}{}", FILE[0], FILE[1]) } else { text })
    });
    env
});

impl Expression {
    /// Some of it is written in a file whose looks mean something.
    pub fn is_written(&self) -> bool {
        self.analysis.renders.iter().any(|file| file.ends_with(ENDING))
    }

    /// What comes out in this scope, by its parts. `None`: no text comes out, or nobody can tell its parts.
    pub fn written(&self, scope: &Scope<'_>) -> Option<Vec<Part>> {
        let context = self.context(scope);
        match lone(&self.source) {
            Some(inner) => parts(MARKING.compile_expression(inner).ok()?.eval(context).ok()?.as_str()?),
            None => parts(&MARKING.render_str(&self.source, context).ok()?),
        }
    }
}

/// The marks must stand within each other as they were set: a function that cuts a text can tear them apart.
fn parts(marked: &str) -> Option<Vec<Part>> {
    let mut open: Vec<char> = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    for sign in marked.chars() {
        let ends = [VALUE, FILE].into_iter().find(|pair| pair[1] == sign);
        if let Some([begin, _]) = ends {
            open.pop().filter(|last| *last == begin)?;
        } else if sign == VALUE[0] || sign == FILE[0] {
            open.push(sign);
        } else {
            let fixed = open.last() == Some(&FILE[0]);
            match parts.last_mut().filter(|last| last.fixed == fixed) {
                Some(last) => last.text.push(sign),
                None => parts.push(Part { text: sign.to_string(), fixed }),
            }
        }
    }
    open.is_empty().then_some(parts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use laufzettel_domain::{Place, Value};
    use serde_json::json;

    use super::*;
    use crate::expression::{Outcome, parse_template};

    /// `‹value›` in what comes out.
    fn written(source: &str, file: &str, input: &Value) -> Option<String> {
        let names = ["t/a.md", "t/b.txt"].map(|name| (name.to_owned(), file.to_owned()));
        let templates = BTreeMap::from(names);
        let inner = templates.iter().map(|(name, text)| (name.clone(), parse_template(text, Place::default()).unwrap())).collect();
        let mut expression = Expression::compile(source, Place::default()).unwrap();
        expression.add_rendered(&inner);
        let mut scope = Scope { templates: Some(&templates), zeitzone: "Europe/Berlin", ..Scope::default() };
        scope.roots.insert("input", input);
        let parts = expression.written(&scope)?;
        // the same text, whatever is marked
        let plain: String = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(expression.evaluate(&scope), Ok(Outcome::Value(plain.into())));
        Some(parts.into_iter().map(|part| if part.fixed { part.text } else { format!("‹{}›", part.text) }).collect())
    }

    #[test]
    fn what_came_with_a_value_is_known() {
        let input = json!({ "name": "**Weber**\n# Titel", "liste": ["a\n- b", "c"], "leer": "" });
        let a = "{{ render('t/a.md') }}";
        for (source, file, expected) in [
            (a, "# {{ input.name }}, *hier*", "# ‹**Weber**\n# Titel›, *hier*"),
            (a, "{% for x in input.liste -%}\n- {{ x }}\n{% endfor %}", "- ‹a\n- b›\n- ‹c›\n"),
            (a, "{{ input.liste | join('*') }}|{{ input.leer }}|", "‹a\n- b*c›||"),
            (a, "{% set x %}*{{ input.name }}*{% endset %}{{ x }}!", "‹***Weber**\n# Titel*›!"),
            (a, "{% if input.leer == '' %}leer{% endif %}", "leer"),
            ("{{ render('t/a.md') if input.name else '-' }}", "*x*", "*x*"),
            // only what stands in the file
            ("{{ render('t/a.md') ~ input.name }}", "*x*", "*x*‹**Weber**\n# Titel›"),
            ("*Anbei:* {{ render('t/a.md') }}", "*x*", "‹*Anbei:* ›*x*"),
            ("{{ render('t/b.txt') }}", "*x*", "‹*x*›"),
            ("{{ input.name }}", "*x*", "‹**Weber**\n# Titel›"),
        ] {
            assert_eq!(written(source, file, &input).as_deref(), Some(expected), "{source} {file}");
        }
        assert_eq!(written(a, "{% set x %}{{ input.name }}{% endset %}{{ x | first }}", &input), None, "torn apart");
        assert_eq!(written(a, "{{ input.fehlt }}", &input), None);
    }
}
