//! What an expression reads, under which guards, and the type of what comes out.
//!
//! Works on minijinja's syntax tree. Over-approximates: both branches of a conditional are read, a value reached by a
//! computed index is read whole. Refuses nothing itself; `check` makes findings of what stands here.

use std::collections::BTreeSet;

use laufzettel_domain::{Path, Value};
use minijinja::machinery::ast::{self, CallArg, Expr, Stmt};

/// The type of a result, as far as it can be seen from the expression alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Bool,
    Number,
    Date,
    /// A literal.
    Const(Value),
    /// The value at this path, with its schema's type.
    Ref(Path),
    /// One of several.
    Either(Vec<Shape>),
    Text,
    /// Some list; nothing is said of its elements.
    List,
    /// Whatever it turns out to be: a picked element, a mapping.
    Open,
}

/// One place an expression reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    pub path: Path,
    /// Asked for (`is defined`, `default`) or below a condition that asks about the step: absence is provided for.
    pub guarded: bool,
    /// Byte offset of the reference in the expression's text.
    pub offset: usize,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    pub reads: BTreeSet<Read>,
    /// Steps named in `failed('x')`, `skipped('x')`, `error('x')`.
    pub asked: BTreeSet<String>,
    /// Those of them named in `skipped('x')`: a question that has an answer only if it is asked of a skipped step, too.
    pub asked_skipped: BTreeSet<String>,
    /// Files named in `render('file')`.
    pub renders: BTreeSet<String>,
    /// What is wrong regardless of any process: unknown functions, computed names where a literal is needed.
    pub problems: Vec<(usize, Problem)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    UnknownFunction(String),
    UnknownFilter(String),
    UnknownTest(String),
    /// `steps[x]`, `failed(x)`, `render(x)` with something that is not a literal.
    NotLiteral(&'static str),
    /// A function that is given too few or too many values, and how many it takes.
    Arguments(String, usize),
}

impl Analysis {
    /// Distinct paths read, smallest set: a path below another one that is read whole is dropped.
    pub fn paths(&self) -> BTreeSet<Path> {
        self.reads.iter().map(|read| read.path.clone()).collect()
    }

    pub fn merge(&mut self, other: Self) {
        self.reads.extend(other.reads);
        self.asked.extend(other.asked);
        self.asked_skipped.extend(other.asked_skipped);
        self.renders.extend(other.renders);
        self.problems.extend(other.problems);
    }

    /// Steps of which only whether they were skipped is asked.
    pub fn only_whether_skipped(&self) -> BTreeSet<&str> {
        let read: BTreeSet<&str> = self.reads.iter().filter_map(|r| r.path.step()).collect();
        self.asked_skipped.iter().map(String::as_str).filter(|step| !read.contains(step)).collect()
    }

    /// Every step this expression depends on.
    pub fn steps(&self) -> BTreeSet<&str> {
        self.reads.iter().filter_map(|r| r.path.step()).chain(self.asked.iter().map(String::as_str)).collect()
    }

    pub(super) fn of_expression(expr: &Expr<'_>) -> (Self, Shape) {
        let mut walk = Walk::default();
        walk.expr(expr, &Guards::default());
        (walk.found, shape(expr))
    }

    pub(super) fn of_template(stmt: &Stmt<'_>) -> Self {
        let mut walk = Walk::default();
        walk.stmt(stmt, &Guards::default());
        walk.found
    }
}

/// What the conditions around a place have asked about: paths, and steps as a whole.
#[derive(Debug, Clone, Default)]
struct Guards {
    paths: BTreeSet<Path>,
    steps: BTreeSet<String>,
    all: bool,
}

impl Guards {
    fn covers(&self, path: &Path) -> bool {
        self.all
            || path.step().is_some_and(|step| self.steps.contains(step))
            || self.paths.iter().any(|asked| asked.covers(path) || (asked.step().is_some() && asked.step() == path.step() && path.covers(asked)))
    }

