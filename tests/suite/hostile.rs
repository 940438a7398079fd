//! Spools with untrusted content: no file makes a listing hang, grow, or differ from
//! Postfix's. Each case that Postfix 3.7.11 was observed with.

use std::fs;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::{QueueFile, RecordWriter};

use crate::support::compare::same_output;
use crate::support::instance::{Builder, Instance};
use crate::support::run::{Ended, Invocation, Program, Tool, peak_so_far};
use crate::support::spool::{Name, NewFile, Place};
use crate::support::{Extent, Met, Needs, require};

/// The largest number of runs of a program until its memory is seen.
const WATCHED_RUNS: usize = 10;

/// An envelope with a sender and a recipient.
fn envelope() -> RecordWriter {
    let mut file = RecordWriter::new();
    file.record(RecordType::TIME, b"1700000000 0")
        .record(RecordType::SENDER, b"sender@example.com")
        .record(RecordType::RECIPIENT, b"recipient@example.com");
    file
}

/// Lists a spool that holds `files` in hold, and a well-behaved message in
/// deferred, with both programs.
fn compare(files: &[(&str, Vec<u8>)]) {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    compare_in(Instance::builder(), files);
}

fn compare_in(builder: Builder, files: &[(&str, Vec<u8>)]) {
    let instance = builder.build();
    let good = QueueFile::new(1_700_000_000, "a@b", &["c@d"], &["Subject: x"]).to_bytes();
    instance.spool().put(&NewFile::new("deferred", good));
    for (name, content) in files {
        let name = Name::Literal(name.as_bytes().to_vec());
        instance
            .spool()
            .put(&NewFile::new("hold", content.clone()).named(name));
    }
    compare_instance(&instance);
}

fn compare_instance(instance: &Instance) {
    let etc = instance.etc().display().to_string();
    for form in ["-p", "-j"] {
        let call = Invocation::new(Tool::Postqueue, ["-c", &etc, form]).env("TZ", "UTC");
        if let Err(difference) = same_output(instance, &call) {
            panic!("{difference}");
        }
    }
}

#[test]
fn files_without_content_are_not_listed() {
    compare(&[
        ("EMPTY1", Vec::new()),
        ("NULS11", vec![0; 5000]),
        ("NULS22", vec![0; 1]),
    ]);
}

#[test]
fn a_length_beyond_the_end_of_the_file_ends_the_message() {
    let mut file = envelope();
    file.header(RecordType::RECIPIENT, 100 << 20)
        .raw(b"ten bytes!");
    let mut first = RecordWriter::new();
    first
        .header(RecordType::SENDER, (256 << 20) - 1)
        .raw(b"ten bytes!");
    compare(&[
        ("HUGE11", file.into_bytes()),
        ("HUGE22", first.into_bytes()),
    ]);
}

#[test]
fn pointer_loops_end() {
    let mut forth_and_back = envelope();
    let start = forth_and_back.offset();
    forth_and_back.pointer(start + 17).pointer(start);
    let mut oneself = envelope();
    let here = oneself.offset();
    oneself.pointer(here);
    let mut recipients = envelope();
    let here = recipients.offset();
    recipients
        .record(RecordType::RECIPIENT, b"again@example.com")
        .pointer(here);
    compare(&[
        ("LOOP11", forth_and_back.into_bytes()),
        ("LOOP22", oneself.into_bytes()),
        ("LOOP33", recipients.into_bytes()),
    ]);
}

#[test]
fn a_size_that_no_file_can_have_ends_the_listing_as_in_postfix() {
    let mut file = RecordWriter::new();
    file.record(RecordType::SIZE, b"9223372036854775807")
        .raw(&envelope().into_bytes())
        .record(RecordType::CONTENT, b"")
        .record(RecordType::EXTRACTED, b"");
    compare(&[("SEEK11", file.into_bytes())]);
}

#[test]
fn a_pointer_that_no_file_can_follow_ends_the_message() {
    let mut file = envelope();
    file.record(RecordType::POINTER, b"9223372036854775807");
    compare(&[("SEEK22", file.into_bytes())]);
}

#[test]
fn names_of_255_bytes_are_listed_whole_and_longer_ones_cannot_be() {
    let name = |c: &str, n: usize| c.repeat(n);
    let file = envelope().into_bytes();
    compare(&[(&name("a", 255), file.clone()), (&name("_", 200), file)]);
}

#[test]
fn reasons_of_half_a_megabyte_are_listed_whole() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let message = instance
        .spool()
        .put(&NewFile::new("deferred", envelope().into_bytes()));
    let log = format!(
        "recipient=recipient@example.com\nreason={}\n\n",
        "why ".repeat((1 << 17) - 8)
    );
    instance
        .spool()
        .put_log("defer", &message.name, log.as_bytes());
    compare_instance(&instance);
}

