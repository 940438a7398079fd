//! Extensions of listings: selections, counts, one-line listings, metrics. Where a
//! pipeline around the real tools has the same result, it is compared with that.

mod check;
mod corrupt;
mod counting;
mod csv;
mod decoded;
mod evidence;
mod generated;
mod instances;
mod instances_of_tools;
mod joined;
pub mod manual;
mod monitoring;
mod ordinary_users;
mod outputs;
mod postcat;
pub mod reading;
mod seeing;
pub mod selecting;
pub mod spool;
mod wrong;
mod zones;

use crate::support::instance::Instance;
use crate::support::pipeline::pipeline_of;
use crate::support::run::{Ended, Invocation, Output, Program, Tool};

/// An instance with the spool of `spool`.
pub fn filled() -> Instance {
    let instance = Instance::builder().build();
    spool::fill(&instance);
    instance
}

/// Runs our postqueue.
fn run(instance: &Instance, args: &[&str]) -> Output {
    Invocation::new(Tool::Postqueue, args)
        .env("MAIL_CONFIG", instance.etc())
        .env("TZ", "UTC")
        .run(Program::Ours, instance)
}

/// What our postqueue prints; it has to end well.
fn printed(instance: &Instance, args: &[&str]) -> String {
    let output = run(instance, args);
    assert_eq!(output.ended, Ended::Exited(0), "{args:?}\n{output:?}");
    output.stdout_text()
}

/// What a pipeline of the real tools prints.
pub fn real(instance: &Instance, script: &str) -> String {
    let output = pipeline_of(Program::Theirs, instance, script);
    assert_eq!(output.ended, Ended::Exited(0), "{script}\n{output:?}");
    output.stdout_text()
}
