//! qshape with options of ours: a queue that cannot be read is an error, and
//! no width is too large.

use std::os::unix::fs::chown;

use super::run;
use crate::support::instance::{Instance, set_mode};
use crate::support::run::{Ended, Tool};
use crate::support::sample;
use crate::support::{Met, Needs, require};

#[test]
fn our_forms_of_qshape_fail_at_a_queue_that_cannot_be_read() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    sample::fill(&instance);
    for form in ["--json", "--by=domain", "--by=reason", "--chart", "--top=3"] {
        for (queue, part) in [
            (
                "defered",
                "cannot read defered: No such file or directory; did you mean deferred?",
            ),
            ("/dev/null", "cannot read /dev/null: Not a directory"),
        ] {
            let output = run(&instance, Tool::Qshape, &[form, "hold", queue]);
            assert_eq!(output.ended, Ended::Exited(1), "{form} {output:?}");
            assert!(output.stdout.is_empty(), "{form} {output:?}");
            assert!(output.stderr_text().contains(part), "{form} {output:?}");
        }
        let output = run(&instance, Tool::Qshape, &[form, "hold", "deferred"]);
        assert_eq!(output.ended, Ended::Exited(0), "{form} {output:?}");
    }
    // A part that cannot be read: what is known is shown, and the status says
    // that it is not all.
    let part = instance.queue_directory().join("deferred/Z");
    std::fs::create_dir(&part).expect("a directory");
    chown(&part, Some(0), Some(0)).expect("chown");
    set_mode(&part, 0o700);
    let output = run(&instance, Tool::Qshape, &["--json", "deferred"]);
    assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
    assert!(output.stdout_text().contains("\"rows\""), "{output:?}");
    let expected = "cannot read deferred/Z: Permission denied\n";
    assert!(output.stderr_text().ends_with(expected), "{output:?}");
}

#[test]
fn no_width_makes_a_formatter_panic() {
    let instance = Instance::builder().build();
    sample::fill(&instance);
    for width in ["65535", "65536", "70000", "1e300"] {
        for form in [&[][..], &["--chart"], &["--by=recipient"]] {
            let arguments = [form, &["-w", width, "deferred"]].concat();
            let output = run(&instance, Tool::Qshape, &arguments);
            assert_eq!(output.ended, Ended::Exited(0), "{arguments:?}");
            assert!(output.stdout_text().contains("TOTAL"), "{arguments:?}");
        }
    }
}
