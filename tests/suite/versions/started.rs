//! A started Postfix with mail that it has queued itself, with short and long
//! queue IDs: postcat and postsuper, ours and the real ones, on it. Listings of
//! it are in `live`, flushing in `flush::delivery`.

use spoolbox::release::Feature;

use crate::support::compare::{same, same_output};
use crate::support::mail_system::MailSystem;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::{Met, Needs, installed_release, require, under_test};

const MESSAGES: usize = 14;
const QUEUES: [&str; 6] = [
    "maildrop", "incoming", "active", "deferred", "hold", "corrupt",
];

/// A system with that many deferred messages, and their IDs.
fn system(long_ids: &str) -> (MailSystem, Vec<String>) {
    let builder = MailSystem::builder().set("enable_long_queue_ids", long_ids);
    let system = MailSystem::start(builder);
    for _ in 0..MESSAGES {
        let recipients = ["a@dest.example", "j\u{fc}rgen@other.example"];
        system.submit("sender@example.com", &recipients, "subject: x\n\ntext\n");
    }
    let deferred = system.wait_for_deferred(MESSAGES);
    (system, deferred)
}

fn call(system: &MailSystem, tool: Tool, arguments: &[&str]) -> Invocation {
    Invocation::new(tool, arguments)
        .env("MAIL_CONFIG", system.instance.etc())
        .env("TZ", "UTC")
        .cwd(&system.instance.queue_directory())
}

/// Where a message is, and its line in the real listing without what is its
/// alone.
fn place(system: &MailSystem, id: &str) -> (Vec<&'static str>, Option<String>) {
    let is_in = |queue: &&str| system.names(queue).iter().any(|name| name == id);
    let queues = QUEUES.into_iter().filter(is_in).collect();
    let listing = call(system, Tool::Postqueue, &["-j"]).run(Program::Theirs, &system.instance);
    let listing = listing.stdout_text();
    let line = listing.lines().find(|line| line.contains(id));
    let line = line.map(|line| {
        let object: serde_json::Value = serde_json::from_str(line).expect("JSON");
        // The size varies with the digits of the time of arrival.
        let shared = ["queue_name", "forced_expire"];
        shared.map(|name| object[name].to_string()).join(" ")
    });
    (queues, line)
}

fn without_id(mut output: Output, id: &str) -> Output {
    for text in [&mut output.stdout, &mut output.stderr] {
        *text = String::from_utf8_lossy(text).replace(id, "ID").into_bytes();
    }
    output
}

#[test]
fn postcat_shows_what_a_running_system_has_queued() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    for long_ids in ["no", "yes"] {
        let (system, deferred) = system(long_ids);
        let (first, second) = (deferred[0].as_str(), deferred[1].as_str());
        for options in ["-q", "-eq", "-bq", "-hq", "-bhq", "-dq", "-oq"] {
            let call = call(&system, Tool::Postcat, &[options, first, second]);
            let theirs = same_output(&system.instance, &call);
            let theirs = theirs.unwrap_or_else(|text| panic!("{text}"));
            assert_eq!(theirs.ended, Ended::Exited(0), "{theirs:?}");
        }
    }
}

#[test]
fn postsuper_does_the_same_beside_a_running_system() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let mut actions: Vec<&[&str]> = vec![&["-h"], &["-r"], &["-d"], &["-h", "-H"], &["-h", "-r"]];
    if installed_release().has(Feature::ForcedExpire) {
        actions.push(&["-e"]);
        actions.push(&["-h", "-f"]);
    }
    for long_ids in ["no", "yes"] {
        let (system, deferred) = system(long_ids);
        // Each action on one message by each program.
        for (pair, options) in deferred.chunks_exact(2).zip(&actions) {
            let ids = [pair[0].as_str(), pair[1].as_str()];
            let [theirs, ours] = [Program::Theirs, under_test()];
            for option in *options {
                let done = |program, id: &str| {
                    let call = call(&system, Tool::Postsuper, &[option, id]);
                    (without_id(call.run(program, &system.instance), id), call)
                };
                let (theirs, call) = done(theirs, ids[0]);
                let (ours, _) = done(ours, ids[1]);
                same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{text}"));
                assert_eq!(theirs.ended, Ended::Exited(0), "{theirs:?}");
            }
            let [expected, found] = ids.map(|id| place(&system, id));
            assert_eq!(found, expected, "{options:?} {long_ids}");
        }
        // Nothing is left to repair, for either.
        for arguments in [&["-s"][..], &["-p"]] {
            let call = call(&system, Tool::Postsuper, arguments);
            let theirs = same_output(&system.instance, &call);
            theirs.unwrap_or_else(|text| panic!("{text}"));
        }
    }
}
