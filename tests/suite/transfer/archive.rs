//! Archives as the tests read and make them, with the same crate and by other
//! code than the program's.

use std::io::Read;

use serde_json::Value;
use tar::{Archive, Builder, EntryType, Header};

/// An entry of an archive.
#[derive(Clone, Debug)]
pub struct TarEntry {
    pub name: Vec<u8>,
    pub kind: EntryType,
    pub content: Vec<u8>,
    /// The size in the header, if it is not that of the content.
    pub claims: Option<u64>,
}

impl TarEntry {
    pub fn file(name: &str, content: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            kind: EntryType::Regular,
            content: content.into(),
            claims: None,
        }
    }
}

/// The entries of an archive.
pub fn entries(archive: &[u8]) -> Vec<TarEntry> {
    let mut archive = Archive::new(archive);
    let entries = archive.entries().expect("an archive").raw(true);
    entries
        .map(|entry| {
            let mut entry = entry.expect("an entry");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("its content");
            TarEntry {
                name: entry.path_bytes().into_owned(),
                kind: entry.header().entry_type(),
                content,
                claims: None,
            }
        })
        .collect()
}

/// The archive of some entries. Names are written as they are.
pub fn archive(entries: &[TarEntry]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_ustar();
        let field = &mut header.as_mut_bytes()[..100];
        let length = entry.name.len().min(100);
        field[..length].copy_from_slice(&entry.name[..length]);
        header.set_entry_type(entry.kind);
        header.set_mode(0o600);
        header.set_size(entry.claims.unwrap_or(entry.content.len() as u64));
        header.set_cksum();
        builder
            .append(&header, entry.content.as_slice())
            .expect("memory");
    }
    builder.into_inner().expect("memory")
}

/// The descriptions of the messages in an archive.
pub fn descriptions(archive: &[u8]) -> Vec<Value> {
    let all = entries(archive).into_iter();
    let described = all.filter(|entry| entry.name.ends_with(b"/message.json"));
    described
        .map(|entry| serde_json::from_slice(&entry.content).expect("JSON"))
        .collect()
}
