//! What a valid ID token, and the userinfo endpoint, say of a person. Pure.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::civil::Date;
use laufzettel_directory::Claims;
use serde_json::Value;

use super::OidcOptions;
use crate::vouched::NAME_CHARS_MAX;

pub type Map = serde_json::Map<String, Value>;

/// Groups of one person: Active Directory itself ends at 1 015 in a token.
const GROUPS_MAX: usize = 1_100;
/// Characters of a name, an address, a group: the longest distinguished names.
const TEXT_CHARS_MAX: usize = 512;

/// The claims of a token whose signature has been checked.
pub fn of_token(token: &str) -> Option<Map> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Whether something is missing that userinfo may have: many providers put only `sub` into the token. Where people are found by their UPN,
/// only userinfo tells that there is none: until then no name somebody chose stands in for it.
pub fn is_thin(claims: &Map, options: &OidcOptions) -> bool {
    let upn = options.sid.is_none().then_some("upn");
    let wanted = ["name", "preferred_username"].into_iter().chain(upn).chain(options.groups.as_deref()).chain(options.sid.as_deref());
    wanted.into_iter().any(|name| !claims.contains_key(name))
}

/// Adds what userinfo says of the same subject; of another one it is ignored (OpenID Connect Core § 5.3.2).
pub fn join(claims: &mut Map, more: Map) {
    if claims.get("sub") != more.get("sub") {
        return;
    }
    for (name, value) in more {
        claims.entry(name).or_insert(value);
    }
}

pub fn read(claims: &Map, options: &OidcOptions) -> Option<Claims> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|t| !t.is_empty() && t.chars().count() <= TEXT_CHARS_MAX).map(str::to_owned);
    let sub = text("sub")?;
    // where the house's provider passes on the SID, nothing weaker stands in for it: whoever has none has no entry
    let sid = match options.sid.as_deref() {
        Some(name) => Some(text(name)?),
        None => None,
    };
    // a name people may often choose themselves counts only where the provider knows no UPN at all
    let user = if claims.contains_key("upn") { text("upn") } else { text("preferred_username") };
    // an address somebody merely claims is no address
    let mail = text("email").filter(|_| claims.get("email_verified") != Some(&Value::Bool(false)));
    Some(Claims {
        name: text("name").or_else(|| user.clone()).unwrap_or_else(|| sub.clone()),
        upn: user.unwrap_or_default(),
        mail: mail.unwrap_or_default(),
        sid,
        groups: options.groups.as_deref().map(|name| groups(claims.get(name))).unwrap_or_default(),
        sub,
    })
}

/// What an ID token says of whoever applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vouch {
    pub acr: Option<String>,
    /// `name`, else given and family name.
    pub name: Option<String>,
    pub birthdate: Option<Date>,
}

pub fn vouch(claims: &Map) -> Vouch {
    let text = |name: &str| {
        let text = claims.get(name).and_then(Value::as_str)?;
        let text = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        (!text.is_empty() && text.chars().count() <= NAME_CHARS_MAX).then_some(text)
    };
    let both = || match (text("given_name"), text("family_name")) {
        (Some(given), Some(family)) => Some(format!("{given} {family}")).filter(|name| name.chars().count() <= NAME_CHARS_MAX),
        (given, family) => family.or(given),
    };
    Vouch {
        acr: claims.get("acr").and_then(Value::as_str).map(str::to_owned),
        name: text("name").or_else(both),
        // a year alone, as the standard allows it, is no date of birth
        birthdate: text("birthdate").and_then(|text| text.parse().ok()).filter(|date: &Date| date.year() > 0),
    }
}

