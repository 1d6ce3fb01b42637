//! `laufzettel login`: a command line that waits, a browser that says whose it is; and what commands may do from then on.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use super::{Browser, Provider, house_with};
use crate::desk::{Server, Tenant, demo, program, runtime, until};

/// A shell in a session of its own, as somebody has it open on the server.
struct Shell {
    child: Child,
    to: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

const END: &str = "--ende--";

impl Shell {
    fn open(tenant: &Tenant) -> Self {
        let mut command = Command::new("setsid");
        command.args(["sh"]).current_dir(&tenant.folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell (util-linux)");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let to = child.stdin.take().expect("piped");
        Self { child, to, lines }
    }

    fn send(&mut self, args: &[&str]) {
        let words: Vec<String> = args.iter().map(|arg| format!("'{arg}'")).collect();
        writeln!(self.to, "'{}' {} 2>&1 </dev/null; echo \"{END}$?\"", program().display(), words.join(" ")).expect("the shell reads");
    }

    /// What it says next that holds these words.
    fn hear(&mut self, words: &str) -> String {
        self.lines.by_ref().map_while(Result::ok).find(|line| line.contains(words)).unwrap_or_else(|| panic!("never said: {words}"))
    }

    /// Exit code and everything said.
    fn end(&mut self) -> (i32, String) {
        let mut said = String::new();
        loop {
            let line = self.lines.next().expect("the shell lives").expect("text");
            if let Some((before, code)) = line.split_once(END) {
                return (code.parse().expect("an exit code"), said + before);
            }
            said += &line;
            said.push('\n');
        }
    }

    fn run(&mut self, args: &[&str]) -> (i32, String) {
        self.send(args);
        self.end()
    }

    /// `laufzettel login`, up to the address somebody must open.
    fn begin(&mut self) -> String {
        self.send(&["login"]);
        self.hear("/anmelden/terminal/").trim().to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// People are what their sign-in claims; nobody else knows them.
fn claims_house() -> (Tenant, Provider, Server) {
    house_with(|config, login| {
        let login = login.replace("secret: secret:oidc", "secret: secret:oidc, groups: gruppen");
        config.replace("login: { demo: {} }", &login).replace("directory: { file: ./directory.yaml }", "directory: { oidc: { cases: ./directory.yaml } }")
    })
}

async fn sign_in_at(shell: &mut Shell, browser: &Browser) -> (i32, String) {
    let url = shell.begin();
    let code = url.rsplit('/').next().expect("a code").to_owned();
    let page = browser.get(&url).await;
    assert!(page.status == 200 && page.body.contains(&code) && page.body.contains("waren Sie das selbst"), "{}", page.body);
    let done = browser.go("POST", &url, &[]).await;
    assert!(done.status == 200 && done.body.contains("an der Kommandozeile angemeldet"), "{}", done.body);
    let gone = browser.go("POST", &url, &[]).await;
    assert_eq!(gone.status, 404, "once");
    shell.end()
}

fn bodies(said: &str) -> Vec<Value> {
    let records = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    records.filter_map(|record| serde_json::from_str(record["body"].as_str()?).ok()).collect()
}

/// Where the directory is the sign-in itself nobody is known at the command line but by it.
#[test]
fn a_sign_in_at_the_command_line_is_what_commands_act_under() {
    let (tenant, provider, server) = claims_house();
    let (mut shell, mut other) = (Shell::open(&tenant), Shell::open(&tenant));
    let release = ["release", "hundesteuer-anmeldung"];
    let (exit, said) = shell.run(&release);
    assert!(exit == 2 && said.contains("laufzettel login"), "{exit} {said}");
    assert_eq!(shell.run(&["release", "hundesteuer-anmeldung", "--by", "b.lang"]).0, 2, "a name alone proves nothing");
    for args in
        [&["audit", "show"][..], &["audit", "ledger"], &["audit", "export"], &["runs", "list"], &["keys", "list"], &["users", "show", "x"], &["tasks", "list"]]
    {
        assert_eq!(shell.run(args).0, 2, "{args:?}");
    }
    runtime().block_on(async {
        let lang = Browser::default();
        lang.sign_in(&server, &provider.issuer, "b.lang").await;
        let (exit, said) = sign_in_at(&mut shell, &lang).await;
        assert!(exit == 0 && said.contains("Angemeldet als b.lang"), "{exit} {said}");
        let (exit, said) = shell.run(&release);
        assert!(exit == 0 && said.contains("freigegeben von b.lang"), "{exit} {said}");
        let (exit, said) = shell.run(&["audit", "show"]);
        assert!(exit == 4 && said.contains("audit.read"), "{exit} {said}");
        // signed in at one seat is not signed in at another; where the machine keeps login sessions both are one
        let audited = std::fs::read_to_string("/proc/self/sessionid").is_ok_and(|id| id.trim() != "4294967295");
        if !audited {
            assert_eq!(other.run(&["runs", "list"]).0, 2);
        }
        assert_eq!(shell.run(&["logout"]).0, 0);
        assert_eq!(shell.run(&["runs", "list"]).0, 2);
        // the next person at the same seat
        let klein = Browser::default();
        klein.sign_in(&server, &provider.issuer, "a.klein").await;
        assert_eq!(sign_in_at(&mut shell, &klein).await.0, 0);
        let (exit, said) = shell.run(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--until-waiting"]);
        assert!([1, 7].contains(&exit) && said.contains("Vorgang "), "{exit} {said}");
        let (exit, said) = shell.run(&["runs", "list"]);
        assert!(exit == 0 && said.lines().count() == 1, "{exit} {said}");
        assert_eq!(shell.run(&["users", "show", "a.klein@vg-bellheim.example"]).0, 0, "her own rights");
        assert_eq!(shell.run(&["keys", "list"]), (0, String::new()), "she has none");
        assert_eq!(shell.run(&["keys", "create", "--name", "x", "--service", "svc-intake", "--process", "*"]).0, 4);
        assert_eq!(shell.run(&["keys", "create", "--name", "eigener", "--process", "*"]).0, 0, "a key of her own");
        assert_eq!(shell.run(&["tools", "pin", "mail"]).0, 4, "what may be called is approved by whoever looks after the house");
        let (_, own) = shell.run(&["keys", "list"]);
        let id = own.split_whitespace().next().expect("her key").to_owned();
        assert_eq!(shell.run(&["keys", "revoke", &id]).0, 0, "hers to take back");
        // signing out everywhere reaches the command line
        klein.go("POST", &server.url("/abmelden/ueberall"), &[]).await;
        assert_eq!(shell.run(&["runs", "list"]).0, 2);
        // operation and data are two people
        let it = Browser::default();
        it.sign_in(&server, &provider.issuer, "i.admin").await;
        assert_eq!(sign_in_at(&mut shell, &it).await.0, 0);
        assert_eq!(shell.run(&["keys", "list"]).0, 0);
        assert_eq!(shell.run(&["audit", "export"]).0, 4);
        let (exit, said) = shell.run(&["runs", "list"]);
        assert!(exit == 0 && said.is_empty(), "{exit} {said}");
        let officer = Browser::default();
        officer.sign_in(&server, &provider.issuer, "d.roth").await;
        assert_eq!(sign_in_at(&mut shell, &officer).await.0, 0);
        let (exit, said) = shell.run(&["audit", "show", "--json"]);
        assert_eq!(exit, 0, "{said}");
        let told = bodies(&said);
        let who = |body: &Value| (body["by"]["name"].clone(), body["by"]["os_user"].clone(), body["by"]["via"].clone());
        let released = told.iter().find(|body| body["cases"].is_number()).expect("the release");
        assert_eq!(who(released).0, json!("b.lang"));
        assert_eq!((who(released).1.is_string(), who(released).2), (true, json!("terminal")));
        let denied: Vec<&Value> = told.iter().filter(|body| body.get("action").is_some()).map(|body| &body["action"]).collect();
        assert_eq!(denied, [&json!("audit.read"), &json!("admin"), &json!("admin"), &json!("audit.read")]);
    });
    server.stop();
}

#[test]
fn a_command_line_that_has_gone_signs_nobody_in() {
    let (tenant, provider, server) = claims_house();
    // a session of its own: the one the tests were begun from may have lost its leader
    let mut login = Command::new("setsid");
    login.arg(program()).arg("login").current_dir(&tenant.folder).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut login = login.spawn().expect("the program runs");
    let mut lines = BufReader::new(login.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let url = lines.find(|line| line.contains("/anmelden/terminal/")).expect("an address").trim().to_owned();
    runtime().block_on(async {
        let browser = Browser::default();
        // whoever is not signed in is sent to the sign-in, and comes back
        let path = url.trim_start_matches(&server.url("")).to_owned();
        assert_eq!(browser.get(&url).await.to, Some(server.url(&format!("/anmelden?zurueck={path}"))));
        browser.sign_in(&server, &provider.issuer, "b.lang").await;
        assert_eq!(browser.get(&server.url("/anmelden/terminal/BCDF-GHJK")).await.status, 404, "no such code");
        assert_eq!(browser.get(&url).await.status, 200);
        login.kill().expect("killed");
        login.wait().expect("gone");
        until("the code is worth nothing", || {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(browser.get(&url))).status.eq(&404).then_some(())
        });
        assert_eq!(browser.go("POST", &url, &[]).await.status, 404);
    });
    server.stop();
    assert_eq!(tenant.laufzettel(&["login"]).status.code(), Some(2), "no server, no pages");
}
