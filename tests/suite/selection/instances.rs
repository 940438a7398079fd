//! Several instances: each is listed as the real tool lists it alone.

use super::{printed, real, run, spool};
use crate::support::instance::{Instance, write_aged};
use crate::support::run::Ended;
use crate::support::{Extent, Met, Needs, require};

/// The instance without a name, which knows of the other, and that one.
pub fn two() -> (Instance, Instance) {
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
}

#[test]
fn a_main_cf_that_cannot_be_read_does_not_hide_the_other_instances() {
    let (main, out) = two();
    spool::fill(&out);
    write_aged(&out.etc().join("main.cf"), "queue_directory\n");
    let broken = out.etc().display().to_string();
    let output = run(&main, &["--count", "-j", "--all-instances"]);
    assert_eq!(output.ended, Ended::Exited(69));
    let expected = "{\"messages\": 10, \"instance\": \"-\"}\n";
    assert_eq!(output.stdout_text(), expected);
    assert!(output.stderr_text().contains(&broken), "{output:?}");
    let output = run(&main, &["--check", "--warn=90", "--all-instances"]);
    assert_eq!(output.ended, Ended::Exited(3));
    let line = output.stdout_text();
    let start = format!("MAILQ UNKNOWN - {broken}: UNKNOWN: ");
    assert!(line.starts_with(&start), "{line}");
    assert!(line.contains("/main.cf, line 1"), "the reason: {line}");
    assert!(line.contains("1 instance OK"), "{line}");
    let metrics = run(&main, &["--prometheus", "--all-instances"]).stdout_text();
    for (name, success) in [("-", 1), (broken.as_str(), 0)] {
        let sample = format!("scan_success{{instance_name=\"{name}\"}} {success}\n");
        assert!(metrics.contains(&sample), "{sample}\n{metrics}");
    }
    // Another instance can be chosen.
    assert_eq!(printed(&main, &["--count", "--instance=-"]), "10\n");
    // What changes something is refused as a whole.
    let output = run(&main, &["-f", "--all-instances"]);
    assert_eq!(output.ended, Ended::Exited(69));
    assert!(!output.stderr_text().contains("==>"), "{output:?}");
}

#[test]
fn metrics_of_all_instances_are_one_text() {
    let (main, out) = two();
    spool::fill(&out);
    let file = main.root().join("mail.prom");
    let name = file.to_str().expect("ASCII");
    let options = ["--prometheus", "--all-instances", "--output", name];
    assert_eq!(printed(&main, &options), "");
    let text = std::fs::read_to_string(&file).expect("metrics");
    let mut families = text.lines().filter(|line| line.starts_with("# TYPE "));
    let all: std::collections::HashSet<&str> = families.clone().collect();
    assert_eq!(all.len(), families.by_ref().count(), "{text}");
    for sample in [
        "messages{instance_name=\"-\",queue=\"deferred\"} 4",
        "messages{instance_name=\"postfix-out\",queue=\"deferred\"} 4",
        "scan_success{instance_name=\"postfix-out\"} 1",
    ] {
        let line = format!("\nspoolbox_queue_{sample}\n");
        assert_eq!(text.matches(&line).count(), 1, "{sample}: {text}");
    }
    // One that cannot be read does not hide the others.
    std::fs::remove_dir_all(main.spool().path("hold")).expect("a queue less");
    let output = run(&main, &options);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let text = std::fs::read_to_string(&file).expect("metrics");
    assert!(
        text.contains("scan_success{instance_name=\"-\"} 0\n"),
        "{text}"
    );
    assert!(!text.contains("messages{instance_name=\"-\""), "{text}");
    assert!(text.contains("messages{instance_name=\"postfix-out\",queue=\"hold\"} 2\n"));
    // If there is none, the file stays.
    std::fs::remove_dir_all(out.spool().path("hold")).expect("a queue less");
    assert_eq!(run(&main, &options).ended, Ended::Exited(69));
    assert_eq!(std::fs::read_to_string(&file).expect("metrics"), text);
}

