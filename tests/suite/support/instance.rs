//! A scratch Postfix instance: a main.cf and an empty spool below a temporary
//! directory that goes away with it.
//!
//! Run by root the spool belongs to Postfix's mail owner, as a real one does;
//! run by anybody else to that user, who is then the instance's mail owner.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::unistd::{Group, User, geteuid, getgid};
use spoolbox::release::Release;
use tempfile::TempDir;

use super::installed_release;
use super::layout::Layout;
use super::run::{Tool, install_program};
use super::spool::Spool;

/// The directories of a spool and their modes.
const DIRECTORIES: [(&str, u32); 14] = [
    ("active", 0o700),
    ("bounce", 0o700),
    ("corrupt", 0o700),
    ("defer", 0o700),
    ("deferred", 0o700),
    ("flush", 0o700),
    ("hold", 0o700),
    ("incoming", 0o700),
    ("maildrop", 0o1730),
    ("pid", 0o755),
    ("private", 0o700),
    ("public", 0o2710),
    ("saved", 0o700),
    ("trace", 0o700),
];

/// Whose instance it is.
#[derive(Clone, Debug)]
pub struct Owner {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// The group of maildrop and public.
    pub drop_gid: u32,
}

impl Owner {
    /// Postfix's user for root, else the user who runs the tests.
    pub fn here() -> Self {
        let me = geteuid();
        let user = if me.is_root() {
            User::from_name("postfix").ok().flatten()
        } else {
            User::from_uid(me).ok().flatten()
        };
        let Some(user) = user else {
            let name = me.to_string();
            let gid = getgid().as_raw();
            return Self {
                name,
                uid: me.as_raw(),
                gid,
                drop_gid: gid,
            };
        };
        let gid = user.gid.as_raw();
        let drop_group = Group::from_name("postdrop").ok().flatten();
        let drop_gid = match drop_group {
            Some(group) if me.is_root() => group.gid.as_raw(),
            _ => gid,
        };
        Self {
            name: user.name,
            uid: user.uid.as_raw(),
            gid,
            drop_gid,
        }
    }
}

/// What a new instance shall be like.
#[derive(Clone, Debug)]
pub struct Builder {
    settings: Vec<(String, String)>,
    appended: String,
    master: String,
    absent: Vec<String>,
    in_memory: bool,
}

/// A file system in memory.
const MEMORY: &str = "/dev/shm";

impl Builder {
    /// Makes it in memory, if there is a place for that: for tests that make
    /// very many.
    pub fn in_memory(mut self) -> Self {
        self.in_memory = Path::new(MEMORY).is_dir();
        self
    }

    /// Sets a main.cf parameter; the last value of a name counts.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Appends text to main.cf as it is.
    pub fn append(mut self, text: &str) -> Self {
        self.appended.push_str(text);
        self
    }

    /// The text of master.cf.
    pub fn master(mut self, text: &str) -> Self {
        self.master = text.into();
        self
    }

    /// Leaves out a directory of the spool.
    pub fn without(mut self, directory: &str) -> Self {
        self.absent.push(directory.into());
        self
    }

    /// Makes the instance.
    pub fn build(self) -> Instance {
        let mut builder = tempfile::Builder::new();
        builder.prefix("spoolbox-");
        let directory = match self.in_memory {
            true => builder.tempdir_in(MEMORY),
            false => builder.tempdir(),
        };
        let directory = directory.expect("a temporary directory");
        let root = fs::canonicalize(directory.path()).expect("its real path");
        let mut instance = Instance {
            directory: Some(directory),
            owner: Owner::here(),
            layout: Layout::from_settings(&self.settings),
            root,
        };
        instance.make(&self);
        instance
    }
}

/// An instance; its files are removed when it is dropped.
#[derive(Debug)]
pub struct Instance {
    directory: Option<TempDir>,
    root: PathBuf,
    owner: Owner,
    layout: Layout,
}

/// The level at which the installed release's `postfix` does not warn of
/// settings that are older than it.
fn compatibility_level() -> &'static str {
    if installed_release() >= Release::new(3, 11, 0) {
        "3.11"
    } else {
        "3.6"
    }
}

