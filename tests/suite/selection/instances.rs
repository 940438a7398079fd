//! Several instances: each is listed as the real tool lists it alone.

use super::{printed, real, run, spool};
use crate::support::instance::{Instance, write_aged};
use crate::support::run::Ended;
use crate::support::{Met, Needs, require};

/// The instance without a name, which knows of the other, and that one.
fn two() -> (Instance, Instance) {
    let out = Instance::builder()
        .set("multi_instance_name", "postfix-out")
        .build();
    let main = Instance::builder()
        .set(
            "multi_instance_directories",
            out.etc().to_str().expect("ASCII"),
        )
        .build();
    spool::fill(&main);
    (main, out)
}

#[test]
fn all_instances_are_listed_one_after_the_other() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let (main, out) = two();
    spool::fill(&out);
    let text = printed(&main, &["-p", "--all-instances"]);
    let both = (real(&main, "mailq"), real(&out, "mailq"));
    let expected = format!("==> - <==\n{}\n==> postfix-out <==\n{}", both.0, both.1);
    assert_eq!(text, expected);
    let named = |instance: &Instance, name: &str| {
        real(
            instance,
            &format!("postqueue -j | sed 's/}}$/, \"instance\": \"{name}\"}}/'"),
        )
    };
    let json = printed(&main, &["-j", "--all-instances"]);
    assert_eq!(json, named(&main, "-") + &named(&out, "postfix-out"));
    let selected = printed(&main, &["-j", "--all-instances", "--from", "root"]);
    assert_eq!(selected.lines().count(), 2, "{selected}");
    let counts = printed(&main, &["--count", "-j", "--all-instances"]);
    let expected = "{\"messages\": 10, \"instance\": \"-\"}\n\
                    {\"messages\": 10, \"instance\": \"postfix-out\"}\n";
    assert_eq!(counts, expected);
}

#[test]
fn one_instance_is_found_by_its_name() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let (main, out) = two();
    let empty = printed(&main, &["-p", "--instance", "postfix-out"]);
    assert_eq!(empty, "Mail queue is empty\n");
    assert_eq!(
        printed(&main, &["-p", "--instance=-"]),
        real(&main, "mailq")
    );
    let name = printed(&out, &["--count", "-j", "--instance", "postfix-out"]);
    assert_eq!(name, "{\"messages\": 0, \"instance\": \"postfix-out\"}\n");
    let unknown = run(&main, &["-p", "--instance", "postfix-in"]);
    assert_eq!(unknown.ended, Ended::Exited(69));
    let said = "there is no instance postfix-in; there are: -, postfix-out";
    assert!(unknown.stderr_text().contains(said), "{unknown:?}");
    assert_eq!(unknown.stdout_text(), "");
}

#[test]
fn an_instance_that_cannot_be_listed_does_not_hide_the_others() {
    let (main, out) = two();
    spool::fill(&out);
    std::fs::remove_dir_all(main.spool().path("hold")).expect("a queue less");
    let output = run(&main, &["--count", "-j", "--from", "*", "--all-instances"]);
    assert_eq!(output.ended, Ended::Exited(69));
    let expected = "{\"messages\": 10, \"instance\": \"postfix-out\"}\n";
    assert_eq!(output.stdout_text(), expected);
    // One whose main.cf cannot be read is an error before anything else.
    write_aged(&out.etc().join("main.cf"), "queue_directory\n");
    let output = run(&main, &["-j", "--all-instances"]);
    assert_eq!(output.ended, Ended::Exited(69));
    assert_eq!(output.stdout_text(), "");
}

#[test]
fn instances_of_the_same_name_are_each_listed_once() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    // Neither has a name.
    let other = Instance::builder().build();
    let directory = other.etc().display().to_string();
    let main = Instance::builder()
        .set(
            "multi_instance_directories",
            &format!("{directory} {directory}"),
        )
        .build();
    spool::fill(&main);
    let text = printed(&main, &["-p", "--all-instances"]);
    let expected = format!(
        "==> - ({}) <==\n{}\n==> - ({directory}) <==\nMail queue is empty\n",
        main.etc().display(),
        real(&main, "mailq")
    );
    assert_eq!(text, expected);
    let counts = printed(&main, &["--count", "-j", "--all-instances"]);
    let expected = "{\"messages\": 10, \"instance\": \"-\"}\n\
                    {\"messages\": 0, \"instance\": \"-\"}\n";
    assert_eq!(counts, expected);
    // Which of them?
    let output = run(&main, &["--count", "--instance=-"]);
    assert_eq!(output.ended, Ended::Exited(69));
    assert_eq!(output.stdout_text(), "");
    let said = format!(
        "several instances are called -; use -c with: {}, {directory}",
        main.etc().display()
    );
    assert!(output.stderr_text().contains(&said), "{output:?}");
}

#[test]
fn a_value_that_looks_like_the_option_is_left_alone() {
    let (main, _out) = two();
    let output = run(
        &main,
        &["--ids", "--from=--all-instances", "--instance", "-"],
    );
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert_eq!(output.stdout_text(), "");
    let metrics = main.root().join("metrics");
    let metrics = metrics.to_str().expect("ASCII");
    let options = ["--prometheus", "--from=--output", "--output", metrics];
    let output = run(&main, &options);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert!(std::fs::read(metrics).is_ok_and(|text| !text.is_empty()));
}
