//! Every form with real check digits and one digit off, and what must not be taken for one.

use laufzettel_domain::Kategorie;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn own() -> Vec<String> {
    vec!["vg-schweich.example".to_owned()]
}

fn kinds(value: &Value) -> Vec<Detected> {
    detect_kinds(value, &own()).into_keys().collect()
}

#[test]
fn what_a_finding_means() {
    let told: Vec<String> = Detected::ALL.iter().map(|kind| format!("{}: {}", json!(kind).as_str().unwrap(), kind.label())).collect();
    assert_eq!(
        told,
        [
            "iban: normal, personenbezogen",
            "steuerid: hoch, personenbezogen, steuerdaten",
            "rentenversicherungsnummer: hoch, personenbezogen, sozialdaten",
            "email: normal, personenbezogen",
            "telefon: normal, personenbezogen",
            "undurchsucht: hoch, personenbezogen, sozialdaten, steuerdaten",
        ]
    );
    assert!(Detected::ALL.iter().all(|kind| kind.label().trust == Trust::Trusted), "a finding never changes the trust");
    // unseen is at least everything that could have been seen
    let seen = label_of(&Detected::ALL[..5]);
    assert_eq!(Detected::Undurchsucht.label(), seen);
}

#[test]
fn forms() {
    use Detected::{Email, Iban, Rentenversicherungsnummer as Rente, SteuerId, Telefon};
    let rows: &[(&str, &[Detected])] = &[
        // IBAN: the registry's own examples
        ("DE02120300000000202051", &[Iban]),
        ("IBAN: DE02 1203 0000 0000 2020 51.", &[Iban]),
        ("iban de02 1203 0000 0000 2020 51, BIC BYLADEM1001", &[Iban]),
        ("DE02\u{a0}1203\u{a0}0000\u{a0}0000\u{a0}2020\u{a0}51", &[Iban]),
        ("DE02-1203-0000-0000-2020-51", &[Iban]),
        ("DE02 12030000 0000202051", &[Iban]),
        ("DE 02 1203 0000 0000 2020 51", &[Iban]),
        ("„DE02120300000000202051“", &[Iban]),
        ("AT61 1904 3002 3457 3201", &[Iban]),
        ("LU28 0019 4006 4475 0000", &[Iban]),
        ("NL91 ABNA 0417 1643 00", &[Iban]),
        ("CH93 0076 2011 6238 5295 7", &[Iban]),
        ("FR14 2004 1010 0505 0001 3M02 606", &[Iban]),
        ("GB29NWBK60161331926819", &[Iban]),
        ("NO93 8601 1117 947", &[Iban]),
        ("BE68 5390 0754 7034", &[Iban]),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", &[Iban]),
        ("DE02120300000000202052", &[]),
        ("DE02  1203 0000 0000 2020 51", &[]), // one separator
        ("DE03 1203 0000 0000 2020 51", &[]),
        ("DE02 1203 0000 0000 2020 5", &[]),
        ("DE02 1203 0000 0000 2020 511", &[]),
        ("XDE02120300000000202051", &[]),
        ("NL91 AB NA0417164300", &[]),
        ("NL92ABNA0417164300", &[]),
        ("ZZ02120300000000202051", &[]),
        // Steuer-ID: the numbers of the official test set, and one with a digit three times
        ("86095742719", &[SteuerId]),
        ("Steuer-ID 86 095 742 719", &[SteuerId]),
        ("86-095-742-719", &[SteuerId]),
        ("86/095/742/719;", &[SteuerId]),
        ("IdNr.: 47036892816", &[SteuerId]),
        ("65929970489,57549285017", &[SteuerId]),
        ("25768131411", &[SteuerId]),
        ("12131456787", &[SteuerId]),
        ("11213456783", &[SteuerId]), // three, two of them side by side
        ("11123456786", &[]),         // three in a row
        ("12345678903", &[]),         // no digit twice
        ("11223456780", &[]),         // two digits twice
        ("86095742718", &[]),
        ("86095742791", &[]),
        ("860 957 427 19", &[]),
        ("186095742719", &[]),
        ("86095742719a", &[]),
        ("02476291358", &[]), // test numbers begin with 0, real ones do not
        // Rentenversicherungsnummer
        ("65170839J003", &[Rente]),
        ("65 170839 J 003", &[Rente]),
        ("65-170839-J-003", &[Rente]),
        ("RVNR 15070649c103", &[Rente]),
        ("53270139W032", &[Rente]),
        ("25220972K489", &[Rente]),
        ("65170839J004", &[]),
        ("65170839K003", &[]),
        ("65171239J004", &[Rente]), // December
        ("65171339J005", &[]),      // there is no thirteenth month
        ("89291299Y993", &[Rente]), // the largest digits there are
        ("65 170839 J  003", &[]),  // one separator
        ("65170839J0031", &[]),
        ("A65170839J003", &[]),
        // e-mail
        ("s.weber@example.org", &[Email]),
        ("Rückfragen an <S.Weber+Hund@mail.example.org>.", &[Email]),
        ("jürgen@müller.example", &[Email]),
        ("steueramt@vg-schweich.example", &[]),
        ("Steueramt@VG-Schweich.Example.", &[]),
        ("amt@sub.vg-schweich.example", &[Email]),
        ("amt@vg-schweich.example.evil.example", &[Email]),
        ("amt@vg-schweich.example@evil.example", &[Email]),
        ("amt@vg-schweich.example, weber@example.org", &[Email]),
        ("@example.org", &[]),
        ("weber@example", &[]),
        ("weber@example.o", &[]),
        ("weber@192.0.2.1", &[]),
        ("weber@.org", &[]),
        ("3 Stück @ 4.50", &[]),
        // phone numbers
        ("+49 651 123456", &[Telefon]),
        ("+49 (0)651 123456", &[Telefon]),
        ("+49 (651) 12 34 56", &[Telefon]),
        ("(+49) 651/123456", &[Telefon]),
        ("+496511234567", &[Telefon]),
        ("0049 171 1234567", &[Telefon]),
        ("004917112345678", &[Telefon]),
        ("+352 26 12 34 56", &[Telefon]),
        ("06502 9338-0", &[Telefon]),
        ("06502/9338-0", &[Telefon]),
        ("06502 / 93 38 40", &[Telefon]),
        ("(06502) 933840", &[Telefon]),
        ("(06502)/933840", &[Telefon]),
        ("0171-1234567", &[Telefon]),
        ("01711234567", &[Telefon]),
        ("030 123456 78", &[Telefon]),
        ("06502 933840 54338 Schweich", &[Telefon]),
        ("0651 123", &[Telefon]), // seven digits are the fewest
        ("0651 1234", &[Telefon]),
        ("06502 2012345", &[Telefon]),
        ("Tel.: 06502933840", &[Telefon]),
        ("Tel.06502933840", &[Telefon]),
        ("Telefon (dienstlich) 0651123456", &[Telefon]),
        ("Mobil:0651123456", &[Telefon]),
        ("Fax 0651 2026", &[Telefon]),
        ("+49 651", &[]),
        ("+49 651 1234567890123", &[]),
        ("+0651123456", &[]),
        ("+4 1 2 3 4 5 6 7-8", &[]), // nine groups
        ("Tel. 0651 am 12.04.2026", &[]),
        ("Tel. 06511234567890", &[]),
        ("Kapitel 0651123456", &[]),
        ("Immobilie 0651123456", &[]),
        ("Tel. 5, Feld 0651123456", &[]),
        // together
        ("DE02120300000000202051 86095742719 65170839J003 a@example.org 0651/123456", &[Iban, SteuerId, Rente, Email, Telefon]),
    ];
    for (text, expected) in rows {
        assert_eq!(kinds(&json!(text)), *expected, "{text}");
    }
}

