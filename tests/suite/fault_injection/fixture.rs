//! The small spools on which the commands are run, and their state afterwards: the
//! location of each message, and all other files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use spoolbox::spool::QueueId;

use crate::postsuper::{collect, put};
use crate::support::instance::{Instance, set_mode};
use crate::support::postlog;
use crate::support::postlog::Postlog;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::sample;
use crate::support::spool::{Name, NewFile, Place, Placed, set_mtime};
use crate::support::tracer;
use crate::support::tracer::{Strike, Target, Traced};
use crate::support::trash;
use crate::support::tree::{Labels, Snapshot};

/// Where messages and, with the trash, deleted ones lie.
const PLACES: [&str; 6] = [
    "maildrop", "incoming", "active", "deferred", "hold", "saved",
];
/// The trash's journal, below the queue directory.
pub const JOURNAL: &str = "saved/journal.spoolbox";
/// The same while it is written anew.
pub const NEW_JOURNAL: &str = "saved/journal.spoolbox.new";
/// Batches of a journal that is worth being written anew: more than 64 KiB.
const OLD_BATCHES: usize = 300;

/// What a spool is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// A message of each usual kind, with logs.
    Usual,
    /// What a repair finds: names of other files, files in wrong places,
    /// unfinished ones.
    Broken,
    /// The same but for one that is being delivered: what is undone comes
    /// back as it was, but not to active.
    Quiet,
    /// Those, all of them in the trash.
    Deleted,
    /// Those, with other modes and times than they had.
    DeletedAndChanged,
    /// Those, all of them on hold.
    Held,
    /// Those, released with other times.
    Released,
    /// Those, and a journal that is full of what was undone long ago.
    DeletedOnceMore,
}

impl Filling {
    pub fn is_deleted(self) -> bool {
        matches!(
            self,
            Self::Deleted
                | Self::DeletedAndChanged
                | Self::DeletedOnceMore
                | Self::Held
                | Self::Released
        )
    }
}

/// What may become of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayGo {
    None,
    /// All of them: it was asked for.
    All,
    /// Only the one that was never finished.
    Unfinished,
}

/// A command and the spool it is run on.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub tool: Tool,
    /// `ID` stands for the ID of a message in hold, and one that is deferred
    /// follows as `ID2`.
    pub arguments: &'static [&'static str],
    pub filling: Filling,
    pub may_go: MayGo,
}

impl Case {
    /// Whether it only looks.
    pub fn lists(&self) -> bool {
        self.tool != Tool::Postsuper
    }

    /// Whether something may be in the trash afterwards.
    pub fn uses_trash(&self) -> bool {
        let words = ["--trash", "--undo", "--trash-purge", "--journal"];
        words.iter().any(|word| self.arguments.contains(word))
    }
}

/// A spool with its messages.
pub struct SpoolFixture {
    pub case: Case,
    pub instance: Instance,
    pub placed: Vec<Placed>,
    /// The message that was never finished, by its inode number.
    unfinished: u64,
    log: Postlog,
    before: BTreeMap<u64, String>,
    /// The spool before anything was deleted.
    original: Snapshot,
}

/// All that can be seen of a run and what it left.
#[derive(Clone, Debug)]
pub struct RunResult {
    pub ended: Ended,
    /// Lines of standard output, in no order: that of directories differs.
    pub listed: Vec<String>,
    pub stderr: Vec<String>,
    /// The mail log.
    pub log: Vec<String>,
    pub tree: Snapshot,
}

impl SpoolFixture {
    pub fn new(case: Case) -> Self {
        let builder = postlog::configure(Instance::builder()).in_memory();
        let builder = builder.set("myhostname", "mx.example");
        let long_ids = case.arguments.contains(&"-S");
        let builder = match long_ids {
            true => builder.set("enable_long_queue_ids", "yes"),
            false => builder,
        };
        let builder = match case.uses_trash() {
            true => builder.set("hash_queue_names", "deferred, defer, saved"),
            false => builder,
        };
        let instance = builder.build();
        let log = Postlog::start(&instance);
        let (mut placed, unfinished) = match case.filling {
            Filling::Broken => broken(&instance),
            _ => (usual(&instance), 0),
        };
        if case.uses_trash() {
            let is_active = |placed: &mut Placed| placed.queue == "active";
            for placed in placed.extract_if(.., is_active) {
                fs::remove_file(instance.spool().path(placed.path)).expect("unlink");
            }
        }
        let mut fixture = Self {
            case,
            instance,
            placed,
            unfinished,
            log,
            before: BTreeMap::new(),
            original: Snapshot::default(),
        };
        fixture.before = fixture.messages();
        fixture.original = fixture.tree();
        if case.filling.is_deleted() {
            fixture.delete();
        }
        fixture
    }

