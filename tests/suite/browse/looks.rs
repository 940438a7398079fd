//! Each view at three sizes, as a picture in fixtures/screens; other character
//! sets, and texts that would control the terminal.
//!
//! SPOOLBOX_UPDATE=1 writes the pictures anew, to be looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use regex::Regex;
use spoolbox::queue_file::records::writer::QueueFile;

use super::fixture;
use super::fixture::{QueueFixture, USUAL};
use crate::support::screen::OnScreen;
use crate::support::spool::{Name, NewFile};
use crate::support::{Met, Needs, require};

pub const SIZES: [(u16, u16); 3] = [(20, 60), (24, 80), (60, 200)];

/// Waits until a screen is as in its picture. The directory of main.cf differs
/// from run to run.
fn compare(fixture: &QueueFixture, name: &str, size: (u16, u16), screen: &OnScreen) {
    compare_text(&[(fixture.instance.etc(), "ETC")], name, size, screen);
}

/// Waits until a screen is as in its picture, where these directories have other
/// names, and times are called DATE.
pub fn compare_text(
    directories: &[(PathBuf, &str)],
    name: &str,
    (rows, columns): (u16, u16),
    screen: &OnScreen,
) {
    let time = Regex::new(r"\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?").expect("a pattern");
    let without_etc = |shown: &str| {
        let mut shown = shown.to_owned();
        for (directory, called) in directories {
            shown = shown.replace(&directory.display().to_string(), called);
        }
        time.replace_all(&shown, "DATE").into_owned()
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/screens");
    let path = path.join(format!("{name}-{columns}x{rows}.txt"));
    if std::env::var_os("SPOOLBOX_UPDATE").is_some() {
        thread::sleep(Duration::from_secs(1));
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, without_etc(&screen.text())).expect("a picture");
    }
    let expected = fs::read_to_string(&path).expect("a picture; SPOOLBOX_UPDATE=1 makes it");
    let what = format!("{}\n{expected}", path.display());
    screen.wait_until(&what, |shown| without_etc(shown) == expected);
}

#[test]
fn every_view_looks_as_in_its_picture() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    for size in SIZES {
        let mut screen = fixture.browse(&[], size);
        compare(&fixture, "list", size, &screen);
        screen.keys("o");
        screen.wait_for("RECIPIENT DOMAIN");
        compare(&fixture, "overview", size, &screen);
        screen.keys("o");
        screen.wait_for("QUEUE ID");
        screen.keys("G\r");
        screen.wait_for("Subject: ");
        compare(&fixture, "message", size, &screen);
        screen.keys("G");
        screen.wait_for("the text.");
        compare(&fixture, "message-end", size, &screen);
        screen.keys("qg");
        screen.wait_for("QUEUE ID");
        screen.keys("?");
        screen.wait_for("Ctrl-C");
        compare(&fixture, "help", size, &screen);
        screen.keys("q");
        screen.wait_for("QUEUE ID");
        screen.keys("aD");
        screen.wait_for("8 messages for good");
        compare(&fixture, "confirm", size, &screen);
        screen.keys("\u{1b}");
        screen.wait_for("nothing was done");
        screen.keys("q");
        assert_eq!(screen.end(), Some(0), "{size:?}");
    }
}

