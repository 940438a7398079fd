//! postqueue -f, -i and -s, and the names that lead there.

pub mod delivery;
mod names;
mod service;
mod sites;
mod tables;
mod triggers;
mod waiting;

use crate::support::instance::Instance;
use crate::support::run::{Invocation, Tool};

/// A call of postqueue on an instance.
fn postqueue(instance: &Instance, arguments: &[&str]) -> Invocation {
    let etc = instance.etc().display().to_string();
    let all = ["-c", &etc].into_iter().chain(arguments.iter().copied());
    Invocation::new(Tool::Postqueue, all)
}
