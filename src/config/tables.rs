//! The built-in lookup table types: `static:`, `inline:{…}` and `texthash:`.
//!
//! Only keys are stored, because values are not used. Tables of other types are
//! refused (a deliberate difference).

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bstr::ByteSlice;

use super::error::{ConfigError, printable};
use super::file;
use super::tokens::next_token;
use crate::release::{Feature, Installed};
use crate::text::{Charset, is_space, trim_space_end, trim_space_start};

/// How lists and tables are read, whatever they contain.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Which bytes messages may hold.
    pub charset: Charset,
    /// The Postfix that reads it. Asked only if there is a comment or a
    /// file.
    pub postfix: &'a Installed,
}

/// A lookup table.
#[derive(Debug)]
pub enum LookupTable {
    /// Contains every key.
    Static,
    /// Contains these keys.
    Keys(HashSet<Vec<u8>>),
}

impl LookupTable {
    /// Opens `type:name`, a pattern in the list of a parameter.
    ///
    /// # Errors
    ///
    /// The pattern is malformed, or its table cannot be used here.
    pub fn open(
        parameter: &'static str,
        table: &[u8],
        reading: Reading<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let (kind, name) = table.split_once_str(":").unwrap_or((table, b""));
        let charset = reading.charset;
        let shown = printable(table, charset);
        match (kind, name) {
            (b"", _) | (_, b"") => Err(ConfigError::TableForm { table: shown }),
            (b"static", _) => Ok(Self::Static),
            (b"inline", _) => match inline(name) {
                Ok(keys) => Ok(Self::Keys(keys)),
                Err(fault) => Err(ConfigError::InlineTable {
                    fault: printable(&fault, charset),
                    table: shown,
                }),
            },
            (b"texthash", _) => {
                let path = Path::new(OsStr::from_bytes(name));
                Ok(Self::Keys(texthash(path, reading, warnings)?))
            }
            _ => Err(ConfigError::UnsupportedTable {
                parameter,
                table: shown,
            }),
        }
    }

    /// Whether the table has a key.
    pub fn contains(&self, key: &[u8]) -> bool {
        match self {
            Self::Static => true,
            Self::Keys(keys) => keys.contains(key),
        }
    }
}

/// Parses the keys of `{name=value, {name = value} …}`.
fn inline(text: &[u8]) -> Result<HashSet<Vec<u8>>, Vec<u8>> {
    let mut rest = text
        .strip_prefix(b"{")
        .and_then(|text| text.strip_suffix(b"}"))
        .filter(|text| !text.is_empty() && closes_at_end(text))
        .ok_or(b"bad syntax")?;
    let mut keys = HashSet::new();
    while let Some((token, after)) = next_token(rest) {
        keys.insert(inline_key(token)?.to_vec());
        rest = after;
    }
    if keys.is_empty() {
        return Err(b"empty table".to_vec());
    }
    Ok(keys)
}

fn inline_key(token: &[u8]) -> Result<&[u8], Vec<u8>> {
    // Braces enclose name and value, unless they enclose only the name, which then
    // precedes the equals sign in the same word.
    let setting = match token.strip_prefix(b"{") {
        None => token,
        Some(inside) => match inside.strip_suffix(b"}").filter(|text| closes_at_end(text)) {
            Some(setting) => setting,
            None => {
                let place = [b"syntax error after '}' in \"", token, b"\""];
                return Err(place.concat());
            }
        },
    };
    let setting = trim_space_start(setting);
    if setting.is_empty() {
        return Err(b"no key found; expected format: key = value".to_vec());
    }
    let (key, _) = setting
        .split_once_str("=")
        .ok_or(b"missing '=' after attribute name")?;
    Ok(trim_space_end(key))
}

/// Whether the braces in a text are balanced, so that a brace after the text
/// matches one before it.
fn closes_at_end(text: &[u8]) -> bool {
    let mut depth = 0usize;
    for byte in text {
        match byte {
            b'{' => depth = depth.saturating_add(1),
            b'}' => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            },
            _ => {}
        }
    }
    depth == 0
}

