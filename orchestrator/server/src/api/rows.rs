//! The rows of the lists, as they are described. They are sent as the store has them (`RunRow`, `TaskRow`): a test sends both.

use schemars::JsonSchema;

/// A page of runs, newest first.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the store's rows are written as")]
pub struct RunPage {
    runs: Vec<RunRow>,
    /// The `cursor` of the next page. A page may be short, even empty, and have one.
    next: Option<String>,
}

/// Times are microseconds since 1970.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the store's rows are written as")]
pub struct RunRow {
    run: String,
    /// Records of the run so far.
    seq: u64,
    nummer: String,
    process: String,
    version: String,
    title: String,
    /// The unit that answers for it.
    unit: String,
    state: String,
    /// Who started it.
    subject: String,
    name: String,
    started_at: i64,
    updated_at: i64,
    ended_at: Option<i64>,
    /// When it has something to do; 0: now.
    wake_at: Option<i64>,
}

/// A page of tasks, most urgent deadline first.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the store's rows are written as")]
pub struct TaskPage {
    tasks: Vec<TaskRow>,
    /// The `cursor` of the next page. A page may be short, even empty, and have one.
    next: Option<String>,
}

/// Times are microseconds since 1970.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the store's rows are written as")]
pub struct TaskRow {
    task: String,
    run: String,
    number: u32,
    nummer: String,
    process: String,
    step: String,
    title: String,
    kind: String,
    open: bool,
    groups: Vec<String>,
    user: Option<String>,
    unit: Option<String>,
    /// Subjects who may not take it.
    #[schemars(skip_serializing_if = "Vec::is_empty")]
    except: Vec<String>,
    due: Option<i64>,
    opened_at: i64,
    #[schemars(skip_serializing_if = "Option::is_none")]
    claimed: Option<RowHolder>,
}

/// Who has it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the store's rows are written as")]
pub struct RowHolder {
    subject: String,
    name: String,
    at: i64,
}
