//! Subjects, headers and bodies are compared and shown as people read them, in
//! messages that Postfix's own sendmail and cleanup have queued, and in hostile
//! ones.

use spoolbox::queue_file::records::writer::QueueFile;

use super::{printed, run};
use crate::hostile::peak_memory;
use crate::support::instance::Instance;
use crate::support::mail_system::MailSystem;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::spool::NewFile;
use crate::support::{Met, Needs, require};

/// Messages with the same subject and the same line of text, each in another
/// encoding.
const SUBJECT: &str = "Ihre Rechnung f\u{fc}r M\u{e4}rz";
const MESSAGES: [&str; 4] = [
    "Subject: =?utf-8?Q?Ihre_Rechnung_f=C3=BCr_M=C3=A4rz?=\n\
     Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n\
     Gr=C3=BC=C3=9Fe\nsee https://sp=\nam.example/x now\n",
    "Subject: =?iso-8859-1?B?SWhyZSBSZWNobnVuZyBm/HI=?=\n =?iso-8859-1?Q?_M=E4rz?=\n\
     Content-Type: text/html; charset=\"ISO-8859-1\"\nContent-Transfer-Encoding: base64\n\n\
     R3L832UKc2VlIGh0dHBzOi8vc3BhbS5l\neGFtcGxlL3ggbm93Cg==\n",
    "Subject: Ihre =?utf-8?q?Rechnung_f=C3=BCr?= =?utf-8?b?IE3DpHJ6?=\n\
     MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=_1\"\n\n\
     --=_1\nContent-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\n\
     RwByAPwA3wBlAAoAcwBlAGUAIABoAHQAdABwAHMAOgAvAC8AcwBwAGEAbQAuAGUAeABhAG0AcABs\n\
     AGUALwB4ACAAbgBvAHcACgA=\n--=_1\nContent-Type: application/pdf\n\
     Content-Transfer-Encoding: base64\n\nc2VlIGh0dHBzOi8vb3RoZXIuZXhhbXBsZS8=\n--=_1--\n",
    "Subject: =?utf-8?q?Ihre_Rechnung_f=C3?=\n =?utf-8?q?=BCr_M=C3=A4rz?=\n\n\
     Gr\u{fc}\u{df}e\nsee https://spam.example/x now\n",
];

#[test]
fn messages_that_postfix_queued_are_found_as_people_read_them() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let system = MailSystem::start(MailSystem::builder());
    for message in MESSAGES {
        system.submit("sender@example.com", &["r@dest.example"], message);
    }
    let all = system.wait_for_deferred(MESSAGES.len()).len().to_string() + "\n";
    let count = |options: &[&str]| printed(&system.instance, &[&["--count"], options].concat());
    for options in [
        &["--subject", SUBJECT][..],
        &["--subject", "*Rechnung*"],
        &["--header", "Subject: re:f\u{fc}r M\u{e4}rz$"],
        &["--body", "Gr\u{fc}\u{df}e"],
        &["--body", "*https://spam.example/x*"],
    ] {
        assert_eq!(count(options), all, "{options:?}");
        let not = [&["--not"], options].concat();
        assert_eq!(count(&not), "0\n", "{not:?}");
    }
    // An attachment is no text; --raw finds what is in the file.
    assert_eq!(count(&["--body", "*other.example*"]), "0\n");
    assert_eq!(count(&["--raw", "--subject", SUBJECT]), "0\n");
    assert_eq!(count(&["--raw", "--subject", "=?utf-8?Q?*"]), "1\n");
    assert_eq!(
        count(&["--raw", "--body", "*https://spam.example/x*"]),
        "1\n"
    );
    let subjects = printed(&system.instance, &["--format", "%{subject}\\n"]);
    assert!(subjects.lines().all(|line| line == SUBJECT), "{subjects}");
    let rows = printed(&system.instance, &["-j", "--count=subject"]);
    assert_eq!(rows.lines().count(), 1, "{rows}");
    assert!(rows.contains(SUBJECT), "{rows}");
    let detail = printed(&system.instance, &["-j", "--detail"]);
    assert_eq!(detail.matches(SUBJECT).count(), MESSAGES.len(), "{detail}");
    let raw = printed(&system.instance, &["--raw", "-j", "--detail"]);
    assert!(
        raw.contains("=?iso-8859-1?B?") && !raw.contains(SUBJECT),
        "{raw}"
    );
    // The other tools compare alike.
    let dry = ["--dry-run", "-d", "MATCH", "--body", "*spam.example*"];
    let dry = Invocation::new(Tool::Postsuper, dry)
        .env("MAIL_CONFIG", system.instance.etc())
        .run(Program::Ours, &system.instance);
    assert!(dry.stderr_text().contains("4 messages"), "{dry:?}");
}

