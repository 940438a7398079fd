//! `--csv`: what programs read is unambiguous.

use crate::support::run::{Invocation, Program, Tool};

#[test]
fn csv_is_unambiguous_for_programs() {
    let instance = super::filled();
    let zoned = |zone: &str, args: &[&str]| {
        let output = Invocation::new(Tool::Postqueue, args)
            .env("MAIL_CONFIG", instance.etc())
            .env("TZ", zone)
            .run(Program::Ours, &instance);
        output.stdout_text()
    };
    let columns = |zone: &str, args: &[&str]| -> Vec<(String, i64)> {
        let text = zoned(zone, args);
        let fields = text.lines().skip(1).map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[3].to_owned(), fields[4].parse().expect("seconds"))
        });
        fields.collect()
    };
    let seconds = columns("UTC", &["--csv", "--time-style=epoch"]);
    for (zone, offset) in [
        ("UTC", "+00:00"),
        ("IST-5:30", "+05:30"),
        ("NST3:30", "-03:30"),
    ] {
        let rows = columns(zone, &["--csv"]);
        assert_eq!(rows.len(), 10);
        for ((time, age), (epoch, _)) in rows.iter().zip(&seconds) {
            assert!(time.ends_with(offset) && time.len() == 25, "{time}");
            let date = std::process::Command::new("date")
                .args(["-d", time, "+%s"])
                .output()
                .expect("date");
            assert_eq!(String::from_utf8_lossy(&date.stdout).trim(), epoch);
            assert!(*age >= 0);
        }
    }
    // An age is a number in every style.
    assert_eq!(
        columns("UTC", &["--csv", "--time-style=relative"]).len(),
        10
    );
}