#[test]
fn one_letter_directories_fifty_deep_are_walked() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().set("hash_queue_depth", "50").build();
    let long =
        Name::Literal(b"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789".to_vec());
    for name in [long, Name::Literal(b"SHORT".to_vec())] {
        instance
            .spool()
            .put(&NewFile::new("deferred", envelope().into_bytes()).named(name));
    }
    let elsewhere = Place::Below("A/B/C/D".into());
    let misplaced = NewFile::new("deferred", envelope().into_bytes()).at(elsewhere);
    instance.spool().put(&misplaced);
    compare_instance(&instance);
}

#[test]
fn objects_that_are_no_files_are_passed_over_without_blocking() {
    if require(Needs::Postfix) == Met::No || require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let spool = instance.spool();
    spool.put(&NewFile::new("hold", envelope().into_bytes()));
    spool.fifo(Path::new("hold/F1F0F1F0"));
    spool.socket(Path::new("hold/50CCE7"));
    spool.device(Path::new("hold/DE71CE"));
    spool.make_directories(Path::new("hold/D17EC7"));
    spool.symlink(Path::new("/etc/passwd"), Path::new("hold/117C"));
    spool.fifo(Path::new("maildrop/F1F0F1F0"));
    compare_instance(&instance);
}

#[test]
fn a_full_disk_behind_stdout_is_fatal_in_the_same_words() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for _ in 0..300 {
        instance
            .spool()
            .put(&NewFile::new("hold", envelope().into_bytes()));
    }
    let etc = instance.etc().display().to_string();
    let call = Invocation::new(Tool::Postqueue, ["-c", &etc, "-p"]);
    let run = |program| {
        let full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let mut command = call.command(program, &instance);
        let output = command
            .stdin(Stdio::null())
            .stdout(full)
            .output()
            .expect("it starts");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_eq!(run(Program::Ours), run(Program::Theirs));
}

#[test]
fn a_process_that_may_open_few_files_lists_every_message_or_fails() {
    let instance = Instance::builder().set("hash_queue_depth", "3").build();
    for _ in 0..300 {
        let message = instance
            .spool()
            .put(&NewFile::new("deferred", envelope().into_bytes()));
        let log = b"recipient=recipient@example.com\nreason=busy\n\n";
        instance.spool().put_log("defer", &message.name, log);
    }
    let etc = instance.etc().display().to_string();
    let program = Program::Ours.path(Tool::Postqueue, &instance);
    let run = |limit: u32| {
        let line = format!("ulimit -n {limit} && exec \"$0\" -c \"$1\" -p");
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).arg(&program).arg(&etc);
        shell.output().expect("sh starts")
    };
    let all = run(1024);
    assert!(all.status.success(), "{all:?}");
    for limit in (8..40).chain([64, 128]) {
        let output = run(limit);
        match output.status.code() {
            Some(0) => assert!(output.stdout == all.stdout, "with {limit} files"),
            Some(69) if limit < 40 => {}
            other => panic!(
                "{limit}: {other:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
}

#[test]
fn large_messages_without_recipients_are_not_gathered() {
    let instance = Instance::builder().build();
    let mut file = RecordWriter::new();
    file.record(RecordType::TIME, b"1700000000 0")
        .record(RecordType::SENDER, &vec![b'x'; 3 << 20]);
    let first = instance
        .spool()
        .put(&NewFile::new("hold", file.into_bytes()));
    for number in 0..200 {
        instance
            .spool()
            .hard_link(&first.path, Path::new(&format!("hold/A{number:04}")));
    }
    let etc = instance.etc().display().to_string();
    let call = Invocation::new(Tool::Postqueue, ["-c", &etc, "-p"]);
    let peak = peak_memory(&mut call.command(Program::Ours, &instance));
    assert!(peak < 400 * 1024, "{peak} KiB");
}

#[test]
fn a_log_of_lines_that_are_not_understood_needs_no_memory() {
    let instance = Instance::builder().build();
    let message = instance
        .spool()
        .put(&NewFile::new("deferred", envelope().into_bytes()));
    instance
        .spool()
        .put_log("defer", &message.name, &b"x\n".repeat(500_000));
    let etc = instance.etc().display().to_string();
    let call = Invocation::new(Tool::Postqueue, ["-c", &etc, "-p"]);
    let peak = peak_memory(&mut call.command(Program::Ours, &instance));
    assert!(peak < 24 * 1024, "{peak} KiB");
}

#[test]
fn a_million_recipients_need_no_more_memory_than_a_few() {
    let instance = Instance::builder().build();
    let count = match Extent::from_environment() {
        Extent::Sample => 200_000,
        _ => 1_000_000,
    };
    let path = many_recipients(&instance, count);
    let etc = instance.etc().display().to_string();
    for form in ["-p", "-j"] {
        let call = Invocation::new(Tool::Postqueue, ["-c", &etc, form]);
        let peak = peak_memory(&mut call.command(Program::Ours, &instance));
        assert!(
            peak < 24 * 1024,
            "{form}: {peak} KiB for {}",
            path.display()
        );
    }
}

/// A message with this many recipients, the log naming as many.
fn many_recipients(instance: &Instance, count: usize) -> std::path::PathBuf {
    let mut file = RecordWriter::new();
    file.record(RecordType::TIME, b"1700000000 0")
        .record(RecordType::SENDER, b"a@b");
    let mut log = String::new();
    for number in 0..count {
        let recipient = format!("user{number}@dest.example");
        file.record(RecordType::RECIPIENT, recipient.as_bytes());
        log.push_str(&format!("recipient={recipient}\nreason=busy\n\n"));
    }
    let placed = instance
        .spool()
        .put(&NewFile::new("deferred", file.into_bytes()));
    instance
        .spool()
        .put_log("defer", &placed.name, log.as_bytes());
    placed.path
}

#[test]
fn a_sparse_file_of_a_gigabyte_in_one_record_needs_no_memory() {
    let instance = Instance::builder().build();
    let mut file = envelope();
    let header = file.offset();
    file.header(RecordType::SENDER, (256 << 20) - 1);
    let end = file.offset() + (256 << 20) - 1;
    let placed = instance
        .spool()
        .put(&NewFile::new("hold", file.into_bytes()));
    let path = instance.queue_directory().join(&placed.path);
    let sparse = OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("the file");
    sparse.set_len(1 << 30).expect("a sparse file");
    sparse.write_all_at(b"R\x03abc", end as u64).expect("room");
    assert!(header > 0);
    let etc = instance.etc().display().to_string();
    let call = Invocation::new(Tool::Postqueue, ["-c", &etc, "-p"]);
    let peak = peak_memory(&mut call.command(Program::Ours, &instance));
    assert!(peak < 40 * 1024, "{peak} KiB");
}

/// Runs a program to its end and watches its largest resident set, in KiB. Runs it
/// again if it ended before it was looked at, on a busy machine.
pub fn peak_memory(command: &mut Command) -> u64 {
    let mut runs = (0..WATCHED_RUNS).map(|_| watched_memory(command));
    runs.find(|peak| *peak > 0).expect("a run that was seen")
}

/// Runs a program to its end. Returns the largest resident set that was seen, in
/// KiB; 0 if none was.
fn watched_memory(command: &mut Command) -> u64 {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut peak = 0;
    loop {
        peak = peak_so_far(&child).unwrap_or(0).max(peak);
        if let Some(ended) = child.try_wait().expect("wait") {
            assert!(ended.success(), "{ended}");
            return peak;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Lists again and again while `disturb` changes the spool.
fn list_while(instance: &Instance, disturb: impl Fn(u64) + Sync) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                disturb(round);
            }
        });
        let etc = instance.etc().display().to_string();
        let call = Invocation::new(Tool::Postqueue, ["-c", &etc, "-j"]);
        let outputs: Vec<_> = (0..50).map(|_| call.run(Program::Ours, instance)).collect();
        done.store(true, Ordering::Relaxed);
        for output in outputs {
            assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
            let stderr = output.stderr_text();
            assert!(
                stderr.lines().all(|l| l.contains("Mail system is down")),
                "{stderr}"
            );
        }
    });
}

