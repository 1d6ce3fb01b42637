//! When a schedule fires: across clock changes, holidays and time nobody was there; compared with a second reader.

use std::str::FromStr as _;

use croner::Cron;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use laufzettel_process::schedule::{CatchUp, Due, Holidays, Missed, Schedule};
use proptest::prelude::*;

fn schedule(text: &str, holidays: Holidays, catch_up: CatchUp) -> Schedule {
    Schedule::parse(text, Some("Europe/Berlin".to_owned()), holidays, catch_up).expect("a good schedule")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn next(text: &str, holidays: Holidays, after: &str, count: usize) -> Vec<String> {
    schedule(text, holidays, CatchUp::Last).upcoming(at(after), &TimeZone::UTC, count).iter().map(ToString::to_string).collect()
}

#[test]
fn the_clock_changes_and_nothing_fires_twice_or_never() {
    let run = Holidays::Run;
    for (text, after, expected) in [
        // 29.03.2026, 02:00 → 03:00: half past two happens at three
        ("30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]),
        // three times that are not there are one instant, which three o'clock is anyway
        ("*/20 2,3 29 3 *", "2026-03-29T00:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z"]),
        // 25.10.2026, 03:00 → 02:00: half past two the first time only
        ("30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", "2026-10-27T01:30:00Z"]),
        ("30 2 * * *", "2026-10-25T00:30:00Z", ["2026-10-26T01:30:00Z", "2026-10-27T01:30:00Z", "2026-10-28T01:30:00Z"]),
        // asked in the middle of the hour that happens twice
        ("*/30 * * * *", "2026-10-25T01:10:00Z", ["2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z", "2026-10-25T03:00:00Z"]),
        ("0 0 29 2 *", "2026-01-01T00:00:00Z", ["2028-02-28T23:00:00Z", "2032-02-28T23:00:00Z", "2036-02-28T23:00:00Z"]),
        ("0 6 * * MON-FRI", "2026-11-27T12:00:00Z", ["2026-11-30T05:00:00Z", "2026-12-01T05:00:00Z", "2026-12-02T05:00:00Z"]),
        // the seconds between are nobody's
        ("* * * * *", "2026-01-01T00:00:00.5Z", ["2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z", "2026-01-01T00:03:00Z"]),
    ] {
        assert_eq!(next(text, run, after, 3), expected, "{text} after {after}");
    }
}

#[test]
fn holidays_are_left_out_or_moved() {
    // Karfreitag 03.04.2026, Ostermontag 06.04.
    let daily = "0 8 * * MON-FRI";
    let after = "2026-04-02T10:00:00Z";
    assert_eq!(next(daily, Holidays::Run, after, 2), ["2026-04-03T06:00:00Z", "2026-04-06T06:00:00Z"]);
    assert_eq!(next(daily, Holidays::Skip, after, 2), ["2026-04-07T06:00:00Z", "2026-04-08T06:00:00Z"]);
    assert_eq!(next(daily, Holidays::NextWorkingDay, after, 2), ["2026-04-07T06:00:00Z", "2026-04-08T06:00:00Z"]);
    // the first of the month on a Sunday and a holiday (1.11.2026), on a Friday that is one (1.1.2027)
    assert_eq!(
        next("0 8 1 * *", Holidays::NextWorkingDay, "2026-10-15T00:00:00Z", 4),
        ["2026-11-02T07:00:00Z", "2026-12-01T07:00:00Z", "2027-01-04T07:00:00Z", "2027-02-01T07:00:00Z"]
    );
    assert_eq!(next("0 8 1 * *", Holidays::Skip, "2026-10-15T00:00:00Z", 2), ["2026-12-01T07:00:00Z", "2027-02-01T07:00:00Z"]);
    // Saturday at ten moves behind Monday at eight, and both are there
    assert_eq!(
        next("0 8,10 * * SAT,MON", Holidays::NextWorkingDay, "2026-11-20T12:00:00Z", 3),
        ["2026-11-23T07:00:00Z", "2026-11-23T09:00:00Z", "2026-11-30T07:00:00Z"]
    );
}

