//! The Debian package, made by cargo-deb and installed in a copy of the
//! machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::divert::{
    IN_PLACE, assert_ours_and_mail_flows, assert_postfix_finds_no_fault, with_mail_system,
};
use super::{difference, look};
use crate::support::machine::Machine;
use crate::support::run::Ended;
use crate::support::{Met, Needs, require};

const PACKAGE: &str = "/root/spoolbox.deb";

/// Makes the postfix package again from what is installed, for there is no
/// network to fetch it from.
const REPACK: &str = r#"
set -e
cd /root
mkdir -p postfix/DEBIAN
# Not the links by which /lib and others have moved to /usr.
dpkg-query -L postfix | grep -Ev '^/(bin|lib|sbin)$' |
    tar -c --no-recursion -T - 2>/dev/null | tar -x -C postfix
for script in preinst postinst prerm postrm; do
    cp "/var/lib/dpkg/info/postfix.$script" "postfix/DEBIAN/$script"
done
dpkg-query -s postfix |
    awk '/^[^ ]/ { skip = /^(Status|Conffiles):/ } !skip' >postfix/DEBIAN/control
dpkg-deb --build postfix postfix.deb >/dev/null
"#;

/// A package of the installed Postfix, in the copy.
pub fn repacked_postfix(machine: &Machine) -> String {
    machine.succeed(&["sh", "-c", REPACK]);
    "/root/postfix.deb".to_owned()
}

/// The package of the program that the tests are about, made once a run.
fn package() -> &'static Path {
    static PACKAGE_FILE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE_FILE.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spoolbox.deb");
        let target = Path::new(env!("CARGO_BIN_EXE_spoolbox"))
            .ancestors()
            .nth(2)
            .expect("the build directory");
        let output = Command::new("cargo")
            .args(["deb", "--quiet", "--no-build", "--profile", "dev"])
            .arg("--output")
            .arg(&path)
            .env("CARGO_TARGET_DIR", target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo starts");
        assert!(output.status.success(), "{output:?}");
        path
    })
}

fn prepared() -> Option<Machine> {
    let all = [Needs::Time, Needs::Postfix, Needs::CargoDeb];
    if all.into_iter().any(|need| require(need) == Met::No) {
        return None;
    }
    let machine = with_mail_system();
    machine.bring(package(), PACKAGE);
    // The index of manual pages is not looked at here, and takes long.
    machine.succeed(&["rm", "-f", "/var/lib/man-db/auto-update"]);
    Some(machine)
}

/// The first upload of a package to Debian closes a bug; this is none.
const NOT_IN_DEBIAN: &str = "W: spoolbox: initial-upload-closes-no-bugs";

#[test]
fn lintian_finds_nothing_wrong_with_the_package() {
    if require(Needs::Time) == Met::No || require(Needs::Lintian) == Met::No {
        return;
    }
    let output = Command::new("lintian")
        .args(["--allow-root", "--tag-display-limit", "0"])
        .arg(package())
        .output()
        .expect("lintian starts");
    let findings = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_finding = |line: &&str| !line.starts_with(NOT_IN_DEBIAN);
    let findings: Vec<&str> = findings.lines().filter(is_finding).collect();
    assert!(findings.is_empty(), "{findings:#?}");
    assert!(matches!(output.status.code(), Some(0 | 2)), "{output:?}");
}

#[test]
fn the_package_has_the_documents_and_examples() {
    if require(Needs::Time) == Met::No || require(Needs::CargoDeb) == Met::No {
        return;
    }
    let output = Command::new("dpkg-deb")
        .arg("--contents")
        .arg(package())
        .output()
        .expect("dpkg-deb starts");
    let contents = String::from_utf8_lossy(&output.stdout).into_owned();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/monitoring");
    let examples = std::fs::read_dir(directory).expect("the examples");
    let examples: Vec<String> = examples
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| format!("examples/{}", name.to_string_lossy()))
        .collect();
    assert!(examples.len() >= 3, "{examples:?}");
    let others = ["README.md", "copyright", "changelog.Debian.gz"].map(str::to_owned);
    for name in examples.into_iter().chain(others) {
        let path = format!("./usr/share/doc/spoolbox/{name}");
        assert!(contents.contains(&path), "{path}: {contents}");
    }
}

/// Files and links that a command prints, one a line, with where they lead.
fn files(machine: &Machine, command: &str) -> Vec<String> {
    let text = machine.succeed(&["sh", "-c", command]);
    let mut found = Vec::new();
    for name in text.lines() {
        let path = machine.path(name);
        if !path.is_dir() && !name.contains("/share/doc/") {
            let target = path.read_link().unwrap_or_default();
            found.push(format!("{name} {}", target.display()));
        }
    }
    found.sort();
    found
}