#[test]
fn files_that_move_and_vanish_are_no_error() {
    let instance = Instance::builder().build();
    let spool = instance.spool();
    let placed: Vec<_> = (0..60)
        .map(|_| spool.put(&NewFile::new("active", envelope().into_bytes())))
        .collect();
    let incoming = instance.queue_directory().join("incoming");
    let active = instance.queue_directory().join("active");
    list_while(&instance, |round| {
        let (from, to) = if round % 2 == 0 {
            (&active, &incoming)
        } else {
            (&incoming, &active)
        };
        for file in &placed {
            fs::rename(from.join(file.id()), to.join(file.id())).expect("rename");
        }
    });
}

#[test]
fn directories_that_vanish_are_no_error() {
    let instance = Instance::builder().build();
    let deferred = instance.queue_directory().join("deferred");
    list_while(&instance, |_| {
        for letter in "0123456789ABCDEF".chars() {
            let _ = fs::create_dir(deferred.join(letter.to_string()));
        }
        for letter in "0123456789ABCDEF".chars() {
            let _ = fs::remove_dir(deferred.join(letter.to_string()));
        }
    });
}

#[test]
fn a_fifo_put_in_between_the_look_and_the_open_does_not_block() {
    let instance = Instance::builder().build();
    let spool = instance.spool();
    let file = spool.put(&NewFile::new("hold", envelope().into_bytes()));
    let name = instance.queue_directory().join(&file.path);
    let (aside, fifo) = (name.with_extension("aside"), name.with_extension("fifo"));
    list_while(&instance, |_| {
        let made = nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU);
        made.expect("a FIFO");
        fs::rename(&name, &aside).expect("rename");
        fs::rename(&fifo, &name).expect("rename");
        fs::rename(&aside, &name).expect("rename");
    });
}
