//! browse by an ordinary user: through the daemon, or through the set-gid postqueue
//! where only that may reach the daemon. It lists and cannot change anything.

use super::programs::{Bits, NOBODY, Programs, Run};
use crate::support::instance::set_mode;
use crate::support::mail_system::MailSystem;
use crate::support::screen::OnScreen;
use crate::support::{Met, Needs, require};

#[test]
fn an_ordinary_user_sees_the_queue_and_changes_nothing() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let system = MailSystem::start(MailSystem::builder());
    let recipient = "you@dest.example";
    system.submit("ordinary@example.com", &[recipient], "Subject: one\n\n");
    let ids = system.wait_for_deferred(1);
    let programs = Programs::of(&system.instance);
    // With the group's rights, but not by the name that may use them.
    let browse = programs.ours("spoolbox", Bits::SetGid);
    programs.ours("postqueue", Bits::SetGid);
    let public = system.instance.queue_directory().join("public");
    for mode in [0o755, 0o710] {
        set_mode(&public, mode);
        let run = Run {
            environment: &[("TERM", "xterm"), ("LC_ALL", "C.UTF-8")],
            ..Run::new(&browse, &["browse"], NOBODY)
        };
        let command = run.command(&system.instance.etc());
        let mut screen = OnScreen::start(&command, (24, 110));
        screen.wait_for("1 message");
        screen.wait_for(recipient);
        screen.keys("d");
        screen.wait_for("only root and the mail owner can change messages");
        screen.keys("q");
        assert_eq!(screen.end(), Some(0), "{mode:o}");
        assert_eq!(system.names("deferred"), ids);
    }
}
