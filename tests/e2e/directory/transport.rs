//! TLS, several controllers, few connections.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use laufzettel_directory::{Directory, Error, LdapOptions};
use laufzettel_domain::Via;

use super::controller::{Controller, PASSWORD, caller, now};

pub async fn only_over_tls_of_our_own_ca(controller: &Controller) {
    let options = controller.options();
    let foreign = std::fs::read(controller.folder.join("fremd.pem")).expect("the other CA");
    for (options, expected, what) in [
        (options.clone(), Ok(()), "LDAPS"),
        (LdapOptions { urls: vec!["ldap://dc1.stadt.test".into()], starttls: true, ..options.clone() }, Ok(()), "StartTLS"),
        (LdapOptions { ca: Some(foreign.clone()), ..options.clone() }, Err(Error::Unavailable), "a CA that did not sign this"),
        (
            LdapOptions { urls: vec!["ldap://dc1.stadt.test".into()], starttls: true, ca: Some(foreign), ..options.clone() },
            Err(Error::Unavailable),
            "StartTLS with that CA",
        ),
        (LdapOptions { ca: None, ..options.clone() }, Err(Error::Unavailable), "the system's CAs"),
        (LdapOptions { urls: vec!["ldaps://localhost".into()], ..options.clone() }, Err(Error::Unavailable), "another name than the certificate's"),
        (LdapOptions { password: "falsch".into(), ..options }, Err(Error::Unavailable), "a service account that is not let in: nobody knows, nobody is denied"),
    ] {
        let directory = Directory::ldap(options).expect("usable options");
        assert_eq!(directory.authenticate("anna", PASSWORD, Via::Form, now()).await.map(drop), expected, "{what}");
    }
}

pub async fn the_next_controller_answers(controller: &Controller) {
    // one that is not there, and one that takes the call and says nothing
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("bound").port();
    for first in ["ldaps://dc2.stadt.test:1".to_owned(), format!("ldaps://127.0.0.1:{port}")] {
        let urls = vec![first.clone(), "ldaps://dc1.stadt.test".to_owned()];
        let directory = Directory::ldap(LdapOptions { urls, timeout: Duration::from_secs(4), ..controller.options() }).expect("usable options");
        let anna = caller(&directory, "anna").await;
        let began = Instant::now();
        assert_eq!(directory.resolve(&anna, &[], now()).await.map(drop), Ok(()), "beside {first}");
        assert!(began.elapsed() < Duration::from_secs(4), "{first} is asked last for a while: {:?}", began.elapsed());
    }
    // the answer of a moment ago counts while the controller is away, and no longer
    let kept = Directory::ldap(LdapOptions { cache: Duration::from_secs(3600), ..controller.options() }).expect("usable options");
    let asking = controller.directory();
    let anna = caller(&asking, "anna").await;
    let before = kept.resolve(&anna, &[], now()).await;
    assert_eq!(asking.resolve(&anna, &[], now()).await, before);
    controller.stop();
    assert_eq!(kept.resolve(&anna, &[], now()).await, before);
    assert_eq!(asking.resolve(&anna, &[], now()).await, Err(Error::Unavailable));
    assert_eq!(asking.authenticate("anna", PASSWORD, Via::Form, now()).await, Err(Error::Unavailable));
    controller.start();
    // lines of before the restart are replaced without anybody noticing
    assert_eq!(asking.resolve(&anna, &[], now()).await, before);
    assert_eq!(kept.person("bernd").await.map(|p| p.is_some()), Ok(true));
}

/// One connection for twenty who ask at once: they wait for each other, and all are answered.
pub async fn few_lines_serve_many(controller: &Controller) {
    let directory = Directory::ldap(LdapOptions { pool: 1, timeout: Duration::from_secs(20), ..controller.options() }).expect("usable options");
    let bernd = caller(&directory, "bernd").await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (directory, bernd) = (directory.clone(), bernd.clone());
        asked.spawn(async move { directory.resolve(&bernd, &[], now()).await.map(|who| who.groups.len()) });
    }
    while let Some(done) = asked.join_next().await {
        assert_eq!(done.expect("no panic"), Ok(4));
    }
}
