//! A message is recognized between its examination and its use, and another message
//! that has got its name is not mistaken for it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use spoolbox::cli::Scanned;
use spoolbox::queue_file::message_visitor::Rules;
use spoolbox::queue_file::read_error::Location;
use spoolbox::queue_file::records::writer::QueueFile;
use spoolbox::release::Release;
use spoolbox::selection::{Builder, FileIdentity, Matcher, Selection, Taken};
use spoolbox::spool::message::Identity;
use spoolbox::spool::{Layout, Queue, message};
use spoolbox::sys::dir::Dir;
use spoolbox::text::Charset;

use crate::support::instance::Instance;
use crate::support::spool::{Name, NewFile};

const ID: &[u8] = b"3A789ABCDE";

fn selection(options: &[(&'static str, &str)]) -> Selection {
    let mut builder = Builder::new(0);
    for (name, value) in options {
        let taken = builder.take(&Scanned::Long(name, value.into()));
        assert_eq!(taken, Ok(Taken::Yes));
    }
    builder.finish().expect("options").expect("a selection")
}

fn put(instance: &Instance, sender: &str) {
    let file = QueueFile::new(1_700_000_000, sender, &["r@x.example"], &["Subject: x", ""]);
    let file = NewFile::new("hold", file.to_bytes());
    let _ = std::fs::remove_file(instance.spool().path("hold").join(OsStr::from_bytes(ID)));
    instance
        .spool()
        .put(&file.named(Name::Literal(ID.to_vec())));
}

/// What the file of that name is identified by, if it matches.
fn examine(instance: &Instance, selection: &Selection) -> Option<FileIdentity> {
    let spool = Dir::open(&instance.queue_directory()).expect("the spool");
    let hold = spool.open_dir(OsStr::new("hold")).expect("the queue");
    let layout = Layout::new(&[], 1);
    let rules = Rules {
        release: Release::parse("3.7.11").expect("a version"),
        charset: Charset::LooseUtf8,
        empty_address: b"MAILER-DAEMON".to_vec(),
        duplicate_limit: None,
        stop: None,
    };
    let at = Location {
        spool: &spool,
        layout: &layout,
        queue: Queue::Hold,
        id: ID,
        path: "hold/3A789ABCDE",
    };
    let found = message::open(&hold, ID, Queue::Hold, at.path).expect("a message");
    let mut matcher = Matcher::new(selection, &rules);
    let evidence = matcher.examine(&found, &at).expect("a readable file");
    assert_eq!(
        matcher.matches(&found, &at).expect("the same"),
        evidence.is_some()
    );
    if let Some(evidence) = &evidence {
        let now = hold.stat(OsStr::from_bytes(ID)).expect("lstat");
        assert_eq!(Identity::of(&now), evidence.identity());
        let other = spool.stat(OsStr::new("hold")).expect("lstat");
        assert_ne!(Identity::of(&other), evidence.identity());
        assert_eq!(
            matcher.file_identity(&found, &at).expect("again").as_ref(),
            Some(evidence)
        );
    }
    evidence
}

#[test]
fn another_message_of_the_same_name_is_not_the_one_that_was_found() {
    let instance = Instance::builder().build();
    let held = selection(&[("queue", "hold")]);
    put(&instance, "first@example.com");
    let first = examine(&instance, &held).expect("it matches");
    assert_eq!(examine(&instance, &held), Some(first.clone()));
    put(&instance, "second@example.com");
    let second = examine(&instance, &held).expect("it matches");
    assert_ne!(first, second);
    // Even if the new file has got the old one's inode number.
    put(&instance, "");
    assert_ne!(examine(&instance, &held), Some(second));
}

#[test]
fn only_messages_that_match_have_an_identity() {
    let instance = Instance::builder().build();
    put(&instance, "first@example.com");
    assert!(examine(&instance, &selection(&[("from", "first@EXAMPLE.com")])).is_some());
    assert!(examine(&instance, &selection(&[("from", "<>")])).is_none());
    assert!(examine(&instance, &selection(&[("subject", "x")])).is_some());
    assert!(
        examine(
            &instance,
            &selection(&[("id", "3A*"), ("not", ""), ("subject", "x")])
        )
        .is_none()
    );
    // Not a message as long as it has no sender.
    let path = instance.spool().path("hold").join(OsStr::from_bytes(ID));
    std::fs::write(path, b"").expect("an empty file");
    assert!(examine(&instance, &selection(&[("subject", "x")])).is_none());
}