    fn with(&self, test: &Expr<'_>) -> Self {
        let mut guards = self.clone();
        collect_guards(test, &mut guards);
        guards
    }
}

/// Which paths and steps a condition asks about, in either polarity.
fn collect_guards(expr: &Expr<'_>, guards: &mut Guards) {
    match expr {
        Expr::Test(test) if matches!(test.name, "defined" | "undefined") => {
            if let Some((path, _)) = reference(&test.expr) {
                if let Some(step) = path.step() {
                    guards.steps.insert(step.to_owned());
                }
                guards.paths.insert(path);
            }
        }
        Expr::Call(call) => {
            if let (Expr::Var(name), [CallArg::Pos(arg)]) = (&call.expr, call.args.as_slice())
                && matches!(name.id, "failed" | "skipped")
                && let Some(step) = literal(arg)
            {
                guards.steps.insert(step);
            }
        }
        Expr::UnaryOp(op) => collect_guards(&op.expr, guards),
        Expr::BinOp(op) => {
            collect_guards(&op.left, guards);
            collect_guards(&op.right, guards);
        }
        _ => {}
    }
}

fn literal(expr: &Expr<'_>) -> Option<String> {
    match expr {
        Expr::Const(c) => c.value.as_str().map(str::to_owned),
        _ => None,
    }
}

/// A chain of names as a path; `None` if it does not begin with a name. The flag says whether the whole chain is
/// literal (a computed index cuts the path there).
fn reference(expr: &Expr<'_>) -> Option<(Path, bool)> {
    match expr {
        Expr::Var(var) => Some((Path::new([var.id]), true)),
        Expr::GetAttr(attr) => {
            let (path, whole) = reference(&attr.expr)?;
            Some(if whole { (path.child(attr.name), true) } else { (path, false) })
        }
        Expr::GetItem(item) => {
            let (path, whole) = reference(&item.expr)?;
            let key = match &item.subscript_expr {
                Expr::Const(c) => c.value.as_str().map(str::to_owned).or_else(|| c.value.as_i64().filter(|i| *i >= 0).map(|i| i.to_string())),
                _ => None,
            };
            Some(match key {
                Some(key) if whole => (path.child(&key), true),
                _ => (path, false),
            })
        }
        _ => None,
    }
}

/// Filters that give elements of the list they are given, each as it is.
const SIFTING: [&str; 7] = ["reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique"];

/// The list whose elements an expression gives, whole or sifted.
pub(super) fn elements(expr: &Expr<'_>) -> Option<Path> {
    match expr {
        Expr::Filter(filter) if SIFTING.contains(&filter.name) => filter.expr.as_ref().and_then(elements),
        Expr::Filter(filter) if matches!(filter.name, "default" | "d") && matches!(filter.args.as_slice(), [CallArg::Pos(other)] if is_empty(other)) => {
            filter.expr.as_ref().and_then(elements)
        }
        _ => reference(expr).filter(|(_, whole)| *whole).map(|(path, _)| path),
    }
}

fn is_empty(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::List(list) => list.items.is_empty(),
        Expr::Const(c) => c.value.kind() == minijinja::value::ValueKind::Seq && c.value.len() == Some(0),
        _ => false,
    }
}

#[derive(Default)]
struct Walk {
    found: Analysis,
    locals: Vec<BTreeSet<String>>,
}

impl Walk {
    fn is_local(&self, name: &str) -> bool {
        self.locals.iter().any(|scope| scope.contains(name))
    }

    fn problem(&mut self, offset: u32, problem: Problem) {
        self.found.problems.push((offset as usize, problem));
    }

