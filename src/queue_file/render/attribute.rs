//! Parses named attributes: `name=value`, ignoring blanks around name and value.
//! Observed with Postfix 3.7.11.

use crate::release::{Feature, Installed};
use crate::text::{first_hundred, split_assignment, trim_space_start};

/// An attribute without the blanks around its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attribute<'t> {
    /// Can be empty only in releases that accept an attribute without a name.
    pub(super) name: &'t [u8],
    /// Can be empty.
    pub(super) value: &'t [u8],
}

/// Why a text is not an attribute; each variant contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed<'t> {
    /// There is no name before the equals sign.
    NoName(&'t [u8]),
    /// There is no equals sign.
    NoEquals(&'t [u8]),
}

impl Malformed<'_> {
    /// The text after `FILE: ` in the warning.
    pub(super) fn message(&self) -> Vec<u8> {
        let (what, text) = match self {
            Malformed::NoName(text) => ("missing attribute name: ", text),
            Malformed::NoEquals(text) => ("missing '=' after attribute name: ", text),
        };
        [
            b"malformed attribute: ",
            what.as_bytes(),
            first_hundred(text),
        ]
        .concat()
    }
}

/// Splits an attribute into name and value.
pub(super) fn split(text: &[u8]) -> Result<Attribute<'_>, Malformed<'_>> {
    match parts(text)? {
        attribute if attribute.name.is_empty() => Err(Malformed::NoName(text)),
        attribute => Ok(attribute),
    }
}

/// Splits an attribute as the given Postfix release does: some releases accept one
/// without a name.
pub(super) fn split_as_by<'t>(
    text: &'t [u8],
    postfix: &Installed,
) -> Result<Attribute<'t>, Malformed<'t>> {
    let attribute = parts(text)?;
    if attribute.name.is_empty() && postfix.has(Feature::SettingsNeedName) {
        return Err(Malformed::NoName(text));
    }
    Ok(attribute)
}

/// Splits an attribute at the equals sign. The name can be empty.
fn parts(text: &[u8]) -> Result<Attribute<'_>, Malformed<'_>> {
    match split_assignment(trim_space_start(text)) {
        (name, Some(value)) => Ok(Attribute { name, value }),
        ([], None) => Err(Malformed::NoName(text)),
        (_, None) => Err(Malformed::NoEquals(text)),
    }
}
