//! Fills every directory of a spool with objects that only look like mail, as a hostile
//! mail owner could. The tests decide what may happen to them.

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use spoolbox::queue_file::records::RecordType;
use spoolbox::queue_file::records::writer::{QueueFile, RecordWriter};

use super::outside::Outside;
use crate::support::instance::{Instance, set_mode};
use crate::support::spool::{Name, NewFile, Place};

/// How many IDs there are, each of another kind.
pub const IDS: usize = 24;
/// The directories that are filled.
pub const DIRECTORIES: [&str; 11] = [
    "maildrop", "incoming", "active", "deferred", "hold", "saved", "corrupt", "defer", "bounce",
    "trace", "flush",
];
/// More than any disk holds.
const SPARSE: u64 = 1 << 40;
/// How deep the trees of one-letter directories are.
const DEPTH: usize = 50;

/// The ID of the object of this kind.
pub fn id(kind: usize) -> String {
    format!("A{kind:04}AA")
}

/// Whether the file of this kind is zeros without end.
pub fn is_endless(kind: usize) -> bool {
    (18..=20).contains(&kind)
}

/// All IDs, one a line.
pub fn ids() -> String {
    (0..IDS).map(|kind| format!("{}\n", id(kind))).collect()
}

/// The instance and what lies around its spool.
pub struct Trapped {
    pub instance: Instance,
    pub outside: Outside,
    immutable: Vec<PathBuf>,
}

impl Trapped {
    /// A spool with one message in it, whose log is outside.
    pub fn empty() -> Self {
        let instance = Instance::builder()
            .set("hash_queue_names", "deferred, defer, incoming")
            .build();
        let outside = Outside::make(&instance);
        let name = Name::Literal(id(IDS).into());
        let file = NewFile::new("deferred", message()).named(name);
        instance.spool().put(&file);
        Self {
            instance,
            outside,
            immutable: Vec::new(),
        }
    }

    pub fn new() -> Self {
        let mut trapped = Self::empty();
        for directory in DIRECTORIES {
            trapped.fill(directory);
        }
        // Directories where files belong that lead outside; and some to mount
        // something on.
        let spool = trapped.instance.spool();
        for queue in [
            "hold/L",
            "deferred/L",
            "active/L",
            "maildrop/L",
            "deferred/M",
        ] {
            spool.make_directories(Path::new(queue));
        }
        for queue in ["incoming", "bounce", "trace", "active", "hold"] {
            let link = Path::new(queue).join("B");
            spool.symlink(trapped.outside.root(), &link);
        }
        trapped
    }

    /// Where the file of this kind belongs.
    fn place(&self, queue: &str, kind: usize) -> PathBuf {
        let id = id(kind);
        let layout = self.instance.layout();
        layout.directory(queue, id.as_bytes()).join(id)
    }

    fn fill(&mut self, queue: &str) {
        self.links(queue);
        self.objects(queue);
        self.files(queue);
        self.names(queue);
        let tree: PathBuf = std::iter::repeat_n("T", DEPTH).collect();
        let deep = NewFile::new(queue, message()).named(Name::Literal(id(0).into()));
        self.instance.spool().put(&deep.at(Place::Below(tree)));
        self.immutable(queue);
    }

    fn links(&self, queue: &str) {
        let (spool, outside) = (self.instance.spool(), self.outside.root());
        let itself = Path::new(OsStr::new("A0004AA")).to_owned();
        let targets = [
            outside.join(id(0)),
            outside.to_owned(),
            "/dev/zero".into(),
            outside.join("secret"),
            itself,
            "/nonexistent/file".into(),
        ];
        for (kind, target) in targets.iter().enumerate() {
            spool.symlink(target, &self.place(queue, kind));
        }
        for (kind, name) in [(6, "of-owner"), (7, "of-root"), (8, "of-nobody")] {
            let place = spool.path(self.place(queue, kind));
            fs::hard_link(self.outside.linked(name), place).expect("a hard link");
        }
    }

