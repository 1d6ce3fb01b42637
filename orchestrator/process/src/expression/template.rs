//! A value as the author wrote it, with expressions in it: compiled once, evaluated in a scope.

use std::{collections::BTreeMap, fmt, sync::Arc};

use laufzettel_domain::{Node, Path, Place, Text, Value, document::Kind};
use minijinja::{
    machinery::{self, ast},
    value::Value as JinjaValue,
};

use super::{
    Error, Scope,
    analysis::{self, Analysis, Read, Shape},
    environment::ENVIRONMENT,
    words::german,
};

/// An expression that does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syntax {
    pub at: Place,
    pub message: Text,
}

impl Syntax {
    fn of(error: &minijinja::Error, at: Place) -> Self {
        Self { at, message: Text::new(german(error), error.to_string()) }
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Value(Value),
    /// The expression ended in something that is not there.
    Undefined,
}

/// One text of the author with at least one expression in it.
#[derive(Clone)]
pub struct Expression {
    pub source: String,
    pub at: Place,
    pub analysis: Analysis,
    /// The type of the result; text unless the whole is one `{{ … }}`.
    pub shape: Shape,
    /// The list of the run whose elements come out, if it is one: as it is, or sifted.
    pub elements: Option<Path>,
    form: Form,
    /// What evaluation may look at: the names as the author wrote them.
    paths: Vec<Path>,
}

#[derive(Clone)]
enum Form {
    /// One `{{ a.b.c }}`: no evaluator needed.
    Reference(Path),
    /// One `{{ … }}`: keeps its JSON type.
    One(Arc<minijinja::Expression<'static, 'static>>),
    /// Anything else renders to text.
    Text,
}

/// A value with expressions anywhere in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    Const(Value),
    Expression(Box<Expression>),
    List(Vec<Template>),
    Map(BTreeMap<String, Template>),
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.at == other.at
    }
}

/// The text between the braces if the whole text is one expression.
pub(super) fn lone(source: &str) -> Option<&str> {
    let inner = source.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    machinery::parse_expr(inner).is_ok().then_some(inner)
}

impl Expression {
    /// Compiles a text that contains `{{` or `{%`. `at` is where the text begins in its file.
    pub fn compile(source: &str, at: Place) -> Result<Self, Syntax> {
        match lone(source) {
            Some(inner) => Self::compile_one(source, inner, at),
            None => Self::compile_text(source, at),
        }
    }

    fn compile_one(source: &str, inner: &str, at: Place) -> Result<Self, Syntax> {
        let failed = |error: minijinja::Error| Syntax::of(&error, at);
        let tree = machinery::parse_expr(inner).map_err(failed)?;
        let (mut analysis, shape) = Analysis::of_expression(&tree);
        let shift = source.find(inner).unwrap_or(0);
        analysis.reads = analysis
            .reads
            .into_iter()
            .map(|mut r| {
                r.offset += shift;
                r
            })
            .collect();
        let form = match (&shape, &tree) {
            (Shape::Ref(path), ast::Expr::Var(_) | ast::Expr::GetAttr(_)) => Form::Reference(path.clone()),
            _ => Form::One(Arc::new(ENVIRONMENT.compile_expression_owned(inner.to_owned()).map_err(failed)?)),
        };
        Ok(Self { elements: analysis::elements(&tree), ..Self::build(source, at, analysis, shape, form) })
    }

    fn compile_text(source: &str, at: Place) -> Result<Self, Syntax> {
        let analysis = parse_template(source, at)?;
        Ok(Self::build(source, at, analysis, Shape::Text, Form::Text))
    }

    fn build(source: &str, at: Place, analysis: Analysis, shape: Shape, form: Form) -> Self {
        let paths = analysis.paths().into_iter().collect();
        Self { source: source.to_owned(), at, analysis, shape, elements: None, form, paths }
    }

    /// Says what `item` and `index` stand for in a step with `each`: any element of its list, and how many came before it.
    /// Types, labels and dependencies of the element are those of the list's.
    pub fn bind_item(&mut self, each: &Self) {
        let reads = std::mem::take(&mut self.analysis.reads);
        let mut bound = false;
        for read in reads {
            let from_list = |path: Path| Read { path, guarded: true, offset: read.offset };
            match (read.path.root(), each.element(&read.path)) {
                ("item", Some(element)) => {
                    self.analysis.reads.insert(from_list(element));
                    // whatever sifted the list tells which element it is
                    self.analysis.reads.extend(each.sifters().map(from_list));
                }
                ("item" | "index", _) => self.analysis.reads.extend(each.analysis.paths().into_iter().map(from_list)),
                _ => {
                    self.analysis.reads.insert(read);
                    continue;
                }
            }
            bound = true;
        }
        if bound {
            self.analysis.asked.extend(each.analysis.asked.iter().cloned());
            self.shape = each.bound(&self.shape);
        }
    }

