//! Rights (spec page 11): who may do what, what a set-gid program believes,
//! what is given up and when. Real users, real set-gid copies; run by root.

mod callers;
mod descriptors;
mod environment;
mod listing;
mod programs;
mod traces;

use std::path::Path;

use crate::support::tell;

/// Whether there is no strace(1) here; where it has to be there, that fails.
pub fn strace_is_missing() -> bool {
    let missing = !Path::new("/usr/bin/strace").exists();
    if missing {
        assert!(
            std::env::var("SPOOLBOX_REQUIRE_POSTFIX").as_deref() != Ok("1"),
            "strace is not installed"
        );
        tell("left out: strace is not installed");
    }
    missing
}