    /// Moves everything to the trash, or to another queue.
    fn delete(&self) {
        let arguments: &[&str] = match self.case.filling {
            Filling::Held => &["--journal", "-h", "ALL"],
            Filling::Released => &["--journal", "-H", "ALL", "--spread=9000d"],
            _ => &["--trash", "-d", "ALL"],
        };
        let output = self.call(Tool::Postsuper, arguments);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        self.log.take();
        if self.case.filling == Filling::DeletedOnceMore {
            let path = self.instance.spool().path(JOURNAL);
            let text = fs::read_to_string(&path).expect("a journal");
            let lines = text.strip_prefix(trash::HEADER).expect("its first line");
            let old = trash::undone_batches(OLD_BATCHES);
            fs::write(path, [trash::HEADER, &old, lines].concat()).expect("a journal");
        }
        if self.case.filling == Filling::DeletedAndChanged {
            for path in self.files() {
                set_mode(&path, 0o600);
                set_mtime(&path, 1_500_000_000);
            }
        }
    }

    /// Runs our command, struck where the target says.
    pub fn struck(&self, target: Target, strike: Strike) -> (Traced, RunResult) {
        self.struck_in(Program::Ours, target, strike)
    }

    /// Runs the command of either program, struck where the target says.
    pub fn struck_in(
        &self,
        program: Program,
        target: Target,
        strike: Strike,
    ) -> (Traced, RunResult) {
        let command = self.command(program);
        let traced = tracer::run(command, self.stdin().as_bytes(), target, strike);
        let seen = self.seen(&traced.output);
        (traced, seen)
    }

    /// Runs the whole command.
    pub fn undisturbed(&self) -> RunResult {
        let arguments: Vec<String> = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = self.call(self.case.tool, &arguments);
        self.seen(&output)
    }

    /// Takes everything back from the trash, batch by batch.
    pub fn undo_all(&self) -> Result<(), String> {
        for batch in trash::batches(&self.instance) {
            let output = self.call(Tool::Postsuper, &[&format!("--undo={batch}")]);
            if output.ended != Ended::Exited(0) {
                return Err(format!("--undo={batch}: {output:?}"));
            }
        }
        let output = self.call(Tool::Postsuper, &["--undo"]);
        let is_over = output.stderr_text().contains("nothing to undo");
        match (is_over, trash::batches(&self.instance).as_slice()) {
            (true, []) => Ok(()),
            (_, left) => Err(format!("left {left:?}: {output:?}")),
        }
    }

    /// Every message is in one place, under a name that can be used and with
    /// all that it was, or may be gone.
    pub fn each_in_one_place(&self) -> Result<(), String> {
        let root = self.instance.queue_directory();
        let mut places: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
        for path in self.files() {
            let name = path.file_name().expect("a name").to_string_lossy();
            let stem = name.strip_suffix("#FIX").unwrap_or(&name);
            if QueueId::parse(stem.as_bytes()).is_none() {
                return Err(format!("{} is no name", path.display()));
            }
            let inode = path.symlink_metadata().expect("lstat").ino();
            let path = path.strip_prefix(&root).expect("below").to_owned();
            places.entry(inode).or_default().push(path);
        }
        for (inode, content) in &self.before {
            match places.get(inode).map_or(&[][..], Vec::as_slice) {
                [path] => {
                    let now = fs::read(root.join(path)).expect("a message");
                    if String::from_utf8_lossy(&now) != *content {
                        return Err(format!("{} has another content", path.display()));
                    }
                }
                [] if self.may_be_gone(*inode) => {}
                found => return Err(format!("message {inode} is in {found:?}")),
            }
        }
        Ok(())
    }

    /// Whether all is as it was before anything was deleted.
    pub fn is_restored(&self) -> Result<(), String> {
        match self.tree().difference(&self.original) {
            Some(text) => Err(format!("not restored:\n{text}")),
            None => Ok(()),
        }
    }

    /// Whether what there is is as it was before anything was deleted.
    pub fn is_restored_in_part(&self) -> Result<(), String> {
        match self.tree().is_part_of(&self.original) {
            true => Ok(()),
            false => Err(format!("not as it was: {:#?}", self.tree())),
        }
    }

    /// Whether nothing is in the trash.
    pub fn trash_is_empty(&self) -> Result<(), String> {
        let mut found = Vec::new();
        collect(&self.instance.spool().path("saved"), &mut found);
        found.retain(|path| !is_journal(path));
        match found.is_empty() {
            true => Ok(()),
            false => Err(format!("left in the trash: {found:?}")),
        }
    }

    fn may_be_gone(&self, inode: u64) -> bool {
        match self.case.may_go {
            MayGo::None => false,
            MayGo::All => true,
            MayGo::Unfinished => inode == self.unfinished,
        }
    }

    /// The messages by inode number, with their content.
    fn messages(&self) -> BTreeMap<u64, String> {
        let described = |path: PathBuf| {
            let inode = path.symlink_metadata().expect("lstat").ino();
            let content = fs::read(&path).expect("a message");
            (inode, String::from_utf8_lossy(&content).into_owned())
        };
        self.files().into_iter().map(described).collect()
    }