/// The diversions of Postfix's files; `who` made them.
fn diversions(machine: &Machine, who: &str) -> Vec<String> {
    let list = machine.succeed(&["dpkg-divert", "--list", "*postfix*"]);
    let mut lines: Vec<String> = list.lines().map(|line| line.replace(who, "")).collect();
    lines.sort();
    lines
}

#[test]
fn the_package_is_the_same_as_an_installation_in_place_of_postfixs_tools() {
    let Some(machine) = prepared() else { return };
    machine.succeed(&IN_PLACE);
    let manifest = "sed -n 's/^\\(file\\|link\\) \\([^ ]*\\).*/\\2/p' /usr/lib/spoolbox/installed";
    let installed = files(&machine, manifest);
    let diverted = diversions(&machine, "local ");
    assert!(installed.len() > 8 && diverted.len() > 7, "{installed:?}");
    machine.succeed(&["spoolbox", "uninstall", "--prefix=/usr"]);
    machine.succeed(&["dpkg", "-i", PACKAGE]);
    let list = "dpkg-query -L spoolbox | grep -v '^diverted by\\|^package diverts'";
    assert_eq!(files(&machine, list), installed);
    assert_eq!(diversions(&machine, " by spoolbox"), diverted);
    assert_install_leaves_it_alone(&machine);
}

/// What a package has installed is no more ours to change than Postfix's.
fn assert_install_leaves_it_alone(machine: &Machine) {
    let before = look(machine);
    for options in [&["--prefix=/usr"][..], &["--prefix=/usr", "--divert"]] {
        let output = machine.run(&[&["spoolbox", "install"], options].concat());
        assert_eq!(output.ended, Ended::Exited(1), "{output:?}");
        let words = output.stderr_text();
        assert!(words.contains("package spoolbox"), "{words}");
    }
    assert_eq!(difference(&before, &look(machine)), [""; 0]);
}

#[test]
fn installed_the_tools_are_ours_and_removed_they_are_postfixs() {
    let Some(machine) = prepared() else { return };
    // Else its changes to other programs would be taken for ours.
    machine.succeed(&["postfix", "set-permissions"]);
    let before = look(&machine);
    machine.succeed(&["dpkg", "-i", PACKAGE]);
    assert_ours_and_mail_flows(&machine);
    assert_postfix_finds_no_fault(&machine);
    // An upgrade, to the same version.
    machine.succeed(&["dpkg", "-i", PACKAGE]);
    assert_ours_and_mail_flows(&machine);
    machine.succeed(&["apt-get", "remove", "-y", "spoolbox"]);
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
    machine.succeed(&["postfix", "status"]);
    machine.succeed_as_nobody(&["mailq"]);
}

#[test]
fn a_reinstalled_postfix_does_not_take_the_names_back() {
    let Some(machine) = prepared() else { return };
    let postfix = repacked_postfix(&machine);
    machine.succeed(&["dpkg", "-i", &postfix]);
    let before = look(&machine);
    machine.succeed(&["dpkg", "-i", PACKAGE]);
    machine.succeed(&["dpkg", "-i", &postfix]);
    machine.succeed(&["sh", "-c", "postfix status || postfix start"]);
    assert_ours_and_mail_flows(&machine);
    machine.succeed(&["dpkg", "-r", "spoolbox"]);
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
}

/// Without an override of the administrator's or Postfix's package.
#[test]
fn postqueue_gets_its_group_from_the_package_too() {
    let Some(machine) = prepared() else { return };
    machine.run(&["dpkg-statoverride", "--remove", "/usr/sbin/postqueue"]);
    machine.succeed(&["dpkg", "-i", PACKAGE]);
    let access = machine.succeed(&["stat", "-c", "%a %U %G", "/usr/sbin/postqueue"]);
    assert_eq!(access, "2755 root postdrop\n");
    assert_ours_and_mail_flows(&machine);
}

/// The file that stands where Postfix's was is ours then, and must not be
/// taken for Postfix's.
#[test]
fn the_package_refuses_to_come_on_top_of_an_installation() {
    let Some(machine) = prepared() else { return };
    machine.succeed(&IN_PLACE);
    let before = look(&machine);
    let output = machine.run(&["dpkg", "-i", PACKAGE]);
    assert_ne!(output.ended, Ended::Exited(0), "{output:?}");
    let words = output.stderr_text();
    assert!(words.contains("spoolbox uninstall"), "{words}");
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
}

#[test]
fn a_package_that_cannot_be_unpacked_leaves_everything_as_it_was() {
    let Some(machine) = prepared() else { return };
    let before = look(&machine);
    let spoil = "cd /root && dpkg-deb -R spoolbox.deb t && echo >t/usr/sbin/postmap &&
        dpkg-deb --root-owner-group -b t spoiled.deb";
    machine.succeed(&["sh", "-c", spoil]);
    let output = machine.run(&["dpkg", "-i", "/root/spoiled.deb"]);
    assert_ne!(output.ended, Ended::Exited(0), "{output:?}");
    assert_eq!(difference(&before, &look(&machine)), [""; 0]);
}
