//! Whatever is done to the tables: the check names it.

use sqlx::{
    ConnectOptions as _, Connection as _, Row as _,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

use crate::desk::{Tenant, root, runtime, text as text_of};

async fn open(tenant: &Tenant) -> SqliteConnection {
    SqliteConnectOptions::new().filename(tenant.path("data/vg-bellheim.sqlite")).connect().await.expect("the store opens")
}

fn verify(tenant: &Tenant) -> (Option<i32>, String) {
    let output = tenant.laufzettel(&["audit", "verify"]);
    (output.status.code(), text_of(&output))
}

/// The file as it was, so that each change stands alone.
struct Snapshot(Vec<u8>);

impl Snapshot {
    fn take(tenant: &Tenant) -> Self {
        runtime().block_on(async {
            let mut connection = open(tenant).await;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.expect("a checkpoint");
            connection.close().await.expect("closed");
        });
        Self(std::fs::read(tenant.path("data/vg-bellheim.sqlite")).expect("the file"))
    }

    fn restore(&self, tenant: &Tenant) {
        for ending in ["-wal", "-shm"] {
            std::fs::remove_file(tenant.path(&format!("data/vg-bellheim.sqlite{ending}"))).ok();
        }
        std::fs::write(tenant.path("data/vg-bellheim.sqlite"), &self.0).expect("restored");
    }
}

fn change(tenant: &Tenant, sql: &str) -> u64 {
    runtime().block_on(async {
        let mut connection = open(tenant).await;
        let done = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        connection.close().await.expect("closed");
        done.rows_affected()
    })
}

#[test]
fn one_byte_of_any_column_is_found() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    assert_eq!(verify(&tenant).0, Some(0));
    let snapshot = Snapshot::take(&tenant);
    let rows: i64 =
        runtime().block_on(async { sqlx::query("SELECT count(*) FROM records").fetch_one(&mut open(&tenant).await).await.expect("counted").get(0) });
    let texts = ["kind", "actor", "body"];
    let blobs = ["salt", "content", "hash"];
    let numbers = ["seq", "run_seq", "at"];
    for row in (1..=rows).step_by(3) {
        for column in texts.iter().chain(&blobs).chain(&numbers) {
            let sql = if texts.contains(column) {
                format!(
                    "UPDATE records SET {column} = substr({column}, 1, length({column}) - 1) || char(unicode(substr({column}, -1)) + 1) WHERE rowid = {row} AND {column} <> ''"
                )
            } else if blobs.contains(column) {
                // the last byte, replaced by its neighbour
                format!(
                    "UPDATE records SET {column} = CAST(substr({column}, 1, length({column}) - 1) AS BLOB) || CASE WHEN substr({column}, -1) = x'00' THEN x'01' ELSE x'00' END WHERE rowid = {row} AND {column} IS NOT NULL"
                )
            } else {
                format!("UPDATE records SET {column} = {column} + 1000 WHERE rowid = {row} AND {column} IS NOT NULL")
            };
            if change(&tenant, &sql) == 1 {
                let (exit, said) = verify(&tenant);
                assert_eq!(exit, Some(5), "{sql}: {said}");
                assert!(said.contains("GEBROCHEN"), "{said}");
            }
            snapshot.restore(&tenant);
        }
    }
    for sql in [
        "DELETE FROM records WHERE rowid = 10",
        "UPDATE checkpoints SET note = replace(note, '1', '2')",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = CAST(note AS BLOB)",
        "UPDATE bytes SET name = CAST(name AS BLOB)",
        "UPDATE records SET content = NULL, salt = NULL WHERE content IS NOT NULL",
        "INSERT INTO records SELECT lane, seq + 100, run, run_seq + 100, at, kind, actor, body, salt, content, hash FROM records WHERE rowid = 12",
    ] {
        assert!(change(&tenant, sql) >= 1, "{sql}");
        let (exit, said) = verify(&tenant);
        assert_eq!(exit, Some(5), "{sql}: {said}");
        snapshot.restore(&tenant);
    }
    assert_eq!(verify(&tenant).0, Some(0));
}

