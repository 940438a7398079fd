//! A running Postfix of the tests' own: its own queue, its own configuration, a port on
//! the loopback address, and no destination.
//!
//! All mail ends up deferred. Stopped when dropped, also by a panic.

use std::fs;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use walkdir::WalkDir;

use super::instance::{Builder, Instance, make_directory};
use super::run::{Ended, Output, collect};

/// Longest wait for anything the mail system does.
const PATIENCE: Duration = Duration::from_secs(30);

/// The services that take mail, queue it, fail to deliver it, and list it.
/// Nothing wakes up by itself: what the tests put into a queue stays there.
const MASTER: &str = "\
127.0.0.1:@PORT@ inet n - n - - smtpd
pickup unix n - n 0 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 0 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
showq unix n - n - - showq
flush unix n - n 0 0 flush
postlog unix-dgram n - n - 1 postlogd
";

/// A started instance.
pub struct MailSystem {
    pub instance: Instance,
    port: u16,
    /// Where mail is sent to.
    destination: u16,
}

impl MailSystem {
    /// Settings under which an instance can run beside any other.
    pub fn builder() -> Builder {
        Instance::builder()
            .set("data_directory", "@ROOT@/data")
            .set("maillog_file", "@ROOT@/mail.log")
            .set("maillog_file_prefixes", "@ROOT@")
            .set("myhostname", "spoolbox.example")
            .set("mydestination", "")
            .set("alias_maps", "")
            .set("local_recipient_maps", "")
            .set("inet_interfaces", "loopback-only")
            .set("inet_protocols", "ipv4")
            .set("smtpd_relay_restrictions", "permit_mynetworks, reject")
            .set("smtpd_peername_lookup", "no")
            .set("smtputf8_autodetect_classes", "all")
            .set("queue_run_delay", "10000s")
            .set("minimal_backoff_time", "10000s")
            .set("maximal_backoff_time", "10000s")
    }

    /// Starts an instance made of [`MailSystem::builder`].
    pub fn start(builder: Builder) -> Self {
        Self::start_with(builder, MASTER)
    }

    /// The same, with services that look for mail every second by themselves.
    pub fn start_awake(builder: Builder) -> Self {
        Self::start_with(builder, &MASTER.replace("n - n 0 1 ", "n - n 1 1 "))
    }

    /// The same with more services.
    pub fn start_beside(builder: Builder, services: &str) -> Self {
        Self::start_with(builder, &format!("{MASTER}{services}"))
    }

    fn start_with(builder: Builder, master: &str) -> Self {
        let (port, destination) = (unused_port(), unused_port());
        let master = master.replace("@PORT@", &port.to_string());
        let instance = builder
            .set("relayhost", &format!("[127.0.0.1]:{destination}"))
            .master(&master)
            .build();
        let data = instance.root().join("data");
        make_directory(&data, 0o700);
        chown(&data, Some(instance.owner().uid), None).expect("chown of data");
        let system = Self {
            instance,
            port,
            destination,
        };
        let output = system.postfix("start");
        assert_eq!(
            output,
            Ended::Exited(0),
            "postfix start: {}",
            system.diagnosis()
        );
        system
    }

    /// The port where all mail is sent to, on which no server listens.
    pub fn destination(&self) -> u16 {
        self.destination
    }

    /// Hands a message to sendmail(1).
    pub fn submit(&self, sender: &str, recipients: &[&str], text: &str) {
        self.submit_with(&[], sender, recipients, text);
    }

    /// The same, with more options of sendmail(1).
    pub fn submit_with(&self, options: &[&str], sender: &str, recipients: &[&str], text: &str) {
        let mut command = Command::new("/usr/sbin/sendmail");
        command
            .arg("-C")
            .arg(self.instance.etc())
            .args(options)
            .args(["-f", sender, "--"])
            .args(recipients);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = finish(command, text.as_bytes());
        assert_eq!(output.ended, Ended::Exited(0), "sendmail: {output:?}");
    }

