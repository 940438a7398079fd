//! Crashes and errors: small runs of every command are killed at each of their
//! system calls, and each call is made to fail in every possible way.
//!
//! `cargo test --test suite fault_injection` runs the cases that once failed and a
//! sample of the rest: another one with another SPOOLBOX_SEED, a larger one with
//! SPOOLBOX_FAULTS=n. All cases, which take about half an hour of one processor:
//! `SPOOLBOX_LONG=2 cargo test --test suite fault_injection`; those of one command,
//! by its number in the list below: SPOOLBOX_CASE=n; on more processors:
//! SPOOLBOX_THREADS=n. At its end, each test prints the number of cases.
//!
//! `fixture` builds the spools and examines them afterwards, `calls` lists the errors
//! of each call and which of them may be ignored, `checks` has the requirements.

mod calls;
mod checks;
mod errors;
mod fixture;
mod kills;
mod plan;
mod real;

use fixture::{Case, Filling, MayGo};

use crate::support::run::Tool;

const fn change(arguments: &'static [&'static str], may_go: MayGo) -> Case {
    Case {
        tool: Tool::Postsuper,
        arguments,
        filling: Filling::Usual,
        may_go,
    }
}

const fn listing(arguments: &'static [&'static str]) -> Case {
    Case {
        tool: Tool::Postqueue,
        ..change(arguments, MayGo::None)
    }
}

/// It has rules of its own, and is struck at one call only.
const QSHAPE: Case = Case {
    tool: Tool::Qshape,
    ..change(&["deferred"], MayGo::None)
};

const fn repair(arguments: &'static [&'static str], may_go: MayGo) -> Case {
    Case {
        filling: Filling::Broken,
        ..change(arguments, may_go)
    }
}

/// Something that is moved to the trash.
const fn trash(arguments: &'static [&'static str]) -> Case {
    Case {
        filling: Filling::Quiet,
        ..change(arguments, MayGo::None)
    }
}

const fn deleted(filling: Filling, arguments: &'static [&'static str], may_go: MayGo) -> Case {
    Case {
        filling,
        ..change(arguments, may_go)
    }
}

const TRASH_OF_ONE_SENDER: Case =
    trash(&["--trash", "-d", "MATCH", "--from", "sender@example.com"]);

/// What is run.
const CASES: &[Case] = &[
    listing(&["-p"]),
    listing(&["-j"]),
    change(&["-d", "ID", "-d", "ID2"], MayGo::All),
    change(&["-d", "-"], MayGo::All),
    change(&["-d", "ALL"], MayGo::All),
    change(&["-e", "ID2"], MayGo::None),
    change(&["-e", "-"], MayGo::None),
    change(&["-e", "ALL"], MayGo::None),
    change(&["-f", "ID"], MayGo::None),
    change(&["-f", "-"], MayGo::None),
    change(&["-f", "ALL"], MayGo::None),
    change(&["-h", "ID2"], MayGo::None),
    change(&["-h", "-"], MayGo::None),
    change(&["-h", "ALL"], MayGo::None),
    change(&["-H", "ID"], MayGo::None),
    change(&["-H", "-"], MayGo::None),
    change(&["-H", "ALL"], MayGo::None),
    change(&["-r", "ID"], MayGo::None),
    change(&["-r", "-"], MayGo::None),
    change(&["-r", "ALL"], MayGo::None),
    change(&["-h", "-", "-r", "ALL"], MayGo::None),
    change(&["-d", "MATCH", "--to", "one@dest.example"], MayGo::All),
    // What cannot be read is not known not to be that, and stays.
    change(
        &["-h", "MATCH", "--not", "--to", "one@dest.example"],
        MayGo::None,
    ),
    change(
        &["-h", "MATCH", "--not", "--subject", "a message"],
        MayGo::None,
    ),
    change(
        &["-r", "MATCH", "--from", "sender@example.com"],
        MayGo::None,
    ),
    repair(&["-s"], MayGo::None),
    repair(&["-S"], MayGo::None),
    repair(&["-p"], MayGo::Unfinished),
    repair(&["-p", "-s"], MayGo::Unfinished),
    repair(&["-d", "ALL"], MayGo::All),
    repair(&["-f", "ALL"], MayGo::None),
    repair(&["-r", "ALL"], MayGo::None),
    trash(&["--trash", "-d", "ID"]),
    trash(&["--trash", "-d", "-"]),
    trash(&["--trash", "-d", "ALL"]),
    TRASH_OF_ONE_SENDER,
    deleted(Filling::Deleted, &["--undo"], MayGo::None),
    deleted(Filling::DeletedAndChanged, &["--undo"], MayGo::None),
    deleted(
        Filling::Deleted,
        &["--trash-purge", "--older", "0s"],
        MayGo::All,
    ),
    trash(&["--journal", "-h", "ALL"]),
    trash(&["--journal", "-H", "-"]),
    trash(&["--journal", "-f", "-"]),
    trash(&["--journal", "-r", "-"]),
    trash(&["--journal", "--postpone=ALL", "--until=2099-01-01"]),
    deleted(Filling::Held, &["--undo"], MayGo::None),
    deleted(Filling::Released, &["--undo"], MayGo::None),
    // Nothing is moved: the batch is empty.
    trash(&["--trash", "-d", "MATCH", "--from", "nobody@nowhere.example"]),
    // The journal is written anew.
    deleted(Filling::DeletedOnceMore, &["--undo"], MayGo::None),
    deleted(
        Filling::DeletedOnceMore,
        &["--trash-purge", "--older", "0s"],
        MayGo::All,
    ),
];
