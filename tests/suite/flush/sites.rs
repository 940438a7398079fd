//! Which sites and queue IDs are asked for at all, and by whom: the checks
//! before postqueue calls a daemon. No daemon is there, so that what passes
//! the checks ends with the words for a mail system that is down.

use std::fs;
use std::thread;

use super::postqueue;
use crate::support::compare::{Cases, same_output};
use crate::support::instance::{Instance, write_aged};
use crate::support::run::{Ended, Invocation, Tool, User};
use crate::support::{Extent, Met, Needs, require};

/// Sites of every form that is right or wrong.
const SITES: [&str; 62] = [
    "",
    ".",
    "a",
    "a.",
    ".a",
    "a..b",
    "-a",
    "a-",
    "a.-b",
    "a_b",
    "_a",
    "1.2.3.4",
    "12",
    "1a",
    "a b",
    " a",
    "a@b",
    "a\nb",
    "\u{e9}.com",
    "xn--a",
    "example.com",
    "Example.COM",
    "a.example.com",
    "b.a.example.com",
    "xexample.com",
    "com",
    "example.org",
    "a.example.org",
    "0x7f.1",
    "[1.2.3.4]",
    "[01.2.3.4]",
    "[0.0.0.0]",
    "[0.1.2.3]",
    "[1.2.3]",
    "[1.2.3.4.5]",
    "[1.2.3.256]",
    "[1.2.3.4",
    "1.2.3.4]",
    "[]",
    "[",
    "[[1.2.3.4]]",
    "[1.2.3.4]:25",
    "[example.com]",
    "[::1]",
    "[IPv6:::1]",
    "[ipv6:::1]",
    "[IPv6:2001:db8::1]",
    "[IPv6:]",
    "[IPv6:::]",
    "[IPv6:1:2]",
    "[IPv6:1:2:3:4:5:6:7:8]",
    "[IPv6:1:2:3:4:5:6:7:8:9]",
    "[IPv6:1:2:3:4:5:6:7::]",
    "[IPv6:1::3:4:5:6:7:8]",
    "[IPv6:::2:3:4:5:6:7:8]",
    "[IPv6:1::2::3]",
    "[IPv6:::ffff:1.2.3.4]",
    "[IPv6:1:2:1.2.3.4]",
    "[IPv6:1:1.2.3.4]",
    "[IPv6:1:2:3:4:5:6:7:1.2.3.4]",
    "[IPv6:::0.1.2.3]",
    "[IPv6:::1%lo]",
];

/// What fast_flush_domains can be, with `@ROOT@` for files.
const LISTS: [&str; 18] = [
    "fast_flush_domains = ",
    "fast_flush_domains = example.com",
    "fast_flush_domains = example.com, !example.com",
    "fast_flush_domains = !a.example.com example.com",
    "fast_flush_domains = .example.com EXAMPLE.org [1.2.3.4]",
    "fast_flush_domains = static:anything",
    "fast_flush_domains = !static:anything",
    "fast_flush_domains = static:",
    "fast_flush_domains = static:x /nonexistent",
    "fast_flush_domains = inline:{example.com=1, {[ipv6:::1] = 2}}",
    "fast_flush_domains = texthash:@ROOT@/table",
    "fast_flush_domains = @ROOT@/list",
    "fast_flush_domains = !@ROOT@/list example.org",
    "fast_flush_domains = /nonexistent",
    "fast_flush_domains = example.com # example.org",
    "fast_flush_domains = .example.com, com\nparent_domain_matches_subdomains =",
    "fast_flush_domains = com\nparent_domain_matches_subdomains = !fast_flush_domains static:x",
    "relay_domains = example.com, localhost",
];

fn instance(settings: &str) -> Instance {
    let instance = Instance::builder().append(&format!("{settings}\n")).build();
    write_aged(
        &instance.root().join("table"),
        "example.com one\n.example.org two\n",
    );
    write_aged(
        &instance.root().join("list"),
        "# sites\nexample.com\n!a.example.org .example.org\n",
    );
    instance
}

/// Files that a list can name: comments, continued lines, NULs.
const FILES: [&str; 12] = [
    "  # x\nexample.com\n",
    " other\n  # x\nexample.com\n",
    "other\n# c\n example.com\n",
    "other {a\n b} example.com\n",
    "other !\n example.com",
    "other\n #y\n example.com # b c d e f g h i j k l m n\n",
    "other #, example.com\nexample.com\n",
    "other\0example.com\n",
    "x y\n z\0a\n b\0c\nd\0e\nexample.com x",
    "# \0\n \n x\0\nexample.com",
    "\0#x\nexample.com one\n",
    "\t\n\nexample.com #x\ty\u{e9}\r\n",
];

