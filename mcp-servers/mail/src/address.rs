//! Mail addresses, plain ones: `local@domain` in ASCII. Display names, comments, quoted local parts and addresses without
//! a domain of two labels are refused; what cannot stand in an address cannot end a header either.

use laufzettel_mcp_kit::Failure;
use serde_json::Value;

/// RFC 5321 §4.5.3.1.
const ADDRESS_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;
const LABEL_BYTES_MAX: usize = 63;
/// A letter to more is a circular, which is not this tool's business.
const RECIPIENTS_MAX: usize = 50;

/// One address or a list of them.
pub(crate) fn addresses(an: Value) -> Result<Vec<String>, Failure> {
    let given = match an {
        Value::Array(list) => list,
        one => vec![one],
    };
    if given.is_empty() || given.len() > RECIPIENTS_MAX {
        return Err(Failure::invalid(format!("Es braucht mindestens einen und höchstens {RECIPIENTS_MAX} Empfänger.")));
    }
    given.into_iter().map(address).collect()
}

fn address(value: Value) -> Result<String, Failure> {
    match value {
        Value::String(text) if is_address(&text) => Ok(text),
        other => Err(Failure::invalid(format!("{other} ist keine E-Mail-Adresse."))),
    }
}

/// Whether a text is an address.
pub(crate) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    text.len() <= ADDRESS_BYTES_MAX && local.len() <= LOCAL_BYTES_MAX && is_local(local) && is_domain(domain)
}

/// The domain of an address.
pub(crate) fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

fn is_local(local: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(letter))
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn only_plain_addresses_are_addresses() {
        for good in ["s.weber@vg-schweich.example", "a+b@x.de", "x@xn--mller-kva.de"] {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@x.de", "a".repeat(65));
        for bad in [
            "",
            "a",
            "@x.de",
            "a@",
            "a@x",
            "a@x..de",
            ".a@x.de",
            "a..b@x.de",
            "a b@x.de",
            "a@x.de\r\nBcc: b@x.de",
            "a@-x.de",
            "Weber <a@x.de>",
            "a@x.de, b@x.de",
            "müller@x.de",
            "a@x.de ",
            "\"a b\"@x.de",
            "a@[127.0.0.1]",
            "a@b@x.de",
            long.as_str(),
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