    fn read(&mut self, expr: &Expr<'_>, guards: &Guards, asked: bool) {
        let Some((path, _)) = reference(expr) else { return self.expr(expr, guards) };
        self.subscripts(expr, guards);
        let offset = expr.span().start_offset;
        let root = path.root().to_owned();
        if self.is_local(&root) || root == "loop" {
            return;
        }
        if root == "steps" && path.step().is_none() {
            self.problem(offset, Problem::NotLiteral("steps"));
        }
        let guarded = asked || guards.covers(&path);
        self.found.reads.insert(Read { path, guarded, offset: offset as usize });
    }

    /// Computed indices read values too.
    fn subscripts(&mut self, expr: &Expr<'_>, guards: &Guards) {
        match expr {
            Expr::GetAttr(attr) => self.subscripts(&attr.expr, guards),
            Expr::GetItem(item) => {
                self.subscripts(&item.expr, guards);
                self.expr(&item.subscript_expr, guards);
            }
            _ => {}
        }
    }

    fn args(&mut self, args: &[CallArg<'_>], guards: &Guards) {
        for arg in args {
            match arg {
                CallArg::Pos(e) | CallArg::Kwarg(_, e) | CallArg::PosSplat(e) | CallArg::KwargSplat(e) => self.expr(e, guards),
            }
        }
    }

    fn expr(&mut self, expr: &Expr<'_>, guards: &Guards) {
        match expr {
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => {
                if reference(expr).is_some() {
                    self.read(expr, guards, false);
                } else {
                    self.base(expr, guards);
                }
            }
            Expr::Const(_) => {}
            Expr::Slice(slice) => {
                self.expr(&slice.expr, guards);
                for part in [&slice.start, &slice.stop, &slice.step].into_iter().flatten() {
                    self.expr(part, guards);
                }
            }
            Expr::UnaryOp(op) => self.expr(&op.expr, guards),
            Expr::BinOp(op) => {
                self.expr(&op.left, guards);
                let guards = match op.op {
                    ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr => guards.with(&op.left),
                    _ => guards.clone(),
                };
                self.expr(&op.right, &guards);
            }
            Expr::Compare(compare) => {
                self.expr(&compare.expr, guards);
                compare.ops.iter().for_each(|op| self.expr(&op.expr, guards));
            }
            Expr::IfExpr(cond) => {
                self.expr(&cond.test_expr, guards);
                let guards = guards.with(&cond.test_expr);
                self.expr(&cond.true_expr, &guards);
                if let Some(other) = &cond.false_expr {
                    self.expr(other, &guards);
                }
            }
            Expr::Filter(filter) => self.filter(filter, guards, expr.span().start_offset),
            Expr::Test(test) => {
                if !super::environment::TESTS.contains(&test.name) {
                    self.problem(expr.span().start_offset, Problem::UnknownTest(test.name.to_owned()));
                }
                self.read(&test.expr, guards, matches!(test.name, "defined" | "undefined"));
                self.args(&test.args, guards);
            }
            Expr::Call(call) => self.call(call, guards, expr.span().start_offset),
            Expr::List(list) => list.items.iter().for_each(|item| self.expr(item, guards)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.expr(item, guards)),
            Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|item| self.expr(item, guards)),
        }
    }

    /// An attribute of something that is no plain reference: `f(x).y`, `(a or b).c`.
    fn base(&mut self, expr: &Expr<'_>, guards: &Guards) {
        match expr {
            Expr::GetAttr(attr) => self.expr(&attr.expr, guards),
            Expr::GetItem(item) => {
                self.expr(&item.expr, guards);
                self.expr(&item.subscript_expr, guards);
            }
            _ => {}
        }
    }

    fn filter(&mut self, filter: &ast::Filter<'_>, guards: &Guards, offset: u32) {
        if !super::environment::FILTERS.contains(&filter.name) {
            self.problem(offset, Problem::UnknownFilter(filter.name.to_owned()));
        }
        if matches!(filter.name, "default" | "d") && filter.args.len() != 1 {
            self.problem(offset, Problem::Arguments(filter.name.to_owned(), 1));
        }
        if let Some(inner) = &filter.expr {
            self.read(inner, guards, matches!(filter.name, "default" | "d"));
        }
        self.args(&filter.args, guards);
    }