/// Numbers a municipal office writes all day.
#[test]
fn numbers_that_are_nothing() {
    for text in [
        "Az. FB2-HS-2026-00123 vom 03.04.2026",
        "Az.: 0815/2024, Bd. 2",
        "Az. 07/4711-0815/26",
        "Aktenzeichen FB2-0651/123456",
        "Kassenzeichen 0123.4567.8901",
        "Betrag: 1.234.567,89 EUR, fällig 15.08.2026",
        "Summe 12.345.678.901,00 Euro",
        "0815 1234,56",
        "Gemeindeschlüssel 07235118",
        "Regionalschlüssel 072355004118",
        "AGS 07235118 07235004 07334003",
        "PLZ 01067, 06108 und 04103-04109 Leipzig",
        "Chipnummer 276098102345678",
        "Chip 276 0981 0234 5678",
        "Chip 276 098 102 345 678",
        "Transponder 040098100123456",
        "Transponder 008400012345678",
        "900108001234567",
        "Steuernummer 22/815/08151",
        "Steuernummer 133/8150/8159",
        "Geburtsdatum 03-04-1985, Uhrzeit 08:30-12:00",
        "2026-01-02T08:30:00Z",
        "v1.0651.123456",
        "17 0651 123456",
        "17.0651 123456",
        "Zählerstand 00012345",
        "§ 147 SGB VI, § 139b AO, Art. 13 DSGVO",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "01983f4e-0651-7123-8456-000000000000",
        "de 1 bis 7, at 20 Uhr, be 16 ist es 12 Uhr und nichts geschieht",
        "",
    ] {
        assert_eq!(kinds(&json!(text)), [], "{text}");
    }
    for value in
        [json!(276_098_102_345_678_u64), json!(7_235_118), json!(1234.5), json!(null), json!(true), json!({"titel": "07235118", "hotel": "0651123456"})]
    {
        assert_eq!(detect(&value, &own()), Label::default(), "{value}");
    }
}

