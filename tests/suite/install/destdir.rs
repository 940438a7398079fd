//! Installations below a directory of the test's own.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::Group;
use tempfile::TempDir;
use walkdir::WalkDir;

use super::spoolbox;
use crate::support::run::{Ended, Output};
use crate::support::tree::{Labels, Snapshot};
use crate::support::{Met, Needs, require};

/// What is installed in the end: kind and mode, path, target.
const EXPECTED: [(&str, &str, &str); 18] = [
    ("l777", "usr/bin/mailq", "../sbin/postqueue"),
    ("f755", "usr/bin/spoolbox", ""),
    ("f644", "usr/lib/spoolbox/installed", ""),
    ("l777", "usr/sbin/postcat", "../bin/spoolbox"),
    ("f2755", "usr/sbin/postqueue", ""),
    ("l777", "usr/sbin/postsuper", "../bin/spoolbox"),
    ("f644", "usr/share/man/man1/mailq.1", ""),
    ("f644", "usr/share/man/man1/postcat.1", ""),
    ("f644", "usr/share/man/man1/postqueue.1", ""),
    (
        "l777",
        "usr/share/man/man1/postsuper.1",
        "../man8/postsuper.8",
    ),
    ("f644", "usr/share/man/man1/spoolbox-browse.1", ""),
    ("f644", "usr/share/man/man1/spoolbox-export.1", ""),
    ("f644", "usr/share/man/man1/spoolbox-import.1", ""),
    ("f644", "usr/share/man/man1/spoolbox.1", ""),
    ("f644", "usr/share/man/man7/spoolbox-compat.7", ""),
    ("f644", "usr/share/man/man7/spoolbox-cookbook.7", ""),
    ("f644", "usr/share/man/man7/spoolbox-selection.7", ""),
    ("f644", "usr/share/man/man8/postsuper.8", ""),
];

struct Destination(TempDir);

impl Destination {
    fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("spoolbox-")
            .tempdir()
            .expect("a temporary directory");
        Self(directory)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn run(&self, applet: &str, options: &[&str]) -> Output {
        let directory = self.0.path().to_string_lossy();
        let common = [applet, "--prefix=/usr", "--destdir", &directory];
        spoolbox(&[&common, options].concat())
    }

    fn succeed(&self, applet: &str, options: &[&str]) -> String {
        let output = self.run(applet, options);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        output.stdout_text()
    }

    /// Fails the call; returns its words.
    fn refuse(&self, applet: &str, options: &[&str]) -> String {
        let before = self.look();
        let output = self.run(applet, options);
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        assert_eq!(output.stdout_text(), "");
        assert_eq!(self.look().difference(&before), None);
        output.stderr_text()
    }

    fn look(&self) -> Snapshot {
        Snapshot::of(self.0.path(), &Labels::default())
    }

    /// Files and links, as in [`EXPECTED`].
    fn listed(&self) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        list(self.0.path(), &mut found);
        found.sort_by(|one, two| one.1.cmp(&two.1));
        found
    }
}

fn list(root: &Path, found: &mut Vec<(String, String, String)>) {
    for entry in WalkDir::new(root).min_depth(1) {
        let path = entry.expect("an entry").into_path();
        let metadata = path.symlink_metadata().expect("lstat");
        if metadata.is_dir() {
            assert_eq!(metadata.mode() & 0o7777, 0o755, "{}", path.display());
            continue;
        }
        let kind = if metadata.is_symlink() { "l" } else { "f" };
        let name = path.strip_prefix(root).expect("below");
        let target = path.read_link().unwrap_or_default();
        found.push((
            format!("{kind}{:o}", metadata.mode() & 0o7777),
            name.display().to_string(),
            target.display().to_string(),
        ));
    }
}

/// What EXPECTED says, and the names that the applet table has besides.
fn expected() -> Vec<(String, String, String)> {
    let mut all: Vec<_> = EXPECTED
        .iter()
        .map(|(kind, path, target)| (kind.to_string(), path.to_string(), target.to_string()))
        .collect();
    if spoolbox(&["--list"]).stdout_text().contains("qshape") {
        let link = ("l777", "usr/sbin/qshape", "../bin/spoolbox");
        let page = ("f644", "usr/share/man/man1/qshape.1", "");
        for (kind, path, target) in [link, page] {
            all.push((kind.into(), path.into(), target.into()));
        }
    }
    for path in [
        "bash-completion/completions/spoolbox",
        "fish/vendor_completions.d/spoolbox.fish",
        "zsh/site-functions/_spoolbox",
    ] {
        all.push(("f644".into(), format!("usr/share/{path}"), String::new()));
    }
    for tool in ["mailq", "postcat", "postqueue", "postsuper", "qshape"] {
        let bash = format!("usr/share/bash-completion/completions/{tool}");
        let fish = format!("usr/share/fish/vendor_completions.d/{tool}.fish");
        all.push(("l777".into(), bash, "spoolbox".into()));
        all.push(("l777".into(), fish, "spoolbox.fish".into()));
    }
    all.sort_by(|one, two| one.1.cmp(&two.1));
    all
}

