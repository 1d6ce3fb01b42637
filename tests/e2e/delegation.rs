//! Every misuse of a delegation token, against the bundled servers themselves: each refuses before anything is done, and acts
//! on the good token once.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use laufzettel_mcp_testing::{KID, TENANT, claims, digest, jwks, meta, sign, sign_as};
use serde_json::{Map, Value, json};

use crate::desk::{Tenant, program};

/// A bundled server over stdio, believing the tests' own key.
struct Server {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    id: u64,
}

impl Server {
    fn start(tenant: &Tenant, name: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(["mcp", name]).args(args).current_dir(tenant.path(".")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.env("LAUFZETTEL_JWKS", jwks()).env("LAUFZETTEL_AUDIENCE", name).env("LAUFZETTEL_TENANT", TENANT);
        let mut child = command.spawn().expect("the server starts");
        let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut server = Self { child, stdin, stdout: BufReader::new(stdout), id: 0 };
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "0" } });
        assert!(server.ask("initialize", &hello).get("result").is_some());
        server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        server
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.stdin, "{message}").expect("the server reads");
        self.stdin.flush().expect("the server reads");
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params }));
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).expect("the server answers") > 0, "the server has gone");
            let answer: Value = serde_json::from_str(&line).expect("JSON");
            if answer["id"] == json!(self.id) {
                return answer;
            }
        }
    }

    /// Whether the call was carried out.
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>, meta: &Map<String, Value>) -> Result<Value, Value> {
        let answer = self.ask("tools/call", &json!({ "name": tool, "arguments": arguments, "_meta": meta }));
        match answer.get("result") {
            Some(result) if result["isError"] != json!(true) => Ok(result["structuredContent"].clone()),
            _ => Err(answer),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "the servers under test read the machine's clock")]
fn now() -> i64 {
    i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()).expect("a time")
}

/// One call as it is sent; a misuse changes one thing of it.
struct Attempt {
    claims: Map<String, Value>,
    arguments: Map<String, Value>,
    key: String,
    header: Value,
    seed: [u8; 32],
    token: Option<String>,
}

const SEED: [u8; 32] = [7; 32];

fn good(server: &str, tool: &str, arguments: &Value, number: usize) -> Attempt {
    let arguments = arguments.as_object().cloned().expect("an object");
    let key = format!("key-{number}");
    let mut claims = claims(server, tool, &arguments, &key, &format!("jti-{server}-{number}"));
    claims.insert("iat".into(), (now() - 1).into());
    claims.insert("exp".into(), (now() + 30).into());
    Attempt { claims, arguments, key, header: json!({ "alg": "EdDSA", "typ": "JWT", "kid": KID }), seed: SEED, token: None }
}

impl Attempt {
    fn meta(&self) -> Map<String, Value> {
        let token = self.token.clone().unwrap_or_else(|| {
            if self.seed == SEED && self.header["kid"] == json!(KID) && self.header["alg"] == json!("EdDSA") {
                sign(&self.claims)
            } else {
                sign_as(&self.header, &self.claims, self.seed)
            }
        });
        meta(&token, &self.key)
    }

    fn set(&mut self, claim: &str, value: Value) {
        self.claims.insert(claim.to_owned(), value);
    }
}

type Spoil = fn(&mut Attempt);

const MISUSES: [(&str, Spoil); 18] = [
    ("for another server", |a| a.set("aud", json!("anderer"))),
    ("for several servers", |a| a.set("aud", json!(["dms", "registry", "mail"]))),
    ("of another tenant", |a| a.set("tenant", json!("vg-fremd"))),
    ("of another tool", |a| a.set("tool", json!("anderes"))),
    ("with other arguments", |a| drop(a.arguments.insert("extra".into(), json!("x")))),
    ("digest of other arguments", |a| a.set("args", json!(digest(&Map::new())))),
    ("with another key", |a| a.key = "anderer".into()),
    ("expired", |a| a.set("exp", json!(now() - 20))),
    ("of a lease that had ended", |a| {
        a.set("iat", json!(now() - 40));
        a.set("exp", json!(now() - 10));
    }),
    ("valid too long", |a| a.set("exp", json!(now() + 600))),
    ("from the future", |a| {
        a.set("iat", json!(now() + 100));
        a.set("exp", json!(now() + 130));
    }),
    ("by another issuer", |a| a.set("iss", json!("jemand"))),
    ("signed by another start's key", |a| a.seed = [8; 32]),
    ("under an unknown key's name", |a| a.header = json!({ "alg": "EdDSA", "kid": "fremd" })),
    ("under no key's name", |a| a.header = json!({ "alg": "EdDSA" })),
    ("with a symmetric algorithm", |a| a.header = json!({ "alg": "HS256", "kid": KID })),
    ("with no algorithm", |a| a.header = json!({ "alg": "none", "kid": KID })),
    ("no token at all", |a| a.token = Some(String::new())),
];

const CLAIMS: [&str; 12] = ["iss", "aud", "sub", "tenant", "groups", "run", "step", "tool", "args", "key", "jti", "exp"];

#[test]
fn the_bundled_servers_refuse_every_misuse_and_act_once_on_the_good_token() {
    let tenant = Tenant::new();
    let filed = tenant.letters_in(&["MISS-1"]);
    let servers: [(&str, &[&str], &str, Value); 3] = [
        ("dms", &["--data", "./dms"], "akte_anlegen", json!({ "akte": "MISS-1", "titel": "Missbrauch" })),
        ("registry", &["--config", "./registers.yaml"], "person_suchen", json!({ "familienname": "Hofmann" })),
        ("mail", &["--maildir", "./mail", "--absender", "amt@vg.example"], "senden", json!({ "an": "x@example.org", "betreff": "b", "text": "t" })),
    ];
    let mut refused = 0;
    for (name, args, tool, arguments) in servers {
        let mut server = Server::start(&tenant, name, args);
        let mut number = 0;
        let mut attempt = || {
            number += 1;
            good(name, tool, &arguments, number)
        };
        for (misuse, spoil) in MISUSES {
            let mut attempt = attempt();
            spoil(&mut attempt);
            let answer = server.call(tool, &attempt.arguments, &attempt.meta());
            assert!(answer.is_err(), "{name}: a token {misuse} was believed: {answer:?}");
            refused += 1;
        }
        for claim in CLAIMS {
            let mut attempt = attempt();
            attempt.claims.remove(claim);
            assert!(server.call(tool, &attempt.arguments, &attempt.meta()).is_err(), "{name}: a token without {claim} was believed");
            refused += 1;
        }
        assert_eq!(tenant.mails(), 0, "no misuse sent anything");
        let used = attempt();
        let first = server.call(tool, &used.arguments, &used.meta());
        assert!(first.is_ok() || name == "registry", "{name}: the good token was refused: {first:?}");
        assert!(server.call(tool, &used.arguments, &used.meta()).is_err(), "{name}: a token was believed twice");
        refused += 1;
    }
    assert_eq!(tenant.mails(), 1, "the good token sent one mail");
    assert_eq!(tenant.letters_in(&["MISS-1"]), filed);
    assert!(refused >= 30, "{refused}");
    println!("{refused} misuses refused by three servers");
}