    fn call(&mut self, call: &ast::Call<'_>, guards: &Guards, offset: u32) {
        let Expr::Var(name) = &call.expr else {
            self.problem(offset, Problem::UnknownFunction(call.expr.description().to_owned()));
            self.expr(&call.expr, guards);
            return self.args(&call.args, guards);
        };
        let word = match call.args.as_slice() {
            [CallArg::Pos(arg)] => literal(arg),
            _ => None,
        };
        match (name.id, word) {
            (question @ ("failed" | "skipped" | "error"), Some(step)) => {
                if question == "skipped" {
                    self.found.asked_skipped.insert(step.clone());
                }
                self.found.asked.insert(step);
            }
            ("render", Some(file)) => {
                self.found.renders.insert(file);
            }
            ("failed" | "skipped" | "error", None) => self.problem(offset, Problem::NotLiteral("failed")),
            ("render", None) => self.problem(offset, Problem::NotLiteral("render")),
            (id, _) => {
                match super::environment::FUNCTIONS.iter().find(|(name, _)| *name == id) {
                    None => self.problem(offset, Problem::UnknownFunction(id.to_owned())),
                    Some((_, takes)) if *takes != call.args.len() => self.problem(offset, Problem::Arguments(id.to_owned(), *takes)),
                    Some(_) => {}
                }
                self.args(&call.args, guards);
            }
        }
    }

    fn block(&mut self, body: &[Stmt<'_>], guards: &Guards, locals: BTreeSet<String>) {
        self.locals.push(locals);
        body.iter().for_each(|stmt| self.stmt(stmt, guards));
        self.locals.pop();
    }

    fn stmt(&mut self, stmt: &Stmt<'_>, guards: &Guards) {
        match stmt {
            Stmt::Template(template) => self.block(&template.children, guards, BTreeSet::new()),
            Stmt::EmitExpr(emit) => self.expr(&emit.expr, guards),
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(each) => {
                self.expr(&each.iter, guards);
                let mut names = BTreeSet::new();
                targets(&each.target, &mut names);
                self.locals.push(names);
                if let Some(filter) = &each.filter_expr {
                    self.expr(filter, guards);
                }
                self.block(&each.body, guards, BTreeSet::new());
                self.locals.pop();
                self.block(&each.else_body, guards, BTreeSet::new());
            }
            Stmt::IfCond(cond) => {
                self.expr(&cond.expr, guards);
                let guards = guards.with(&cond.expr);
                self.block(&cond.true_body, &guards, BTreeSet::new());
                self.block(&cond.false_body, &guards, BTreeSet::new());
            }
            Stmt::WithBlock(with) => {
                let mut names = BTreeSet::new();
                for (target, value) in &with.assignments {
                    self.expr(value, guards);
                    targets(target, &mut names);
                }
                self.block(&with.body, guards, names);
            }
            Stmt::Set(set) => {
                self.expr(&set.expr, guards);
                self.assign(&set.target);
            }
            Stmt::SetBlock(set) => {
                self.block(&set.body, guards, BTreeSet::new());
                if let Some(filter) = &set.filter {
                    self.expr(filter, guards);
                }
                self.assign(&set.target);
            }
            Stmt::AutoEscape(escape) => self.block(&escape.body, guards, BTreeSet::new()),
            Stmt::FilterBlock(filter) => {
                self.expr(&filter.filter, guards);
                self.block(&filter.body, guards, BTreeSet::new());
            }
            Stmt::Do(call) => self.call(&call.call, guards, call.call.span().start_offset),
        }
    }

    fn assign(&mut self, target: &Expr<'_>) {
        let mut names = BTreeSet::new();
        targets(target, &mut names);
        if let Some(scope) = self.locals.last_mut() {
            scope.extend(names);
        }
    }
}

fn targets(expr: &Expr<'_>, names: &mut BTreeSet<String>) {
    match expr {
        Expr::Var(var) => {
            names.insert(var.id.to_owned());
        }
        Expr::List(list) => list.items.iter().for_each(|item| targets(item, names)),
        Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| targets(item, names)),
        _ => {}
    }
}