#[test]
fn everything_has_its_place_mode_and_owner() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let destination = Destination::new();
    destination.succeed("install", &[]);
    assert_eq!(destination.listed(), expected());
    let group = Group::from_name("postdrop")
        .expect("a look")
        .expect("Postfix's group");
    for (_, name, _) in destination.listed() {
        let found = destination.path(&name).symlink_metadata().expect("lstat");
        let wanted = match name.ends_with("sbin/postqueue") {
            true => group.gid.as_raw(),
            false => 0,
        };
        assert_eq!((found.uid(), found.gid()), (0, wanted), "{name}");
    }
}

#[test]
fn each_link_runs_the_applet_of_its_name() {
    let destination = Destination::new();
    destination.succeed("install", &[]);
    for name in [
        "bin/mailq",
        "sbin/postcat",
        "sbin/postqueue",
        "sbin/postsuper",
    ] {
        let program = destination.path("usr").join(name);
        let output = Command::new(&program)
            .arg("--version")
            .output()
            .expect("it starts");
        let applet = Path::new(name)
            .file_name()
            .expect("a name")
            .to_string_lossy();
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            words.starts_with(&format!("{applet} (spoolbox)")),
            "{words}"
        );
    }
}

#[test]
fn a_dry_run_prints_the_steps_and_changes_nothing() {
    let destination = Destination::new();
    let before = destination.look();
    let announced = destination.succeed("install", &["--dry-run"]);
    assert_eq!(destination.look().difference(&before), None);
    let done = destination.succeed("install", &[]);
    let last = "Nothing was changed: this was a dry run.\n";
    assert_eq!(announced, done + last);
    let before = destination.look();
    let announced = destination.succeed("uninstall", &["--dry-run"]);
    assert_eq!(destination.look().difference(&before), None);
    assert_eq!(announced, destination.succeed("uninstall", &[]) + last);
}

#[test]
fn installing_again_changes_nothing_and_says_so() {
    let destination = Destination::new();
    destination.succeed("install", &[]);
    let before = destination.look();
    assert_eq!(
        destination.succeed("install", &[]),
        "Everything is in place.\n"
    );
    assert_eq!(destination.look().difference(&before), None);
}

#[test]
fn installing_again_repairs_what_is_gone_or_has_lost_its_mode() {
    let destination = Destination::new();
    destination.succeed("install", &[]);
    let before = destination.look();
    fs::remove_file(destination.path("usr/bin/mailq")).expect("a link");
    let program = destination.path("usr/sbin/postqueue");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("chmod");
    destination.succeed("install", &[]);
    assert_eq!(destination.look().difference(&before), None);
}

/// As an older version would have left it: other bytes, written down.
#[test]
fn an_upgrade_replaces_what_an_older_version_installed() {
    let destination = Destination::new();
    destination.succeed("install", &[]);
    let newest = destination.look();
    let manifest = destination.path("usr/lib/spoolbox/installed");
    let page = destination.path("usr/share/man/man1/mailq.1");
    let gone = destination.path("usr/share/man/man1/old.1");
    let text = fs::read_to_string(&manifest).expect("the manifest");
    let line = |name: &str| {
        let of = |line: &&str| line.contains(name);
        text.lines().find(of).expect("its line").to_owned()
    };
    let (mailq, postcat) = (line("man1/mailq.1"), line("man1/postcat.1"));
    // The older page of mailq has the bytes that postcat's has now.
    fs::copy(destination.path("usr/share/man/man1/postcat.1"), &page).expect("a copy");
    fs::copy(&page, &gone).expect("a copy");
    let older = postcat.replace("postcat.1", "mailq.1");
    let old = postcat.replace("postcat.1", "old.1");
    fs::write(&manifest, text.replace(&mailq, &older) + &old + "\n").expect("the manifest");
    destination.succeed("install", &[]);
    assert_eq!(destination.look().difference(&newest), None);
}

#[test]
fn uninstall_leaves_the_tree_as_it_was() {
    let destination = Destination::new();
    for directory in ["usr/bin", "usr/share/man/man1"] {
        fs::create_dir_all(destination.path(directory)).expect("a directory");
    }
    fs::write(destination.path("usr/bin/other"), "text").expect("a file");
    let before = destination.look();
    destination.succeed("install", &[]);
    destination.succeed("uninstall", &[]);
    assert_eq!(destination.look().difference(&before), None);
    let words = destination.refuse("uninstall", &[]);
    assert!(
        words.contains("usr/lib/spoolbox/installed is missing"),
        "{words}"
    );
}

