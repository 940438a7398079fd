//! The limit: the system calls that a command's work cannot do without, in a
//! bare loop of this program. No command can be faster on the same machine, so
//! that the ratio to it is what can still be gained.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, read, unlinkat};

use crate::spool::Spool;
use crate::timing::{Cache, drop_caches};

/// Threads that open files which are in memory: one for each processor of the
/// machine of the published figures.
const THREADS_WARM: usize = 2;
/// Threads that wait for a disk.
const THREADS_COLD: usize = 32;
/// What is read of a file at once.
const BUFFER: usize = 16 * 1024;
/// Files that a thread takes at once.
const SHARE: usize = 64;

/// The name of a large file in the queue directory.
pub const LARGE: &str = "large";
/// What the name of a defer log in the trash ends in.
const LOG_SUFFIX: &str = ".defer";
/// As long as the beginning of a line in the mail log.
const LOG_LINE: &str = "Nov 30 12:00:00 host postfix/postsuper[1234]: ";
/// As long as a line of the trash's journal is.
const JOURNAL_LINE: &str = "deferred 33152 123 124 1700000000 1700000000.123456789 2048";

/// What has to be done at least.
#[derive(Clone, Copy)]
pub enum Limit {
    /// A program that does nothing is started.
    Start,
    /// The names in the queue are read.
    Names,
    /// Each message is opened, looked at, read and closed.
    Messages,
    /// The same, and each defer log.
    MessagesAndLogs,
    /// Each message is looked for in a queue, opened, read and closed.
    Lookups,
    /// The file [`LARGE`] is read and what it holds is written.
    Copy,
    /// Each message of the first queue is renamed into the second.
    Move(&'static str, &'static str),
    /// The same after each name was looked at, as for a list of IDs.
    LookupAndMove(&'static str, &'static str, MailLog),
    /// Each message is renamed into the trash, and its defer log, after two lines
    /// were written to a journal.
    Discard,
    /// The same in the other direction.
    Restore(MailLog),
    /// Each message is removed, and its defer log.
    Delete(MailLog),
    /// Each message's mode is changed.
    Mark,
}

/// Whether a line is sent to the mail log for each message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MailLog {
    Unused,
    Line,
}

/// A name in a directory.
struct Name {
    directory: usize,
    name: String,
}

/// The directories of a queue, open, and the names in them.
struct Names {
    paths: Vec<PathBuf>,
    directories: Vec<OwnedFd>,
    names: Vec<Name>,
}

impl Limit {
    /// The same with a line to the mail log for each message; `None` if there is
    /// none to be sent.
    pub fn with_mail_log(self) -> Option<Self> {
        match self {
            Limit::LookupAndMove(from, to, MailLog::Unused) => {
                Some(Limit::LookupAndMove(from, to, MailLog::Line))
            }
            Limit::Restore(MailLog::Unused) => Some(Limit::Restore(MailLog::Line)),
            Limit::Delete(MailLog::Unused) => Some(Limit::Delete(MailLog::Line)),
            _ => None,
        }
    }

    /// Does it to the messages of `spool`; the time it took.
    pub fn measure(self, spool: &Spool, cache: Cache) -> Duration {
        if cache == Cache::Cold {
            drop_caches();
        }
        let threads = match cache {
            Cache::Warm => THREADS_WARM,
            Cache::Cold => THREADS_COLD,
        };
        let root = spool.root();
        let start = Instant::now();
        match self {
            Limit::Start => start_nothing(),
            Limit::Names => drop(Names::read(&root.join("deferred"))),
            Limit::Messages => read_all(&Names::read(&root.join("deferred")), None, threads),
            Limit::MessagesAndLogs => {
                let names = Names::read(&root.join("deferred"));
                read_all(&names, Some(&root.join("defer")), threads);
            }
            Limit::Lookups => look_up_and_read(&Names::read(&root.join("deferred")), &root),
            Limit::Copy => copy(&root.join(LARGE), &root.join("copy")),
            Limit::Move(from, to) => {
                Names::read(&root.join(from)).rename(&root.join(to), same_name, |_, _| ())
            }
            Limit::LookupAndMove(from, to, mail_log) => {
                let mail_log = mail_log.connect(&root);
                Names::read(&root.join(from)).rename(&root.join(to), same_name, |from, name| {
                    fstatat(from, name, AtFlags::AT_SYMLINK_NOFOLLOW).expect("fstatat");
                    send_line(mail_log.as_ref(), name);
                });
            }
            Limit::Discard => discard(&root),
            Limit::Restore(mail_log) => restore(&root, mail_log.connect(&root)),
            Limit::Delete(mail_log) => delete(&root, threads, mail_log.connect(&root)),
            Limit::Mark => mark(&Names::read(&root.join("deferred"))),
        }
        start.elapsed()
    }
}

