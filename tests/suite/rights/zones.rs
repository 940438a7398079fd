//! import_environment and the time zone, for callers with rights of their own:
//! the times in listings and in the mail log are those that Postfix shows.

use std::thread;

use crate::support::compare::same_output;
use crate::support::instance::Instance;
use crate::support::postlog;
use crate::support::postlog::Postlog;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::{Met, Needs, require, sample};

/// What import_environment can be.
const SETTINGS: [&str; 7] = [
    "",
    "import_environment = MAIL_CONFIG TZ=Asia/Tokyo",
    "import_environment = MAIL_CONFIG { TZ = Asia/Tokyo }",
    "import_environment = MAIL_CONFIG",
    "import_environment = MAIL_CONFIG TZ",
    "import_environment = MAIL_CONFIG TZ=",
    "import_environment = MAIL_CONFIG TZ=Asia/Tokyo TZ=EST5",
];

/// TZ as the caller has it.
const CALLERS: [Option<&str>; 3] = [None, Some("America/New_York"), Some("UTC")];

fn call(instance: &Instance, tool: Tool, arguments: &[&str], zone: Option<&str>) -> Invocation {
    let call = Invocation::new(tool, arguments).env("MAIL_CONFIG", instance.etc());
    match zone {
        Some(zone) => call.env("TZ", zone),
        None => call,
    }
}

#[test]
fn times_are_shown_in_the_zone_that_import_environment_names() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for setting in SETTINGS {
            scope.spawn(move || listed_alike(setting));
        }
    });
}

fn listed_alike(setting: &str) {
    let instance = Instance::builder().append(&format!("{setting}\n")).build();
    let deferred = sample::fill(&instance).deferred.id();
    for zone in CALLERS {
        for (tool, arguments) in [
            (Tool::Postqueue, &["-p"][..]),
            (Tool::Mailq, &[]),
            (Tool::Sendmail, &["-bp"]),
            (Tool::Postcat, &["-qe", &deferred]),
        ] {
            let call = call(&instance, tool, arguments, zone);
            let theirs = same_output(&instance, &call);
            let theirs = theirs.unwrap_or_else(|text| panic!("{setting} {zone:?} {text}"));
            assert_eq!(theirs.ended, Ended::Exited(0), "{theirs:?}");
        }
    }
}

#[test]
fn lines_to_postlogd_have_the_time_that_import_environment_names() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for setting in SETTINGS {
            scope.spawn(move || logged_alike(setting));
        }
    });
}

fn logged_alike(setting: &str) {
    let builder = postlog::configure(Instance::builder());
    let instance = builder.append(&format!("{setting}\n")).build();
    let log = Postlog::start(&instance);
    for zone in CALLERS {
        for (tool, arguments) in [
            (Tool::Postqueue, &["-i", "x-"][..]),
            (Tool::Postqueue, &["-f"]),
            (Tool::Sendmail, &["-q"]),
            (Tool::Sendmail, &["-qIx-"]),
            (Tool::Postsuper, &["-h", "ABCDEF"]),
            (Tool::Postfix, &["flush"]),
        ] {
            let call = call(&instance, tool, arguments, zone);
            let hours = |program| {
                call.run(program, &instance);
                let lines = log.take_whole();
                assert!(
                    !lines.is_empty(),
                    "{setting} {zone:?} {tool:?} {arguments:?}"
                );
                let hour = |line: &Vec<u8>| {
                    let hour = "Mmm dd ".len().."Mmm dd hh".len();
                    String::from_utf8_lossy(line.get(hour).unwrap_or_default()).into_owned()
                };
                lines.iter().map(hour).collect::<Vec<_>>()
            };
            let alike = || hours(Program::Ours) == hours(Program::Theirs);
            // Once more if an hour ended between the two.
            assert!(
                alike() || alike(),
                "{setting} {zone:?} {tool:?} {arguments:?}: {:?}, theirs {:?}",
                hours(Program::Ours),
                hours(Program::Theirs)
            );
        }
    }
}
