//! Security identifiers (MS-DTYP 2.4.2): the bytes a directory stores, the text people write.

use std::fmt::Write as _;

/// Sub-authorities a SID has at most.
const SUB_AUTHORITIES_MAX: usize = 15;

/// `S-1-5-21-…` of the bytes; `None` if they are no SID.
pub fn to_text(bytes: &[u8]) -> Option<String> {
    let (head, rest) = bytes.split_at_checked(8)?;
    let count = usize::from(head[1]);
    if head[0] != 1 || count > SUB_AUTHORITIES_MAX || rest.len() != count * 4 {
        return None;
    }
    let authority = head[2..].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let mut text = format!("S-1-{authority}");
    for part in rest.chunks_exact(4) {
        let number = u32::from_le_bytes([part[0], part[1], part[2], part[3]]);
        write!(text, "-{number}").expect("a string takes all there is");
    }
    Some(text)
}

/// The bytes of `S-1-5-21-…`; `None` if the text is no SID.
pub fn to_bytes(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.strip_prefix("S-1-")?.split('-');
    let authority: u64 = parts.next()?.parse().ok().filter(|a| *a < 1 << 48)?;
    let subs: Vec<u32> = parts.map(str::parse).collect::<Result<_, _>>().ok()?;
    if subs.is_empty() || subs.len() > SUB_AUTHORITIES_MAX {
        return None;
    }
    let mut bytes = vec![1, u8::try_from(subs.len()).ok()?];
    bytes.extend_from_slice(&authority.to_be_bytes()[2..]);
    subs.iter().for_each(|sub| bytes.extend_from_slice(&sub.to_le_bytes()));
    // one text for one SID: no leading zeros, no signs
    (to_text(&bytes).as_deref() == Some(text)).then_some(bytes)
}

/// The SID of the same domain with another last part: `primaryGroupID` is only that part.
pub fn sibling(text: &str, last: u32) -> Option<String> {
    text.rsplit_once('-').map(|(domain, _)| format!("{domain}-{last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text() {
        let bytes = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 160, 101, 207, 126, 120, 75, 155, 95, 231, 124, 135, 112, 144, 91, 1, 0];
        let text = "S-1-5-21-2127521184-1604012920-1887927527-88976";
        assert_eq!(to_text(&bytes).as_deref(), Some(text));
        assert_eq!(to_bytes(text).as_deref(), Some(&bytes[..]));
        assert_eq!(to_text(&to_bytes("S-1-5-32-544").unwrap()).as_deref(), Some("S-1-5-32-544"));
        assert_eq!(sibling(text, 513).as_deref(), Some("S-1-5-21-2127521184-1604012920-1887927527-513"));
    }

    #[test]
    fn what_is_no_sid() {
        for bytes in [&[][..], &[1, 1, 0, 0, 0, 0, 0, 5], &[2, 0, 0, 0, 0, 0, 0, 5], &[1, 16, 0, 0, 0, 0, 0, 5], &[1, 0, 0, 0, 0, 0, 0, 5, 0]] {
            assert_eq!(to_text(bytes), None, "{bytes:?}");
        }
        for text in ["", "anna", "S-1-5", "S-1-5-", "S-1-5-+21", "S-1-5-021", "S-2-5-21", "S-1-5-4294967296", "S-1-5-21)(objectClass=*", "s-1-5-21"] {
            assert_eq!(to_bytes(text), None, "{text}");
        }
    }
}
