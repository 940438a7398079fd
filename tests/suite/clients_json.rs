//! What the programs that read `postqueue -j` rely on, with jq, grep and sed,
//! and decoded line by line.

use crate::clients::{Spool, all_ids, empty_instance, sample_spool};
use crate::support::pipeline::{pipeline, sorted};
use crate::support::run::{Ended, Invocation, Tool};
use crate::support::spool::NewFile;
use crate::support::under_test;

#[test]
fn each_line_of_json_is_an_object_with_the_members_in_order() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let ids = pipeline(&instance, "postqueue -j | jq -r .queue_id");
    assert_eq!(sorted(&ids), all_ids(&sample));
    let members = pipeline(&instance, "postqueue -j | jq -c keys_unsorted | sort -u");
    assert_eq!(
        members,
        "[\"queue_name\",\"queue_id\",\"arrival_time\",\"message_size\",\"forced_expire\",\
         \"sender\",\"recipients\"]\n"
    );
    let types = pipeline(
        &instance,
        "postqueue -j | jq -c 'map_values(type)' | sort -u",
    );
    assert!(
        types.contains("\"arrival_time\":\"number\",\"message_size\":\"number\""),
        "{types}"
    );
    assert!(types.contains("\"forced_expire\":\"boolean\""), "{types}");
}

#[test]
fn json_is_found_by_grep_with_one_blank_behind_colons_and_commas() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let script = "postqueue -j | grep '\"sender\": \"sender@example.com\"' | jq -r .queue_id";
    assert_eq!(pipeline(&instance, script).trim(), sample.deferred.id());
    let script = "postqueue -j | sed -n 's/.*\"queue_name\": \"\\([a-z]*\\)\", .*/\\1/p' | sort -u";
    let queues = pipeline(&instance, script);
    assert_eq!(queues, "active\ndeferred\nhold\nincoming\nmaildrop\n");
}

#[test]
fn json_numbers_are_integers_and_reasons_belong_to_recipients() {
    let Some(Spool { instance, .. }) = sample_spool() else {
        return;
    };
    for line in pipeline(&instance, "postqueue -j").lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("a JSON object");
        assert!(
            value["arrival_time"].is_i64() && value["message_size"].is_i64(),
            "{line}"
        );
        assert!(value["recipients"].is_array(), "{line}");
    }
    let script = "postqueue -j | jq -r '.recipients[] | select(.delay_reason) | .address' | sort";
    let waiting = pipeline(&instance, script);
    assert_eq!(
        waiting,
        "late@dest.example\none@dest.example\ntwo@dest.example\n"
    );
}

#[test]
fn a_message_without_recipients_has_an_empty_array() {
    let Some(instance) = empty_instance() else {
        return;
    };
    let content = b"T\x0c1700000000 0S\x03s@xM\0X\0E\0".to_vec();
    instance.spool().put(&NewFile::new("incoming", content));
    assert_eq!(
        pipeline(&instance, "postqueue -j | jq -c .recipients"),
        "[]\n"
    );
}

#[test]
fn json_is_valid_utf_8_whatever_the_queue_holds() {
    let Some(instance) = empty_instance() else {
        return;
    };
    let content =
        b"T\x0c1700000000 0S\x09\xff\xfe\xc3@x\x1b\x80\"R\x06\xc3\xbc@\xed\xa0xM\0X\0E\0".to_vec();
    instance.spool().put(&NewFile::new("hold", content));
    let output = Invocation::new(Tool::Postqueue, ["-j"])
        .env("MAIL_CONFIG", instance.etc())
        .run(under_test(), &instance);
    assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
    let text = std::str::from_utf8(&output.stdout).expect("valid UTF-8");
    let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
    assert!(
        value["sender"].as_str().is_some_and(|s| s.contains('?')),
        "{text}"
    );
}
