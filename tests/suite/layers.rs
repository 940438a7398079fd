//! The layers of the crate: who may use whom. Reads the `use` lines and the
//! paths in the code, as design has them: nothing points upwards.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the top to the bottom; rooms of one line do not know each
/// other.
const LAYERS: [&[&str]; 8] = [
    &["applets"],
    &["acting", "contents", "diag", "listing", "shape"],
    &["selection"],
    &["cli", "ipc", "spool"],
    &["config", "record"],
    &["release"],
    &["text"],
    &["sys"],
];
/// ipc reports what it reads in the words of spool: the one side step.
const ALLOWED_ASIDE: [(&str, &str); 1] = [("ipc", "spool")];

#[test]
fn no_room_uses_one_above_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in rust_files(&source) {
        let relative = file.strip_prefix(&source).expect("below src").to_owned();
        let room = room_of(&relative);
        let Some(level) = level_of(&room) else {
            continue;
        };
        let text = fs::read_to_string(&file).expect("a source file");
        for used in rooms_used(&text) {
            let below = level_of(&used).is_some_and(|l| l > level) || used == room;
            if !below && !ALLOWED_ASIDE.contains(&(room.as_str(), used.as_str())) {
                wrong.push(format!("{} uses {used}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_room_has_its_place() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(source).expect("src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            assert!(level_of(&name).is_some(), "src/{name} is in no layer");
        }
    }
}

#[test]
fn only_sys_may_be_unsafe() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&source) {
        let relative = file.strip_prefix(&source).expect("below src");
        if room_of(relative) != "sys" {
            let text = fs::read_to_string(&file).expect("a source file");
            assert!(!text.contains("unsafe {"), "{}", relative.display());
            assert!(
                !text.contains("allow(unsafe_code)"),
                "{}",
                relative.display()
            );
        }
    }
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

fn room_of(relative: &Path) -> String {
    let first = relative.components().next().expect("a component");
    first.as_os_str().to_string_lossy().into_owned()
}

fn level_of(room: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&room))
}

/// The rooms named behind `crate::`, in `use` lines and elsewhere.
fn rooms_used(text: &str) -> Vec<String> {
    let name = |rest: &str| -> String {
        rest.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    text.split("crate::")
        .skip(1)
        .map(name)
        .filter(|room| level_of(room).is_some())
        .collect()
}