/// Reads the keys of a text file, whose lines consist of a key, white space and a
/// value.
fn texthash(
    path: &Path,
    reading: Reading<'_>,
    warnings: &mut Vec<String>,
) -> Result<HashSet<Vec<u8>>, ConfigError> {
    let text = file::read(path).map_err(|fault| fault.of(path, "open database", "read"))?;
    let Reading { charset, postfix } = reading;
    let shown = printable(path.as_os_str().as_bytes(), charset);
    let mut keys = HashSet::new();
    for span in file::spans(&text) {
        let nul_warning = span.nul_warning(&shown);
        if nul_warning.is_some() && postfix.has(Feature::NulWarning) {
            warnings.extend(nul_warning);
        }
        let (line, Some(text)) = (span.first, span.line) else {
            continue;
        };
        if file::begins_with_space(&text) {
            warnings.push(file::no_beginning(&shown, &text, charset));
            continue;
        }
        let length = text.iter().take_while(|&&byte| !is_space(byte)).count();
        let (key, value) = text.split_at_checked(length).unwrap_or_default();
        if trim_space_start(value).is_empty() {
            warnings.push(format!(
                "{shown}, line {line}: expected format: key whitespace value -- ignoring this line"
            ));
            continue;
        }
        if key.ends_with(b":") {
            warnings.push(format!(
                "{shown}, line {line}: record is in \"key: value\" format; is this an alias file?"
            ));
        }
        if !keys.insert(key.to_vec()) {
            return Err(ConfigError::DuplicateKey {
                path: path.to_owned(),
                line,
                key: printable(key, charset),
            });
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Release;

    fn open(table: &str, warnings: &mut Vec<String>) -> Result<LookupTable, String> {
        open_as("3.7.11", table, warnings)
    }

    fn open_as(
        version: &str,
        table: &str,
        warnings: &mut Vec<String>,
    ) -> Result<LookupTable, String> {
        let postfix = Installed::of_release(Release::parse(version).unwrap());
        let reading = Reading {
            charset: Charset::Ascii,
            postfix: &postfix,
        };
        LookupTable::open("P", table.as_bytes(), reading, warnings)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn inline_tables_are_lists_of_settings() {
        for text in [
            "{k=1}",
            "{ k=1 }",
            "{x=1,k=2}",
            "{k=}",
            "{{x=1} {k = 2}}",
            "{ {x = 1}, {k = 2} }",
            "{k=1,k=2}",
            "{,k=1,}",
            "{k=a=b}",
            "{{ k=1 }}",
            "{k={a}b}",
        ] {
            let table = open(&format!("inline:{text}"), &mut Vec::new()).unwrap();
            assert!(table.contains(b"k") && !table.contains(b"K"), "{text}");
        }
    }

    #[test]
    fn malformed_inline_tables_are_refused() {
        for (text, fault) in [
            ("{", "bad syntax"),
            ("{}", "bad syntax"),
            ("k=1", "bad syntax"),
            ("{k=1}x", "bad syntax"),
            ("{{k = 1}", "bad syntax"),
            ("{ }", "empty table"),
            ("{k}", "missing '=' after attribute name"),
            ("{k = 1}", "missing '=' after attribute name"),
            ("{ {k} }", "missing '=' after attribute name"),
            ("{{  }}", "no key found; expected format: key = value"),
            ("{{k}=1}", "syntax error after '}' in \"{k}=1\""),
        ] {
            let expected = format!("{fault}: \"inline:{text}\"; need \"inline:{{name=value...}}\"");
            let error = open(&format!("inline:{text}"), &mut Vec::new()).unwrap_err();
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn texthash_tables_are_files_of_keys_and_values() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t").display().to_string();
        let check = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let mut warnings = Vec::new();
            (open(&format!("texthash:{path}"), &mut warnings), warnings)
        };
        let (table, warnings) = check(" lead\nk x\nl  y z\n  cont\nm\nn: x\n");
        let table = table.unwrap();
        assert!(table.contains(b"k") && table.contains(b"l") && table.contains(b"n:"));
        assert!(!table.contains(b"m") && !table.contains(b"n"));
        assert_eq!(warnings.len(), 3);
        let duplicate = check("k x\nk y\n").0.unwrap_err();
        assert_eq!(duplicate, format!("{path}, line 2: duplicate entry: \"k\""));
        let missing = open("texthash:/no/pe", &mut Vec::new()).unwrap_err();
        assert_eq!(missing, "open database /no/pe: No such file or directory");
    }

    // As Postfix 3.8.6 and 3.10.13 warned.
    #[test]
    fn since_3_9_a_nul_in_a_texthash_table_is_warned_of() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t").display().to_string();
        std::fs::write(&path, "x y\n z\0a\n b\0c\n# \0\nk x\n").unwrap();
        let warnings = |version| {
            let mut warnings = Vec::new();
            let table = open_as(version, &format!("texthash:{path}"), &mut warnings);
            assert!(table.unwrap().contains(b"k"));
            warnings
        };
        assert!(warnings("3.8.6").is_empty());
        let text = format!("{path}, line 1-4: text after null byte may be ignored");
        assert_eq!(warnings("3.10.13"), [text]);
    }
}