/// An application with a file, as far as the clerk's desk.
fn with_a_file(tenant: &Tenant) {
    let folder = root().join("workflows");
    let text = std::fs::read_to_string(folder.join("cases/ottersheim-assistenzhund.json")).expect("an application");
    let input = text.replace("\"cases/", &format!("\"{}/cases/", folder.display()));
    assert_ne!(input, text, "it has a file");
    let file = tenant.path("antrag.json");
    std::fs::write(&file, input).expect("written");
    let output = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &file.display().to_string(), "--as", "applicant", "--until-waiting"]);
    assert_eq!(output.status.code(), Some(7), "{}", text_of(&output));
}

/// Bytes beside the records: of files, and of the processes runs go by. What was erased in order is missed by nobody.
#[test]
fn what_lies_beside_the_records_is_missed() {
    let tenant = Tenant::new();
    with_a_file(&tenant);
    assert_eq!(tenant.main_job().status.code(), Some(0));
    assert_eq!(verify(&tenant).0, Some(0));
    let snapshot = Snapshot::take(&tenant);
    for (sql, said) in [
        ("DELETE FROM bytes WHERE name LIKE 'blob:%'", "eine Datei, die sein Inhalt beschreibt, fehlt"),
        ("UPDATE bytes SET bytes = CAST('anderes' AS BLOB) WHERE name LIKE 'blob:%'", "die Bytes einer Datei passen nicht"),
        ("DELETE FROM bytes WHERE name LIKE 'bundle:%'", "der Prozess, nach dem der Vorgang läuft, ist nicht mehr da"),
        (
            "UPDATE bytes SET bytes = CAST(replace(CAST(bytes AS TEXT), 'Hund', 'Rind') AS BLOB) WHERE name LIKE 'bundle:%'",
            "ein aufbewahrter Prozess ist nicht der",
        ),
        ("UPDATE bytes SET bytes = CAST('{' AS BLOB) WHERE name LIKE 'bundle:%'", "ein aufbewahrter Prozess ist nicht der"),
    ] {
        assert!(change(&tenant, sql) >= 1, "{sql}");
        let (exit, told) = verify(&tenant);
        assert!(exit == Some(5) && told.contains("GEBROCHEN bei Eintrag 1/") && told.contains(said), "{sql}: {told}");
        let machine = tenant.laufzettel(&["audit", "verify", "--json"]);
        assert!(text_of(&machine).contains("\"what\":\"file_") || text_of(&machine).contains("\"what\":\"process_"), "{}", text_of(&machine));
        snapshot.restore(&tenant);
    }
    // and lists show nothing to anybody else
    for sql in [
        "UPDATE tasks SET assigned = replace(assigned, 'GG-Steueramt', 'GG-Bauamt')",
        "UPDATE tasks SET assigned = json_set(assigned, '$.user', 'S-fremd')",
        "UPDATE runs SET unit = 'FB9-Bauamt'",
        "UPDATE runs SET subject = 'S-fremd'",
        "DELETE FROM tasks",
        "UPDATE tasks SET kind = 'applicant'",
        "UPDATE tasks SET process = 'wohngeld-vollstaendigkeit'",
        "UPDATE tasks SET assigned = 'x'",
        "UPDATE tasks SET title = CAST(title AS BLOB)",
        // rows nobody wrote
        "INSERT INTO tasks SELECT run || '.99', run, 99, nummer, process, step, title, kind, open, assigned, due, opened_at FROM tasks LIMIT 1",
        "INSERT INTO tasks SELECT run || '.99', run, number, nummer, process, step, title, kind, open, assigned, due, opened_at FROM tasks LIMIT 1",
    ] {
        assert!(change(&tenant, sql) >= 1, "{sql}");
        let (exit, told) = verify(&tenant);
        assert!(exit == Some(5) && told.contains("die Liste der Vorgänge oder der Aufgaben sagt etwas anderes"), "{sql}: {told}");
        snapshot.restore(&tenant);
    }
    // nobody describes it (any more): it is said all the same
    let name = laufzettel_domain::file::File::describe("x", "text/plain", b"x").file;
    assert_eq!(change(&tenant, &format!("INSERT INTO bytes VALUES ('{name}', CAST('y' AS BLOB))")), 1);
    let (exit, told) = verify(&tenant);
    assert!(exit == Some(5) && told.contains("GEBROCHEN bei Eintrag 0/0: die Bytes einer Datei"), "{told}");
    snapshot.restore(&tenant);

    let listed = tenant.laufzettel(&["runs", "list", "--json"]);
    let waiting = String::from_utf8_lossy(&listed.stdout).lines().find(|line| line.contains("\"waiting\"")).map(str::to_owned);
    let row: serde_json::Value = serde_json::from_str(&waiting.unwrap_or_else(|| panic!("{}", text_of(&listed)))).expect("a row");
    let nummer = row["nummer"].as_str().expect("a number");
    for args in [["runs", "cancel", nummer], ["audit", "erase", nummer]] {
        let output = tenant.laufzettel(
            &[
                &args[..],
                &["--reason", "Verlangen", "--as", if args[0] == "runs" { "s.weber" } else { "d.braun" }],
                if args[0] == "audit" { &["--with-decisions"] } else { &[] },
            ]
            .concat(),
        );
        assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {}", text_of(&output));
    }
    assert_eq!(change(&tenant, "DELETE FROM bytes WHERE name LIKE 'blob:%'"), 0, "the file went with the contents");
    assert_eq!(verify(&tenant).0, Some(0));
}