    /// What an expression reads beside the list it sifts.
    fn sifters(&self) -> impl Iterator<Item = Path> {
        self.analysis.paths().into_iter().filter(|path| Some(path) != self.elements.as_ref())
    }

    /// Where a path below `item` lies, if the list is one of the run's own.
    fn element(&self, path: &Path) -> Option<Path> {
        let list = self.elements.as_ref()?;
        Some(Path(list.child(Path::EACH).0.into_iter().chain(path.0[1..].iter().cloned()).collect()))
    }

    fn bound(&self, shape: &Shape) -> Shape {
        match shape {
            Shape::Ref(path) if path.root() == "index" => Shape::Number,
            // an element something else picked is of no type that says what it may be
            Shape::Ref(path) if path.root() == "item" && self.sifters().next().is_some() => Shape::Open,
            Shape::Ref(path) if path.root() == "item" => self.element(path).map_or(Shape::Open, Shape::Ref),
            Shape::Either(shapes) => Shape::Either(shapes.iter().map(|inner| self.bound(inner)).collect()),
            other => other.clone(),
        }
    }

    /// The texts it renders read values too: adds their reads (`templates`: their analyses by name).
    pub fn add_rendered(&mut self, templates: &BTreeMap<String, Analysis>) {
        for file in self.analysis.renders.clone() {
            if let Some(inner) = templates.get(&file) {
                let mut inner = inner.clone();
                // their offsets are those of another file: point at the call
                inner.reads = inner
                    .reads
                    .into_iter()
                    .map(|mut r| {
                        r.offset = 0;
                        r
                    })
                    .collect();
                inner.problems.clear();
                self.analysis.merge(inner);
            }
        }
        self.paths = self.analysis.paths().into_iter().collect();
    }

    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        if let Form::Reference(path) = &self.form {
            return Ok(scope.find(path).map_or(Outcome::Undefined, |value| Outcome::Value(value.clone())));
        }
        match &self.form {
            Form::One(expression) => {
                let value = expression.eval(self.context(scope)).map_err(sort_error)?;
                if value.is_undefined() || value.downcast_object_ref::<super::scope::Absent>().is_some() {
                    return Ok(Outcome::Undefined);
                }
                serde_json::to_value(&value).map(Outcome::Value).map_err(|e| Error::Failed(e.to_string()))
            }
            _ => ENVIRONMENT.render_str(&self.source, self.context(scope)).map(|text| Outcome::Value(Value::String(text))).map_err(sort_error),
        }
    }

    /// What evaluation may look at, and what the functions need beside it.
    pub(super) fn context(&self, scope: &Scope<'_>) -> JinjaValue {
        scope.equip(&scope.restrict(&self.paths), !self.analysis.asked.is_empty(), !self.analysis.renders.is_empty())
    }

    /// As a condition: by minijinja's rule of truth; something that is not there is an error.
    pub fn is_true(&self, scope: &Scope<'_>) -> Result<bool, Error> {
        match self.evaluate(scope)? {
            Outcome::Value(Value::Bool(b)) => Ok(b),
            Outcome::Value(value) => Ok(super::scope::jinja(&value).is_true()),
            Outcome::Undefined => Err(Error::Undefined(format!("{} gibt es nicht", self.source))),
        }
    }

    /// The place of an offset into the source, for a source that stands on one line of its file.
    pub fn place(&self, offset: usize) -> Place {
        let before = self.source.get(..offset).unwrap_or_default();
        let column = self.at.column + 1 + u32::try_from(before.chars().count()).unwrap_or(0);
        if before.contains('\n') { self.at } else { Place { line: self.at.line, column } }
    }
}

/// Parses a template's text (a letter, a mixed value) for its reads.
pub fn parse_template(source: &str, at: Place) -> Result<Analysis, Syntax> {
    let tree = machinery::parse(source, "<text>", minijinja::syntax::SyntaxConfig::default()).map_err(|error| Syntax::of(&error, at))?;
    Ok(Analysis::of_template(&tree))
}

fn sort_error(error: minijinja::Error) -> Error {
    match error.kind() {
        minijinja::ErrorKind::OutOfFuel => Error::TooExpensive,
        minijinja::ErrorKind::UndefinedError => Error::Undefined(german(&error)),
        _ => Error::Failed(german(&error)),
    }
}