    /// Every message file, but not the logs in the trash and its journal.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for place in PLACES {
            collect(&self.instance.spool().path(place), &mut found);
        }
        let is_log = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let logs = [".defer", ".bounce", ".trace"];
            logs.iter().any(|log| name.ends_with(log)) || is_journal(path)
        };
        found.retain(|path| !is_log(path));
        found
    }

    /// What is in the spool.
    pub fn tree(&self) -> Snapshot {
        let labels = Labels::of(&self.placed);
        let mut tree = Snapshot::of(&self.instance.queue_directory(), &labels);
        // The journal grows, and the trash has directories that stay; so have
        // the queues to which messages move before that is undone.
        let stays = |path: &str| match self.case.uses_trash() {
            true => path.contains('/'),
            false => path.starts_with("saved/"),
        };
        tree.retain(|path, object| {
            let is_left = object.kind == "directory" && stays(path);
            path != JOURNAL && path != NEW_JOURNAL && !is_left
        });
        tree
    }

    /// A name as it is in what was seen.
    pub fn canonical(&self, name: &str) -> String {
        Labels::of(&self.placed).canonical_text(name)
    }

    fn seen(&self, output: &Output) -> RunResult {
        let labels = Labels::of(&self.placed);
        let root = self.instance.root().to_string_lossy().into_owned();
        let lines = |text: &str| -> Vec<String> {
            let text = labels.canonical_text(&text.replace(&root, "@ROOT@"));
            text.lines().map(str::to_owned).collect()
        };
        let mut log = lines(&self.log.take().join("\n"));
        // Where lines go that the socket does not take.
        let file = self.instance.root().join("mail.log");
        log.extend(lines(&fs::read_to_string(&file).unwrap_or_default()));
        let mut listed = lines(&output.stdout_text());
        // Inode numbers differ in length, and columns with them.
        for line in &mut listed {
            *line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        listed.sort();
        RunResult {
            ended: output.ended,
            listed,
            stderr: lines(&output.stderr_text()),
            log,
            tree: self.tree(),
        }
    }

    fn command(&self, program: Program) -> Command {
        let arguments = self.arguments();
        let call = Invocation::new(self.case.tool, &arguments);
        let call = call.env("MAIL_CONFIG", self.instance.etc());
        call.command(program, &self.instance)
    }

    fn call(&self, tool: Tool, arguments: &[&str]) -> Output {
        Invocation::new(tool, arguments)
            .env("MAIL_CONFIG", self.instance.etc())
            .stdin(self.stdin().as_bytes())
            .run(Program::Ours, &self.instance)
    }

    fn arguments(&self) -> Vec<String> {
        let id = |queue: &str| {
            let mut placed = self.placed.iter();
            let found = placed.find(|placed| placed.queue == queue);
            found.expect("a message").id()
        };
        let word = |word: &&str| match *word {
            "ID" => id("hold"),
            "ID2" => id("deferred"),
            other => other.to_owned(),
        };
        self.case.arguments.iter().map(word).collect()
    }

    /// The IDs of all messages, one a line.
    fn stdin(&self) -> String {
        let messages = self
            .placed
            .iter()
            .filter(|placed| PLACES.contains(&placed.queue.as_str()));
        messages
            .map(|placed| format!("{}\n", placed.id()))
            .collect()
    }
}

/// Whether it is the trash's journal, or a new one that is not finished.
pub fn is_journal(path: &Path) -> bool {
    path.ends_with(JOURNAL) || path.ends_with(NEW_JOURNAL)
}

/// Messages of every usual kind.
fn usual(instance: &Instance) -> Vec<Placed> {
    let sample = sample::fill(instance);
    let mut placed: Vec<Placed> = sample.all().into_iter().cloned().collect();
    for message in [&sample.deferred, &sample.held] {
        let log = instance.spool().put_log("bounce", &message.name, b"a log");
        placed.push(log);
    }
    placed
}

/// Messages under names of other files, with logs, in wrong places, and one
/// that is not finished.
fn broken(instance: &Instance) -> (Vec<Placed>, u64) {
    let spool = instance.spool();
    let mut placed = vec![put(instance, "hold", 0x31_111)];
    placed.push(put(instance, "deferred", 0xA1_111));
    let other = QueueId::long(1_700_000_000, 0xB2_111, 0xDEAD_BEEF);
    for name in [b"B1111DEADBEEF".as_slice(), other.as_bytes()] {
        let file = NewFile::new("deferred", b"another's name".to_vec());
        placed.push(spool.put(&file.named(Name::Literal(name.to_vec()))));
        for log in ["defer", "bounce"] {
            spool.put_log(log, name, b"its log");
        }
    }
    let name = |microseconds| Name::Short { microseconds };
    let misplaced = NewFile::new("deferred", b"misplaced".to_vec()).named(name(0xC1_111));
    placed.push(spool.put(&misplaced.at(Place::Below("Z".into()))));
    let unfinished = NewFile::new("incoming", b"unfinished".to_vec()).named(name(0xD1_111));
    placed.push(spool.put(&unfinished.mode(0o600)));
    let inode = placed.last().expect("a message").inode;
    (placed, inode)
}