    fn objects(&self, queue: &str) {
        let spool = self.instance.spool();
        spool.fifo(&self.place(queue, 9));
        spool.socket(&self.place(queue, 10));
        spool.device(&self.place(queue, 11));
        let endless = spool.path(self.place(queue, 12));
        // A machine that forbids device nodes has no such trap.
        let kind = SFlag::S_IFCHR;
        let _ = mknod(&endless, kind, Mode::S_IRWXU, makedev(1, 5));
        let _ = self.give(&endless);
        spool.make_directories(&self.place(queue, 13).join("inner/A"));
        spool.make_directories(&self.place(queue, 14));
    }

    fn files(&self, queue: &str) {
        let put = |kind: usize, content: Vec<u8>, mode: u32| {
            let file = NewFile::new(queue, content).named(Name::Literal(id(kind).into()));
            let placed = self.instance.spool().put(&file.mode(mode));
            self.instance.queue_directory().join(placed.path)
        };
        put(15, message(), 0o700);
        put(16, message(), 0);
        put(17, Vec::new(), 0o700);
        // Nothing but zeros; zeros after the envelope; zeros as the body.
        let sparse = |kind, content| {
            let path = put(kind, content, 0o700);
            let file = File::options().write(true).open(path).expect("the file");
            file.set_len(SPARSE).expect("a sparse file");
            file
        };
        sparse(18, Vec::new());
        sparse(19, envelope(0).into_bytes());
        let mut body = envelope(SPARSE / 2);
        body.record(RecordType::CONTENT, b"");
        let after = body.offset() as u64 + SPARSE / 2;
        let mut end = RecordWriter::new();
        end.record(RecordType::EXTRACTED, b"")
            .record(RecordType::END, b"");
        let file = sparse(20, body.into_bytes());
        file.write_all_at(&end.into_bytes(), after).expect("room");
        // Logs of this one are what it is: links, objects.
        put(21, message(), 0o700);
        put(22, vec![b'N'; 100_000], 0o700);
        put(23, message(), 0o755);
    }

    fn names(&self, queue: &str) {
        let long = [b'a'; 255];
        let names: [&[u8]; 8] = [
            &long,
            &[b'A'; 250],
            b"\x1b]0;x\x07\x1b[31m",
            b"A\n0001AA",
            b"\xff\xfe\xc2\x9b31m",
            b"-d",
            b"A0001AA#FIX",
            b"\x7f\t\r",
        ];
        for name in names {
            let file = NewFile::new(queue, message()).named(Name::Literal(name.to_vec()));
            self.instance.spool().put_if_free(&file);
        }
        let directory = OsStr::from_bytes(b"\x1b[2J");
        self.instance
            .spool()
            .make_directories(&Path::new(queue).join(directory));
    }

    /// One that no user may remove, where the file system can do that.
    fn immutable(&mut self, queue: &str) {
        let name = Name::Literal(b"AF00000".to_vec());
        let placed = self
            .instance
            .spool()
            .put(&NewFile::new(queue, message()).named(name));
        let path = self.instance.queue_directory().join(placed.path);
        if change_attribute("+i", &path) {
            self.immutable.push(path);
        }
    }

    fn give(&self, path: &Path) -> std::io::Result<()> {
        let owner = self.instance.owner();
        set_mode_if_there(path);
        chown(path, Some(owner.uid), Some(owner.gid))
    }
}

impl Drop for Trapped {
    fn drop(&mut self) {
        for path in &self.immutable {
            change_attribute("-i", path);
        }
    }
}

fn set_mode_if_there(path: &Path) {
    if path.exists() {
        set_mode(path, 0o700);
    }
}

fn change_attribute(change: &str, path: &Path) -> bool {
    let mut command = Command::new("chattr");
    let status = command
        .arg(change)
        .arg(path)
        .stderr(std::process::Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn message() -> Vec<u8> {
    QueueFile::new(
        1_700_000_000,
        "s@example.com",
        &["r@dest.example"],
        &["Subject: x"],
    )
    .to_bytes()
}

/// An envelope that promises so much content.
fn envelope(content: u64) -> RecordWriter {
    let mut file = RecordWriter::new();
    let size = format!(
        "{content:>15} {:>15} {:>15} {:>15} {:>15}",
        200, 1, 0, content
    );
    file.record(RecordType::SIZE, size.as_bytes())
        .record(RecordType::TIME, b"1700000000 0")
        .record(RecordType::SENDER, b"s@example.com")
        .record(RecordType::RECIPIENT, b"r@dest.example");
    file
}
