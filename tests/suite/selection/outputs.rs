//! `--output` keeps the kind of an existing file, and the mode and owner of a regular
//! one.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use super::{filled, run};
use crate::support::instance::Instance;
use crate::support::public::make_fifo;
use crate::support::run::{Ended, Output};
use crate::support::{Met, Needs, require};

fn write_to(instance: &Instance, path: &Path) -> Output {
    let path = path.to_str().expect("ASCII");
    run(instance, &["--prometheus", "--output", path])
}

#[test]
fn a_device_stays_a_device() {
    let instance = filled();
    let before = fs::metadata("/dev/null").expect("/dev/null").rdev();
    let output = write_to(&instance, Path::new("/dev/null"));
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let after = fs::symlink_metadata("/dev/null").expect("/dev/null");
    assert!(after.file_type().is_char_device() && after.rdev() == before);
}

#[test]
fn a_fifo_is_written_to() {
    let instance = filled();
    let path = instance.root().join("fifo");
    make_fifo(&path);
    let unread = write_to(&instance, &path);
    assert_eq!(unread.ended, Ended::Exited(69), "{unread:?}");
    assert!(unread.stderr_text().contains("No such device or address"));
    let mut reader = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .expect("the FIFO");
    let output = write_to(&instance, &path);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let mut start = [0; 6];
    reader.read_exact(&mut start).expect("metrics");
    assert_eq!(&start, b"# HELP");
    let kind = fs::symlink_metadata(&path).expect("the FIFO").file_type();
    assert!(kind.is_fifo());
}

#[test]
fn a_link_is_refused_and_stays() {
    let instance = filled();
    let (target, link) = (instance.root().join("target"), instance.root().join("link"));
    fs::write(&target, "before").expect("a file");
    symlink("target", &link).expect("a link");
    let output = write_to(&instance, &link);
    assert_eq!(output.ended, Ended::Exited(69), "{output:?}");
    assert!(
        output.stderr_text().contains("it is a symbolic link"),
        "{output:?}"
    );
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert_eq!(fs::read(&target).expect("the target"), b"before");
    let directory = write_to(&instance, &instance.root().join("etc"));
    assert_eq!(directory.ended, Ended::Exited(69), "{directory:?}");
}

#[test]
fn mode_and_owner_of_a_file_are_kept() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = filled();
    let path = instance.root().join("mail.prom");
    fs::write(&path, "before").expect("a file");
    chown(&path, Some(4242), Some(4243)).expect("chown");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("chmod");
    let output = write_to(&instance, &path);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let after = fs::metadata(&path).expect("the file");
    let kept = (after.uid(), after.gid(), after.mode() & 0o7777);
    assert_eq!(kept, (4242, 4243, 0o640));
    assert!(after.len() > 100);
}
