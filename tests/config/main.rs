//! Compares the config layer with the installed Postfix on generated main.cf
//! files: values with postconf(1), errors and lists with postqueue(1).
//!
//! `SPOOLBOX_SEED` repeats a run, with `SPOOLBOX_CASE` a single case of it.
//! Without Postfix 3.7 and root these tests only say so and pass, unless
//! `SPOOLBOX_REQUIRE_POSTFIX=1`.
#![allow(clippy::print_stderr)] // how a test says that it did not run

mod generate;
mod real;
mod setgid;

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use fastrand::Rng;
use spoolbox::config::error::printable;
use spoolbox::config::{Config, ConfigError, LoadState};
use spoolbox::sys::error_text::error_text;

use real::Instance;

/// How many files each test makes.
const CASES: u64 = 200;
/// The run that is repeated if nobody asks for another one.
const SEED: u64 = 3711;
/// How many of Postfix's programs run at a time: they sleep before they fail.
const THREADS: u64 = 24;

#[test]
fn values_agree_with_postconf() {
    each_case("values_agree_with_postconf", |rng| {
        let instance = Instance::new(&generate::valid(rng));
        let mut warnings = Vec::new();
        let config = load(instance.directory(), &mut warnings)
            .map_err(|error| format!("{}ours: {error}", instance.text()))?;
        let (theirs, their_warnings) = real::values(&instance, &generate::NAMES);
        for (name, theirs) in generate::NAMES.iter().zip(theirs) {
            let ours = value(&config, name);
            let ours = ours.map(|value| real::squeezed(&value));
            if ours.as_ref().ok() != Some(&theirs) {
                let theirs = String::from_utf8_lossy(&theirs).into_owned();
                let ours = ours.map(|value| String::from_utf8_lossy(&value).into_owned());
                let text = instance.text();
                return Err(format!("{text}{name}: theirs: {theirs:?}\nours: {ours:?}"));
            }
        }
        if warnings != their_warnings {
            let text = instance.text();
            return Err(format!(
                "{text}theirs: {their_warnings:#?}\nours: {warnings:#?}"
            ));
        }
        Ok(())
    });
}

/// Reads `directory`/main.cf as postqueue does. Warnings are the texts that
/// follow `PROG: warning: `, in order; they come before the error.
fn load(directory: &Path, warnings: &mut Vec<String>) -> Result<Config, ConfigError> {
    let mut progress = LoadState::default();
    let config = Config::load_for("postqueue", directory, None, &mut progress);
    warnings.append(&mut progress.warnings);
    config
}

/// The expanded value of any parameter in the table; two of them are looked
/// at by listings only.
fn value(config: &Config, name: &str) -> Result<Vec<u8>, ConfigError> {
    let listing = || config.listing_parameters(&mut Vec::new());
    match name {
        "duplicate_filter_limit" => Ok(listing()?.duplicate_filter_limit.to_string().into_bytes()),
        "empty_address_recipient" => Ok(listing()?.empty_address_recipient),
        other => config.parameters.value(other.as_bytes()),
    }
}

#[test]
fn errors_agree_with_postqueue() {
    each_case("errors_agree_with_postqueue", |rng| {
        let instance = Instance::new(&generate::faulty(rng));
        let ours = messages(instance.directory());
        let Some(theirs) = real::postqueue(&instance, &["-p"]) else {
            let refused = ours
                .last()
                .is_some_and(|line| line.contains("macro processing"));
            return refused.then_some(()).ok_or_else(|| instance.text());
        };
        if ours != theirs {
            let text = instance.text();
            return Err(format!("{text}theirs: {theirs:#?}\nours: {ours:#?}"));
        }
        Ok(())
    });
}

#[test]
fn lists_agree_with_postqueue() {
    each_case("lists_agree_with_postqueue", |rng| {
        let case = generate::list(rng);
        let instance = Instance::new(case.main_cf.as_bytes());
        instance.make_queue();
        for (name, text) in &case.files {
            instance.write(name, text.as_bytes());
        }
        let ours = answer(&instance, &case.site);
        let theirs = real::postqueue(&instance, &["-s", &case.site]);
        // What the flush client says of its failure is not ours.
        let theirs: Vec<_> = theirs
            .into_iter()
            .flatten()
            .filter(|line| !line.starts_with("warning: connect to "))
            .collect();
        if ours != theirs {
            let (text, site) = (instance.text(), &case.site);
            let files = &case.files;
            return Err(format!(
                "{text}{files:#?}\n{site}: theirs: {theirs:#?}\nours: {ours:#?}"
            ));
        }
        Ok(())
    });
}

