//! The functions of the language: dates and money. Pure; the tenant's zone comes in through the scope.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use minijinja::{Error, ErrorKind, State, Value};

use super::calendar;

fn bad(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail.into())
}

/// A date, or the day of an instant in the tenant's zone.
fn parse_day(state: &State<'_, '_>, text: &str) -> Result<Date, Error> {
    if text.len() == 10
        && let Ok(day) = text.parse::<Date>()
    {
        return Ok(day);
    }
    let zone = state.lookup(super::scope::ZONE).and_then(|z| z.as_str().map(str::to_owned));
    let zone = zone.and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC);
    text.parse::<Timestamp>().map(|at| at.to_zoned(zone).date()).map_err(|_| bad(format!("\"{}\" is no ISO date", text.chars().take(40).collect::<String>())))
}

pub fn date(state: &State<'_, '_>, text: &str) -> Result<String, Error> {
    parse_day(state, text).map(|day| day.to_string())
}

fn add(state: &State<'_, '_>, text: &str, span: Result<jiff::Span, jiff::Error>) -> Result<String, Error> {
    let day = parse_day(state, text)?;
    span.and_then(|span| day.checked_add(span)).map(|day| day.to_string()).map_err(|_| bad("date out of range"))
}

pub fn add_days(state: &State<'_, '_>, text: &str, days: i64) -> Result<String, Error> {
    add(state, text, jiff::Span::new().try_days(days))
}

/// Clamps to the last day of the month.
pub fn add_months(state: &State<'_, '_>, text: &str, months: i64) -> Result<String, Error> {
    add(state, text, jiff::Span::new().try_months(months))
}

/// b − a in days.
pub fn days_between(state: &State<'_, '_>, a: &str, b: &str) -> Result<i64, Error> {
    let (a, b) = (parse_day(state, a)?, parse_day(state, b)?);
    a.until(b).map(|span| i64::from(span.get_days())).map_err(|_| bad("date out of range"))
}

/// 1 = Monday … 7 = Sunday (ISO 8601).
pub fn weekday(state: &State<'_, '_>, text: &str) -> Result<i64, Error> {
    parse_day(state, text).map(|day| i64::from(day.weekday().to_monday_one_offset()))
}

pub fn next_working_day(state: &State<'_, '_>, text: &str, land: &str) -> Result<String, Error> {
    if land != "RLP" {
        return Err(bad(format!("holidays of \"{land}\" are not known, only 'RLP'")));
    }
    calendar::next_working_day(parse_day(state, text)?).map(|day| day.to_string()).ok_or_else(|| bad("date out of range"))
}

/// `cent · zaehler / nenner` in whole cents; the rounding is named, because statutes differ.
pub fn anteil(cent: i64, zaehler: i64, nenner: i64, rundung: &str) -> Result<i64, Error> {
    if nenner <= 0 {
        return Err(bad("anteil: nenner must be positive"));
    }
    let product = i128::from(cent) * i128::from(zaehler);
    let nenner = i128::from(nenner);
    let (floor, rest) = (product.div_euclid(nenner), product.rem_euclid(nenner));
    let rounded = match rundung {
        "ab" => floor,
        "auf" => floor + i128::from(rest > 0),
        // half away from zero, as DIN 1333 rounds
        "kaufmaennisch" if product >= 0 => floor + i128::from(2 * rest >= nenner),
        "kaufmaennisch" => floor + i128::from(2 * rest > nenner),
        other => return Err(bad(format!("anteil: \"{other}\" is not 'kaufmaennisch', 'ab' or 'auf'"))),
    };
    i64::try_from(rounded).map_err(|_| bad("anteil: amount out of range"))
}

/// `1234567` → `12.345,67 €`
pub fn eur(cent: i64) -> String {
    let euros = (cent.unsigned_abs() / 100).to_string();
    let mut grouped = String::new();
    for (i, digit) in euros.chars().enumerate() {
        if i > 0 && (euros.len() - i).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    let sign = if cent < 0 { "-" } else { "" };
    format!("{sign}{grouped},{:02} €", cent.unsigned_abs() % 100)
}

/// The text of a template, parsed with the step, rendered in the same scope.
pub fn render(state: &State<'_, '_>, file: &str) -> Result<String, Error> {
    let scope = state.lookup(super::scope::ALL).ok_or_else(|| bad("render: no scope"))?;
    let templates = state.lookup(super::scope::TEMPLATES).ok_or_else(|| bad("render: no templates"))?;
    let source = templates.get_attr(file)?;
    let source = source.as_str().ok_or_else(|| bad(format!("render: \"{file}\" was not loaded with the process")))?;
    // the nested rendering has its own fuel; templates cannot render templates, so it is spent at most once a call
    state.env().render_named_str(file, source, scope)
}

fn status(state: &State<'_, '_>, step: &str) -> Option<Value> {
    state.lookup(super::scope::STATUS)?.get_attr(step).ok()
}

pub fn failed(state: &State<'_, '_>, step: &str) -> bool {
    status(state, step).and_then(|s| s.get_attr("failed").ok()).is_some_and(|v| v.is_true())
}

pub fn skipped(state: &State<'_, '_>, step: &str) -> bool {
    status(state, step).and_then(|s| s.get_attr("skipped").ok()).is_some_and(|v| v.is_true())
}

pub fn error(state: &State<'_, '_>, step: &str) -> String {
    status(state, step).and_then(|s| s.get_attr("error").ok()).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money() {
        for (cent, z, n, how, expected) in [
            (6000, 7, 12, "kaufmaennisch", 3500),
            (5000, 7, 12, "kaufmaennisch", 2917),
            (5000, 7, 12, "ab", 2916),
            (5000, 7, 12, "auf", 2917),
            (7000, 3, 12, "kaufmaennisch", 1750),
            (-5, 1, 2, "kaufmaennisch", -3),
            (5, 1, 2, "kaufmaennisch", 3),
            (-5, 1, 2, "ab", -3),
        ] {
            assert_eq!(anteil(cent, z, n, how).unwrap(), expected, "{cent}·{z}/{n} {how}");
        }
        assert!(anteil(1, 1, 0, "ab").is_err());
        assert!(anteil(1, 1, 1, "irgendwie").is_err());
        for (cent, text) in [(0, "0,00 €"), (5, "0,05 €"), (123_456_789, "1.234.567,89 €"), (-100, "-1,00 €"), (99_999, "999,99 €")] {
            assert_eq!(eur(cent), text);
        }
    }
}
