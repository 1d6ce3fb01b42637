//! Search filters (RFC 4515). Words from outside come in here and nowhere else, every byte that could mean something escaped.

use std::fmt::Write as _;

/// Follows membership through groups of groups (MS-ADTS 3.1.1.3.4.4.3).
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
/// All bits of a number are set (MS-ADTS 3.1.1.3.4.4.1).
const BITS: &str = "1.2.840.113556.1.4.803";
/// `GROUP_TYPE_SECURITY_ENABLED`: mailing lists carry no rights, and no token names them.
const SECURITY_GROUP: u32 = 0x8000_0000;

/// The word as a value: letters, digits and harmless signs stay, all else is written as its bytes.
pub fn escaped(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for byte in word.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.@ ,=$".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "\\{byte:02x}").expect("a string takes all there is");
        }
    }
    out
}

/// Bytes as a value.
pub fn octets(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 3);
    bytes.iter().for_each(|byte| write!(out, "\\{byte:02x}").expect("a string takes all there is"));
    out
}

/// A person with this attribute; computers and service objects are no people.
pub fn person(attribute: &str, value: &str) -> String {
    format!("(&(objectCategory=person)(objectClass=user)({attribute}={value}))")
}

pub fn group(attribute: &str, value: &str) -> String {
    format!("(&(objectClass=group)({attribute}={value}))")
}

/// Groups with any of these SIDs.
pub fn groups(sids: &[Vec<u8>]) -> String {
    let any: String = sids.iter().map(|sid| format!("(objectSid={})", octets(sid))).collect();
    format!("(&(objectClass=group)(|{any}))")
}

/// Security groups the entry of this name is a member of, through any number of groups.
pub fn groups_around(dn: &str) -> String {
    format!("(&(objectClass=group)(groupType:{BITS}:={SECURITY_GROUP})(member:{IN_CHAIN}:={}))", escaped(dn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_syntax() {
        for (word, expected) in [
            ("a.klein@vg.example", "a.klein@vg.example"),
            ("*", "\\2a"),
            ("a)(|(objectClass=*", "a\\29\\28\\7c\\28objectClass=\\2a"),
            ("a\\28", "a\\5c28"),
            ("a\0b", "a\\00b"),
            ("Müller", "M\\c3\\bcller"),
        ] {
            assert_eq!(escaped(word), expected, "{word:?}");
            assert!(ldap3::parse_filter(person("sAMAccountName", &escaped(word))).is_ok(), "{word:?}");
        }
    }

    #[test]
    fn filters_parse() {
        assert_eq!(groups(&[vec![1, 0], vec![0xff]]), "(&(objectClass=group)(|(objectSid=\\01\\00)(objectSid=\\ff)))");
        for filter in [groups(&[vec![1, 0]]), groups_around("CN=Müller\\, Anna (Amt),DC=x"), group("sAMAccountName", "GG")] {
            assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
        }
    }
}
