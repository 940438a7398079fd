//! Splits lists of words, with and without braces, such as `a, b {c d}`.

fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n')
}

/// The words of a list, which are separated by commas or white space.
pub fn words(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| is_separator(byte))
        .filter(|word| !word.is_empty())
}

/// The words of a list in which braces protect separators.
pub fn tokens(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let (token, after) = next_token(rest)?;
        rest = after;
        Some(token)
    })
}

/// The first word of a list in which braces protect separators, and the text after
/// the separator that follows it; `None` if no word is left.
pub fn next_token(list: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = list.iter().position(|&byte| !is_separator(byte))?;
    let text = list.get(start..)?;
    let end = position_outside_braces(text, 0, is_separator);
    let (token, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    Some((token, rest.get(1..).unwrap_or_default()))
}

/// The position of the first byte outside all braces for which `is_wanted` is true;
/// a closing brace is outside the braces that it closes. The text begins inside
/// `depth` braces.
pub fn position_outside_braces(
    text: &[u8],
    mut depth: usize,
    is_wanted: impl Fn(u8) -> bool,
) -> Option<usize> {
    text.iter().position(|&byte| {
        match byte {
            b'{' => depth = depth.saturating_add(1),
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is_wanted(byte)
    })
}
