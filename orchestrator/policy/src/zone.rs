//! Zones: where a model stands and what may go there. The shipped table is the strictest reading of all sources.

use std::collections::BTreeSet;

use laufzettel_domain::{Kategorie, Label, Schutzbedarf, Text};

/// A place where models run. The colour is a name only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    pub name: String,
    pub max_schutzbedarf: Schutzbedarf,
    pub kategorien: Kategorien,
    pub betreiber: String,
    pub ort: String,
    /// Whose law reaches the operator: `DE`, `EU`, `US`.
    pub recht: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kategorien {
    Alle,
    Nur(BTreeSet<Kategorie>),
}

/// The level a category demands at least.
pub fn minimum_level(kategorie: Kategorie) -> Schutzbedarf {
    match kategorie {
        Kategorie::Personenbezogen => Schutzbedarf::Normal,
        _ => Schutzbedarf::Hoch,
    }
}

/// Why a value of this label may not go to a model in this zone; `None` if it may. `auskunftssperre` goes to no model.
pub fn zone_refusal(label: &Label, zone: &Zone) -> Option<Text> {
    let name = &zone.name;
    if label.kategorien.contains(&Kategorie::Auskunftssperre) {
        return Some(Text::new(
            format!("Zone {name}: Daten mit Auskunftssperre gehen an kein Modell"),
            format!("zone {name}: data under auskunftssperre goes to no model"),
        ));
    }
    if let Kategorien::Nur(allowed) = &zone.kategorien
        && let Some(kategorie) = label.kategorien.iter().find(|k| !allowed.contains(k))
    {
        return Some(Text::new(
            format!("Zone {name}: nicht freigegeben für {}", kategorie.as_str()),
            format!("zone {name}: not cleared for {}", kategorie.as_str()),
        ));
    }
    let level = label.kategorien.iter().map(|k| minimum_level(*k)).fold(label.schutzbedarf, Ord::max);
    (level > zone.max_schutzbedarf).then(|| {
        Text::new(
            format!("Zone {name}: nur bis Schutzbedarf {}, der Wert hat {}", zone.max_schutzbedarf.as_str(), level.as_str()),
            format!("zone {name}: only up to level {}, the value has {}", zone.max_schutzbedarf.as_str(), level.as_str()),
        )
    })
}

impl Zone {
    /// How much the zone may be trusted with: the level first, then how many categories. The strictest zone is the greatest.
    fn strictness(&self) -> (Schutzbedarf, usize) {
        let kategorien = match &self.kategorien {
            Kategorien::Alle => Kategorie::ALL.len(),
            Kategorien::Nur(some) => some.len(),
        };
        (self.max_schutzbedarf, kategorien)
    }

    /// The order of zones, the strictest greatest. Among equals the first by name, so that every node takes the same.
    pub fn by_strictness(&self, other: &Self) -> std::cmp::Ordering {
        self.strictness().cmp(&other.strictness()).then_with(|| other.name.cmp(&self.name))
    }

    /// Whether it takes anything the shipped zone of its name does not. A name that is not shipped has no default to loosen.
    pub fn is_looser_than_shipped(&self) -> bool {
        let Some((level, kategorien)) = Self::shipped(&self.name) else { return false };
        let wider = match (&self.kategorien, &kategorien) {
            (_, Kategorien::Alle) => false,
            (Kategorien::Alle, Kategorien::Nur(_)) => true,
            (Kategorien::Nur(taken), Kategorien::Nur(shipped)) => !taken.is_subset(shipped),
        };
        wider || self.max_schutzbedarf > level
    }

