//! Times as authors write them: a duration from now, a date or a time of day in the tenant's zone, an instant.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use laufzettel_domain::{Span, Value};

/// What a date means: a deadline is its last second, a wait ends with its first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    Begin,
    End,
}

/// `Err` is a sentence without its subject.
pub fn moment(value: &Value, day: Day, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = value.as_str().ok_or("weder Dauer noch Datum")?;
    if let Some(span) = Span::parse(text) {
        return Ok(span.after(now, zone));
    }
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let neither = || format!("„{text}“ ist weder Dauer noch Datum");
    // a date reads out of a longer text, too: its time would be lost
    let civil = if text.contains(['T', 't', ' ']) {
        text.parse::<DateTime>().map_err(|_| neither())?
    } else {
        let date = text.parse::<Date>().map_err(|_| neither())?;
        match day {
            Day::Begin => date.at(0, 0, 0, 0),
            Day::End => date.at(23, 59, 59, 0),
        }
    };
    civil.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_dates_and_instants() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now: Timestamp = "2026-03-28T11:00:00Z".parse().unwrap();
        for (written, day, expected) in [
            (json!("PT2H"), Day::Begin, Ok("2026-03-28T13:00:00Z")),
            // a day on which an hour is missing
            (json!("P1D"), Day::Begin, Ok("2026-03-29T10:00:00Z")),
            (json!("2026-03-29"), Day::Begin, Ok("2026-03-28T23:00:00Z")),
            (json!("2026-03-29"), Day::End, Ok("2026-03-29T21:59:59Z")),
            (json!("2026-04-01T08:30:00+02:00"), Day::Begin, Ok("2026-04-01T06:30:00Z")),
            (json!("2026-04-01T08:30:00+02:00"), Day::End, Ok("2026-04-01T06:30:00Z")),
            (json!("2026-04-01T08:30"), Day::End, Ok("2026-04-01T06:30:00Z")),
            (json!("morgen"), Day::Begin, Err("„morgen“ ist weder Dauer noch Datum")),
            (json!(7), Day::Begin, Err("weder Dauer noch Datum")),
        ] {
            let found = moment(&written, day, now, &zone);
            assert_eq!(found, expected.map(|text| text.parse().unwrap()).map_err(str::to_owned), "{written}");
        }
    }
}