#[test]
fn a_check_of_all_instances_is_one_line() {
    let (main, out) = two();
    let line = printed(&main, &["--check", "--warn=10", "--all-instances"]);
    let expected = "MAILQ OK - 2 instances OK | '- messages'=10;10;;0 \
                    'postfix-out messages'=0;10;;0\n";
    assert_eq!(line, expected);
    let output = run(&main, &["--check", "--crit=9", "--all-instances"]);
    assert_eq!(output.ended, Ended::Exited(2));
    let line = output.stdout_text();
    let expected = "MAILQ CRITICAL - -: CRITICAL: 10 messages (crit 9); 1 instance OK | ";
    assert!(line.starts_with(expected), "{line}");
    std::fs::remove_dir_all(out.spool().path("hold")).expect("a queue less");
    let options = ["--check", "--crit=9", "--warn-age=1s", "--all-instances"];
    let output = run(&main, &options);
    assert_eq!(output.ended, Ended::Exited(3));
    let line = output.stdout_text();
    assert!(
        line.starts_with("MAILQ UNKNOWN - postfix-out: UNKNOWN: "),
        "{line}"
    );
    assert_eq!(line.matches('\n').count(), 1, "{line}");
}

#[test]
fn csv_has_a_column_for_the_instance() {
    let (main, out) = two();
    spool::fill(&out);
    let text = printed(&main, &["--csv", "--all-instances"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 21, "{text}");
    assert!(lines[0].ends_with(",reason,instance"), "{text}");
    assert!(lines[1..11].iter().all(|line| line.ends_with(",-")));
    assert!(
        lines[11..]
            .iter()
            .all(|line| line.ends_with(",postfix-out"))
    );
    let one = printed(&main, &["--csv", "--instance=postfix-out"]);
    assert_eq!(one.lines().count(), 11);
    assert!(one.starts_with(lines[0]), "{one}");
    let names = printed(&main, &["--all-instances", "--format", "%{instance}\\n"]);
    assert_eq!(names, "-\n".repeat(10) + &"postfix-out\n".repeat(10));
    let oneline = printed(&main, &["--oneline", "--all-instances"]);
    assert_eq!(oneline.matches("==> ").count(), 2, "{oneline}");
    let ids = printed(&main, &["--ids", "--all-instances"]);
    assert_eq!(ids.lines().count(), 20, "{ids}");
}

#[test]
fn long_lists_and_strange_names_are_read() {
    // Quotes are no syntax of main.cf: the name has them.
    let quoted = Instance::builder()
        .set("multi_instance_name", "postfix-\"quoted\"")
        .build();
    let many: Vec<Instance> = (0..Extent::from_environment().some_of(0..200, 20).len())
        .map(|number| {
            Instance::builder()
                .set("multi_instance_name", &format!("postfix-{number}"))
                .build()
        })
        .collect();
    let mut directories = vec![quoted.etc().display().to_string()];
    directories.extend(many.iter().map(|one| one.etc().display().to_string()));
    // The same again and again, 10,000 names in all.
    let list: Vec<&str> = directories
        .iter()
        .map(String::as_str)
        .cycle()
        .take(10_000)
        .collect();
    let main = Instance::builder()
        .set("multi_instance_directories", &list.join(" "))
        .build();
    let counts = printed(&main, &["--count", "-j", "--all-instances"]);
    let lines: Vec<&str> = counts.lines().collect();
    assert_eq!(lines.len(), many.len() + 2);
    assert_eq!(
        lines[1],
        "{\"messages\": 0, \"instance\": \"postfix-\\\"quoted\\\"\"}"
    );
    let last = format!("\"postfix-{}\"}}", many.len() - 1);
    assert!(lines[lines.len() - 1].ends_with(&last), "{lines:?}");
    let metrics = printed(&main, &["--prometheus", "--all-instances"]);
    let sample = "scan_success{instance_name=\"postfix-\\\"quoted\\\"\"} 1\n";
    assert!(metrics.contains(sample), "{metrics}");
    // A list of which nothing can be read is one clear error, before anything is
    // flushed.
    let list: Vec<String> = (0..10_000)
        .map(|number| format!("/nonexistent/{number}"))
        .collect();
    let main = Instance::builder()
        .set("multi_instance_directories", &list.join(" "))
        .build();
    let output = run(&main, &["-f", "--all-instances"]);
    assert_eq!(output.ended, Ended::Exited(69));
    let said = output.stderr_text();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("/nonexistent/0/main.cf"), "{said}");
    // A directory whose name has quotes.
    let main = Instance::builder()
        .set("multi_instance_directories", "/nonexistent/\"x\"")
        .build();
    let output = run(&main, &["--count", "--all-instances"]);
    assert!(
        output.stderr_text().contains("/nonexistent/\"x\"/main.cf"),
        "{output:?}"
    );
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