#[test]
fn what_was_missed_is_made_up_for_as_the_author_says() {
    let handled = at("2026-11-20T06:00:00Z");
    let now = at("2026-11-24T05:00:10Z");
    let days = ["2026-11-21T05:00:00Z", "2026-11-22T05:00:00Z", "2026-11-23T05:00:00Z", "2026-11-24T05:00:00Z"].map(at);
    let missed = |count: usize| Some(Missed { count, first: days[0], last: days[count - 1] });
    for (catch_up, now, expected) in [
        (CatchUp::All, now, Due { fire: days.to_vec(), missed: None }),
        (CatchUp::Last, now, Due { fire: vec![days[3]], missed: missed(3) }),
        // on time: ten seconds late is not missed
        (CatchUp::None, now, Due { fire: vec![days[3]], missed: missed(3) }),
        (CatchUp::None, at("2026-11-24T05:10:00Z"), Due { fire: vec![], missed: missed(4) }),
        (CatchUp::Last, handled, Due::default()),
    ] {
        assert_eq!(schedule("0 6 * * *", Holidays::Run, catch_up).due(handled, now, &TimeZone::UTC), expected, "{catch_up:?}");
    }
    // four months of every minute: counted as far as it is worth it, a hundred made up for
    let due = schedule("* * * * *", Holidays::Run, CatchUp::All).due(at("2026-07-01T00:00:00Z"), at("2026-11-01T00:00:00Z"), &TimeZone::UTC);
    assert_eq!((due.fire.len(), due.fire[0], due.fire[99]), (100, at("2026-10-31T22:21:00Z"), at("2026-11-01T00:00:00Z")));
    let missed = due.missed.expect("most of it");
    assert_eq!((missed.first, missed.last), (at("2026-07-01T00:01:00Z"), at("2026-10-31T22:20:00Z")));
}

#[test]
fn what_two_programs_would_read_differently_is_refused() {
    for (text, why) in [
        ("0 6 * *", "fünf Felder"),
        ("0 0 6 * * *", "fünf Felder"),
        ("@daily", "fünf Felder"),
        ("0 6 * * 1-5", "MON TUE"),
        ("0 6 1 * MON", "zugleich"),
        ("0 6 L * *", "„L“"),
        ("0 6 ? * MON", "„?“"),
        ("0 6 * JAN *", "„J“"),
        ("60 6 * * *", "Zeitplan"),
        ("0 24 * * *", "Zeitplan"),
        ("0 6 * 13 *", "Zeitplan"),
        ("0 6 * * MONTAG", "Wochentag"),
        ("0 6 * * MON-", "Wochentag"),
        ("5/15 6 * * *", "ohne Bereich"),
        ("*/0 6 * * *", "Zeitplan"),
        ("0 6 30 2 *", "in keinem Jahr"),
    ] {
        let told = Schedule::parse(text, None, Holidays::Run, CatchUp::Last).expect_err(text);
        assert!(told.de.contains(why), "{text}: {}", told.de);
    }
}

#[test]
fn ranges_of_weekdays_are_what_they_say() {
    let after = "2026-11-23T12:00:00Z";
    for (range, list) in [("SAT-SUN", "SAT,SUN"), ("FRI-MON", "FRI,SAT,SUN,MON"), ("MON-SUN", "*"), ("tue-thu,SUN", "TUE,WED,THU,SUN")] {
        let of = |days: &str| next(&format!("0 6 * * {days}"), Holidays::Run, after, 9);
        assert_eq!(of(range), of(list), "{range}");
    }
    let often = Schedule::parse("*/5 * * * *", None, Holidays::NextWorkingDay, CatchUp::Last).expect_err("too often");
    assert!(often.de.contains("nennt ein Zeitplan seine Uhrzeiten"), "{}", often.de);
}

