//! A showq of the test's own: what both programs make of answers that no
//! daemon sends, and of one that falls silent.

use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use spoolbox::release::Feature;
use spoolbox::sys::socket::{Wait, connect_stream};

use crate::support::compare::same;
use crate::support::instance::{Instance, set_mode};
use crate::support::run::{Ended, Invocation, Output, Program, Tool, peak_so_far};
use crate::support::{Met, Needs, installed_release, require, sample};

const GREETING: &str = "protocol|mail_queue_list_protocol||";
const HEAD: &str = "queue_name|hold|queue_id|A1|time|7|size|8|forced_expire|0|sender|s|";
const RECIPIENT: &str = "recipient|r|reason|x y|";
const END: &str = "||";

/// Answers on public/showq once, then closes the connection.
fn answer(instance: &Instance, text: &[u8], silence: Duration) -> JoinHandle<()> {
    let path = instance.queue_directory().join("public/showq");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("public/showq");
    set_mode(&path, 0o777);
    let text = text.to_vec();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        // A client that has seen enough closes first.
        let _ = stream.write_all(&text);
        thread::sleep(silence);
    })
}

fn run(
    program: Program,
    call: &Invocation,
    instance: &Instance,
    text: &[u8],
    silence: Duration,
) -> Output {
    let daemon = answer(instance, text, silence);
    let output = call.run(program, instance);
    daemon.join().expect("the daemon ends");
    output
}

/// Bars stand for NULs.
fn bytes(text: &str) -> Vec<u8> {
    let latin1 = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).expect("a byte"));
    latin1.map(|b| if b == b'|' { 0 } else { b }).collect()
}

/// The same conversation in the protocol of the installed release: the texts
/// are those of 3.6 to 3.10. `None` if it has no such conversation.
fn in_protocol_of_release(text: &str) -> Option<String> {
    let release = installed_release();
    let text = match text.strip_prefix(GREETING) {
        Some(after) if !release.has(Feature::DaemonsGreet) => after,
        None if !release.has(Feature::DaemonsGreet) && !text.is_empty() => return None,
        _ => text,
    };
    if !release.has(Feature::OriginalRecipient) {
        return Some(text.to_owned());
    }
    let text = text.replace("recipient|", "original_recipient||recipient|");
    Some(text.replace("reason|", "log_class|defer|reason|"))
}

/// What both must answer alike, whatever the source.
fn compare(text: &str, silence: Duration) {
    let Some(text) = in_protocol_of_release(text) else {
        return;
    };
    let text = text.as_str();
    for form in ["-p", "-j"] {
        let instance = Instance::builder().set("ipc_timeout", "1s").build();
        let etc = instance.etc().display().to_string();
        let call = Invocation::new(Tool::Postqueue, ["-c", &etc, form]).ours_only("--source=showq");
        let theirs = run(Program::Theirs, &call, &instance, &bytes(text), silence);
        let ours = run(Program::Ours, &call, &instance, &bytes(text), silence);
        if let Err(difference) = same(&call, &ours, &theirs) {
            panic!("{text:?} {form}: {difference}");
        }
    }
}

#[test]
fn odd_values_from_a_daemon_are_shown_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let texts = [
        format!("{GREETING}|"),
        format!("{GREETING}{HEAD}{RECIPIENT}{END}"),
        format!("{GREETING}{HEAD}{END}"),
        format!("{GREETING}{HEAD}recipient||reason||{END}"),
        format!("{GREETING}{HEAD}{RECIPIENT}recipient|q|reason|||{HEAD}{END}"),
        format!(
            "{GREETING}{}{RECIPIENT}{END}",
            HEAD.replace("time|7", "time|-5")
        ),
        format!(
            "{GREETING}{}{RECIPIENT}{END}",
            HEAD.replace("time|7", "time|+5")
        ),
        format!(
            "{GREETING}{}{RECIPIENT}{END}",
            HEAD.replace("size|8", "size|99999999999999999999")
        ),
        format!(
            "{GREETING}{}{RECIPIENT}{END}",
            HEAD.replace("expire|0", "expire|2")
        ),
        format!(
            "{GREETING}{}{RECIPIENT}{END}",
            HEAD.replace("hold", "elsewhere")
        ),
        format!(
            "{GREETING}{}{RECIPIENT}{END}",
            HEAD.replace("A1", "4jY6vs5H8jz1WXLV")
        ),
        format!(
            "{GREETING}{}{RECIPIENT}{END}",
            HEAD.replace("sender|s", "sender|")
        ),
        format!("{GREETING}{HEAD}recipient|r\u{1}\u{e9}|reason|x\ty\u{7f}\u{1b}[0m|{END}"),
        format!("{GREETING}{HEAD}{RECIPIENT}{END}trailing"),
    ];
    texts.iter().for_each(|text| compare(text, Duration::ZERO));
}

#[test]
fn a_reason_of_no_class_is_shown_alike() {
    if require(Needs::Postfix) == Met::No || !installed_release().has(Feature::OriginalRecipient) {
        return;
    }
    for class in ["", "defer", "bounce", "other"] {
        let recipient = format!("original_recipient|o|recipient|r|log_class|{class}|reason|x|");
        let text = bytes(&format!("{GREETING}{HEAD}{recipient}{END}"));
        for form in ["-p", "-j"] {
            let instance = Instance::builder().build();
            let etc = instance.etc().display().to_string();
            let call =
                Invocation::new(Tool::Postqueue, ["-c", &etc, form]).ours_only("--source=showq");
            let theirs = run(Program::Theirs, &call, &instance, &text, Duration::ZERO);
            let ours = run(Program::Ours, &call, &instance, &text, Duration::ZERO);
            same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{class:?} {text}"));
        }
    }
}

