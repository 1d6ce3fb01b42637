//! The controller as the tests hold it: begun in namespaces of its own, written to as its administrator, stopped and started.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use laufzettel_directory::{Directory, LdapOptions};
use laufzettel_domain::{Caller, Clock as _, Via};
use laufzettel_policy::Group;
use laufzettel_worker::SystemClock;

use crate::desk::{root, until};

pub const BASE: &str = "DC=stadt,DC=test";
pub const PASSWORD: &str = "Geheim!23";

pub struct Controller {
    pub folder: PathBuf,
}

/// Runs the test of this name again, inside the namespaces of a fresh controller.
pub fn beside_one(test: &str) {
    let me = std::env::current_exe().expect("a test knows its program");
    let script = root().join("tests/samba/controller.sh");
    let done = Command::new("unshare")
        .args(["-n", "-u", "-m", "bash"])
        .arg(script)
        .arg(me)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .stdin(Stdio::null())
        .output()
        .expect("unshare runs (util-linux)");
    let told = crate::desk::text(&done);
    println!("{told}");
    assert!(done.status.success() && told.contains("1 passed"), "beside a domain controller (as root, with the packages of tests/run.sh):\n{told}");
}

impl Controller {
    /// The controller this process was started beside.
    pub fn here() -> Option<Self> {
        std::env::var_os("SAMBA_DIR").map(|folder| Self { folder: folder.into() })
    }

    pub fn stop(&self) {
        self.order("stop", "down");
    }

    pub fn start(&self) {
        self.order("start", "up");
    }

    fn order(&self, order: &str, reached: &str) {
        let state = self.folder.join("state");
        std::fs::remove_file(&state).ok();
        let mut hand = std::fs::OpenOptions::new().write(true).open(self.folder.join("hand")).expect("the script reads its orders");
        writeln!(hand, "{order}").expect("an order");
        until(reached, || std::fs::read_to_string(&state).ok().filter(|s| s.trim() == reached));
    }

    /// Writes LDIF as the administrator.
    pub fn write(&self, ldif: &str) {
        let mut child = Command::new("ldapmodify")
            .args(["-x", "-a", "-H", "ldaps://dc1.stadt.test", "-D", "Administrator@stadt.test", "-w", "Passw0rd!Test"])
            .env("LDAPTLS_CACERT", self.folder.join("ca.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ldapmodify runs (ldap-utils)");
        child.stdin.take().expect("stdin is piped").write_all(ldif.as_bytes()).expect("ldapmodify reads");
        let done = child.wait_with_output().expect("ldapmodify ends");
        assert!(done.status.success(), "{}\n{ldif}", String::from_utf8_lossy(&done.stderr));
    }

    pub fn options(&self) -> LdapOptions {
        LdapOptions {
            urls: vec!["ldaps://dc1.stadt.test".to_owned()],
            starttls: false,
            ca: Some(std::fs::read(self.folder.join("ca.pem")).expect("the CA")),
            bind_dn: dn("svc-laufzettel"),
            password: PASSWORD.to_owned(),
            base: BASE.to_owned(),
            timeout: Duration::from_secs(5),
            pool: 4,
            cache: Duration::ZERO,
        }
    }

    /// Asked every time anew.
    pub fn directory(&self) -> Directory {
        Directory::ldap(self.options()).expect("usable options")
    }
}

pub fn now() -> Timestamp {
    SystemClock.now()
}

pub fn dn(name: &str) -> String {
    format!("CN={name},OU=Test,{BASE}")
}

/// LDIF of a person. `more`: lines of further attributes.
pub fn user(name: &str, flags: u32, more: &str) -> String {
    let quoted: Vec<u8> = format!("\"{PASSWORD}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let password = STANDARD.encode(quoted);
    format!(
        "dn: {}\nobjectClass: user\nsAMAccountName: {name}\nuserPrincipalName: {name}@stadt.test\ndisplayName: {name} Test\nmail: {name}@stadt.test\n\
         userAccountControl: {flags}\nunicodePwd:: {password}\n{more}\n",
        dn(name)
    )
}

pub fn group(name: &str, members: &[&str]) -> String {
    let members: String = members.iter().map(|m| format!("member: {}\n", dn(m))).collect();
    format!("dn: {}\nobjectClass: group\nsAMAccountName: {name}\n{members}\n", dn(name))
}

/// LDIF that changes one attribute.
pub fn change(name: &str, how: &str, attribute: &str, value: &str) -> String {
    format!("dn: {}\nchangetype: modify\n{how}: {attribute}\n{attribute}: {value}\n\n", dn(name))
}

/// The caller somebody is, as a sign-in at a terminal would name her.
pub async fn caller(directory: &Directory, user: &str) -> Caller {
    directory.authenticate(user, PASSWORD, Via::Terminal, now()).await.expect("a good password")
}

/// Names of groups that are not Samba's own.
pub fn ours(groups: &[Group]) -> Vec<String> {
    let own = ["Domain Users", "Users"];
    groups.iter().map(|g| g.name.clone()).filter(|name| !own.contains(&name.as_str())).collect()
}
