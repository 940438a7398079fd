//! Inside tmux and GNU screen, which are terminals of their own: the list, keys
//! with escape sequences, another size, and what is left when it ends.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::fixture::QueueFixture;
use crate::support::screen::OnScreen;
use crate::support::{Met, Needs, require};

const SIZE: (u16, u16) = (24, 80);

/// A shell's line that runs browse between two texts.
fn script(fixture: &QueueFixture) -> String {
    let command = fixture.command(&[]);
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<String> = words
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    format!(
        "echo it begins; {}; echo it ended with $?; read line",
        words.join(" ")
    )
}

fn command(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", directory)
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .env("LC_ALL", "C.UTF-8");
    command
}

/// What a user does there.
fn use_it(mut screen: OnScreen) {
    screen.wait_for("8 messages");
    screen.wait_without("reading");
    // A sequence, a key that begins one, and a function key.
    screen.keys("\u{1b}[B ");
    screen.wait_for("1 tagged");
    let tagged = |text: &str| text.lines().any(|line| line.starts_with("+ 4HELD00005"));
    screen.wait_until("the second message tagged", tagged);
    screen.keys("?");
    screen.wait_for("Ctrl-C");
    screen.keys("\u{1b}");
    screen.wait_without("Ctrl-C");
    screen.resize(40, 120);
    screen.wait_for("SUBJECT");
    screen.wait_for("Gr\u{fc}\u{df}e aus K\u{f6}ln");
    screen.keys("q");
    screen.wait_for("it ended with 0");
    let left = screen.wait_for("it begins");
    assert!(!left.contains("QUEUE ID"), "{left}");
    screen.keys("\n");
    assert_eq!(screen.end(), Some(0));
}

#[test]
fn it_works_inside_tmux() {
    if require(Needs::Tmux) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let directory = TempDir::new().expect("a directory");
    let mut tmux = command("tmux", directory.path());
    tmux.arg("-S").arg(directory.path().join("socket"));
    tmux.args(["-f", "/dev/null", "new-session"]);
    tmux.arg(script(&fixture));
    use_it(OnScreen::start(&tmux, SIZE));
}

#[test]
fn it_works_inside_gnu_screen() {
    if require(Needs::Screen) == Met::No {
        return;
    }
    let fixture = QueueFixture::new();
    let directory = TempDir::new().expect("a directory");
    let private = Permissions::from_mode(0o700);
    fs::set_permissions(directory.path(), private).expect("chmod");
    let settings = directory.path().join("screenrc");
    // Without the first, what a full-screen program showed stays on the screen.
    fs::write(&settings, "altscreen on\nstartup_message off\n").expect("settings");
    let mut gnu_screen = command("screen", directory.path());
    gnu_screen.env("SCREENDIR", directory.path());
    gnu_screen.arg("-c").arg(&settings);
    gnu_screen.args(["-U", "sh", "-c", &script(&fixture)]);
    use_it(OnScreen::start(&gnu_screen, SIZE));
}
