//! Every target is there as a whole: a file for cargo fuzz, seeds, a test,
//! and a row in tests/README.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::targets::TARGETS;
use super::{TESTED, files_below, fixtures};

/// Bytes of all seeds and findings at most.
const SIZE_MAX: u64 = 300 * 1024;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn names() -> BTreeSet<String> {
    TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect()
}

/// The names of what is in a directory, without their endings.
fn names_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let stems = paths.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    stems.collect()
}

#[test]
fn every_target_has_its_file_its_test_and_its_seeds() {
    let fuzz = root().join("tests/fuzz");
    assert_eq!(names_in(&fuzz.join("fuzz_targets")), names());
    assert_eq!(names_in(&fixtures().join("fuzz/seeds")), names());
    let tested: BTreeSet<String> = TESTED.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(tested, names());
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("the manifest");
    for target in TARGETS {
        let name = target.name;
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
        let text = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs")));
        assert!(
            text.expect("its file")
                .contains(&format!("::{name}(input)"))
        );
        let seeds = files_below(&fixtures().join("fuzz/seeds").join(name));
        assert!(!seeds.is_empty(), "no seeds for {name}");
        for directory in target.seeds {
            let seeds = files_below(&fixtures().join(directory));
            assert!(!seeds.is_empty(), "{name}: nothing in {directory}");
        }
    }
    let found = names_in(&fixtures().join("fuzz/findings"));
    assert!(found.is_subset(&names()), "{found:?}");
}

#[test]
fn the_tests_readme_names_every_target_and_no_other() {
    let readme = fs::read_to_string(root().join("tests/README.md")).expect("the README");
    let (_, section) = readme.split_once("## Fuzzing\n").expect("the section");
    let section = section.split("\n#").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("| `")?.split_once("` |")?;
        // The other table names programs with their options.
        let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        is_name.then(|| name.to_owned())
    });
    assert_eq!(rows.collect::<BTreeSet<_>>(), names());
}

#[test]
fn seeds_and_findings_are_small() {
    let files = files_below(&fixtures().join("fuzz"));
    let sizes = files
        .iter()
        .map(|path| fs::metadata(path).expect("a file").len());
    let size: u64 = sizes.sum();
    assert!(size <= SIZE_MAX, "{size} bytes");
}
