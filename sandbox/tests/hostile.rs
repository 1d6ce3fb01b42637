//! Each attempt of the attacker works outside the sandbox and is refused inside: as the account the tests run under,
//! and once more as an ordinary user if that account is root.
#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod cases;
mod fixture;

use std::process::Output;

use cases::{CASES, Case, Who};
use fixture::{Account, Fixture};

const WORKED: Option<i32> = Some(0);
const REFUSED: Option<i32> = Some(10);

#[test]
fn refused_to_the_account_of_the_tests() {
    attack(Account::own());
}

#[test]
fn refused_to_an_ordinary_user() {
    match Account::own() {
        Account::Root => attack(Account::Nobody),
        _ => println!("the account of the tests is one"),
    }
}

#[test]
fn there_are_enough_attempts() {
    assert!(CASES.len() >= 45, "{}", CASES.len());
}

fn attack(account: Account) {
    let mut wrong = Vec::new();
    let (mut shown, mut refused) = (0, 0);
    for case in CASES {
        if case.who == Who::Anyone || account == Account::Root {
            let output = Fixture::new(account).outside(case);
            shown += usize::from(output.status.code() == WORKED);
            note(&mut wrong, "outside", case, &output, output.status.code() == WORKED);
        }
        let fixture = Fixture::new(account);
        let before = fixture.foreign();
        let output = fixture.inside(case);
        let held = output.status.code() == REFUSED && fixture.foreign() == before && fixture.traps().is_empty();
        refused += usize::from(held);
        note(&mut wrong, "inside", case, &output, held);
    }
    println!("{account:?}: {} attempts, {shown} shown to work outside, {refused} refused inside", CASES.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn note(wrong: &mut Vec<String>, place: &str, case: &Case, output: &Output, good: bool) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let line = format!("{place:8} {:40} {} {}", case.words(), output.status, said.trim());
    if good {
        println!("{line}");
    } else {
        wrong.push(line);
    }
}