#[test]
fn a_malformed_answer_ends_with_the_same_words() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let texts = [
        String::new(),
        "protocol|other||".into(),
        format!("{GREETING}{HEAD}{RECIPIENT}"),
        format!("{GREETING}{HEAD}{RECIPIENT}|"),
        format!("{GREETING}queue_na"),
        format!("{GREETING}queue_name|hol"),
        format!(
            "{GREETING}{}{RECIPIENT}{END}",
            HEAD.replace("time|7", "time|x")
        ),
        format!(
            "{GREETING}{}{RECIPIENT}{END}",
            HEAD.replace("expire|0", "expire|x")
        ),
        format!("{GREETING}queue_id|A1|queue_name|hold|{END}"),
        format!("{GREETING}{HEAD}recipient|r||{END}"),
    ];
    // Postfix sleeps before it fails.
    thread::scope(|scope| {
        for text in &texts {
            scope.spawn(|| compare(text, Duration::ZERO));
        }
    });
}

#[test]
fn a_daemon_that_falls_silent_ends_the_listing_in_time() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    compare(
        &format!("{GREETING}{HEAD}{RECIPIENT}"),
        Duration::from_secs(4),
    );
}

#[test]
fn the_attributes_of_a_3_11_daemon_are_understood() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let text = format!(
        "{GREETING}{HEAD}original_recipient|o|recipient|r|log_class|bounce|reason|x|\
         original_recipient||recipient|q|log_class||reason||{END}"
    );
    let instance = Instance::builder().build();
    let etc = instance.etc().display().to_string();
    let call = Invocation::new(Tool::Postqueue, ["-c", &etc, "-j"]).ours_only("--source=showq");
    let output = run(
        Program::Ours,
        &call,
        &instance,
        &bytes(&text),
        Duration::ZERO,
    );
    let expected = r#""recipients": [{"orig_address": "o", "address": "r", "bounce_reason": "x"}, {"orig_address": "", "address": "q"}]}"#;
    assert!(
        output.stdout_text().trim_end().ends_with(expected),
        "{output:?}"
    );
}

/// A socket whose queue of connections is full, and what fills it.
fn full_socket(path: &Path) -> (OwnedFd, Vec<UnixStream>) {
    let flags = SockFlag::SOCK_CLOEXEC;
    let listener = socket(AddressFamily::Unix, SockType::Stream, flags, None).expect("a socket");
    let address = UnixAddr::new(path).expect("an address");
    bind(listener.as_raw_fd(), &address).expect("bind");
    listen(&listener, Backlog::new(1).expect("a number")).expect("listen");
    set_mode(path, 0o777);
    let mut waiting = Vec::new();
    while let Ok(stream) = connect_stream(path, Wait::Never) {
        waiting.push(stream);
        assert!(waiting.len() < 1000, "it never fills");
    }
    (listener, waiting)
}

#[test]
fn root_does_not_wait_for_a_daemon_that_takes_no_connection() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = &Instance::builder().build();
    sample::fill(instance);
    let _full = full_socket(&instance.queue_directory().join("public/showq"));
    thread::scope(|scope| {
        for (tool, arguments, printed) in [
            (Tool::Postqueue, &["-p"][..], "-- "),
            (Tool::Postqueue, &["--count"], "6"),
            (Tool::Postqueue, &["--check", "--warn", "100"], "MAILQ OK"),
            (Tool::Mailq, &[], "-- "),
        ] {
            scope.spawn(move || {
                let mut call = Invocation::new(tool, arguments).env("MAIL_CONFIG", instance.etc());
                call.timeout = Duration::from_secs(60);
                let output = call.run(Program::Ours, instance);
                assert_eq!(
                    output.ended,
                    Ended::Exited(0),
                    "{tool:?} {arguments:?} {output:?}"
                );
                assert!(output.stdout_text().contains(printed), "{output:?}");
                let down = "Mail system is down -- accessing queue directly";
                assert!(output.stderr_text().contains(down), "{output:?}");
            });
        }
    });
}

/// KiB that a daemon's listing may take in memory, whatever it sends.
const MEMORY_MAX: u64 = 32 * 1024;

#[test]
fn memory_does_not_grow_with_what_a_daemon_sends() {
    let long = "x".repeat(8 * 1024 * 1024);
    let text = format!(
        "{GREETING}queue_name|hold|queue_id|A1|time|7|size|8|forced_expire|0|sender|{long}|\
         recipient|{long}|reason|{long}|{END}"
    );
    for arguments in [&["-p"][..], &["--count=to"]] {
        let instance = Instance::builder().build();
        let daemon = answer(&instance, &bytes(&text), Duration::ZERO);
        let program = Program::Ours.path(Tool::Postqueue, &instance);
        let mut child = Command::new(program)
            .args(["--source=showq"])
            .args(arguments)
            .env_clear()
            .env("MAIL_CONFIG", instance.etc())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("our program");
        let peak = peak_memory(&mut child);
        daemon.join().expect("the daemon ends");
        assert!(peak > 0 && peak < MEMORY_MAX, "{arguments:?}: {peak} KiB");
    }
}

/// The most memory that a process had, in KiB, as it was last seen alive.
fn peak_memory(child: &mut Child) -> u64 {
    let mut peak = 0;
    while child.try_wait().expect("waitpid").is_none() {
        peak = peak.max(peak_so_far(child).unwrap_or(0));
        thread::sleep(Duration::from_millis(5));
    }
    peak
}