/// A journal that is gone as a whole is missed by whoever has a witness.
#[test]
fn a_deleted_database_is_missed() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(tenant.path(&format!("data/vg-bellheim.sqlite{ending}"))).ok();
    }
    let (exit, said) = verify(&tenant);
    assert!(exit == Some(5) && said.contains("GEBROCHEN: die Datenbank") && said.contains("aber der Zeuge kennt"), "{exit:?} {said}");
    std::fs::remove_file(tenant.path("witness/vg-bellheim.checkpoints.jsonl")).expect("removed");
    assert_eq!(verify(&tenant).0, Some(2));
}

/// Cut off behind the last witnessed checkpoint: nobody can see what was there, and that is said.
#[test]
fn a_cut_tail_is_not_anchored() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    // as if the last checkpoint had never been witnessed, and everything behind the one before were gone
    let witness = tenant.path("witness/vg-bellheim.checkpoints.jsonl");
    std::fs::write(&witness, "").expect("emptied");
    change(&tenant, "DELETE FROM checkpoints");
    let (exit, said) = verify(&tenant);
    assert_eq!(exit, Some(6), "{said}");
    change(&tenant, "DELETE FROM records WHERE seq > 20");
    with_rows_left(&tenant);
    let (exit, said) = verify(&tenant);
    assert_eq!(exit, Some(6), "{said}");
    assert!(said.contains("nicht verankert"), "{said}");
}

/// Whoever cuts a tail off and leaves its rows in the lists gives it away; then they go, too.
fn with_rows_left(tenant: &Tenant) {
    let (exit, said) = verify(tenant);
    assert!(exit == Some(5) && said.contains("GEBROCHEN bei Eintrag 0/0: die Liste der Vorgänge oder der Aufgaben"), "{said}");
    let told = |kind: &str, number: &str| format!("NOT EXISTS (SELECT 1 FROM records r WHERE r.run = t.run AND r.kind = '{kind}' AND ({number}))");
    let tasks = told("task.opened", "json_extract(r.body, '$.number') = t.number");
    assert!(change(tenant, &format!("DELETE FROM tasks AS t WHERE {tasks}")) > 0);
    change(tenant, &format!("DELETE FROM runs AS t WHERE {}", told("run.started", "1")));
}

/// A second job after the first is anchored; its records are cut away again.
#[test]
fn a_tail_behind_the_last_checkpoint_is_not_vouched_for() {
    let tenant = Tenant::new();
    assert_eq!(tenant.main_job().status.code(), Some(0));
    let notes = std::fs::read_to_string(tenant.path("witness/vg-bellheim.checkpoints.jsonl")).expect("the witness");
    assert_eq!(tenant.main_job().status.code(), Some(0));
    let count = notes.lines().count();
    std::fs::write(tenant.path("witness/vg-bellheim.checkpoints.jsonl"), notes).expect("written");
    change(&tenant, &format!("DELETE FROM checkpoints WHERE number > {count}"));
    change(&tenant, "DELETE FROM records WHERE lane = 2 AND seq > 5");
    with_rows_left(&tenant);
    let (exit, said) = verify(&tenant);
    assert_eq!(exit, Some(6), "{said}");
    assert!(said.contains("ab Eintrag 2/1"), "{said}");
}
