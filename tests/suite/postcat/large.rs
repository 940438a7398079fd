//! Messages larger than memory should be: a sparse file whose body is one
//! record after the other of zeros, and a real one of some megabytes.

use std::fs;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::RecordWriter;

use super::call;
use crate::support::instance::Instance;
use crate::support::run::Program;

/// The data of one record of the sparse body.
const RECORD: usize = 200_000_000;
/// Records of the sparse body: 2 GB in all.
const RECORDS: usize = 10;
/// Most memory a run may take, in kilobytes.
const MEMORY: u64 = 16 * 1024;

/// Writes a sparse queue file with a body of 2 GB.
fn sparse_message(instance: &Instance) {
    let mut header = RecordWriter::new();
    header.header(RecordType::UNTERMINATED_TEXT, RECORD);
    let header = header.into_bytes();
    let record = (header.len() + RECORD) as u64;
    let content = RECORDS as u64 * record + 6;
    let mut start = RecordWriter::new();
    start.record(
        RecordType::SIZE,
        format!("{content:15} {:15}", 35 + 5).as_bytes(),
    );
    start.record(RecordType::SENDER, b"abc");
    start.record(RecordType::CONTENT, b"");
    start.record(RecordType::TEXT, b"a: b");
    let start = start.into_bytes();
    assert_eq!(start.len(), 33 + 5 + 2 + 6);
    let path = instance.root().join("large");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .expect("a file");
    file.write_all(&start).expect("a write");
    let mut at = start.len() as u64;
    for _ in 0..RECORDS {
        file.write_all_at(&header, at).expect("a write");
        at += record;
    }
    let mut end = RecordWriter::new();
    end.record(RecordType::EXTRACTED, b"")
        .record(RecordType::END, b"");
    file.write_all_at(&end.into_bytes(), at).expect("a write");
}

/// Runs our postcat and returns the most memory it had (kilobytes), its
/// time, and the bytes it printed.
fn measure(instance: &Instance, args: &[&str]) -> (u64, Duration, u64) {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let mut command = call(instance, &args).command(Program::Ours, instance);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().expect("a program that starts");
    let status = format!("/proc/{}/status", child.id());
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut buffer = vec![0; 1 << 20];
    let (mut bytes, mut memory) = (0, 0);
    loop {
        let count = std::io::Read::read(&mut stdout, &mut buffer).expect("a readable pipe");
        if count == 0 {
            break;
        }
        bytes += count as u64;
        if bytes % 64 < 8 {
            memory = memory.max(peak(&status));
        }
    }
    assert!(child.wait().expect("waitpid").success());
    (memory, begun.elapsed(), bytes)
}

/// VmHWM of a process that still runs.
fn peak(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

#[test]
fn a_body_of_two_gigabytes_is_skipped_or_streamed() {
    let instance = Instance::builder().build();
    sparse_message(&instance);
    for option in ["-h", "-e"] {
        let (memory, time, bytes) = measure(&instance, &[option, "large"]);
        assert!(bytes < 1000, "{option}: {bytes} bytes");
        assert!(memory < MEMORY, "{option}: {memory} kB");
        assert!(time < Duration::from_secs(2), "{option}: {time:?}");
    }
    let (memory, _, bytes) = measure(&instance, &["-b", "large"]);
    assert_eq!(bytes, (RECORD * RECORDS) as u64);
    assert!(memory > 0 && memory < MEMORY, "{memory} kB");
}