#[test]
fn directories_of_set_gid_programs_agree_with_postqueue() {
    let test = "directories_of_set_gid_programs_agree_with_postqueue";
    if !can_compare(test) {
        return;
    }
    for case in 0..setgid::count() {
        match setgid::compare(case) {
            Ok(true) => {}
            Ok(false) => return not_run(test, "no mount namespace for an unprivileged postqueue"),
            Err(why) => panic!("{why}"),
        }
    }
}

/// What postqueue has to say about a main.cf whose queue does not exist.
fn messages(directory: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    let result = load(directory, &mut warnings);
    let mut messages: Vec<_> = warnings
        .into_iter()
        .map(|words| format!("warning: {words}"))
        .collect();
    match result {
        Err(error) => messages.extend(last_words(&error)),
        Ok(config) => {
            let queue = config.queue_directory.as_path();
            let shown = printable(queue.as_os_str().as_bytes(), config.charset());
            let error = std::fs::read_dir(queue).expect_err("no such queue");
            messages.push(format!("fatal: chdir {shown}: {}", error_text(&error)));
        }
    }
    messages
}

/// What postqueue has to say to somebody who flushes a site.
fn answer(instance: &Instance, site: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    let config = load(instance.directory(), &mut warnings).expect("a valid main.cf");
    let result = config.flush_domains(&mut warnings);
    let mut messages: Vec<_> = warnings
        .into_iter()
        .map(|words| format!("warning: {words}"))
        .collect();
    match result {
        Err(error) => messages.extend(last_words(&error)),
        Ok(list) if list.matches(site.as_bytes()) => {
            messages.push("fatal: Cannot flush mail queue - mail system is down".to_owned());
        }
        Ok(_) => messages.push(format!(
            "fatal: Flush service is not configured for destination \"{site}\""
        )),
    }
    messages
}

fn last_words(error: &ConfigError) -> Vec<String> {
    let preamble = error.preamble().map(|words| format!("error: {words}"));
    let fatal = format!("fatal: {error}");
    preamble.into_iter().chain([fatal]).collect()
}

/// Runs a test on all cases of this run, and says how to repeat one that fails.
fn each_case(test: &str, check: impl Fn(&mut Rng) -> Result<(), String> + Sync) {
    if !can_compare(test) {
        return;
    }
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse().expect("a number"))
    };
    let seed = number("SPOOLBOX_SEED").unwrap_or(SEED);
    let only = number("SPOOLBOX_CASE");
    eprintln!("{test}: SPOOLBOX_SEED={seed}");
    let run = |case: u64| {
        // Cases do not share state, so that each can be repeated alone.
        let mut rng = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(case));
        check(&mut rng).map_err(|why| {
            format!(
                "SPOOLBOX_SEED={seed} SPOOLBOX_CASE={case} cargo test --test config {test}\n{why}\n"
            )
        })
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    (thread..CASES)
                        .step_by(THREADS as usize)
                        .filter(|case| only.is_none_or(|only| only == *case))
                        .filter_map(|case| run(case).err())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let shown: Vec<_> = failures.iter().take(5).map(String::as_str).collect();
    assert!(
        shown.is_empty(),
        "{} of {CASES} cases:\n{}",
        failures.len(),
        shown.join("\n")
    );
}

fn can_compare(test: &str) -> bool {
    let available = real::available();
    if let Err(why) = &available {
        not_run(test, why);
    }
    available.is_ok()
}

fn not_run(test: &str, why: &str) {
    let required = std::env::var("SPOOLBOX_REQUIRE_POSTFIX").is_ok_and(|value| value == "1");
    assert!(!required, "cannot compare with Postfix: {why}");
    // Not by a printing macro: cargo hides what those print if the test passes.
    let _ = writeln!(
        std::io::stderr(),
        "{test}: left out: cannot compare with Postfix: {why}"
    );
}
