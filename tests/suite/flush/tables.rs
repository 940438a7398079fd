//! Sites in tables that are not read here: the flush service knows them.

use super::postqueue;
use crate::support::compare::same;
use crate::support::instance::{Instance, write_aged};
use crate::support::mail_system::MailSystem;
use crate::support::public;
use crate::support::public::{Service, read_until, send};
use crate::support::run::{Ended, Invocation, Output, Program, Tool};
use crate::support::{Met, Needs, require, under_test};

/// Lists with tables of other types than ours, with `@ROOT@` for files.
const LISTS: [&str; 5] = [
    "fast_flush_domains = hash:@ROOT@/fast",
    "fast_flush_domains = regexp:@ROOT@/patterns, example.org",
    "fast_flush_domains = !other.example, hash:@ROOT@/fast",
    "relay_domains = proxy:hash:@ROOT@/fast example.org",
    "relay_domains = hash:@ROOT@/fast, example.org",
];

#[test]
fn a_started_flush_service_is_asked_for_sites_in_any_table() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    for list in LISTS {
        let master = "proxymap unix - - n - - proxymap\n";
        let system =
            MailSystem::start_beside(MailSystem::builder().append(&format!("{list}\n")), master);
        let instance = &system.instance;
        let file = |name: &str| instance.root().join(name);
        write_aged(&file("fast"), "example.com one\nsub.example.com two\n");
        write_aged(&file("patterns"), "/^example\\.com$/ one\n");
        let made = system.tool("postmap", &[&format!("hash:{}", file("fast").display())]);
        assert_eq!(made.ended, Ended::Exited(0), "{made:?}");
        let mut statuses = Vec::new();
        for site in ["example.com", "example.org", "other.example", "[1.2.3.4]"] {
            for call in [
                postqueue(instance, &["-s", site]),
                Invocation::new(Tool::Sendmail, [format!("-qR{site}")])
                    .env("MAIL_CONFIG", instance.etc()),
            ] {
                let theirs = without_debians_words(call.run(Program::Theirs, instance));
                let ours = call.run(under_test(), instance);
                same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{list}: {text}"));
                statuses.push(theirs.ended);
            }
        }
        // Some are in it and some are not.
        assert!(statuses.contains(&Ended::Exited(0)), "{list}: {statuses:?}");
        assert!(
            statuses.contains(&Ended::Exited(69)),
            "{list}: {statuses:?}"
        );
    }
}

/// What a Postfix printed without what Debian's 3.11 alone says of each table of
/// this type.
fn without_debians_words(mut output: Output) -> Output {
    let text = output.stderr_text();
    let is_debians = |line: &&str| {
        line.contains("hash/btree support is deprecated") || line.contains("NON_BERKELEYDB_README")
    };
    let lines = text.lines().filter(|line| !is_debians(line));
    output.stderr = lines
        .flat_map(|line| [line, "\n"])
        .collect::<String>()
        .into();
    output
}

#[test]
fn that_no_list_is_kept_for_a_site_has_postfixs_words() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let settings = "fast_flush_domains = hash:@ROOT@/nowhere\n";
    let instance = Instance::builder().append(settings).build();
    let ask = |status: &'static str, site: &'static str| {
        public::clear(&instance);
        let path = public::directory(&instance).join("flush");
        let service = Service::listen(&path, move |mut stream| {
            send(&mut stream, b"protocol\0queue_flush_protocol\0\0");
            let request = read_until(&mut stream, b"\0\0");
            send(&mut stream, format!("status\0{status}\0\0").as_bytes());
            request
        });
        let output = postqueue(&instance, &["-s", site]).run(Program::Ours, &instance);
        (output, service.taken())
    };
    let (done, request) = ask("0", "example.com");
    assert_eq!(done.ended, Ended::Exited(0), "{done:?}");
    assert_eq!(request, b"request\0send_site\0site\0example.com\0\0");
    let (refused, _) = ask("4", "example.com");
    // As Postfix's own says of a site that its list does not have.
    let plain = Instance::builder().append("fast_flush_domains =\n").build();
    let call = postqueue(&plain, &["-s", "example.com"]);
    let theirs = call.run(Program::Theirs, &plain);
    same(&call, &refused, &theirs).unwrap_or_else(|text| panic!("{text}"));
    assert_eq!(refused.ended, Ended::Exited(69), "{refused:?}");
}

#[test]
fn a_list_of_users_with_such_a_table_is_still_an_error() {
    if require(Needs::Root) == Met::No {
        return;
    }
    let instance = Instance::builder()
        .set("authorized_flush_users", "hash:/nonexistent")
        .build();
    let call = Invocation::new(Tool::Postqueue, ["-f"])
        .default_etc(&instance.etc())
        .user(crate::support::run::User::Nobody);
    let output = call.run(Program::Ours, &instance);
    assert_eq!(output.ended, Ended::Exited(69), "{output:?}");
    let text = "authorized_flush_users: unsupported table: hash:/nonexistent";
    assert!(output.stderr_text().contains(text), "{output:?}");
}
