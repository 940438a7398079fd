//! Which module may use which: reads the `use` lines and the paths in the
//! code. Modules are in layers, and nothing points upwards; inside a module no
//! file uses one that, directly or not, uses it.
//!
//! What tests inside the files use does not count, and neither does a parent
//! that re-exports from the files below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// The modules from the top to the bottom, as the documentation of lib.rs has
/// them.
const LAYERS: [&str; 17] = [
    "applets",
    "journal",
    "transfer",
    "actions",
    "listing",
    "qshape_report",
    "selection",
    "logging",
    "ipc",
    "queue_file",
    "spool",
    "worker_pool",
    "config",
    "cli",
    "release",
    "text",
    "sys",
];

#[test]
fn no_module_uses_one_above_it() {
    let mut wrong = Vec::new();
    for (user, used) in Uses::of_the_crate().pairs() {
        let (Some(from), Some(to)) = (level_of(user), level_of(used)) else {
            continue;
        };
        if to < from {
            wrong.push(format!("{user} uses {used}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_uses_one_that_uses_it() {
    let circles = Uses::of_the_crate().circles();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn every_module_has_its_layer() {
    let present: BTreeSet<String> = fs::read_dir(source())
        .expect("src")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .map(|path| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let listed = LAYERS.map(str::to_owned).into_iter().collect();
    assert_eq!(present, listed);
}

#[test]
fn only_sys_may_be_unsafe() {
    for file in rust_files(&source()) {
        if module_of(&file).starts_with("sys") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file");
        for word in ["unsafe {", "unsafe fn", "allow(unsafe_code)"] {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
    }
}

/// A circle in a made-up crate is found, so the test above can fail.
#[test]
fn a_circle_is_found() {
    let files = [
        ("a", "pub mod b;\npub mod c;\npub use b::B;"),
        ("a::b", "use super::c::C;\npub struct B;"),
        ("a::c", "use crate::a::{B, d};\npub struct C;"),
        (
            "a::d",
            "//! use super::b;\n#[cfg(test)]\nmod tests {\n    use super::b::B;\n}",
        ),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let uses = Uses::of(files.into());
    assert_eq!(uses.circles(), [["a::b", "a::c"].map(str::to_owned)]);
}

/// Which file uses which, by their module paths.
struct Uses(BTreeMap<String, BTreeSet<String>>);

impl Uses {
    fn of_the_crate() -> Self {
        let files = rust_files(&source()).into_iter().map(|file| {
            let text = fs::read_to_string(&file).expect("a source file");
            (module_of(&file), text)
        });
        Self::of(files.filter(|(module, _)| !module.is_empty()).collect())
    }

    fn of(files: BTreeMap<String, String>) -> Self {
        let modules: BTreeSet<String> = files.keys().cloned().collect();
        let paths: BTreeMap<&String, Vec<NamedPath>> = files
            .iter()
            .map(|(module, text)| (module, paths_in(module, text, &modules)))
            .collect();
        let exports: BTreeMap<String, String> = paths
            .values()
            .flatten()
            .filter_map(|path| Some((path.exported_as.clone()?, path.target.clone())))
            .collect();
        let used = |(module, paths): (&&String, &Vec<NamedPath>)| {
            let below = format!("{module}::");
            let targets = paths.iter().filter_map(|path| {
                let target = defining_module(&path.target, &modules, &exports)?;
                let is_reexport = path.exported_as.is_some() && target.starts_with(&below);
                (target != **module && !is_reexport).then_some(target)
            });
            ((*module).clone(), targets.collect())
        };
        Self(paths.iter().map(used).collect())
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter();
        pairs.flat_map(|(user, used)| used.iter().map(move |used| (&**user, &**used)))
    }

    /// All files that can be reached from one.
    fn reached_from(&self, start: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![start];
        while let Some(module) = waiting.pop() {
            for used in self.0.get(module).into_iter().flatten() {
                if reached.insert(&**used) {
                    waiting.push(used);
                }
            }
        }
        reached
    }

    /// The groups of files that use each other, each once.
    fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> = self
            .0
            .keys()
            .map(|module| (&**module, self.reached_from(module)))
            .collect();
        let groups: BTreeSet<Vec<String>> = reached
            .iter()
            .filter(|(module, all)| all.contains(**module))
            .map(|(module, all)| {
                let back = |other: &&&str| reached.get(**other).is_some_and(|r| r.contains(module));
                all.iter()
                    .filter(back)
                    .map(|other| (*other).to_owned())
                    .collect()
            })
            .collect();
        groups.into_iter().collect()
    }
}

/// A path below the crate that a file names.
struct NamedPath {
    target: String,
    /// The path under which a `pub use` offers it again.
    exported_as: Option<String>,
}

/// The paths that a file names outside its tests and comments.
fn paths_in(module: &str, text: &str, modules: &BTreeSet<String>) -> Vec<NamedPath> {
    let code: String = text
        .lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut paths = Vec::new();
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        let Some((before, tree)) = split_use(statement) else {
            rest.push_str(statement);
            continue;
        };
        for leaf in leaves(tree) {
            let Some(target) = absolute(module, &leaf, modules) else {
                continue;
            };
            let name = leaf.rsplit("::").next().unwrap_or_default();
            let exported_as = before.contains("pub").then(|| format!("{module}::{name}"));
            paths.push(NamedPath {
                target,
                exported_as,
            });
        }
        rest.push_str(before);
    }
    for start in ["crate::", "super::"] {
        // `postsuper::` contains `super::`.
        let is_word = |at: usize| {
            let before = rest.get(..at).unwrap_or_default();
            !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        };
        for (at, _) in rest.match_indices(start).filter(|(at, _)| is_word(*at)) {
            let path: String = rest
                .get(at..)
                .unwrap_or_default()
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
                .collect();
            let target = absolute(module, &path, modules);
            paths.extend(target.map(|target| NamedPath {
                target,
                exported_as: None,
            }));
        }
    }
    paths
}

/// What stands before a `use` and the tree after it.
fn split_use(statement: &str) -> Option<(&str, &str)> {
    let at = statement
        .match_indices("use ")
        .find(|(at, _)| {
            let before = statement.get(..*at).unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default().trim();
            line.is_empty() || line.starts_with("pub")
        })?
        .0;
    let (before, tree) = statement.split_at(at);
    let visibility = before.rsplit('\n').next().unwrap_or_default();
    let tree = tree.strip_prefix("use ")?.strip_suffix(';')?;
    let is_tree = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_:{},*".contains(c);
    tree.chars().all(is_tree).then_some((visibility, tree))
}

/// The paths of a tree of `use`, each whole.
fn leaves(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.trim_end_matches("::self").to_owned()];
    };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let mut depth = 0_usize;
    let parts = inner.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    let parts = parts.filter(|part| !part.trim().is_empty());
    parts
        .flat_map(leaves)
        .map(|leaf| format!("{prefix}{leaf}"))
        .map(|leaf| leaf.trim_end_matches("::self").to_owned())
        .collect()
}

/// A path as seen from the crate's root; `None` for another crate's.
fn absolute(module: &str, path: &str, modules: &BTreeSet<String>) -> Option<String> {
    if let Some(path) = path.strip_prefix("crate::") {
        return Some(path.to_owned());
    }
    let mut base = module;
    let mut path = path;
    if let Some(rest) = path.strip_prefix("self::") {
        return Some(format!("{base}::{rest}"));
    }
    if !path.starts_with("super::") {
        let first = path.split("::").next().unwrap_or_default();
        let is_child = modules.contains(&format!("{base}::{first}"));
        return is_child.then(|| format!("{base}::{path}"));
    }
    while let Some(rest) = path.strip_prefix("super::") {
        base = base.rsplit_once("::").map_or("", |(parent, _)| parent);
        path = rest;
    }
    Some(format!("{base}::{path}"))
}

/// The file that defines what a path names, through re-exports.
fn defining_module(
    path: &str,
    modules: &BTreeSet<String>,
    exports: &BTreeMap<String, String>,
) -> Option<String> {
    let mut path = path.to_owned();
    // No chain of re-exports is that long.
    for _ in 0..16 {
        let (known, rest) = longest_prefix(&path, |prefix| {
            modules.contains(prefix) || exports.contains_key(prefix)
        })?;
        match exports.get(&known) {
            Some(target) if *target != known && !target.starts_with(&format!("{known}::")) => {
                path = format!("{target}{rest}");
            }
            _ if modules.contains(&known) => return Some(known),
            Some(target) => return longest_prefix(target, |p| modules.contains(p)).map(|p| p.0),
            None => return None,
        }
    }
    None
}

/// The longest beginning of a path that is known, and what follows it.
fn longest_prefix(path: &str, is_known: impl Fn(&str) -> bool) -> Option<(String, String)> {
    let mut prefix = path;
    loop {
        if is_known(prefix) {
            let rest = path.get(prefix.len()..).unwrap_or_default();
            return Some((prefix.to_owned(), rest.to_owned()));
        }
        prefix = prefix.rsplit_once("::")?.0;
    }
}

/// The folder src.
pub fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The source files below a directory.
pub fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(directory).into_iter();
    let paths = entries.map(|entry| entry.expect("an entry").into_path());
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|e| e == "rs");
    paths.filter(is_rust).collect()
}

/// The module path of a file: `listing::format::text`; empty for lib.rs and
/// main.rs.
fn module_of(file: &Path) -> String {
    let relative = file.strip_prefix(source()).expect("below src");
    let relative = relative
        .with_extension("")
        .to_string_lossy()
        .replace('/', "::");
    let module = relative.strip_suffix("::mod").unwrap_or(&relative);
    match module {
        "lib" | "main" => String::new(),
        module => module.to_owned(),
    }
}

fn level_of(module: &str) -> Option<usize> {
    let first = module.split("::").next()?;
    LAYERS.iter().position(|layer| *layer == first)
}