#[test]
fn decoded_control_characters_reach_no_terminal() {
    let instance = Instance::builder().build();
    for subject in [
        // ESC, C1's CSI, a right-to-left override, a newline, and in Latin-1 again.
        "Subject: =?utf-8?Q?a=1B[31mb=0Ac?=",
        "Subject: =?utf-8?B?wptnIOKAriBlbmQ=?=",
        "Subject: =?iso-8859-1?Q?=9B31m=00?=",
        "Subject: =?iso-2022-jp?B?GyRCGyhCGy4=?=",
    ] {
        let file = QueueFile::new(1, "a@x", &["r@x"], &[subject, "", "x"]);
        instance.spool().put(&NewFile::new("hold", file.to_bytes()));
    }
    for args in [
        &["--format", "%{id} %{subject}\\n"][..],
        &["-j", "--detail"],
        &["--count=subject"],
        &["-j", "--count=subject"],
        &["--count=header:subject,from"],
    ] {
        let shown = printed(&instance, args);
        let is_safe = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
        assert!(shown.chars().all(is_safe), "{args:?}: {shown:?}");
        let lines = shown.lines().count();
        assert!((4..=5).contains(&lines), "{args:?}: {lines}: {shown:?}");
    }
}

#[test]
fn hostile_messages_are_compared_in_bounded_time_and_memory() {
    let instance = Instance::builder().build();
    let part = "--b\nContent-Type: multipart/mixed; boundary=b\n\n";
    let encoded = "=?utf-8?q?".repeat(10_000);
    let subject = format!("Subject: {encoded}");
    for body in [
        part.repeat(20_000),
        "aGVsbG8=".repeat(400_000),
        format!(
            "--b\nContent-Transfer-Encoding: base64\n\n{}",
            "YQ==\n".repeat(200_000)
        ),
        "=".repeat(2_000_000),
    ] {
        let headers = [
            subject.as_str(),
            "Content-Type: multipart/mixed; boundary=b",
            "Content-Transfer-Encoding: quoted-printable",
            "",
        ];
        let lines: Vec<&str> = headers.into_iter().chain(body.lines()).collect();
        let file = QueueFile::new(1, "a@x", &["r@x"], &lines);
        instance.spool().put(&NewFile::new("hold", file.to_bytes()));
    }
    // As many readers as there are, each with lines that grow when they are converted.
    let line = "//////////".repeat(30_000);
    for _ in 0..40 {
        let lines = [
            "Content-Type: text/plain; charset=koi8-r",
            "Content-Transfer-Encoding: base64",
            "",
            &line,
            &line,
        ];
        let file = QueueFile::new(1, "a@x", &["r@x"], &lines);
        instance.spool().put(&NewFile::new("hold", file.to_bytes()));
    }
    let args = ["--count", "--body", "never", "--or", "--subject", "never"];
    let started = std::time::Instant::now();
    let output = run(&instance, &args);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert_eq!(output.stdout_text(), "0\n");
    // In a build without optimization, on a busy machine.
    assert!(started.elapsed().as_secs() < 60);
    let call = Invocation::new(Tool::Postqueue, args).env("MAIL_CONFIG", instance.etc());
    let peak = peak_memory(&mut call.command(Program::Ours, &instance));
    assert!(peak < 64 * 1024, "{peak} KiB");
}