impl Instance {
    /// An instance with Postfix's own defaults, to be changed.
    pub fn builder() -> Builder {
        Builder {
            settings: Vec::new(),
            appended: String::new(),
            master: String::new(),
            absent: Vec::new(),
            in_memory: false,
        }
        .set("compatibility_level", compatibility_level())
    }

    /// The temporary directory that holds all of it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration directory.
    pub fn etc(&self) -> PathBuf {
        self.root.join("etc")
    }

    /// The queue directory.
    pub fn queue_directory(&self) -> PathBuf {
        self.root.join("spool")
    }

    /// Links to our program under the names of the tools.
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The spool, to put things into.
    pub fn spool(&self) -> Spool<'_> {
        Spool::of(self)
    }

    /// Lets the files stay when the instance is dropped.
    pub fn keep(&mut self) -> &Path {
        if let Some(mut directory) = self.directory.take() {
            directory.disable_cleanup(true);
            self.directory = Some(directory);
        }
        &self.root
    }

    /// A copy of our program that runs with the rights of the group that owns
    /// public, as an installed postqueue does. Root only.
    pub fn set_gid_program(&self) -> PathBuf {
        let directory = self.root.join("bin-setgid");
        let program = directory.join("postqueue");
        if program.exists() {
            return program;
        }
        make_directory(&directory, 0o755);
        let ours = Path::new(env!("CARGO_BIN_EXE_spoolbox"));
        install_program(ours, &program, 0o2755, self.owner.drop_gid);
        symlink("postqueue", directory.join("mailq")).expect("a link named mailq");
        program
    }

    fn make(&mut self, wanted: &Builder) {
        set_mode(&self.root, 0o755);
        make_directory(&self.etc(), 0o755);
        self.write_configuration(wanted);
        make_directory(&self.queue_directory(), 0o755);
        for (name, mode) in DIRECTORIES {
            if !wanted.absent.iter().any(|absent| absent == name) {
                self.make_queue(name, mode);
            }
        }
        make_directory(&self.bin(), 0o755);
        for tool in Tool::ALL {
            let link = self.bin().join(tool.name());
            symlink(env!("CARGO_BIN_EXE_spoolbox"), link).expect("a link to the program");
        }
    }

    fn make_queue(&self, name: &str, mode: u32) {
        let path = self.queue_directory().join(name);
        make_directory(&path, mode);
        if geteuid().is_root() && name != "pid" {
            let group = match name {
                "maildrop" | "public" => self.owner.drop_gid,
                _ => 0,
            };
            chown(&path, Some(self.owner.uid), Some(group)).expect("chown of a queue");
            // A change of owner clears the set-gid bit.
            set_mode(&path, mode);
        }
    }

    fn write_configuration(&self, wanted: &Builder) {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| text.push_str(&format!("{name} = {value}\n"));
        let is_set = |name: &str| wanted.settings.iter().any(|(known, _)| known == name);
        let queue_directory = self.queue_directory();
        if !is_set("queue_directory") {
            line("queue_directory", &queue_directory.to_string_lossy());
        }
        if !is_set("mail_owner") {
            line("mail_owner", &self.owner.name);
        }
        for (name, value) in &wanted.settings {
            line(name, &value.replace("@ROOT@", &self.root.to_string_lossy()));
        }
        text.push_str(
            &wanted
                .appended
                .replace("@ROOT@", &self.root.to_string_lossy()),
        );
        write_aged(&self.etc().join("main.cf"), &text);
        write_aged(&self.etc().join("master.cf"), &wanted.master);
    }
}

/// Writes a configuration file that looks an hour old: Postfix distrusts one
/// that was changed a moment ago.
pub fn write_aged(path: &Path, text: &str) {
    fs::write(path, text).expect("a configuration file");
    set_mode(path, 0o644);
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(path)
        .and_then(|file| file.set_modified(hour_ago))
        .expect("an older mtime");
}

/// Makes a directory with exactly this mode.
pub fn make_directory(path: &Path, mode: u32) {
    fs::create_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    set_mode(path, mode);
}

/// Sets the permission bits, whatever the umask says.
pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
