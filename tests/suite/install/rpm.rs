//! The RPM package, made by cargo-generate-rpm and installed in a copy of the
//! machine that has Postfix's names as on RHEL: by way of alternatives.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::machine::Machine;
use crate::support::run::Ended;
use crate::support::{Met, Needs, require};

const PACKAGE: &str = "/root/spoolbox.rpm";

/// Gives Postfix's names to alternatives, as the scripts of RHEL's postfix do.
/// Debian's update-alternatives has the same options.
const AS_ON_RHEL: &str = r#"
set -e
ln -s /usr/bin/update-alternatives /usr/sbin/alternatives
mv /usr/sbin/sendmail /usr/sbin/sendmail.postfix
for name in mailq newaliases; do
    rm "/usr/bin/$name"
    ln -s ../sbin/sendmail.postfix "/usr/bin/$name.postfix"
done
alternatives --install /usr/sbin/sendmail mta /usr/sbin/sendmail.postfix 60 \
    --slave /usr/bin/mailq mta-mailq /usr/bin/mailq.postfix \
    --slave /usr/bin/newaliases mta-newaliases /usr/bin/newaliases.postfix
"#;

/// The package of the program that the tests are about, made once a run.
fn package() -> &'static Path {
    static PACKAGE_FILE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE_FILE.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rpm");
        fs::create_dir_all(directory.join("release")).expect("a directory");
        let program = directory.join("release/spoolbox");
        // Without symbols: a package of all of them takes a minute.
        let stripped = Command::new("strip")
            .arg("-o")
            .arg(&program)
            .arg(env!("CARGO_BIN_EXE_spoolbox"))
            .status();
        assert!(stripped.expect("strip starts").success());
        let path = directory.join("spoolbox.rpm");
        let output = Command::new("cargo")
            .args(["generate-rpm", "--payload-compress", "none"])
            .arg("--target-dir")
            .arg(&directory)
            .arg("--output")
            .arg(&path)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo starts");
        assert!(output.status.success(), "{output:?}");
        path
    })
}

/// What rpm prints about the package.
fn query(arguments: &[&str]) -> String {
    let output = Command::new("rpm")
        .arg("--query")
        .args(arguments)
        .arg("--package")
        .arg(package())
        .output()
        .expect("rpm starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_rpm_has_all_files_and_names_what_it_needs() {
    if require(Needs::Time) == Met::No || require(Needs::Rpm) == Met::No {
        return;
    }
    let files = query(&["--list"]);
    let expected = [
        "/usr/bin/spoolbox",
        "/usr/libexec/spoolbox/postqueue",
        "/usr/share/man/man1/spoolbox.1",
        "/usr/share/man/man7/spoolbox-compat.7",
        "/usr/share/spoolbox/man/man1/mailq.1",
        "/usr/share/spoolbox/man/man8/postsuper.8",
        "/usr/lib/systemd/system/spoolbox-metrics.timer",
        "/usr/lib/systemd/system/spoolbox-trash-purge.service",
        "/usr/share/licenses/spoolbox/LICENSE",
    ];
    let has = |path: &str| files.lines().any(|line| line == path);
    for path in expected {
        assert!(has(path), "{path}: {files}");
    }
    // Those of Postfix's package would be a conflict.
    for path in [
        "/usr/sbin/postqueue",
        "/usr/bin/mailq",
        "/usr/share/man/man1/mailq.1",
    ] {
        assert!(!has(path), "{path}: {files}");
    }
    let requires = query(&["--requires"]);
    for name in ["postfix", "alternatives", "libc.so.6"] {
        assert!(requires.contains(name), "{name}: {requires}");
    }
}

fn succeed_in_shell(machine: &Machine, command: &str) -> String {
    machine.succeed(&["sh", "-c", command])
}

/// Where the names lead.
fn targets(machine: &Machine) -> Vec<String> {
    let names = "readlink -f /usr/bin/mailq /usr/sbin/sendmail /usr/bin/newaliases";
    let text = succeed_in_shell(machine, names);
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_rpm_takes_mailq_by_alternatives_and_gives_it_back() {
    let all = [Needs::Time, Needs::Rpm, Needs::Postfix];
    if all.into_iter().any(|need| require(need) == Met::No) {
        return;
    }
    let machine = Machine::new();
    machine.bring(package(), PACKAGE);
    succeed_in_shell(&machine, AS_ON_RHEL);
    let before = targets(&machine);
    let install = ["rpm", "--force-debian", "--nodeps", "--upgrade", PACKAGE];
    machine.succeed(&install);
    let ours = "/usr/libexec/spoolbox/postqueue";
    let during = targets(&machine);
    assert_eq!(during[0], ours);
    assert_eq!(during[1..], before[1..], "only mailq is ours");
    let access = machine.succeed(&["stat", "-c", "%a %U %G", ours]);
    assert_eq!(access, "2755 root postdrop\n");
    for name in ["mailq", "postcat", "postsuper", "qshape"] {
        let path = format!("/usr/libexec/spoolbox/{name}");
        let version = machine.succeed(&[&path, "--version"]);
        assert!(version.contains("(spoolbox)"), "{name}: {version}");
    }
    let version = machine.succeed(&["mailq", "--version"]);
    assert!(version.contains("(spoolbox)"), "{version}");
    // An upgrade, to the same version.
    machine.succeed(&[&install[..], &["--replacepkgs"]].concat());
    assert_eq!(targets(&machine), during);
    machine.succeed(&["rpm", "--force-debian", "--erase", "spoolbox"]);
    assert_eq!(targets(&machine), before);
    let left = machine.run(&["ls", "/usr/libexec/spoolbox"]);
    assert_ne!(left.ended, Ended::Exited(0), "{left:?}");
}