#[test]
fn files_of_a_list_are_read_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for text in FILES {
            for kind in ["", "texthash:"] {
                scope.spawn(move || {
                    let settings = format!("fast_flush_domains = {kind}@ROOT@/file\n");
                    let instance = Instance::builder().append(&settings).build();
                    write_aged(&instance.root().join("file"), text);
                    check(&instance, &postqueue(&instance, &["-s", "example.com"]));
                });
            }
        }
    });
}

fn check(instance: &Instance, call: &Invocation) {
    let theirs = same_output(instance, call).unwrap_or_else(|text| panic!("{text}"));
    assert_eq!(theirs.ended, Ended::Exited(69), "{theirs:?}");
}

#[test]
fn each_site_is_taken_or_refused_under_each_list() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for list in LISTS {
            scope.spawn(move || {
                let instance = instance(list);
                for site in SITES {
                    check(&instance, &postqueue(&instance, &["-s", site]));
                }
            });
        }
    });
}

#[test]
fn long_sites_and_ids_are_shown_cut() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = instance("");
    let label = "a".repeat(63);
    for site in [
        label.clone(),
        format!("a{label}"),
        format!("{label}.{label}.{label}.{}", &label[..61]),
        format!("{label}.{label}.{label}.{}", &label[..62]),
        format!("{label}.{label}.{label}.{label}"),
        "x y".repeat(60),
        "\u{e9} ".repeat(60),
        "x ".repeat(50),
        format!("{}x", "x ".repeat(50)),
    ] {
        check(&instance, &postqueue(&instance, &["-s", &site]));
    }
    for id in [
        "",
        "A",
        "a_b",
        "a.b",
        "a-b",
        "-",
        "ALL",
        "a\u{1}b",
        &"A".repeat(255),
        &"A".repeat(256),
        &"x/".repeat(60),
        &"\u{e9}/".repeat(60),
    ] {
        check(&instance, &postqueue(&instance, &["-i", id]));
    }
}

#[test]
fn generated_sites_are_taken_or_refused_alike() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = instance("relay_domains = static:x");
    let cases = Cases::from_environment(400);
    cases.run("flush::sites::generated", |seed, case| {
        let mut random = fastrand::Rng::with_seed(seed ^ case.wrapping_mul(0x9E37_79B9));
        let call = postqueue(&instance, &["-s", &random_site(&mut random)]);
        same_output(&instance, &call).map(drop)
    });
}

/// Text of the pieces that sites are made of.
fn random_site(random: &mut fastrand::Rng) -> String {
    const PIECES: [&str; 16] = [
        "1", "0", "255", "256", "a", "f", "g", ".", ".", ":", ":", "::", "-", "_", "00", "1.2.3.4",
    ];
    let inner: String = (0..random.usize(1..12))
        .map(|_| PIECES[random.usize(..PIECES.len())])
        .collect();
    match random.u8(..3) {
        0 => inner,
        1 => format!("[{inner}]"),
        _ => format!("[IPv6:{inner}]"),
    }
}

/// Numbers of users that every Debian has, and of one that nobody is.
const USERS: [User; 5] = [
    User::Caller,
    User::Nobody,
    User::Id(1),
    User::Id(2),
    User::Id(4242),
];

const ACLS: [&str; 20] = [
    "",
    "root",
    "static:anyone",
    "static:",
    "static:, /nonexistent # x",
    "root, static:",
    ", static:x",
    "!static:",
    "statics",
    "nobody, bin",
    "!nobody, static:all",
    "NOBODY daemon",
    "unknown",
    "!unknown static:all",
    "@ROOT@/users",
    "!@ROOT@/users static:all",
    "inline:{daemon=1, unknown=2}",
    "texthash:@ROOT@/users-table",
    "/nonexistent",
    "nobody !",
];

#[test]
fn who_may_flush_and_view_is_decided_alike() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for acl in ACLS {
            scope.spawn(move || {
                let settings = format!(
                    "authorized_flush_users = {acl}\nauthorized_mailq_users = {acl}\n\
                     relay_domains = example.com"
                );
                let instance = instance(&settings);
                fs::write(instance.root().join("users"), "bin\n!nobody\n").expect("a file");
                write_aged(&instance.root().join("users-table"), "daemon x\nbin y\n");
                for user in Extent::from_environment().some_of(USERS, 2) {
                    decided_alike(&instance, user);
                }
            });
        }
    });
}

/// Every kind of flush, and a listing, by this user.
fn decided_alike(instance: &Instance, user: User) {
    let calls = [
        vec!["-f"],
        vec!["-i", "ABC"],
        vec!["-s", "example.com"],
        vec!["-s", "other.example"],
        vec!["-s", "a..b"],
        vec!["-i", "a-b"],
        vec!["-j"],
    ];
    for arguments in calls {
        let call = Invocation::new(Tool::Postqueue, &arguments)
            .user(user)
            .default_etc(&instance.etc());
        same_output(instance, &call).unwrap_or_else(|text| panic!("{text}"));
    }
}
