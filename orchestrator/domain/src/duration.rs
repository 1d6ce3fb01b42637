//! ISO 8601 durations as authors write them: `PT2S`, `P3D`, `P6M`.

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};

/// A duration with calendar units; what a month is depends on the day it is added to.
#[derive(Debug, Clone, Copy)]
pub struct Span(jiff::Span);

impl Span {
    /// Reads an ISO 8601 duration; negative ones and the empty text are not durations here.
    pub fn parse(text: &str) -> Option<Self> {
        let span: jiff::Span = text.starts_with('P').then(|| text.parse().ok())??;
        (!span.is_negative()).then_some(Self(span))
    }

    pub fn millis(millis: i64) -> Self {
        Self(jiff::Span::new().milliseconds(millis))
    }

    /// The instant this long after `at`, by the calendar of `zone`; clamps at the end of time.
    pub fn after(&self, at: Timestamp, zone: &TimeZone) -> Timestamp {
        at.to_zoned(zone.clone()).checked_add(self.0).map_or(Timestamp::MAX, |z| z.timestamp())
    }

    /// Length in milliseconds where a day has 24 hours and a month 30 days: for limits, not for deadlines.
    pub fn approx_millis(&self) -> i64 {
        let days = i64::from(self.0.get_days()) + i64::from(self.0.get_weeks()) * 7 + i64::from(self.0.get_months()) * 30 + i64::from(self.0.get_years()) * 365;
        let seconds = (days * 24 + i64::from(self.0.get_hours())) * 3600 + self.0.get_minutes() * 60 + self.0.get_seconds();
        seconds * 1000 + self.0.get_milliseconds()
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        self.0.fieldwise() == other.0.fieldwise()
    }
}

impl Eq for Span {}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in
            [("PT2S", Some(2000)), ("P3D", Some(259_200_000)), ("PT0.5S", Some(500)), ("3 days", None), ("-PT2S", None), ("", None), ("P", None)]
        {
            assert_eq!(Span::parse(text).map(|s| s.approx_millis()), millis, "{text}");
        }
    }
}