impl Names {
    /// Reads the directories of a queue, with those of one letter below it.
    fn read(queue: &Path) -> Self {
        let mut names = Self {
            paths: vec![queue.to_owned()],
            directories: Vec::new(),
            names: Vec::new(),
        };
        let mut number = 0;
        while let Some(path) = names.paths.get(number).cloned() {
            names.read_directory(number, &path);
            number += 1;
        }
        names
    }

    fn read_directory(&mut self, number: usize, path: &Path) {
        self.directories.push(directory(path));
        let mut stream = Dir::open(path, OFlag::O_RDONLY, Mode::empty()).expect("a directory");
        for entry in stream.iter() {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.file_type() {
                _ if name.starts_with('.') => {}
                Some(nix::dir::Type::Directory) => self.paths.push(path.join(name)),
                _ => self.names.push(Name {
                    directory: number,
                    name,
                }),
            }
        }
    }

    /// Renames those of them for which there is a new name into the queue at `to`,
    /// which has directories of one letter if this one has none, and calls `before`
    /// for each.
    fn rename<'n>(
        &'n self,
        to: &Path,
        new_name: impl Fn(&'n str) -> Option<Cow<'n, str>>,
        before: impl Fn(&OwnedFd, &str),
    ) {
        let flat = !to.join("A").is_dir();
        let targets: Vec<(String, OwnedFd)> = if flat {
            vec![(String::new(), directory(to))]
        } else {
            let letters = "0123456789ABCDEF".chars().map(String::from);
            letters
                .map(|letter| (letter.clone(), directory(&to.join(letter))))
                .collect()
        };
        for Name { directory, name } in &self.names {
            let Some(renamed) = new_name(name) else {
                continue;
            };
            let from = &self.directories[*directory];
            let target = targets
                .iter()
                .find(|(letter, _)| name.starts_with(letter.as_str()));
            let (_, target) = target.expect("queue IDs begin with a hexadecimal digit");
            before(from, name);
            renameat(from, name.as_str(), target, renamed.as_ref()).expect("renameat");
        }
    }
}

fn same_name(name: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(name))
}

impl MailLog {
    /// The socket to which lines are sent, if any are.
    fn connect(self, root: &Path) -> Option<UnixDatagram> {
        (self == MailLog::Line).then(|| {
            let socket = UnixDatagram::unbound().expect("a socket");
            socket
                .connect(root.join("public/postlog"))
                .expect("the socket of the mail log");
            socket
        })
    }
}

fn send_line(mail_log: Option<&UnixDatagram>, name: &str) {
    if let Some(socket) = mail_log {
        let line = format!("{LOG_LINE}{name}: placed on hold");
        socket.send(line.as_bytes()).expect("send");
    }
}

fn write_to_journal(journal: &File, name: &str) {
    let mut journal = journal;
    (0..2).for_each(|_| writeln!(journal, "{name} {JOURNAL_LINE}").expect("write"));
}

fn discard(root: &Path) {
    let journal = File::create(root.join("journal")).expect("a journal");
    let saved = root.join("saved");
    Names::read(&root.join("defer")).rename(
        &saved,
        |name| Some(Cow::Owned(format!("{name}{LOG_SUFFIX}"))),
        |_, name| write_to_journal(&journal, name),
    );
    Names::read(&root.join("deferred")).rename(&saved, same_name, |_, _| ());
}