impl Template {
    /// Compiles a node of a file. All syntax errors are collected.
    pub fn compile(node: &Node, errors: &mut Vec<Syntax>) -> Self {
        match &node.kind {
            Kind::Text(text) if text.contains("{{") || text.contains("{%") => match Expression::compile(text, node.at) {
                Ok(expression) => Self::Expression(Box::new(expression)),
                Err(error) => {
                    errors.push(error);
                    Self::Const(Value::Null)
                }
            },
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| Self::compile(item, errors)).collect();
                items.iter().map(Self::as_const).collect::<Option<Vec<_>>>().map_or(Self::List(items), |v| Self::Const(Value::Array(v)))
            }
            Kind::Map(entries) => {
                let map: BTreeMap<_, _> = entries.iter().map(|e| (e.key.clone(), Self::compile(&e.node, errors))).collect();
                let constant = map.iter().map(|(k, t)| Some((k.clone(), t.as_const()?))).collect::<Option<serde_json::Map<_, _>>>();
                constant.map_or(Self::Map(map), |map| Self::Const(Value::Object(map)))
            }
            _ => Self::Const(node.to_value()),
        }
    }

    fn as_const(&self) -> Option<Value> {
        match self {
            Self::Const(value) => Some(value.clone()),
            _ => None,
        }
    }

    /// Evaluates everything in it. An expression that ends undefined is an error at its place.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, Error> {
        match self {
            Self::Const(value) => Ok(value.clone()),
            Self::Expression(expression) => match expression.evaluate(scope)? {
                Outcome::Value(value) => Ok(value),
                Outcome::Undefined => Err(Error::Undefined(expression.source.clone())),
            },
            Self::List(items) => items.iter().map(|item| item.evaluate(scope)).collect::<Result<_, _>>().map(Value::Array),
            Self::Map(map) => map.iter().map(|(key, item)| Ok((key.clone(), item.evaluate(scope)?))).collect::<Result<_, _>>().map(Value::Object),
        }
    }

    pub fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Const(_) => Vec::new(),
            Self::Expression(expression) => vec![expression],
            Self::List(items) => items.iter().flat_map(Self::expressions).collect(),
            Self::Map(map) => map.values().flat_map(Self::expressions).collect(),
        }
    }

    pub fn expressions_mut(&mut self) -> Vec<&mut Expression> {
        match self {
            Self::Const(_) => Vec::new(),
            Self::Expression(expression) => vec![expression],
            Self::List(items) => items.iter_mut().flat_map(Self::expressions_mut).collect(),
            Self::Map(map) => map.values_mut().flat_map(Self::expressions_mut).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::StepStatus, *};

    fn eval(source: &str) -> String {
        let input = json!({"name": "Weber", "zahl": 3, "liste": [{"a": 1}, {"a": 2}], "leer": null});
        let done = json!({"wert": 7, "treffer": [{"n": "x"}]});
        let templates = BTreeMap::from([("t/brief.md".to_owned(), "An {{ input.name }}: {{ steps.weg.x | default('nichts') }}".to_owned())]);
        let scope = Scope {
            roots: BTreeMap::from([("input", &input)]),
            steps: BTreeMap::from([("fertig", &done)]),
            status: BTreeMap::from([("weg", StepStatus { skipped: true, ..StepStatus::default() })]),
            templates: Some(&templates),
            zeitzone: "Europe/Berlin",
        };
        let mut expression = match Expression::compile(source, Place::default()) {
            Ok(e) => e,
            Err(e) => return format!("syntax: {}", e.message.de),
        };
        let inner = BTreeMap::from([("t/brief.md".to_owned(), parse_template(&templates["t/brief.md"], Place::default()).unwrap())]);
        expression.add_rendered(&inner);
        match expression.evaluate(&scope) {
            Ok(Outcome::Value(v)) => v.to_string(),
            Ok(Outcome::Undefined) => "undefined".into(),
            Err(Error::Undefined(_)) => "undefined error".into(),
            Err(Error::TooExpensive) => "too expensive".into(),
            Err(Error::Failed(m)) => format!("failed: {m}"),
        }
    }

    #[test]
    fn values() {
        for (source, expected) in [
            ("{{ input.name }}", r#""Weber""#),
            ("{{ input.zahl }}", "3"),
            ("{{ input.zahl + 1 }}", "4"),
            ("Zahl: {{ input.zahl }}!", r#""Zahl: 3!""#),
            ("{{ input.liste }}", r#"[{"a":1},{"a":2}]"#),
            ("{{ input.liste[1].a }}", "2"),
            ("{{ input.liste | length }}", "2"),
            ("{{ input.liste | map(attribute='a') | join(', ') }}", r#""1, 2""#),
            ("{{ steps.fertig.wert }}", "7"),
            ("{{ steps.fertig.treffer[0].n }}", r#""x""#),
            ("{{ steps.weg.x }}", "undefined"),
            ("{{ steps.weg.x.y.z | default('d') }}", r#""d""#),
            ("{{ steps.weg.x.y.z is defined }}", "false"),
            ("{{ steps.weg is defined }}", "false"),
            ("{{ steps.weg is defined or steps.weg.a is defined }}", "false"),
            ("{{ steps.weg.liste[0].x | default(1) }}", "1"),
            ("{{ steps.weg.x == 1 }}", "undefined error"),
            ("{{ steps.weg.x.y + 1 }}", "failed: + geht nicht mit einem fehlenden Wert und einer Zahl"),
            ("{{ 1 // 0 }}", "failed: nicht zu berechnen ist 1 // 0"),
            ("{{ input.fehlt.tiefer is defined }}", "false"),
            ("{{ input.fehlt | default('-') }}", r#""-""#),
            ("{{ input.fehlt | default(none) }}", "null"),
            ("{{ input.leer | default('-') }}", "null"),
            ("{{ input.fehlt ~ 'x' }}", "undefined error"),
            ("{{ skipped('weg') and not failed('weg') }}", "true"),
            ("{{ render('t/brief.md') }}", r#""An Weber: nichts""#),
            ("{{ date('2026-05-10T23:30:00Z') }}", r#""2026-05-11""#),
            ("{{ add_months('2026-01-31', 1) }}", r#""2026-02-28""#),
            ("{{ days_between('2026-01-01', '2026-12-31') }}", "364"),
            ("{{ next_working_day('2027-01-01', 'RLP') }}", r#""2027-01-04""#),
            ("{{ eur(3500) }}", r#""35,00 €""#),
            ("{{ 'a' * 100000000 }}", "too expensive"),
            ("{{ 1 if input.zahl > 2 else 2 }}", "1"),
            ("{{ input.leer }}", "null"),
            ("{% if input.zahl == 3 %}drei{% endif %}", r#""drei""#),
        ] {
            assert_eq!(eval(source), expected, "{source}");
        }
    }

    #[test]
    fn reads_and_guards() {
        let reads = |source: &str| {
            let e = Expression::compile(source, Place::default()).unwrap();
            e.analysis.reads.iter().map(|r| format!("{}{}", r.path, if r.guarded { "?" } else { "" })).collect::<Vec<_>>().join(" ")
        };
        for (source, expected) in [
            ("{{ input.a.b }}", "input.a.b"),
            ("{{ input.a[0].b }}", "input.a.0.b"),
            ("{{ input.a[input.i].b }}", "input.a input.i"),
            ("{{ steps.x.y | default(input.z) }}", "input.z steps.x.y?"),
            ("{{ steps.x.y if steps.x is defined else 0 }}", "steps.x? steps.x.y?"),
            ("{{ steps.x.y if not skipped('x') else 0 }}", "steps.x.y?"),
            ("{{ steps.x.y is defined and steps.x.y > 1 }}", "steps.x.y? steps.x.y?"),
            ("{% for t in steps.x.liste %}{{ t.name }}{{ input.q }}{% endfor %}", "input.q steps.x.liste"),
            ("{{ input.a == 1 and input.b }}", "input.a input.b"),
        ] {
            assert_eq!(reads(source), expected, "{source}");
        }
    }

    #[test]
    fn shapes() {
        for (source, expected) in [
            ("{{ input.a }}", Shape::Ref(Path::new(["input", "a"]))),
            ("{{ input.a[input.i] }}", Shape::Open),
            ("{{ input.a | select('gt', 1) }}", Shape::List),
            ("{{ input.a | map(attribute='b') }}", Shape::List),
            ("{{ input.a | map(attribute='b') | join(', ') }}", Shape::Text),
            ("{{ input.a | first }}", Shape::Open),
            ("{{ [input.a, input.b] }}", Shape::List),
            ("{{ { 'a': input.a } }}", Shape::Open),
            ("{{ input.a | default(none) }}", Shape::Either(vec![Shape::Ref(Path::new(["input", "a"])), Shape::Const(serde_json::Value::Null)])),
            ("{{ input.a ~ 'x' }}", Shape::Text),
            ("{{ input.a | length }}", Shape::Number),
            ("{{ date(input.a) }}", Shape::Date),
            ("{{ eur(input.a) }}", Shape::Text),
            ("An {{ input.a }}", Shape::Text),
        ] {
            assert_eq!(Expression::compile(source, Place::default()).unwrap().shape, expected, "{source}");
        }
    }
}
