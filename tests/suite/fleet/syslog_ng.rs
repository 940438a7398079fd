//! syslog-ng, which loads the queues of a host into ClickHouse over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{kit, tool};
use crate::selection::spool;
use crate::support::instance::Instance;
use crate::support::{Met, Needs, require};

/// How long the rows may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A process that ends with the value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // syslog-ng ends its program as well.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).expect("a process"));
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// Starts ClickHouse behind HTTP. Returns its port.
fn clickhouse(data: &Path) -> (Running, u16) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fleet/clickhouse_http.py");
    let mut child = Command::new(tool("python"))
        .arg(script)
        .arg(kit("clickhouse"))
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("a port");
    (Running(child), line.trim().parse().expect("a port"))
}

/// The answer of ClickHouse to a query.
fn ask(port: u16, query: &str) -> String {
    let query: String = query.bytes().map(|b| format!("%{b:02x}")).collect();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a server");
    write!(
        stream,
        "POST /?query={query} HTTP/1.0\r\nContent-Length: 0\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    body.trim().to_owned()
}

/// The example's configuration for this ClickHouse, with short intervals.
fn configuration(directory: &Path, port: u16) -> PathBuf {
    let text = std::fs::read_to_string(kit("syslog-ng").join("mail-queue.conf"));
    let mut text = text.expect("the example");
    for (from, to) in [
        (
            "clickhouse.example.com:8123",
            format!("127.0.0.1:{port}").as_str(),
        ),
        ("sleep 60", "sleep 1"),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let file = directory.join("syslog-ng.conf");
    std::fs::write(&file, text).expect("a file");
    file
}

#[test]
fn each_scan_of_the_queues_is_loaded() {
    if require(Needs::FleetTools) == Met::No || require(Needs::SyslogNg) == Met::No {
        return;
    }
    let out = Instance::builder()
        .set("multi_instance_name", "postfix-out")
        .build();
    let main = Instance::builder()
        .set(
            "multi_instance_directories",
            &out.etc().display().to_string(),
        )
        .build();
    spool::fill(&main);
    spool::fill(&out);
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    std::fs::create_dir(path("bin")).expect("a directory");
    let program = env!("CARGO_BIN_EXE_spoolbox");
    std::os::unix::fs::symlink(program, path("bin/postqueue")).expect("a link");
    let (_server, port) = clickhouse(&path("data"));
    let file = configuration(directory.path(), port);
    let child = Command::new("/usr/sbin/syslog-ng")
        .arg("--foreground")
        .arg("--no-caps")
        .arg(format!("--cfgfile={}", file.display()))
        .arg(format!("--persist-file={}", path("persist").display()))
        .arg(format!("--control={}", path("control").display()))
        .arg(format!("--pidfile={}", path("pid").display()))
        .env("MAIL_CONFIG", main.etc())
        .env("PATH", format!("{}:/usr/bin:/bin", path("bin").display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("syslog-ng");
    let _child = Running(child);
    let start = Instant::now();
    let scans = "SELECT uniqExact(scanned_at) FROM mail_queue";
    while ask(port, scans).parse::<u64>().is_ok_and(|scans| scans < 3) {
        assert!(start.elapsed() < DEADLINE, "{}", ask(port, scans));
        std::thread::sleep(Duration::from_millis(200));
    }
    // The last scan may be on its way.
    let first = "SELECT instance, count() FROM mail_queue WHERE scanned_at = \
                 (SELECT min(scanned_at) FROM mail_queue) GROUP BY instance ORDER BY instance";
    let messages = ask(port, first);
    assert!(messages.contains("-\t10"), "{messages}");
    let second = "SELECT min(n) FROM (SELECT count() AS n FROM mail_queue WHERE scanned_at < \
                  (SELECT max(scanned_at) FROM mail_queue) GROUP BY instance, scanned_at)";
    assert_eq!(ask(port, second), "10");
}