#[test]
fn a_message_is_shown_searched_and_shown_as_records() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut screen = OnScreen::start(&fixture.command(&["--to", "ann@slow.example"]), USUAL);
    screen.wait_for("1 message ");
    screen.wait_without("reading");
    screen.keys("\r");
    let message = screen.wait_for("Dear reader,");
    for part in [
        "    Queue: deferred",
        "   Sender: offers@bulk.example",
        "1 recipient",
        "ann@slow.example",
        "Connection refused",
        "Subject: Offers of the week",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    screen.keys("/dear\r");
    // Drawn before the next key: the match was found again, because the screen
    // cannot begin with a line so near to the end.
    screen.wait_without("/dear");
    screen.keys("n");
    screen.wait_for("not found: dear");
    screen.keys("v");
    let records = screen.wait_for("*** ENVELOPE RECORDS deferred/4/4BULK00001 ***");
    assert!(records.contains("sender: offers@bulk.example"), "{records}");
    screen.keys("G");
    screen.wait_for("*** MESSAGE FILE END deferred/4/4BULK00001 ***");
    screen.keys("q");
    screen.wait_for("QUEUE ID");
    // q takes back the filter first.
    screen.keys("q");
    screen.wait_for("8 messages");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn lists_are_filtered_sorted_and_tagged() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut screen = fixture.browse(&[], (24, 120));
    let first = |text: &str| text.lines().nth(2).unwrap_or_default().to_owned();
    assert!(
        first(&screen.text()).contains("4HELD00006"),
        "the oldest first"
    );
    screen.keys("S");
    screen.wait_until("the youngest first", |text| {
        first(text).contains("4LIVE00007")
    });
    screen.keys("sss");
    screen.wait_for("by reason");
    screen.wait_until("by reason", |text| first(text).contains("connect to"));
    screen.keys("f--fro\t bu\u{7f}\u{7f}'*bulk*' --older 1d\r");
    screen.wait_for("2 messages");
    screen.wait_for("--from '*bulk*' --older 1d");
    screen.keys("a");
    screen.wait_for("2 tagged");
    screen.keys("q");
    screen.wait_for("8 messages");
    screen.wait_without("reading");
    assert!(screen.text().contains("2 tagged"));
    screen.keys("i");
    screen.wait_for("6 tagged");
    screen.keys("A");
    screen.wait_without("tagged");
    screen.keys("/K\u{f6}ln\r");
    screen.wait_for("1 message ");
    screen.wait_for("text: k\u{f6}ln");
    screen.keys("f--olden 1d\r");
    screen.wait_for("did you mean --older?");
    screen.keys("\u{1b}");
    screen.wait_without("filter: ");
    screen.keys("qq");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn rows_of_the_overview_become_filters() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut screen = fixture.browse(&[], (40, 120));
    screen.keys("o");
    screen.wait_for("RECIPIENT DOMAIN");
    // The first queue of a listing that has messages is active.
    screen.keys("\r");
    screen.wait_for("1 message ");
    screen.wait_for("--queue active");
    screen.keys("qo");
    screen.wait_for("offers@bulk.example");
    screen.keys("\u{1b}[6~\r");
    screen.wait_for("3 messages");
    screen.wait_for("--from offers@bulk.example");
    screen.keys("q");
    screen.wait_for("8 messages");
    screen.keys("o");
    screen.wait_for("Mailbox full");
    screen.keys("G\r");
    screen.wait_for("--reason");
    screen.wait_for("2 messages");
    screen.keys("qq");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn the_c_locale_without_colours_gets_ascii() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let mut command = fixture.command(&[]);
    command.env("LC_ALL", "C").env("NO_COLOR", "1");
    let mut screen = OnScreen::start(&command, (24, 120));
    screen.wait_for("4HAND00004");
    screen.wait_for("Gr??e aus K?ln");
    screen.keys("o");
    screen.wait_for("RECIPIENT DOMAIN");
    screen.keys("qq");
    assert_eq!(screen.end(), Some(0));
    let bytes = screen.bytes();
    assert!(bytes.is_ascii());
    let text = String::from_utf8_lossy(&bytes);
    for colour in 30..50 {
        assert!(!text.contains(&format!("\u{1b}[{colour}m")), "{colour}");
    }
    assert!(!text.contains("38;5;"), "{text}");
}

#[test]
fn texts_of_messages_do_not_control_the_terminal() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{200d}\u{8}x";
    let subject = format!("Subject: {evil}");
    let sender = format!("evil{evil}@bad.example");
    let lines = [subject.as_str(), evil, "", evil];
    let file = QueueFile::new(fixture::now() - 9, &sender, &[&sender], &lines);
    let name = Name::Literal(b"4EVIL00009".into());
    let new = NewFile::new("deferred", file.to_bytes()).named(name);
    let placed = fixture.instance.spool().put(&new);
    let log = format!("<x>: {evil}\nrecipient={sender}\nreason={evil}\n\n");
    fixture
        .instance
        .spool()
        .put_log("defer", &placed.name, log.as_bytes());
    let mut screen = OnScreen::start(&fixture.command(&[]), (40, 200));
    screen.wait_for("9 messages");
    screen.wait_for("owned");
    screen.keys("G\r");
    screen.wait_for("(v: the records");
    screen.keys("v");
    screen.wait_for("(v: the message)");
    screen.keys("Goo");
    screen.wait_for("QUEUE ID");
    screen.keys("GD");
    screen.wait_for("Delete 1 message for good");
    screen.keys("\u{1b}");
    screen.wait_for("nothing was done");
    screen.keys("q");
    assert_eq!(screen.end(), Some(0));
    let text = String::from_utf8_lossy(&screen.bytes()).into_owned();
    for part in [
        "\u{1b}]0;",
        "\u{9b}",
        "\u{202e}",
        "\u{200d}",
        "\u{7}",
        "\u{8}x",
    ] {
        assert!(!text.contains(part), "{part:?}");
    }
}