#[test]
fn a_file_of_somebody_else_is_never_overwritten() {
    for name in [
        "usr/sbin/postqueue",
        "usr/bin/mailq",
        "usr/share/man/man8/postsuper.8",
    ] {
        let destination = Destination::new();
        let path = destination.path(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        symlink("../sbin/sendmail", &path).expect("a link");
        let words = destination.refuse("install", &[]);
        assert!(
            words.contains(name) && words.contains("--prefix"),
            "{words}"
        );
    }
}

#[test]
fn uninstall_leaves_alone_what_is_not_as_it_was_installed() {
    let destination = Destination::new();
    destination.succeed("install", &[]);
    let (program, link) = (
        destination.path("usr/sbin/postqueue"),
        destination.path("usr/bin/mailq"),
    );
    fs::write(&program, "another program").expect("a file");
    fs::remove_file(&link).expect("a link");
    symlink("elsewhere", &link).expect("a link");
    fs::write(destination.path("usr/lib/spoolbox/note"), "mine").expect("a file");
    let output = destination.run("uninstall", &[]);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let words = output.stderr_text();
    assert!(
        words.contains("postqueue") && words.contains("mailq"),
        "{words}"
    );
    let left: Vec<String> = destination
        .listed()
        .into_iter()
        .map(|(_, name, _)| name)
        .collect();
    assert_eq!(
        left,
        [
            "usr/bin/mailq",
            "usr/lib/spoolbox/note",
            "usr/sbin/postqueue"
        ]
    );
    assert_eq!(fs::read(&program).expect("the file"), b"another program");
}

#[test]
fn a_damaged_manifest_is_an_error_that_names_it() {
    let destination = Destination::new();
    destination.succeed("install", &[]);
    let manifest = destination.path("usr/lib/spoolbox/installed");
    for text in ["", "spoolbox installed 1\nfile ../etc/passwd 1 1\n"] {
        fs::write(&manifest, text).expect("the manifest");
        for applet in ["install", "uninstall"] {
            let words = destination.refuse(applet, &[]);
            assert!(words.contains("usr/lib/spoolbox/installed"), "{words}");
        }
    }
}

#[test]
fn a_failed_step_names_path_and_cause_and_the_old_file_stays() {
    let destination = Destination::new();
    destination.succeed("install", &[]);
    fs::remove_file(destination.path("usr/bin/mailq")).expect("a link");
    // A directory where the unfinished link would be.
    fs::create_dir(destination.path("usr/bin/.mailq.spoolbox-new")).expect("a directory");
    let output = destination.run("install", &[]);
    assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
    let words = output.stderr_text();
    assert!(
        words.contains("usr/bin/.mailq") && words.contains("irectory"),
        "{words}"
    );
    assert!(destination.path("usr/bin/spoolbox").exists());
}

#[test]
fn prefixes_that_lead_elsewhere_are_refused() {
    for prefix in ["usr", "", "/usr/../etc", "/us r", "/u\nsr"] {
        let output = spoolbox(&["install", "--dry-run", "--prefix", prefix]);
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        assert!(output.stderr_text().contains("--prefix"), "{output:?}");
    }
}

/// Runs as an unprivileged user, with our program where that user can reach it.
fn as_nobody(arguments: &[&str]) -> (Destination, Output) {
    let destination = Destination::new();
    let nobody = 65_534;
    chown(destination.0.path(), Some(nobody), Some(nobody)).expect("chown");
    let program = destination.path("program");
    fs::copy(env!("CARGO_BIN_EXE_spoolbox"), &program).expect("a copy");
    let tree = destination.path("tree");
    let arguments = arguments
        .iter()
        .map(|argument| argument.replace("@TREE@", &tree.to_string_lossy()));
    let output = Command::new(&program)
        .args(arguments)
        .uid(nobody)
        .gid(nobody)
        .output()
        .expect("it starts");
    let output = Output {
        ended: output.status.into(),
        stdout: output.stdout,
        stderr: output.stderr,
    };
    (destination, output)
}

#[test]
fn an_ordinary_user_is_told_what_he_can_do() {
    if require(Needs::Root) == Met::No {
        return;
    }
    for applet in ["install", "uninstall"] {
        let (_, output) = as_nobody(&[applet]);
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        assert!(output.stderr_text().contains("only root"), "{output:?}");
    }
}

#[test]
fn an_ordinary_users_package_lends_no_group_and_says_so() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let (destination, output) = as_nobody(&["install", "--destdir", "@TREE@"]);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    assert!(output.stderr_text().contains("mode 2755"), "{output:?}");
    let program = destination.path("tree/usr/local/sbin/postqueue");
    let found = program.metadata().expect("the program");
    assert_eq!(found.mode() & 0o7777, 0o755);
}
