//! main.cf files that are wrong or unusual: what a listing says to them.
//!
//! Each text is appended to a main.cf that is otherwise in order.

use crate::support::compare::{Cases, keep_if_asked, same_output};
use crate::support::instance::Instance;
use crate::support::run::{Invocation, Tool};
use crate::support::sample;
use crate::support::{Met, Needs, require};

/// Values that Postfix refuses.
const REFUSED: [&str; 37] = [
    "enable_long_queue_ids = maybe",
    "enable_long_queue_ids = ",
    "enable_long_queue_ids = true",
    "hash_queue_depth = x",
    "hash_queue_depth = 0",
    "hash_queue_depth = -1",
    "hash_queue_depth = ",
    "hash_queue_depth = 1 ",
    "hash_queue_depth = 99999999999",
    "hash_queue_names = ",
    "trigger_timeout = 10x",
    "trigger_timeout = 0",
    "trigger_timeout = ",
    "trigger_timeout = 2h",
    "queue_directory = ",
    "queue_directory = /nonexistent",
    "queue_directory = /etc/passwd",
    "mail_name = ",
    "syslog_name = ",
    "mail_owner = ",
    "mail_owner = nosuchuser",
    "mail_owner = root",
    "syslog_facility = nope",
    "maillog_file = /nope/x",
    "smtputf8_enable = maybe",
    "compatibility_level = x",
    "duplicate_filter_limit = x",
    "empty_address_recipient = ",
    "mail_name = ${nosuch",
    "mail_name = $(nosuch",
    "mail_name = $",
    "mail_name = ${}",
    "a = $b\nb = $a\nmail_name = $a",
    "mail_name = ${{1} <> {2} ? {a} : {b}}",
    "mail_name = ${{1} == {2} ? {a} : {b}",
    "mail_name = ${x?}",
    "mail_name = ${x?{a}{b}}",
];

/// Syntax and expansion that has to be understood; mail_name is only checked,
/// but the layout of the listing shows enable_long_queue_ids.
const UNDERSTOOD: [&str; 39] = [
    "no equals sign",
    "= no name",
    "  # a comment",
    "mail_name =\n  continued",
    "enable_long_queue_ids =\n  yes",
    "enable_long_queue_ids =\n# a comment between\n\n  yes",
    "enable_long_queue_ids = yes\nenable_long_queue_ids = no",
    "enable_long_queue_ids = yes\nenable_long_queue_ids = yes",
    "x = yes\nenable_long_queue_ids = $x",
    "x = yes\nenable_long_queue_ids = ${x}",
    "x = yes\nenable_long_queue_ids = $(x)",
    "x = ye\nenable_long_queue_ids = ${x}s",
    "x = yes\ny = $x\nenable_long_queue_ids = $y",
    "enable_long_queue_ids = ${x?yes}${x:no}",
    "x = 1\nenable_long_queue_ids = ${x?yes}${x:no}",
    "x = 1\nenable_long_queue_ids = ${x?{yes}:{no}}",
    "enable_long_queue_ids = ${x?{yes}:{no}}",
    "enable_long_queue_ids = ${x?{no}:yes}",
    "enable_long_queue_ids = ${ x ? {no} : {yes} }",
    "enable_long_queue_ids = ${{1} == {1} ? {yes} : {no}}",
    "enable_long_queue_ids = ${{1}=={01}?{yes}:{no}}",
    "enable_long_queue_ids = ${{10} > {9} ? {yes} : {no}}",
    "enable_long_queue_ids = ${{a10} > {a9} ? {yes} : {no}}",
    "enable_long_queue_ids = ${{b} >= {a} ? {yes} : {no}}",
    "enable_long_queue_ids = ${{a} != {a} ? {yes} : {no}}",
    "enable_long_queue_ids = ${{3.10} >level {3.9} ? {yes} : {no}}",
    "enable_long_queue_ids = ${{$compatibility_level} <level {3.6} ? {yes} : {no}}",
    "enable_long_queue_ids = ${{$compatibility_level} <=level {3.6} ? {yes} : {no}}",
    "enable_long_queue_ids = ${{$x} == {} ? {yes} : {no}}",
    "enable_long_queue_ids = YES",
    "enable_long_queue_ids=yes",
    "enable_long_queue_ids\t=\tyes\t",
    "empty_address_recipient = $$x",
    "empty_address_recipient = a $nosuch b",
    "empty_address_recipient = $mail_name",
    "empty_address_recipient = $mydomain",
    "hash_queue_names = $nosuch deferred",
    "authorized_mailq_users = nobody",
    "authorized_mailq_users = ",
];

fn compare_all(test: &str, texts: &[&str]) {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let count = u64::try_from(texts.len()).expect("a few texts");
    Cases::from_environment(count).run(test, |_, case| {
        let text = texts[usize::try_from(case).expect("an index")];
        let mut instance = Instance::builder().append(&format!("{text}\n")).build();
        sample::fill(&instance);
        let call = Invocation::new(Tool::Postqueue, ["-p"])
            .env("MAIL_CONFIG", instance.etc())
            .env("TZ", "UTC");
        let result = same_output(&instance, &call).map(drop);
        let result = result.map_err(|difference| format!("  main.cf: {text:?}\n{difference}"));
        keep_if_asked(&mut instance, result)
    });
}

#[test]
fn bad_values_are_refused_in_the_same_words() {
    compare_all(
        "configuration::bad_values_are_refused_in_the_same_words",
        &REFUSED,
    );
}

#[test]
fn main_cf_is_understood_alike() {
    compare_all("configuration::main_cf_is_understood_alike", &UNDERSTOOD);
}