#[test]
fn the_whole_value_is_walked_and_only_places_are_told() {
    let value = json!({
        "halter": { "name": "Weber", "kontakt": [{ "mail": "s.weber@example.org" }, { "telefon_mobil": "0651123456" }] },
        "s.weber@example.org": { "idnr": 86_095_742_719_u64 },
        "konto": "DE02120300000000202051",
        "konto2": ["x", "DE02120300000000202051"],
    });
    let told: Vec<String> = detect_kinds(&value, &own())
        .into_iter()
        .map(|(kind, places)| format!("{kind:?}: {}", places.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")))
        .collect();
    assert_eq!(told, ["Iban: konto konto2.1", "SteuerId: *.idnr", "Email:  halter.kontakt.0.mail", "Telefon: halter.kontakt.1.telefon_mobil"]);
    assert_eq!(detect(&value, &own()), Label::new(Schutzbedarf::Hoch, [Kategorie::Personenbezogen, Kategorie::Steuerdaten], Trust::Trusted));
}

/// What a field's name announces counts wherever the value goes on alone.
#[test]
fn a_name_speaks_for_its_value() {
    let number = json!("06502933840");
    let phone = Detected::Telefon.label();
    for (name, expected) in [("telefon", &phone), ("Handy_privat", &phone), ("nummer", &Label::default()), ("immobilie", &Label::default())] {
        assert_eq!(detect_field(name, &number, &own()), *expected, "{name}");
        assert_eq!(detect(&json!({ (name): number }), &own()), *expected, "{name}");
    }
    assert_eq!(detect(&number, &own()), Label::default());
    assert_eq!(detect_field("a@example.org", &json!(1), &own()), Detected::Email.label(), "the name itself is text");
}

#[test]
fn work_and_places_are_bounded_and_the_rest_counts() {
    assert_eq!(BYTES_MAX, 16_777_216);
    // exactly the bound is searched
    let filler = "x".repeat(BYTES_MAX - 22);
    let whole = json!([filler, "DE02120300000000202051"]);
    assert_eq!(kinds(&whole), [Detected::Iban]);
    let beyond = json!([filler, "DE02120300000000202051", "y"]);
    assert_eq!(kinds(&beyond), [Detected::Iban, Detected::Undurchsucht]);
    assert_eq!(kinds(&json!("x".repeat(BYTES_MAX + 1))), [Detected::Undurchsucht]);

    let nested = |levels: usize| (0..levels).fold(json!("a@example.org"), |inner, _| json!([inner]));
    assert_eq!(kinds(&nested(DEPTH_MAX)), [Detected::Email]);
    assert_eq!(kinds(&nested(DEPTH_MAX + 1)), [Detected::Undurchsucht]);

    let many: Vec<&str> = vec!["a@example.org"; PLACES_MAX + 5];
    assert_eq!(detect_kinds(&json!(many), &own())[&Detected::Email].len(), PLACES_MAX);
}

/// A long local part or domain is looked at to its bound and no further; every `@` costs the same.
#[test]
fn addresses_are_bounded() {
    let long = |local: usize, domain: usize| format!("{}@{}.example", "a".repeat(local), "b".repeat(domain));
    assert_eq!(kinds(&json!(long(200, 10))), [Detected::Email]);
    assert_eq!(kinds(&json!(long(5, 247))), [Detected::Email]);
    assert_eq!(kinds(&json!(long(5, 300))), []);
    assert_eq!(kinds(&json!(format!("a{}@example.org", "ä.".repeat(64)))), [Detected::Email]);
    assert_eq!(kinds(&json!(format!("a{}@example.org", ".".repeat(64)))), []);
    assert_eq!(kinds(&json!("@".repeat(100_000))), []);
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("DE02 1203 0000 0000 2020 51".to_owned()),
        Just("86095742719".to_owned()),
        Just("65170839J003".to_owned()),
        Just("weber@example.org".to_owned()),
        Just("0651/123456".to_owned()),
        "[ -~äöü€„\u{a0}]{0,40}",
        "[0-9 /.+()-]{0,30}",
    ]
}

fn label() -> impl Strategy<Value = Label> {
    (0..4usize, proptest::collection::btree_set(0..8usize, 0..8), 0..3usize)
        .prop_map(|(s, k, t)| Label::new(Schutzbedarf::ALL[s].1, k.into_iter().map(|i| Kategorie::ALL[i].1), Trust::ALL[t].1))
}

proptest! {
    /// Joining a finding raises or keeps, and never touches the trust.
    #[test]
    fn a_finding_never_lowers(text in piece(), had in label()) {
        let found = detect(&json!({ "feld": text }), &own());
        let now = had.join(&found);
        prop_assert!(now.schutzbedarf >= had.schutzbedarf);
        prop_assert!(now.kategorien.is_superset(&had.kategorien));
        prop_assert_eq!(now.trust, had.trust);
    }

    /// A value is at least as strict as each of its parts, and of separate texts exactly their join.
    #[test]
    fn the_whole_is_the_join_of_its_parts(texts in proptest::collection::vec(piece(), 0..5)) {
        let parts = Label::join_all(&texts.iter().map(|text| detect(&json!(text), &own())).collect::<Vec<_>>());
        prop_assert_eq!(detect(&json!(texts), &own()), parts);
    }

    /// Whatever stands before and behind, apart from it by a line break, a form is found.
    #[test]
    fn nothing_around_hides_a_form(before in piece(), form in piece(), behind in piece()) {
        let alone = detect(&json!(form), &own());
        let within = detect(&json!(format!("{before}\n{form}\n{behind}")), &own());
        prop_assert_eq!(within.join(&alone), within);
    }

    /// One digit changed in a number with a check digit that finds every single error: nothing is found any more.
    #[test]
    fn one_digit_off_is_no_number(place in 4..22usize, by in 1..10u8) {
        let mut iban = b"DE02120300000000202051".to_vec();
        iban[place] = b'0' + (iban[place] - b'0' + by) % 10;
        prop_assert_eq!(kinds(&json!(String::from_utf8(iban).unwrap())), []);
    }
}