    /// Sends messages over SMTP, each to as many recipients.
    pub fn submit_by_smtp(&self, messages: usize, recipients: usize) {
        self.submit_by_smtp_to("smtp@dest.example", messages, recipients);
    }

    /// The same, to an address of the caller's.
    pub fn submit_by_smtp_to(&self, recipient: &str, messages: usize, recipients: usize) {
        let (messages, recipients) = (messages.to_string(), recipients.to_string());
        self.smtp_source(&["-t", recipient, "-m", &messages, "-r", &recipients]);
    }

    /// Sends the message in a file, header and all, over SMTP.
    pub fn submit_file_by_smtp(&self, recipient: &str, recipients: usize, file: &Path) {
        let (recipients, file) = (recipients.to_string(), file.to_string_lossy());
        self.smtp_source(&["-t", recipient, "-r", &recipients, "-F", &file]);
    }

    fn smtp_source(&self, arguments: &[&str]) {
        let mut command = Command::new("/usr/sbin/smtp-source");
        command.args(["-f", "smtp@example.com"]).args(arguments);
        command.arg(format!("127.0.0.1:{}", self.port));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = finish(command, b"");
        assert_eq!(output.ended, Ended::Exited(0), "smtp-source: {output:?}");
    }

    /// Runs one of Postfix's own tools on this instance.
    pub fn tool(&self, name: &str, args: &[&str]) -> Output {
        let mut command = Command::new(Path::new("/usr/sbin").join(name));
        command.arg("-c").arg(self.instance.etc()).args(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command, b"")
    }

    /// Waits until `count` messages are deferred and nothing moves any more;
    /// returns their IDs, sorted.
    pub fn wait_for_deferred(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let busy: usize = ["maildrop", "incoming", "active"]
                .iter()
                .map(|queue| self.names(queue).len())
                .sum();
            let deferred = self.names("deferred");
            if busy == 0 && deferred.len() == count {
                return deferred;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {count} messages deferred, {busy} in other queues: {}",
                deferred.len(),
                self.diagnosis()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The names of the files in a queue, sorted.
    pub fn names(&self, queue: &str) -> Vec<String> {
        let mut names = Vec::new();
        collect_files(&self.instance.queue_directory().join(queue), &mut names);
        names.sort();
        names
    }

    fn postfix(&self, verb: &str) -> Ended {
        let log = File::create(self.instance.root().join("start.log")).expect("a log");
        let mut command = Command::new("/usr/sbin/postfix");
        command.arg("-c").arg(self.instance.etc()).arg(verb);
        // The daemons would hold a pipe open.
        command.stdout(log.try_clone().expect("dup")).stderr(log);
        finish(command, b"").ended
    }

    /// What the mail system said.
    pub fn diagnosis(&self) -> String {
        let read =
            |name: &str| fs::read_to_string(self.instance.root().join(name)).unwrap_or_default();
        format!("{}\n{}", read("start.log"), read("mail.log"))
    }

    fn master(&self) -> Option<Pid> {
        let path = self.instance.queue_directory().join("pid/master.pid");
        let text = fs::read_to_string(path).ok()?;
        Some(Pid::from_raw(text.trim().parse().ok()?))
    }
}

impl Drop for MailSystem {
    fn drop(&mut self) {
        let master = self.master();
        let stopped = self.postfix("stop");
        let Some(master) = master else { return };
        if stopped != Ended::Exited(0) {
            let _ = kill(master, Signal::SIGTERM);
        }
        let deadline = Instant::now() + PATIENCE;
        while kill(master, None).is_ok() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A port of the loopback address that is unused at the moment.
pub fn unused_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

fn finish(mut command: Command, stdin: &[u8]) -> Output {
    command.stdin(Stdio::piped()).process_group(0);
    command.env_remove("MAIL_CONFIG").current_dir("/");
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    collect(child, stdin, PATIENCE)
}

fn collect_files(directory: &Path, names: &mut Vec<String>) {
    // What moves away meanwhile is looked for again by the caller.
    for entry in WalkDir::new(directory).into_iter().flatten() {
        if !entry.file_type().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
}
