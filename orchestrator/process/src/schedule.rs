//! When a `cron` trigger fires: five fields, read by the crate of that name, evaluated on the civil calendar and mapped to the
//! time zone here. Chrono stays inside this file. No clock: the instant to go on from is an argument.

use std::{
    collections::{BTreeSet, VecDeque},
    str::FromStr as _,
};

use chrono::{Datelike as _, TimeZone as _, Timelike as _};
use jiff::{
    SignedDuration, Timestamp, Zoned,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use laufzettel_domain::{Digest, Text, Value};
use serde_json::json;

use crate::{
    expression::{is_holiday_rlp, next_working_day},
    model::{Process, TriggerKind},
};

/// Days a time on a holiday may be moved at most (Gründonnerstag evening to the day after Ostermontag, and over a weekend).
const MOVED_DAYS_MAX: i64 = 14;
/// Civil times looked at in one question: every minute of the days a holiday may move one over.
const STEPS_MAX: usize = 2 * 14 * 24 * 60;
/// Missed times made up for at most, and due ones looked at in one go: an hour of every minute, and then some.
pub const CATCH_UP_MAX: usize = 100;
/// Missed times counted one by one: five weeks of every minute.
const LOOK_MAX: usize = 50_000;
/// Seconds a time may be late and still be on time: the machine was busy, not off.
const LATE_S_MAX: i64 = 300;

/// What becomes of times on a holiday of Rheinland-Pfalz (or, moved, on any day off).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holidays {
    /// They count like any other day.
    Run,
    /// Left out.
    Skip,
    /// The same time of the next working day; where something is due then anyway, once.
    NextWorkingDay,
}

impl Holidays {
    pub const WORDS: [(&'static str, Self); 3] = [("run", Self::Run), ("skip", Self::Skip), ("next_working_day", Self::NextWorkingDay)];
}

/// What becomes of times at which nobody was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    None,
    Last,
    All,
}

impl CatchUp {
    pub const WORDS: [(&'static str, Self); 3] = [("none", Self::None), ("last", Self::Last), ("all", Self::All)];
}

/// When a trigger fires.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The five fields as written.
    pub text: String,
    /// IANA name; `None`: the tenant's zone.
    pub zone: Option<String>,
    pub holidays: Holidays,
    pub catch_up: CatchUp,
    times: cron::Schedule,
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        let key = |s: &Self| (s.text.clone(), s.zone.clone(), s.holidays, s.catch_up);
        key(self) == key(other)
    }
}

impl Eq for Schedule {}

/// What is due, and what is too late.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// To be begun now, the earliest first.
    pub fire: Vec<Timestamp>,
    /// Passed over for good.
    pub missed: Option<Missed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// At least so many.
    pub count: usize,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// Numbers one by one.
fn are_named(field: &str) -> bool {
    field.chars().all(|c| c.is_ascii_digit() || c == ',')
}

const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// Names and ranges of names as a list of names: a week begins on Monday, and `SAT-SUN` or `FRI-MON` are what they say.
fn days_of(field: &str) -> Result<String, Text> {
    if field == "*" {
        return Ok(field.to_owned());
    }
    let unknown = |name: &str| {
        Text::new(
            format!("„{name}“ ist kein Wochentag; sie heißen MON TUE WED THU FRI SAT SUN, mit , und - dazwischen."),
            format!("\"{name}\" is no weekday; they are MON TUE WED THU FRI SAT SUN, with , and - between."),
        )
    };
    let place = |name: &str| WEEKDAYS.iter().position(|day| day.eq_ignore_ascii_case(name)).ok_or_else(|| unknown(name));
    let mut days: Vec<&str> = Vec::new();
    for part in field.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (place(from)?, place(to)?);
        days.extend((0..=(to + 7 - from) % 7).map(|n| WEEKDAYS[(from + n) % 7]));
    }
    Ok(days.join(","))
}