#[test]
fn another_schedule_or_input_begins_anew() {
    let key = |text: &str, input: i64| schedule(text, Holidays::Run, CatchUp::Last).key("p", &serde_json::json!({ "n": input }));
    assert_eq!(key("0 6 * * *", 1), key("0  6 * * *", 1));
    assert_ne!(key("0 6 * * *", 1), key("0 7 * * *", 1));
    assert_ne!(key("0 6 * * *", 1), key("0 6 * * *", 2));
}

fn field(max: u32, min: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => (min..=max).prop_map(|n| n.to_string()),
        1 => (1..=max).prop_map(|n| format!("*/{n}")),
        1 => (min..=max, min..=max).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => proptest::collection::vec(min..=max, 1..4).prop_map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
    ]
}

fn weekday() -> impl Strategy<Value = String> {
    const DAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    prop_oneof![
        Just("*".to_owned()),
        (0..7_usize).prop_map(|n| DAYS[n].to_owned()),
        (0..7_usize, 0..7_usize).prop_map(|(a, b)| format!("{},{}", DAYS[a], DAYS[b])),
        Just("MON-FRI".to_owned())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Where no clock changes, a reader of another make finds the same times.
    #[test]
    fn croner_agrees(minute in field(59, 0), hour in field(23, 0), day in field(31, 1), month in field(12, 1), weekday in weekday(), from in 1_700_000_000_i64..1_900_000_000) {
        let (day, weekday) = if day == "*" { (day, weekday) } else { (day, "*".to_owned()) };
        let text = format!("{minute} {hour} {day} {month} {weekday}");
        let from = Timestamp::from_second(from).expect("in range");
        let ours = Schedule::parse(&text, Some("UTC".to_owned()), Holidays::Run, CatchUp::Last);
        let theirs = Cron::from_str(&text).expect("croner reads it");
        let mut wall = chrono::DateTime::from_timestamp(from.as_second(), 0).expect("in range");
        match ours {
            // a day no year has
            Err(_) => prop_assert!(theirs.find_next_occurrence(&wall, false).is_err()),
            Ok(ours) => for at in ours.upcoming(from, &TimeZone::UTC, 5) {
                wall = theirs.find_next_occurrence(&wall, false).expect("it goes on");
                prop_assert_eq!(at.as_second(), wall.timestamp(), "{}", text);
            }
        }
    }

    /// In a zone with clock changes: always later, on the minute, and a civil time the fields allow, or the first after a gap.
    #[test]
    fn time_goes_on(minute in field(59, 0), hour in field(23, 0), from in 1_772_000_000_i64..1_798_000_000) {
        let schedule = Schedule::parse(&format!("{minute} {hour} * * *"), Some("Europe/Berlin".to_owned()), Holidays::Run, CatchUp::Last).expect("good");
        let wall = Schedule::parse(&format!("{minute} {hour} * * *"), Some("UTC".to_owned()), Holidays::Run, CatchUp::Last).expect("good");
        let zone = TimeZone::get("Europe/Berlin").expect("Berlin");
        let mut before = Timestamp::from_second(from).expect("in range");
        for at in schedule.upcoming(before, &TimeZone::UTC, 8) {
            prop_assert!(at > before);
            let civil: DateTime = at.to_zoned(zone.clone()).datetime();
            let as_wall = civil.to_zoned(TimeZone::UTC).expect("in range").timestamp();
            let allowed = wall.next(as_wall.checked_sub(jiff::SignedDuration::from_secs(1)).expect("in range"), &TimeZone::UTC) == Some(as_wall);
            let after_gap = zone.preceding(at.checked_add(jiff::SignedDuration::from_nanos(1)).expect("in range")).next().is_some_and(|change| change.timestamp() == at);
            prop_assert!(allowed || after_gap, "{} of {} {}", civil, minute, hour);
            before = at;
        }
    }
}