fn groups(claim: Option<&Value>) -> Vec<String> {
    let written = match claim {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    written.into_iter().filter(|g| !g.is_empty() && g.chars().count() <= TEXT_CHARS_MAX).take(GROUPS_MAX).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options() -> OidcOptions {
        OidcOptions {
            issuer: "https://login.example".into(),
            client: "laufzettel".into(),
            secret: None,
            scopes: vec![],
            ca: None,
            groups: Some("gruppen".into()),
            sid: Some("onprem_sid".into()),
        }
    }

    fn map(value: Value) -> Map {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn claims_become_a_person() {
        let full = map(
            json!({ "sub": "u-1", "name": "Anna Klein", "preferred_username": "a.klein", "email": "a@x.example", "onprem_sid": "S-1", "gruppen": ["A", "B", 7, ""] }),
        );
        let read = read(&full, &options()).unwrap();
        let expected = Claims {
            sub: "u-1".into(),
            name: "Anna Klein".into(),
            upn: "a.klein".into(),
            mail: "a@x.example".into(),
            sid: Some("S-1".into()),
            groups: vec!["A".into(), "B".into()],
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn little_is_enough_and_too_much_is_cut() {
        let options = OidcOptions { sid: None, ..options() };
        let read = |value: Value| read(&map(value), &options);
        assert_eq!(read(json!({ "name": "niemand" })), None);
        assert_eq!(read(json!({ "sub": "u".repeat(600) })), None);
        assert_eq!(read(json!({ "sub": "u", "upn": "u@x" })).unwrap().name, "u@x");
        assert_eq!(read(json!({ "sub": "u", "email": "x@y", "email_verified": false })).unwrap().mail, "");
        assert_eq!(read(json!({ "sub": "u", "gruppen": "A" })).unwrap().groups, ["A"]);
        let many: Vec<String> = (0..5_000).map(|n| format!("G{n}")).collect();
        assert_eq!(read(json!({ "sub": "u", "gruppen": many })).unwrap().groups.len(), GROUPS_MAX);
    }

    #[test]
    fn where_a_sid_is_passed_on_nothing_else_stands_in_for_it() {
        let options = options();
        for sid in [None, Some(json!("")), Some(json!("S".repeat(TEXT_CHARS_MAX + 1))), Some(json!(["S-1"])), Some(Value::Null)] {
            let mut claims = map(json!({ "sub": "u", "upn": "a.klein@x", "preferred_username": "a.klein" }));
            claims.extend(sid.map(|sid| ("onprem_sid".to_owned(), sid)));
            assert_eq!(read(&claims, &options), None, "{claims:?}");
        }
    }

    #[test]
    fn a_chosen_name_counts_only_without_a_upn() {
        let options = OidcOptions { sid: None, ..options() };
        for (claims, expected) in [
            (json!({ "sub": "u", "upn": "a@x", "preferred_username": "chef" }), "a@x"),
            (json!({ "sub": "u", "preferred_username": "a.klein" }), "a.klein"),
            (json!({ "sub": "u", "upn": "", "preferred_username": "chef" }), ""),
            (json!({ "sub": "u", "upn": "u".repeat(TEXT_CHARS_MAX + 1), "preferred_username": "chef" }), ""),
        ] {
            assert_eq!(read(&map(claims), &options).map(|c| c.upn).as_deref(), Some(expected));
        }
    }

    /// Where people are found by their UPN, a token without one is not the whole of it.
    #[test]
    fn a_token_is_thin_until_nothing_is_missing() {
        let named = json!({ "sub": "u", "name": "N", "preferred_username": "chef", "gruppen": [] });
        for (sid, more, expected) in [
            (Some("onprem_sid"), json!({ "onprem_sid": "S-1" }), false),
            (Some("onprem_sid"), json!({ "upn": "u@x" }), true),
            (None, json!({ "upn": "u@x" }), false),
            (None, json!({}), true),
        ] {
            let options = OidcOptions { sid: sid.map(str::to_owned), ..options() };
            let mut claims = map(named.clone());
            claims.extend(map(more));
            assert_eq!(is_thin(&claims, &options), expected, "{claims:?}");
        }
    }

    #[test]
    fn what_is_vouched_for_is_bounded() {
        let born = Some(jiff::civil::date(1964, 8, 12));
        let expected = |name: Option<&str>, birthdate| Vouch { acr: Some("hoch".into()), name: name.map(str::to_owned), birthdate };
        for (claims, expected) in [
            (json!({ "name": "Erika Mustermann", "given_name": "Max", "birthdate": "1964-08-12" }), expected(Some("Erika Mustermann"), born)),
            (json!({ "given_name": "Erika", "family_name": "Mustermann" }), expected(Some("Erika Mustermann"), None)),
            (json!({ "family_name": "Mustermann", "birthdate": "1964" }), expected(Some("Mustermann"), None)),
            (json!({ "name": " Erika\n\tMustermann ", "birthdate": "0000-08-12" }), expected(Some("Erika Mustermann"), None)),
            (json!({ "name": "E".repeat(NAME_CHARS_MAX + 1), "birthdate": 1964 }), expected(None, None)),
            (json!({ "name": "" }), expected(None, None)),
        ] {
            let mut claims = map(claims);
            claims.insert("acr".into(), json!("hoch"));
            assert_eq!(vouch(&claims), expected, "{claims:?}");
        }
        assert_eq!(vouch(&Map::new()), Vouch::default());
    }

    #[test]
    fn userinfo_of_somebody_else_is_ignored() {
        let mut claims = map(json!({ "sub": "u-1", "name": "Anna" }));
        join(&mut claims, map(json!({ "sub": "u-2", "gruppen": ["Chefs"] })));
        assert_eq!(claims, map(json!({ "sub": "u-1", "name": "Anna" })));
        join(&mut claims, map(json!({ "sub": "u-1", "name": "Andere", "gruppen": ["A"] })));
        assert_eq!(claims, map(json!({ "sub": "u-1", "name": "Anna", "gruppen": ["A"] })));
    }
}