impl Schedule {
    /// Reads minute, hour, day of month, month, weekday.
    ///
    /// # Errors
    /// What is wrong, and what is meant instead.
    pub fn parse(text: &str, zone: Option<String>, holidays: Holidays, catch_up: CatchUp) -> Result<Self, Text> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(Text::new(
                "Ein Zeitplan hat fünf Felder: Minute, Stunde, Tag, Monat, Wochentag; etwa „0 6 * * MON-FRI“.",
                "A schedule has five fields: minute, hour, day, month, weekday; such as \"0 6 * * MON-FRI\".",
            ));
        };
        for field in [minute, hour, day, month] {
            if let Some(c) = field.chars().find(|c| !c.is_ascii_digit() && !"*,-/".contains(*c)) {
                return Err(Text::new(
                    format!("In „{field}“ steht „{c}“; möglich sind Zahlen und * , - /."),
                    format!("\"{field}\" holds \"{c}\"; possible are numbers and * , - /."),
                ));
            }
        }
        for field in [minute, hour, day, month] {
            // `5/15` is 5, 20, 35, 50 to some programs, and nothing to others
            if field.split(',').any(|part| part.split_once('/').is_some_and(|(range, _)| range != "*" && !range.contains('-'))) {
                return Err(Text::new(
                    format!("In „{field}“ steht ein Schritt ohne Bereich; gemeint ist etwa */15 oder 5-59/15."),
                    format!("\"{field}\" holds a step without a range; such as */15 or 5-59/15."),
                ));
            }
        }
        if holidays == Holidays::NextWorkingDay && !(are_named(minute) && are_named(hour)) {
            return Err(Text::new(
                "Mit holidays: next_working_day nennt ein Zeitplan seine Uhrzeiten, etwa „30 6,14 * * *“: Verschoben werden Tage.",
                "With holidays: next_working_day a schedule names its times of day, such as \"30 6,14 * * *\": days are what moves.",
            ));
        }
        // numbers mean different days in different programs: only names are taken
        if let Some(c) = weekday.chars().find(|c| !c.is_ascii_alphabetic() && !"*,-".contains(*c)) {
            return Err(Text::new(
                format!("In „{weekday}“ steht „{c}“; Wochentage heißen MON TUE WED THU FRI SAT SUN, mit , und - dazwischen."),
                format!("\"{weekday}\" holds \"{c}\"; weekdays are MON TUE WED THU FRI SAT SUN, with , and - between."),
            ));
        }
        if day != "*" && weekday != "*" {
            return Err(Text::new(
                "Tag und Wochentag zugleich verstehen Programme verschieden: eines von beiden ist *.",
                "Programs understand a day and a weekday together differently: one of them is *.",
            ));
        }
        let weekdays = days_of(weekday)?;
        let times = cron::Schedule::from_str(&format!("0 {minute} {hour} {day} {month} {weekdays}")).map_err(|error| {
            Text::new(
                format!("Als Zeitplan nicht zu lesen (Minute Stunde Tag Monat Wochentag): {}", first_line(&error.to_string())),
                format!("Does not read as a schedule (minute hour day month weekday): {}", first_line(&error.to_string())),
            )
        })?;
        let schedule = Self { text: fields.join(" "), zone, holidays, catch_up, times };
        // the calendar repeats itself every 28 years within a century: any beginning will do
        if schedule.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC).is_none() {
            return Err(Text::new("Diesen Tag gibt es in keinem Jahr.", "No year has this day."));
        }
        Ok(schedule)
    }

    /// The name its progress is kept under: another schedule, or another input, begins anew.
    pub fn key(&self, process: &str, input: &Value) -> String {
        let holidays = Holidays::WORDS.iter().find(|(_, own)| *own == self.holidays).map(|(word, _)| *word);
        let what = json!([self.text, self.zone, holidays, input]);
        format!("{process}:{}", laufzettel_domain::digest::to_hex(&Digest::of(what.to_string().as_bytes()).0[..8]))
    }

    /// The first time after `after`; `None` if there is none any more.
    pub fn next(&self, after: Timestamp, tenant: &TimeZone) -> Option<Timestamp> {
        let own = self.zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let zone = own.as_ref().unwrap_or(tenant);
        let back = if self.holidays == Holidays::NextWorkingDay { MOVED_DAYS_MAX } else { 0 };
        let from = Zoned::new(after, zone.clone()).datetime().checked_sub(jiff::Span::new().days(back)).ok()?;
        let mut first: Option<Timestamp> = None;
        for civil in self.civil_after(from).take(STEPS_MAX) {
            let Some(moved) = self.moved(civil) else { continue };
            let at = instant(moved, zone)?;
            // moved ones do not come in order: whatever is written for a later day than the best so far comes after it
            if first.is_some_and(|first| instant(civil, zone).is_none_or(|unmoved| unmoved >= first)) {
                break;
            }
            if at > after {
                first = Some(first.map_or(at, |first| first.min(at)));
            }
        }
        first
    }

    /// The next ones, for people to look at.
    pub fn upcoming(&self, after: Timestamp, tenant: &TimeZone, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next(after, tenant), |at| self.next(*at, tenant)).take(count).collect()
    }

    /// What has become due since `handled`. Of more than can be made up for only the newest are looked at.
    pub fn due(&self, handled: Timestamp, now: Timestamp, tenant: &TimeZone) -> Due {
        let mut due: VecDeque<Timestamp> = VecDeque::new();
        let (mut at, mut seen, mut first, mut passed) = (handled, 0, None, None);
        while let Some(next) = self.next(at, tenant).filter(|next| *next <= now) {
            first = first.or(Some(next));
            seen += 1;
            due.push_back(next);
            if due.len() > CATCH_UP_MAX {
                passed = due.pop_front();
            }
            // so many fire within minutes of each other: the last days hold more than can be made up for
            at = if seen == LOOK_MAX { now.checked_sub(SignedDuration::from_hours(48)).unwrap_or(next).max(next) } else { next };
        }
        let late = |at: &Timestamp| now.duration_since(*at).as_secs() > LATE_S_MAX;
        let keep = match self.catch_up {
            CatchUp::All => due.len(),
            CatchUp::Last => usize::from(!due.is_empty()),
            CatchUp::None => usize::from(due.back().is_some_and(|at| !late(at))),
        };
        let count = seen - keep;
        let begin = due.len() - keep;
        let last = begin.checked_sub(1).map_or(passed, |last| due.get(last).copied());
        let missed = first.zip(last).filter(|_| count > 0).map(|(first, last)| Missed { count, first, last });
        Due { fire: due.into_iter().skip(begin).collect(), missed }
    }

    /// The same time of day on the day that counts; `None`: left out.
    fn moved(&self, civil: DateTime) -> Option<DateTime> {
        match self.holidays {
            Holidays::Run => Some(civil),
            Holidays::Skip => (!is_holiday_rlp(civil.date())).then_some(civil),
            Holidays::NextWorkingDay => Some(next_working_day(civil.date())?.to_datetime(civil.time())),
        }
    }

    /// The civil times after one, as if there were no zones: chrono's UTC stands for the calendar on the wall.
    fn civil_after(&self, from: DateTime) -> impl Iterator<Item = DateTime> {
        let wall = chrono::Utc
            .with_ymd_and_hms(from.year().into(), part(from.month()), part(from.day()), part(from.hour()), part(from.minute()), part(from.second()))
            .single();
        wall.into_iter().flat_map(|wall| self.times.after_owned(wall)).map_while(|at| {
            let small = |n: u32| i8::try_from(n).ok();
            DateTime::new(i16::try_from(at.year()).ok()?, small(at.month())?, small(at.day())?, small(at.hour())?, small(at.minute())?, 0, 0).ok()
        })
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn part(n: i8) -> u32 {
    u32::try_from(n).expect("parts of a civil time are not negative")
}

/// A civil time that a clock change leaves out happens at the first instant after it, one that happens twice at the first.
fn instant(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let found = zone.to_ambiguous_timestamp(civil);
    match found.offset() {
        AmbiguousOffset::Gap { before, .. } => {
            let late = before.to_timestamp(civil).ok()?;
            zone.preceding(late.checked_add(SignedDuration::from_nanos(1)).ok()?).next().map(|change| change.timestamp())
        }
        _ => found.earlier().ok(),
    }
}

impl Process {
    /// When the clock begins it next, over all its schedules; at most `count`.
    pub fn next_times(&self, after: Timestamp, tenant: &TimeZone, count: usize) -> Vec<Timestamp> {
        let mut times: BTreeSet<Timestamp> = BTreeSet::new();
        for trigger in &self.triggers {
            if let TriggerKind::Cron { schedule, .. } = &trigger.kind {
                times.extend(schedule.upcoming(after, tenant, count));
            }
        }
        times.into_iter().take(count).collect()
    }
}
