//! A spool whose owner is hostile: nothing blocks, loops, follows a link or
//! is read with root's rights.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::time::Duration;

use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::{QueueFile, RecordWriter};

use super::borders::put;
use super::draft::now;
use super::run::{call, ours, same};
use crate::support::instance::{Instance, set_mode};
use crate::support::run::{Ended, Program};
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require, under_test};

fn start() -> RecordWriter {
    let mut file = RecordWriter::new();
    file.record(RecordType::SIZE, b"0 0 0")
        .record(RecordType::TIME, format!("{} 0", now() - 99).as_bytes())
        .record(RecordType::SENDER, b"s@example.com")
        .record(RecordType::RECIPIENT, b"r@trap.example");
    file
}

fn put_literal(instance: &Instance, name: &str, content: Vec<u8>) {
    let name = Name::Literal(name.into());
    instance
        .spool()
        .put(&NewFile::new("hold", content).named(name));
}

#[test]
fn pointers_in_circles_come_to_an_end() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let mut circle = start();
    let at = circle.offset();
    circle
        .record(RecordType::RECIPIENT, b"r@trap.example")
        .pointer(at);
    put_literal(&instance, "C1RCLE", circle.into_bytes());
    let mut to_start = start();
    to_start.record(RecordType::POINTER, b"0.5");
    put_literal(&instance, "START0", to_start.into_bytes());
    let mut in_content = RecordWriter::new();
    in_content
        .record(RecordType::SENDER, b"s")
        .record(RecordType::CONTENT, b"");
    let at = in_content.offset();
    in_content.record(RecordType::TEXT, b"x").pointer(at);
    put_literal(&instance, "C0NTENT", in_content.into_bytes());
    put(&instance, "hold", 9, &["r@good.example"]);
    let mut call = call(&instance, ["hold"]);
    call.timeout = Duration::from_secs(60);
    let output = call.run(under_test(), &instance);
    let text = output.stdout_text();
    assert_eq!(output.ended, Ended::Exited(0));
    assert!(
        text.contains("good.example  1") && !text.contains("trap"),
        "{text}"
    );
}

#[test]
fn what_is_no_file_is_passed_over_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let outside = instance.root().join("outside");
    fs::create_dir(&outside).expect("a directory");
    let canary = QueueFile::new(now(), "s@x", &["r@canary.example"], &[]).to_bytes();
    fs::write(outside.join("CANARY1"), &canary).expect("a file");
    set_mode(&outside.join("CANARY1"), 0o700);
    let spool = instance.spool();
    spool.symlink(&outside, Path::new("hold/LINKDIR"));
    spool.symlink(&outside.join("CANARY1"), Path::new("hold/LINKFILE"));
    spool.symlink(Path::new("/dev/zero"), Path::new("hold/L1NKZERO"));
    spool.fifo(Path::new("hold/FIFOFIFO"));
    spool.socket(Path::new("hold/SOCKET1"));
    spool.device(Path::new("hold/DEVICE1"));
    spool.make_directories(Path::new("hold/DIRDIR/inner/DEEPER"));
    put(&instance, "hold", 9, &["r@good.example"]);
    for args in [
        &["hold"][..],
        &["hold/LINKDIR", "hold/LINKFILE", "hold/FIFOFIFO"],
    ] {
        if let Err(text) = same(&instance, &call(&instance, args)) {
            panic!("{text}");
        }
    }
    assert!(!ours(&instance, &["hold"]).stdout_text().contains("canary"));
}

#[test]
fn huge_and_truncated_records_cost_nothing() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for (number, length) in [2_097_151, 2_097_152, 268_435_455].into_iter().enumerate() {
        let mut file = start();
        file.header(RecordType::ATTRIBUTE, length)
            .raw(&[b'x'; 5000]);
        put_literal(&instance, &format!("TRUNC{number}"), file.into_bytes());
    }
    let mut file = start();
    file.record(RecordType::RECIPIENT, &vec![b'x'; 2_097_151])
        .record(RecordType::RECIPIENT, &vec![0; 100_000])
        .record(RecordType::END, b"");
    put_literal(&instance, "LARGE00", file.into_bytes());
    if let Err(text) = same(&instance, &call(&instance, ["-p", "hold"])) {
        panic!("{text}");
    }
}

#[test]
fn a_full_disk_is_an_error_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let run = |program: Program| {
        let full = fs::File::options().write(true).open("/dev/full");
        let mut command = call(&instance, ["hold"]).command(program, &instance);
        let output = command.stdout(full.expect("/dev/full")).output();
        let output = output.expect("a program that starts");
        (output.status.code(), output.stderr)
    };
    assert_eq!(run(under_test()), run(Program::Theirs));
}

#[test]
fn deep_trees_end_somewhere() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    put(&instance, "hold", 9, &["r@good.example"]);
    let deep: std::path::PathBuf = std::iter::repeat_n("d", 600).collect();
    instance
        .spool()
        .make_directories(&Path::new("hold").join(deep));
    let output = ours(&instance, &["hold"]);
    assert_eq!(output.ended, Ended::Exited(0));
    assert!(
        output.stdout_text().contains("good.example  1"),
        "{output:?}"
    );
    assert!(
        output.stderr_text().contains("File name too long"),
        "{output:?}"
    );
}

#[test]
fn nothing_is_read_with_the_rights_of_root() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    put(&instance, "hold", 9, &["r@good.example"]);
    put_literal(
        &instance,
        "R00TFILE",
        QueueFile::new(now(), "s@x", &["r@root.example"], &[]).to_bytes(),
    );
    let path = instance.queue_directory().join("hold/R00TFILE");
    chown(&path, Some(0), Some(0)).expect("chown");
    set_mode(&path, 0o700);
    let absolute = instance
        .queue_directory()
        .join("hold")
        .display()
        .to_string();
    for queue in ["hold", &absolute] {
        let text = ours(&instance, &[queue]).stdout_text();
        assert!(
            text.contains("good.example") && !text.contains("root.example"),
            "{text}"
        );
    }
    // Without any main.cf the owner of the queues is the usual one.
    let mut call = call(&instance, [&absolute]);
    call.env.clear();
    let text = call.run(Program::Ours, &instance).stdout_text();
    assert!(!text.contains("root.example"), "{text}");
}
