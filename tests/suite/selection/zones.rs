//! Local times of our own, in and out: as the C library has them, in zones that
//! chrono does not read as well.

use std::process::Command;

use spoolbox::queue_file::records::writer::QueueFile;

use crate::support::instance::Instance;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::spool::NewFile;

/// In summer, when the zones that have summer time have it.
const ARRIVAL: i64 = 1_783_000_007;

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "CET-1CEST",
    "EST5EDT4",
    "AAA+25",
    "<+0330>-3:30",
    // Counts the leap seconds.
    "right/UTC",
];

fn with_one_message() -> Instance {
    let instance = Instance::builder().build();
    let file = QueueFile::new(ARRIVAL, "ann@example.com", &["joe@dest.example"], &[]);
    let file = NewFile::new("deferred", file.to_bytes());
    instance.spool().put(&file);
    instance
}

/// What our postqueue prints in a zone.
fn printed(instance: &Instance, zone: &str, args: &[&str]) -> String {
    let call = Invocation::new(Tool::Postqueue, args)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", zone);
    let output = call.run(Program::Ours, instance);
    assert_eq!(output.ended, Ended::Exited(0), "{zone} {args:?} {output:?}");
    output.stdout_text()
}

/// The date that date(1) shows, with the C library.
fn date(zone: &str, seconds: i64) -> String {
    let output = Command::new("date")
        .env("TZ", zone)
        .args(["-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%S"])
        .output()
        .expect("date starts");
    String::from_utf8(output.stdout)
        .expect("a date")
        .trim()
        .into()
}

#[test]
fn a_local_date_is_shown_and_selects_as_the_c_library_has_it() {
    let instance = with_one_message();
    for zone in ZONES {
        let (arrival, later) = (date(zone, ARRIVAL), date(zone, ARRIVAL + 1));
        let shown = printed(&instance, zone, &["--format", "%{arrival}"]);
        assert_eq!(shown.trim(), arrival, "{zone}");
        let hour = printed(&instance, zone, &["--count=hour"]);
        assert!(hour.contains(&arrival[..13]), "{zone}\n{hour}");
        for (option, date, found) in [
            ("--newer", &arrival, 1),
            ("--newer", &later, 0),
            ("--older", &arrival, 0),
            ("--older", &later, 1),
        ] {
            let ids = printed(&instance, zone, &["--ids", option, date]);
            assert_eq!(ids.lines().count(), found, "{zone} {option} {date}");
        }
    }
}
