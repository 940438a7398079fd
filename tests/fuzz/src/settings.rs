//! Any bytes as main.cf: read, expanded, and taken as the configuration of
//! an instance.

use std::path::PathBuf;

use spoolbox::config::expand::{LevelOperators, Values, expand};
use spoolbox::config::main_cf::{LineRules, NoName, Nuls};
use spoolbox::config::{Config, LoadState, MainCf, QueuePaths};

use super::{assert_printable, scratch};

/// Values of one file that are expanded on their own: each may take long.
const VALUES_MAX: usize = 8;
/// Longest value that expansion may make.
const LENGTH_MAX: usize = 1 << 20;

/// Reads any bytes as main.cf.
pub fn main_cf(input: &[u8]) {
    let mut warnings = Vec::new();
    let read = MainCf::parse(
        "main.cf".into(),
        input,
        &[],
        LineRules {
            nuls: Nuls::Warn,
            no_name: NoName::Refuse,
        },
        &mut warnings,
    );
    assert_words(&warnings);
    match read {
        Ok(file) => {
            assert_written_alike(&file);
            values_are_expanded(&file);
        }
        Err(error) => assert_printable(error.to_string().as_bytes()),
    }
    scratch::with(|scratch| {
        scratch.write("main.cf", input);
        configured(scratch.path());
    });
}

fn assert_words(warnings: &[String]) {
    for text in warnings {
        assert!(!text.is_empty());
        assert_printable(text.as_bytes());
    }
}

/// What was read is written, and reads the same.
fn assert_written_alike(file: &MainCf) {
    let mut text = Vec::new();
    for (name, value) in file.values() {
        text.extend([name, &b" = "[..], value, b"\n"].concat());
    }
    let mut warnings = Vec::new();
    let again = MainCf::parse(
        PathBuf::new(),
        &text,
        &[],
        LineRules::LENIENT,
        &mut warnings,
    );
    let again = again.expect("names and values");
    assert_eq!(again.values(), file.values());
    assert_eq!(warnings, Vec::<String>::new());
}

fn values_are_expanded(file: &MainCf) {
    let mut names: Vec<_> = file.values().keys().collect();
    names.sort();
    for name in names.into_iter().take(VALUES_MAX) {
        let value = file.get(name).unwrap_or_default();
        for levels in [LevelOperators::Known, LevelOperators::Unknown] {
            let mut warnings = Vec::new();
            if let Ok(expanded) = expand(value, file.values(), levels, &mut warnings) {
                assert!(expanded.len() <= LENGTH_MAX);
            }
        }
        // A doubled dollar is a dollar.
        let literal = |byte: &u8| match byte {
            b'$' => vec![b'$', b'$'],
            other => vec![*other],
        };
        let quoted: Vec<u8> = value.iter().flat_map(literal).collect();
        let expanded = expand(
            &quoted,
            &Values::new(),
            LevelOperators::Known,
            &mut Vec::new(),
        );
        assert_eq!(expanded.as_deref(), Ok(value));
    }
}

fn configured(directory: &std::path::Path) {
    let mut progress = LoadState::default();
    let loaded = Config::load_for("fuzz", directory, None, &mut progress);
    assert_words(&progress.warnings);
    match loaded {
        Ok(config) => looked_at(&config),
        Err(error) => assert_printable(error.to_string().as_bytes()),
    }
    let mut warnings = Vec::new();
    if let Ok(mut whereabouts) = QueuePaths::load("fuzz", directory, &mut warnings) {
        let _ = whereabouts.mail_owner(&mut warnings);
        if let Ok((_, depth)) = whereabouts.hashing(&mut warnings) {
            assert!(depth >= 1);
        }
    }
    assert_words(&warnings);
}

fn looked_at(config: &Config) {
    let mut warnings = Vec::new();
    let _ = config.listing_parameters(&mut warnings);
    let _ = config.lifetimes(&mut warnings);
    // Files that a list names are no part of the input.
    let names_files = |list: &[u8]| list.contains(&b'/') || list.windows(4).any(|w| w == b"hash");
    let lists = [
        &config.authorized_mailq_users,
        &config.authorized_flush_users,
        &config.fast_flush_domains,
        &config.parent_domain_matches_subdomains,
    ];
    if lists.iter().any(|list| names_files(list)) {
        return;
    }
    for users in [
        config.mailq_users(&mut warnings),
        config.flush_users(&mut warnings),
        config.flush_domains(&mut warnings),
    ] {
        match users {
            Ok(users) => drop(users.matches(b"www.example.com")),
            Err(error) => assert_printable(error.to_string().as_bytes()),
        }
    }
    assert_words(&warnings);
}
