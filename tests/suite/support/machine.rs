//! A copy of this machine, or of another system's root directory, that a test
//! may change as it likes: everything that is written goes to memory, and is
//! gone with the test, also if it crashes.
//!
//! An overlay over the root directory in a mount namespace of its own, with
//! processes and a network of its own: what is started in there cannot stay,
//! and reaches nothing. Root only.

use std::fs;
use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::run::{Ended, Output, collect};

/// Longest wait for a command.
const PATIENCE: Duration = Duration::from_secs(120);
/// Where our program is in the copy.
pub const PROGRAM: &str = "/opt/under-test/spoolbox";

/// Makes the copy below its first argument, of what the second one names, with
/// the third one as its /tmp and the directories that the others name; says so, and stays as its first
/// process. Only harmless devices are there, and no syslog.
const MAKE: &str = r#"
set -e
original=$1
temporary=$2
mount -t tmpfs -o mode=755 none "$0"
cd "$0"
mkdir upper work root
mount -t overlay -o "lowerdir=$original,upperdir=upper,workdir=work" overlay root
mount -t proc none root/proc
mount -t tmpfs -o mode=755 none root/dev
for node in null zero full random urandom; do
    touch "root/dev/$node"
    mount --bind "/dev/$node" "root/dev/$node"
done
ln -s /proc/self/fd root/dev/fd
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 none root/dev/pts
ln -s pts/ptmx root/dev/ptmx
mount -t tmpfs -o mode=1777 none root/dev/shm
mount -t tmpfs -o mode=755 none root/run
shift 2
# On the disk: inode numbers of a fresh tmpfs are so small that tests would take
# parts of other names for them.
[ $# -eq 0 ] || mount --bind "$temporary" root/tmp
for directory; do
    mkdir -p "root$directory"
    mount --bind "$directory" "root$directory"
done
ip link set lo up
echo ready
while :; do sleep 1; done
"#;

/// A copy of the machine.
pub struct Machine {
    holder: Child,
    directory: TempDir,
    /// The copy's /tmp, if it has one of its own.
    _temporary: TempDir,
}

impl Machine {
    /// A fresh copy of this machine, with our program in it.
    pub fn new() -> Self {
        let machine = Self::of(Path::new("/"), &[]);
        let program = machine.path(PROGRAM);
        fs::create_dir_all(program.parent().expect("a directory")).expect("a directory");
        write_small_program(&program);
        machine
    }

    /// A fresh copy of the system below `original`. It shares the directories
    /// `shared` with this machine, under the same names; with any, it has an
    /// empty /tmp of its own.
    pub fn of(original: &Path, shared: &[&Path]) -> Self {
        let fresh = || tempfile::Builder::new().prefix("spoolbox-").tempdir();
        let directory = fresh().expect("a temporary directory");
        let temporary = fresh().expect("a temporary directory");
        fs::set_permissions(temporary.path(), Permissions::from_mode(0o1777)).expect("a mode");
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--net", "--pid"])
            .args(["--fork", "--kill-child", "--", "sh", "-c", MAKE])
            .arg(directory.path())
            .arg(original)
            .arg(temporary.path())
            .args(shared)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare starts");
        let mut line = String::new();
        let stdout = holder.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("a readable pipe");
        let machine = Self {
            holder,
            directory,
            _temporary: temporary,
        };
        assert_eq!(line, "ready\n", "no copy of the machine could be made");
        assert!(machine.path("/usr").exists(), "the copy cannot be seen");
        machine
    }

    /// Where a path of the copy is for the test.
    pub fn path(&self, path: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.holder.id());
        let below = |path: &Path| path.strip_prefix("/").expect("an absolute path").to_owned();
        Path::new(&root)
            .join(below(self.directory.path()))
            .join("root")
            .join(below(Path::new(path)))
    }

    /// Copies a file into it.
    pub fn bring(&self, from: &Path, to: &str) {
        fs::copy(from, self.path(to)).unwrap_or_else(|error| panic!("{to}: {error}"));
    }

    /// Runs a command in it, as root.
    pub fn run(&self, words: &[&str]) -> Output {
        let child = self.command(words).spawn().expect("nsenter starts");
        collect(child, b"", PATIENCE)
    }

    /// The command that runs another one in it, as root, with nothing to read
    /// and its output in pipes.
    pub fn command(&self, words: &[&str]) -> Command {
        let holder = self.holder.id();
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount=/proc/{holder}/ns/mnt"))
            .arg(format!("--net=/proc/{holder}/ns/net"))
            .arg(format!("--pid=/proc/{holder}/ns/pid_for_children"))
            .args(["--", "chroot"])
            .arg(self.directory.path().join("root"))
            .args(words)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    /// Runs a command that must not fail; returns what it printed.
    pub fn succeed(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.ended, Ended::Exited(0), "{words:?}: {output:?}");
        output.stdout_text()
    }

    /// The same by somebody without rights.
    pub fn succeed_as_nobody(&self, words: &[&str]) -> String {
        let mut all = vec!["setpriv", "--reuid", "65534", "--regid", "65534"];
        all.push("--clear-groups");
        all.extend(words);
        self.succeed(&all)
    }

    /// Waits until `done` says so.
    pub fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "not in time: {what}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Our program without what a debugger wants, which is most of it: where it
/// is copied many times.
pub fn write_small_program(path: &Path) {
    let status = Command::new("strip")
        .arg("-o")
        .arg(path)
        .arg(env!("CARGO_BIN_EXE_spoolbox"))
        .status()
        .expect("strip starts");
    assert!(status.success(), "strip: {status}");
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The kernel ends all that runs in there with its first process.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