/// The type rules of labels: comparisons and tests are boolean, arithmetic and counting are numbers,
/// the date functions give dates, a lone reference has its schema's type. Of everything else no more is said than whether
/// it is text or a list; what carries instructions is any of these.
fn shape(expr: &Expr<'_>) -> Shape {
    match expr {
        Expr::Const(c) => serde_json::to_value(&c.value).map_or(Shape::Open, Shape::Const),
        Expr::Compare(_) | Expr::Test(_) => Shape::Bool,
        Expr::UnaryOp(op) => match op.op {
            ast::UnaryOpKind::Not => Shape::Bool,
            ast::UnaryOpKind::Neg => Shape::Number,
        },
        Expr::BinOp(op) => binary(op),
        Expr::IfExpr(cond) => {
            let mut shapes = vec![shape(&cond.true_expr)];
            shapes.push(cond.false_expr.as_ref().map_or(Shape::Const(Value::Null), shape));
            Shape::Either(shapes)
        }
        Expr::Filter(filter) => filtered(filter),
        Expr::Call(call) => match &call.expr {
            Expr::Var(name) => match name.id {
                "failed" | "skipped" => Shape::Bool,
                "days_between" | "weekday" | "anteil" => Shape::Number,
                "date" | "add_days" | "add_months" | "next_working_day" => Shape::Date,
                "error" | "eur" | "render" => Shape::Text,
                _ => Shape::Open,
            },
            _ => Shape::Open,
        },
        Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => match reference(expr) {
            Some((path, true)) => Shape::Ref(path),
            _ => Shape::Open,
        },
        Expr::List(_) | Expr::Tuple(_) => Shape::List,
        Expr::Map(_) | Expr::Slice(_) => Shape::Open,
    }
}

fn binary(op: &ast::BinOp<'_>) -> Shape {
    use ast::BinOpKind as B;
    match op.op {
        B::Eq | B::Ne | B::Lt | B::Lte | B::Gt | B::Gte | B::In => Shape::Bool,
        B::ScAnd | B::ScOr => Shape::Either(vec![shape(&op.left), shape(&op.right)]),
        // `+` joins texts and lists too, and `*` repeats them
        B::Add | B::Mul => match (shape(&op.left), shape(&op.right)) {
            (Shape::Number | Shape::Const(Value::Number(_)), Shape::Number | Shape::Const(Value::Number(_))) => Shape::Number,
            (left, right) => Shape::Either(vec![left, right, Shape::Number]),
        },
        B::Sub | B::Div | B::FloorDiv | B::Rem | B::Pow => Shape::Number,
        B::Concat => Shape::Text,
    }
}

fn filtered(filter: &ast::Filter<'_>) -> Shape {
    match filter.name {
        "length" | "count" | "int" | "round" | "float" | "abs" => Shape::Number,
        "bool" => Shape::Bool,
        "default" | "d" => {
            let mut shapes: Vec<Shape> = filter.expr.iter().map(shape).collect();
            shapes.extend(filter.args.iter().take(1).map(|arg| match arg {
                CallArg::Pos(e) | CallArg::Kwarg(_, e) => shape(e),
                _ => Shape::Open,
            }));
            Shape::Either(shapes)
        }
        "capitalize" | "join" | "lower" | "replace" | "title" | "trim" | "upper" => Shape::Text,
        "groupby" | "items" | "map" => Shape::List,
        // a text turned round is a text
        name if name != "reverse" && SIFTING.contains(&name) => Shape::List,
        _ => Shape::Open,
    }
}