fn restore(root: &Path, mail_log: Option<UnixDatagram>) {
    let journal = File::create(root.join("journal")).expect("a journal");
    let names = Names::read(&root.join("saved"));
    let log = |name: &str| Some(Cow::Owned(name.strip_suffix(LOG_SUFFIX)?.to_owned()));
    names.rename(&root.join("defer"), log, |_, _| ());
    names.rename(
        &root.join("deferred"),
        |name| same_name(name).filter(|name| !name.ends_with(LOG_SUFFIX)),
        |_, name| {
            write_to_journal(&journal, name);
            send_line(mail_log.as_ref(), name);
        },
    );
}

fn directory(path: &Path) -> OwnedFd {
    open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()).expect("a directory")
}

fn start_nothing() {
    let status = Command::new("/bin/true").status();
    assert!(status.expect("true(1) starts").success());
}

/// Calls `work` for each number below `count`, on this number of threads.
fn share(count: usize, threads: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let first = next.fetch_add(SHARE, Ordering::Relaxed);
                    if first >= count {
                        return;
                    }
                    (first..count.min(first + SHARE)).for_each(&work);
                }
            });
        }
    });
}

/// Opens, looks at, reads and closes a file.
fn read_file(directory: &OwnedFd, name: &str) {
    let file = openat(directory, name, OFlag::O_RDONLY, Mode::empty()).expect("openat");
    fstat(&file).expect("fstat");
    let mut buffer = [0; BUFFER];
    read(file.as_fd(), &mut buffer).expect("read");
}

fn read_all(messages: &Names, logs: Option<&Path>, threads: usize) {
    let logs: Option<Vec<OwnedFd>> = logs.map(|logs| {
        let below = messages.paths.iter().map(|path| path.file_name());
        let paths = below.map(|name| logs.join(name.expect("a name")));
        paths
            .map(|path| if path.is_dir() { path } else { logs.to_owned() })
            .map(|path| directory(&path))
            .collect()
    });
    share(messages.names.len(), threads, |number| {
        let Name { directory, name } = &messages.names[number];
        read_file(&messages.directories[*directory], name);
        if let Some(logs) = &logs {
            read_file(&logs[*directory], name);
        }
    });
}

/// As for IDs of which nothing but the name is known: two queues do not have
/// the message, the third has.
fn look_up_and_read(messages: &Names, root: &Path) {
    let elsewhere = ["maildrop", "incoming"].map(|queue| directory(&root.join(queue)));
    for Name { directory, name } in &messages.names {
        for queue in &elsewhere {
            let absent = openat(queue, name.as_str(), OFlag::O_RDONLY, Mode::empty());
            assert!(absent.is_err(), "{name} is in two queues");
        }
        read_file(&messages.directories[*directory], name);
    }
}

fn copy(from: &Path, to: &Path) {
    let mut source = File::open(from).expect("the file");
    let mut target = File::create(to).expect("the copy");
    let mut buffer = vec![0; 4 * BUFFER];
    loop {
        let count = source.read(&mut buffer).expect("read");
        if count == 0 {
            break;
        }
        target.write_all(&buffer[..count]).expect("write");
    }
}

fn delete(root: &Path, threads: usize, mail_log: Option<UnixDatagram>) {
    let messages = (Names::read(&root.join("deferred")), mail_log);
    let logs = (Names::read(&root.join("defer")), None);
    for (queue, mail_log) in [messages, logs] {
        share(queue.names.len(), threads, |number| {
            let Name { directory, name } = &queue.names[number];
            let directory = &queue.directories[*directory];
            unlinkat(directory, name.as_str(), UnlinkatFlags::NoRemoveDir).expect("unlinkat");
            send_line(mail_log.as_ref(), name);
        });
    }
}

fn mark(messages: &Names) {
    for Name { directory, name } in &messages.names {
        let directory = &messages.directories[*directory];
        let mode = Mode::from_bits_truncate(0o710);
        fchmodat(directory, name.as_str(), mode, FchmodatFlags::FollowSymlink).expect("fchmodat");
    }
}
