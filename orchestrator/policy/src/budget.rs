//! How many tokens a text takes, from above: what does not fit is said before anything is sent.

/// German text has about three characters a token; what frames every request takes some more.
const CHARS_PER_TOKEN: usize = 3;
/// Tokens of the frame around every request: roles, delimiters, the standing instruction about material.
const FRAME_TOKENS: u64 = 192;

/// Tokens of a request whose own parts have so many characters.
pub fn estimate_tokens(chars: usize) -> u64 {
    (chars / CHARS_PER_TOKEN) as u64 + FRAME_TOKENS
}

#[cfg(test)]
mod tests {
    #[test]
    fn grows_with_the_text() {
        for (chars, tokens) in [(0, 192), (2, 192), (3, 193), (24_000, 8_192)] {
            assert_eq!(super::estimate_tokens(chars), tokens, "{chars}");
        }
    }
}