    /// The shipped default for the names gruen, gelb, rot; a zone of another name must declare what it takes.
    pub fn shipped(name: &str) -> Option<(Schutzbedarf, Kategorien)> {
        match name {
            "gruen" => Some((Schutzbedarf::Hoch, Kategorien::Alle)),
            "gelb" => Some((Schutzbedarf::Normal, Kategorien::Nur(BTreeSet::from([Kategorie::Personenbezogen])))),
            "rot" => Some((Schutzbedarf::Kein, Kategorien::Nur(BTreeSet::new()))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::Trust;

    use super::*;

    fn zone(name: &str) -> Zone {
        let (max_schutzbedarf, kategorien) = Zone::shipped(name).unwrap();
        Zone { name: name.into(), max_schutzbedarf, kategorien, betreiber: String::new(), ort: String::new(), recht: String::new() }
    }

    /// The level before the number of categories, that before the name.
    #[test]
    fn the_strictest_zone_comes_last() {
        let nur = |kategorien: &[Kategorie]| Kategorien::Nur(kategorien.iter().copied().collect());
        let of = |name: &str, max_schutzbedarf, kategorien| Zone { name: name.into(), max_schutzbedarf, kategorien, ..zone("rot") };
        let mut zones = [
            zone("gruen"),
            of("b", Schutzbedarf::Normal, nur(&[Kategorie::Art9])),
            of("a", Schutzbedarf::Normal, nur(&[Kategorie::Art9])),
            of("c", Schutzbedarf::Normal, nur(&[Kategorie::Art9, Kategorie::Sozialdaten])),
            of("d", Schutzbedarf::Kein, Kategorien::Alle),
            zone("rot"),
        ];
        zones.sort_by(Zone::by_strictness);
        assert_eq!(zones.map(|zone| zone.name), ["rot", "d", "b", "a", "c", "gruen"]);
    }

    #[test]
    fn a_zone_may_be_stricter_than_shipped_and_is_told_when_looser() {
        let nur = |kategorien: &[Kategorie]| Kategorien::Nur(kategorien.iter().copied().collect());
        let of = |name: &str, max_schutzbedarf, kategorien| Zone { name: name.into(), max_schutzbedarf, kategorien, ..zone("rot") };
        for (zone, looser) in [
            (zone("gruen"), false),
            (zone("gelb"), false),
            (zone("rot"), false),
            (of("gruen", Schutzbedarf::Niedrig, nur(&[])), false),
            (of("gelb", Schutzbedarf::Kein, nur(&[])), false),
            (of("gelb", Schutzbedarf::Hoch, nur(&[])), true),
            (of("gelb", Schutzbedarf::Normal, nur(&[Kategorie::Personenbezogen])), false),
            (of("gelb", Schutzbedarf::Normal, nur(&[Kategorie::Art9])), true),
            (of("rot", Schutzbedarf::Kein, Kategorien::Alle), true),
            (of("rot", Schutzbedarf::Niedrig, nur(&[])), true),
            (of("haus", Schutzbedarf::Hoch, Kategorien::Alle), false),
        ] {
            assert_eq!(zone.is_looser_than_shipped(), looser, "{zone:?}");
        }
    }

    /// The table of the specification, cell by cell.
    #[test]
    fn shipped_table() {
        use Kategorie as K;
        let rows: [(&str, Schutzbedarf, Option<K>, [bool; 3]); 10] = [
            ("published", Schutzbedarf::Kein, None, [true, true, true]),
            ("internal", Schutzbedarf::Niedrig, None, [true, true, false]),
            ("personenbezogen", Schutzbedarf::Normal, Some(K::Personenbezogen), [true, true, false]),
            ("vertraulich", Schutzbedarf::Hoch, Some(K::Vertraulich), [true, false, false]),
            ("sozialdaten", Schutzbedarf::Hoch, Some(K::Sozialdaten), [true, false, false]),
            ("steuerdaten", Schutzbedarf::Hoch, Some(K::Steuerdaten), [true, false, false]),
            ("meldedaten", Schutzbedarf::Hoch, Some(K::Meldedaten), [true, false, false]),
            ("personaldaten", Schutzbedarf::Hoch, Some(K::Personaldaten), [true, false, false]),
            ("art9", Schutzbedarf::Hoch, Some(K::Art9), [true, false, false]),
            ("auskunftssperre", Schutzbedarf::Hoch, Some(K::Auskunftssperre), [false, false, false]),
        ];
        for (what, level, kategorie, expected) in rows {
            let label = Label::new(level, kategorie, Trust::Trusted);
            let found = ["gruen", "gelb", "rot"].map(|z| zone_refusal(&label, &zone(z)).is_none());
            assert_eq!(found, expected, "{what}");
            // a category demands its level even if the label says less
            let low = Label::new(Schutzbedarf::Kein, kategorie, Trust::Trusted);
            if kategorie.is_some() {
                assert_eq!(zone_refusal(&low, &zone("rot")).is_none(), expected[2], "{what} understated");
            }
        }
    }
}
