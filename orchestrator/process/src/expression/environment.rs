//! The one minijinja environment: strict, with fuel, and with a closed list of filters, tests and functions.

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior, Value, filters, tests};

use super::{functions, scope::Absent};

/// Work one expression may do: minijinja counts instructions and, at 64 bytes a unit, what they allocate. 200,000 units
/// bound an expression to about 12 MB and some ten milliseconds; a letter of 20 pages needs a few thousand.
const FUEL: u64 = 200_000;

pub const FILTERS: [&str; 31] = [
    "abs",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
];
pub const TESTS: [&str; 23] = [
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "even",
    "false",
    "ge",
    "gt",
    "in",
    "integer",
    "le",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];
/// Functions, and how many values each takes.
pub const FUNCTIONS: [(&str, usize); 12] = [
    ("add_days", 2),
    ("add_months", 2),
    ("anteil", 4),
    ("date", 1),
    ("days_between", 2),
    ("error", 1),
    ("eur", 1),
    ("failed", 1),
    ("next_working_day", 2),
    ("render", 1),
    ("skipped", 1),
    ("weekday", 1),
];

fn absent(value: &Value) -> bool {
    value.is_undefined() || value.downcast_object_ref::<Absent>().is_some()
}

/// What stands in for something absent may be `none`.
fn default(value: Value, other: Value) -> Value {
    if absent(&value) { other } else { value }
}

pub static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(64);
    // letters are text, not HTML: whoever shows a value escapes it
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    add_filters(&mut env);
    add_tests(&mut env);
    add_functions(&mut env);
    env
});

fn add_filters(env: &mut Environment<'static>) {
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_filter("abs", filters::abs);
    env.add_filter("bool", filters::bool);
    env.add_filter("capitalize", filters::capitalize);
    env.add_filter("count", filters::length);
    env.add_filter("first", filters::first);
    env.add_filter("float", filters::float);
    env.add_filter("groupby", filters::groupby);
    env.add_filter("int", filters::int);
    env.add_filter("items", filters::items);
    env.add_filter("join", filters::join);
    env.add_filter("last", filters::last);
    env.add_filter("length", filters::length);
    env.add_filter("lower", filters::lower);
    env.add_filter("map", filters::map);
    env.add_filter("max", filters::max);
    env.add_filter("min", filters::min);
    env.add_filter("reject", filters::reject);
    env.add_filter("rejectattr", filters::rejectattr);
    env.add_filter("replace", filters::replace);
    env.add_filter("reverse", filters::reverse);
    env.add_filter("round", filters::round);
    env.add_filter("select", filters::select);
    env.add_filter("selectattr", filters::selectattr);
    env.add_filter("sort", filters::sort);
    env.add_filter("sum", filters::sum);
    env.add_filter("title", filters::title);
    env.add_filter("trim", filters::trim);
    env.add_filter("unique", filters::unique);
    env.add_filter("upper", filters::upper);
}

fn add_tests(env: &mut Environment<'static>) {
    env.add_test("defined", |value: &Value| !absent(value));
    env.add_test("undefined", |value: &Value| absent(value));
    env.add_test("boolean", tests::is_boolean);
    env.add_test("divisibleby", tests::is_divisibleby);
    env.add_test("endingwith", tests::is_endingwith);
    env.add_test("eq", tests::is_eq);
    env.add_test("even", tests::is_even);
    env.add_test("false", tests::is_false);
    env.add_test("ge", tests::is_ge);
    env.add_test("gt", tests::is_gt);
    env.add_test("in", tests::is_in);
    env.add_test("integer", tests::is_integer);
    env.add_test("le", tests::is_le);
    env.add_test("lt", tests::is_lt);
    env.add_test("mapping", tests::is_mapping);
    env.add_test("ne", tests::is_ne);
    env.add_test("none", tests::is_none);
    env.add_test("number", tests::is_number);
    env.add_test("odd", tests::is_odd);
    env.add_test("sequence", tests::is_sequence);
    env.add_test("startingwith", tests::is_startingwith);
    env.add_test("string", tests::is_string);
    env.add_test("true", tests::is_true);
}

fn add_functions(env: &mut Environment<'static>) {
    env.add_function("add_days", functions::add_days);
    env.add_function("add_months", functions::add_months);
    env.add_function("anteil", functions::anteil);
    env.add_function("date", functions::date);
    env.add_function("days_between", functions::days_between);
    env.add_function("error", functions::error);
    env.add_function("eur", functions::eur);
    env.add_function("failed", functions::failed);
    env.add_function("next_working_day", functions::next_working_day);
    env.add_function("render", functions::render);
    env.add_function("skipped", functions::skipped);
    env.add_function("weekday", functions::weekday);
}
