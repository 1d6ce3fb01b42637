//! Holidays of Rheinland-Pfalz (Feiertagsgesetz RLP § 2) and working days.

use jiff::civil::{Date, Weekday, date};

/// Easter Sunday, Gregorian (Meeus/Jones/Butcher; Meeus, Astronomical Algorithms, ch. 8).
fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e, f) = (b / 4, b % 4, (b + 8) / 25);
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    date(year, i8::try_from(n / 31).expect("3 or 4"), i8::try_from(n % 31 + 1).expect("1 to 31"))
}

/// Days from Easter Sunday: Karfreitag, Ostermontag, Christi Himmelfahrt, Pfingstmontag, Fronleichnam.
const MOVABLE: [i64; 5] = [-2, 1, 39, 50, 60];
/// Neujahr, Tag der Arbeit, Tag der Deutschen Einheit, Allerheiligen, Weihnachten.
const FIXED: [(i8, i8); 6] = [(1, 1), (5, 1), (10, 3), (11, 1), (12, 25), (12, 26)];

pub fn is_holiday_rlp(day: Date) -> bool {
    FIXED.contains(&(day.month(), day.day()))
        || MOVABLE.iter().any(|offset| easter(day.year()).checked_add(jiff::Span::new().days(*offset)).is_ok_and(|holiday| holiday == day))
}

/// The day itself if it is a working day (Monday to Friday, no holiday), else the next one.
pub fn next_working_day(mut day: Date) -> Option<Date> {
    // the longest run of days off in RLP is five; a calendar's end is the only other way out
    for _ in 0..14 {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        if !weekend && !is_holiday_rlp(day) {
            return Some(day);
        }
        day = day.tomorrow().ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_of_the_field() {
        for (day, expected) in [
            // GewO § 15: three days after Friday 27.11.2026
            (date(2026, 11, 30), date(2026, 11, 30)),
            // VwVfG: one month after 27.11.2026 is a Sunday
            (date(2026, 12, 27), date(2026, 12, 28)),
            // AO § 108 (3): Saturday to Monday
            (date(2026, 11, 28), date(2026, 11, 30)),
            // LTranspG: 1.1.2027 is a holiday and a Friday
            (date(2027, 1, 1), date(2027, 1, 4)),
            // Fronleichnam 2026
            (date(2026, 6, 4), date(2026, 6, 5)),
            (date(2026, 4, 3), date(2026, 4, 7)),
        ] {
            assert_eq!(next_working_day(day), Some(expected));
        }
        assert_eq!(easter(2026), date(2026, 4, 5));
        assert_eq!(easter(2038), date(2038, 4, 25));
    }
}
