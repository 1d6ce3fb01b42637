//! What the browser is told about a field so that it can help: keyboard, type, words for known data.

use super::{Field, Input, Kind, Pattern};

impl Field {
    /// Type, keyboard and longest text of a text input.
    pub(super) fn input(&self) -> (&'static str, Option<&'static str>, Option<u64>) {
        let digits = |pattern: &Option<Pattern>| pattern.as_ref().is_some_and(|p| p.pattern.starts_with("^[0-9]{") || p.pattern.starts_with("^\\d{"));
        match &self.kind {
            Kind::Text { input: Input::Email, max, .. } => ("email", None, *max),
            Kind::Text { input: Input::Tel, max, .. } => ("tel", None, *max),
            Kind::Text { pattern, max, .. } => ("text", digits(pattern).then_some("numeric"), *max),
            Kind::Number { whole: true } => ("text", Some("numeric"), None),
            Kind::Money | Kind::Number { whole: false } => ("text", Some("decimal"), None),
            Kind::Area { max } => ("text", None, *max),
            _ => ("text", None, None),
        }
    }

    /// The browser's own words for data about the person at the keyboard (WCAG 1.3.5).
    pub(super) fn autocomplete(&self, own_data: bool) -> Option<&'static str> {
        if !own_data {
            return Some("off");
        }
        Some(match self.last() {
            "vorname" | "vornamen" => "given-name",
            "familienname" | "nachname" => "family-name",
            "strasse" if self.path.0.len() > 1 => "address-line1",
            "anschrift" | "adresse" => "street-address",
            "plz" | "postleitzahl" => "postal-code",
            "ort" | "wohnort" => "address-level2",
            "email" | "e_mail" | "mail" => "email",
            "telefon" | "telefonnummer" | "mobil" => "tel",
            _ => return None,
        })
    }

    pub(super) fn last(&self) -> &str {
        self.path.0.last().map_or("", String::as_str)
    }
}
