//! main.cf in the place of another system, where /etc/postfix has none: found
//! if only root can change it, and never by a postconf that others can change.

use std::fs;

use crate::support::machine::{Machine, PROGRAM};
use crate::support::{Met, Needs, require};

/// FreeBSD's place.
const PLACE: &str = "/usr/local/etc/postfix";
/// Where the demo is made, and its main.cf.
const DEMO: &str = "/srv/demo";
const DEMO_ETC: &str = "/srv/demo/etc";

/// A copy of this machine without /etc/postfix/main.cf, with a demo's queue.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.succeed(&["rm", "-f", "/etc/postfix/main.cf"]);
    machine.succeed(&[PROGRAM, "demo", DEMO]);
    machine.succeed(&["mkdir", "-p", PLACE]);
    machine
}

fn put_main_cf(machine: &Machine, directory: &str) {
    let path = |directory: &str| machine.path(directory).join("main.cf");
    fs::copy(path(DEMO_ETC), path(directory)).expect("a main.cf");
}

#[test]
fn a_main_cf_in_another_systems_place_is_found_and_listed() {
    if require(Needs::Root) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let machine = machine();
    let named = machine.succeed(&[PROGRAM, "postqueue", "-c", DEMO_ETC, "-p"]);
    let missing = machine.run(&[PROGRAM, "postqueue", "-p"]).stderr_text();
    assert!(missing.contains("open /etc/postfix/main.cf:"), "{missing}");
    put_main_cf(&machine, PLACE);
    assert_eq!(machine.succeed(&[PROGRAM, "postqueue", "-p"]), named);
    assert_eq!(machine.succeed(&[PROGRAM, "mailq"]), named);
    // What others can change is no configuration.
    machine.succeed(&["chmod", "777", PLACE]);
    let refused = machine.run(&[PROGRAM, "postqueue", "-p"]).stderr_text();
    assert_eq!(refused, missing);
}

#[test]
fn the_postconf_in_path_says_where_main_cf_is_if_only_root_can_change_it() {
    if require(Needs::Root) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let machine = machine();
    let named = machine.succeed(&[PROGRAM, "postqueue", "-c", DEMO_ETC, "-p"]);
    machine.succeed(&["mkdir", "-p", "/srv/etc"]);
    put_main_cf(&machine, "/srv/etc");
    let script = "#!/bin/sh\n[ \"$*\" = '-d -h config_directory' ] && echo /srv/etc\n";
    fs::write(machine.path("/usr/local/bin/postconf"), script).expect("a postconf");
    machine.succeed(&["chmod", "755", "/usr/local/bin/postconf"]);
    assert_eq!(machine.succeed(&[PROGRAM, "postqueue", "-p"]), named);
    machine.succeed(&["chmod", "777", "/usr/local/bin/postconf"]);
    let refused = machine.run(&[PROGRAM, "postqueue", "-p"]).stderr_text();
    assert!(refused.contains("open /etc/postfix/main.cf:"), "{refused}");
}
