//! The text by which a listing represents an envelope address.

use super::message_visitor::Rules;
use crate::text::{make_printable, quote_address};

/// The text by which a listing represents the null address.
pub fn shown_null(rules: &Rules) -> Vec<u8> {
    let mut shown = Vec::new();
    display(b"", rules, &mut shown);
    shown
}

/// Stores an envelope address in `to` as it is displayed.
pub fn display(address: &[u8], rules: &Rules, to: &mut Vec<u8>) {
    to.clear();
    match address {
        [] => quote_address(&rules.empty_address, to),
        _ => quote_address(address, to),
    }
    make_printable(to, rules.charset);
}
