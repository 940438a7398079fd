//! Prometheus with the project's rules, which scrapes the node_exporters of two
//! hosts with two instances each, and the dashboard's questions to it.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::kit;
use crate::selection::spool;
use crate::support::instance::{Instance, make_directory};
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::{Met, Needs, require};

/// How long a server may take to answer.
const DEADLINE: Duration = Duration::from_secs(60);

/// A server on a port of the loopback interface, which ends with the value.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(program: &str, args: &[String], port: u16) -> Self {
        let child = Command::new(program)
            .args(args)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a server");
        Self { child, port }
    }

    /// The body of an answer; `None` if there is none yet.
    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8(answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.contains(" 200 ").then(|| body.to_owned())
    }

    /// The result of a question to Prometheus.
    fn ask(&self, expression: &str) -> Result<Vec<Value>, String> {
        let path = format!("/api/v1/query?query={}", encoded(expression));
        let body = self.get(&path).ok_or("no answer")?;
        let answer: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        match answer["data"]["result"].as_array() {
            Some(rows) => Ok(rows.clone()),
            None => Err(body),
        }
    }
}

/// A text in a URL.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Waits until there is an answer.
fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "no {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A port that nothing listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A host: an instance that knows of a second one, and its node_exporter.
struct Host {
    main: Instance,
    _out: Instance,
    exporter: Server,
    textfiles: PathBuf,
}

impl Host {
    fn start() -> Self {
        let out = Instance::builder()
            .set("multi_instance_name", "postfix-out")
            .build();
        let directory = out.etc().display().to_string();
        let main = Instance::builder()
            .set("multi_instance_directories", &directory)
            .build();
        spool::fill(&main);
        spool::fill(&out);
        let textfiles = main.root().join("textfile");
        make_directory(&textfiles, 0o755);
        let args = [
            "--collector.disable-defaults".to_owned(),
            "--collector.textfile".to_owned(),
            format!("--collector.textfile.directory={}", textfiles.display()),
        ];
        let exporter = Server::start("prometheus-node-exporter", &args, free_port());
        Self {
            main,
            _out: out,
            exporter,
            textfiles,
        }
    }

    /// Writes the metrics of some instances to a file for the exporter.
    fn write(&self, which: &str, file: &str) {
        let file = self.textfiles.join(file);
        let file = file.to_str().expect("ASCII");
        let args = ["--prometheus", "--top=all", which, "--output", file];
        let output = Invocation::new(Tool::Postqueue, args)
            .env("MAIL_CONFIG", self.main.etc())
            .run(Program::Ours, &self.main);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    }

    fn scrape(&self) -> String {
        wait("metrics", || self.exporter.get("/metrics"))
    }
}

/// The example's configuration, with these targets and without its long interval.
fn configuration(directory: &Path, hosts: &[Host]) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/monitoring");
    let text = std::fs::read_to_string(fixtures.join("prometheus.yml")).expect("an example");
    let targets: Vec<String> = hosts
        .iter()
        .map(|host| format!("\"127.0.0.1:{}\"", host.exporter.port))
        .collect();
    let example = "\"mx1.example.com:9100\", \"mx2.example.com:9100\"";
    assert!(text.contains(example) && text.contains("scrape_interval: 1m"));
    let text = text.replace(example, &targets.join(", ")).replace(
        "scrape_interval: 1m",
        "scrape_interval: 1s\n  evaluation_interval: 1s",
    );
    let file = directory.join("prometheus.yml");
    std::fs::write(&file, text).expect("a file");
    let rules = "mail-queue.rules.yml";
    std::fs::copy(fixtures.join(rules), directory.join(rules)).expect("the rules");
    file
}

fn prometheus(directory: &Path, hosts: &[Host]) -> Server {
    let args = [
        format!(
            "--config.file={}",
            configuration(directory, hosts).display()
        ),
        format!("--storage.tsdb.path={}", directory.join("data").display()),
    ];
    Server::start("prometheus", &args, free_port())
}

/// The value of the only row.
fn number(rows: &[Value]) -> f64 {
    assert_eq!(rows.len(), 1, "{rows:?}");
    let text = rows[0]["value"][1].as_str().expect("a value");
    text.parse().expect("a number")
}

#[test]
fn the_sums_of_a_fleet_are_right_and_the_dashboard_shows_them() {
    if require(Needs::Prometheus) == Met::No {
        return;
    }
    let hosts = [Host::start(), Host::start()];
    // One host has a file for all instances, the other one for each.
    hosts[0].write("--all-instances", "mail-queue.prom");
    hosts[1].write("--instance=-", "mail-queue.prom");
    hosts[1].write("--instance=postfix-out", "mail-queue-out.prom");
    // What a writer that was killed leaves is not read.
    std::fs::write(hosts[1].textfiles.join(".mail-queue.prom.123"), "half a li").expect("a file");
    let directory = tempfile::tempdir().expect("a directory");
    let server = prometheus(directory.path(), &hosts);
    wait("samples", || {
        let rows = server.ask("count(spoolbox_queue_scan_success == 1)").ok()?;
        (rows.len() == 1 && number(&rows) == 4.).then_some(())
    });
    let ask = |expression: &str| server.ask(expression).expect(expression);
    assert_eq!(number(&ask("sum(spoolbox_queue_messages)")), 40.);
    assert_eq!(
        number(&ask("sum(spoolbox_queue_sender_domain_messages)")),
        40.
    );
    assert_eq!(ask("node_textfile_scrape_error == 0").len(), 2);
    for expression in dashboard() {
        // Two scrapes are a difference.
        let rows = wait(&expression, || {
            server.ask(&expression).ok().filter(|rows| !rows.is_empty())
        });
        assert!(!rows.is_empty(), "{expression}");
    }
    let rules = server.get("/api/v1/rules").expect("the rules");
    let rules: Value = serde_json::from_str(&rules).expect("JSON");
    let rules = rules["data"]["groups"][0]["rules"]
        .as_array()
        .expect("rules");
    assert!(rules.len() >= 7, "{rules:?}");
    for rule in rules {
        assert_ne!(rule["health"], "err", "{rule}");
    }
    // Mail of four days is deferred, and mail of hours is active.
    let alerts: BTreeSet<&str> = rules
        .iter()
        .filter(|rule| rule["state"] == "pending" || rule["state"] == "firing")
        .filter_map(|rule| rule["name"].as_str())
        .collect();
    assert_eq!(
        alerts,
        BTreeSet::from(["MailQueueActiveStuck", "MailQueueOld"])
    );
}

/// The expressions of the dashboard, for all hosts.
fn dashboard() -> Vec<String> {
    let text = std::fs::read_to_string(kit("grafana").join("mail-queues.json")).expect("JSON");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let expressions: Vec<String> = targets
        .map(|target| target["expr"].as_str().expect("an expression"))
        .map(|expression| expression.replace("$host", ".*"))
        .collect();
    assert!(expressions.len() > 10);
    expressions
}

#[test]
fn a_scrape_meanwhile_sees_all_metrics() {
    if require(Needs::Prometheus) == Met::No {
        return;
    }
    let host = Host::start();
    host.write("--all-instances", "mail-queue.prom");
    let samples = |text: &str| text.matches("\nspoolbox_queue_").count();
    let expected = samples(&host.scrape());
    assert!(expected > 100, "{expected}");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..20 {
                host.write("--all-instances", "mail-queue.prom");
            }
        });
        while !writer.is_finished() {
            let text = host.scrape();
            assert_eq!(samples(&text), expected, "{text}");
            assert!(text.contains("\nnode_textfile_scrape_error 0\n"), "{text}");
        }
    });
}
