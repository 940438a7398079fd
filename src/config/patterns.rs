//! Lists in parameters: words separated by commas or white space.
//!
//! Owns how a list is taken apart. Does not know what its words mean.

use super::main_cf::is_space;

/// The words of a list.
pub fn words(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',' || is_space(byte))
        .filter(|word| !word.is_empty())
}
