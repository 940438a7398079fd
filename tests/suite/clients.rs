//! What the programs that read mailq rely on, each with a pipeline of its own
//! kind: line and paragraph mode awk, grep with context, sed, cut, tail, jq.
//!
//! The expectations are stated, so UNDER_TEST=theirs checks that they hold
//! for Postfix; where Postfix is installed the two are compared besides.

use crate::support::instance::Instance;
use crate::support::pipeline::{pipeline, pipeline_of, sorted};
use crate::support::sample;
use crate::support::sample::{REASON, Sample};
use crate::support::spool::NewFile;
use crate::support::{Met, Needs, require, under_test};

/// What both programs warn of when no mail system runs; a pipeline here reads
/// stdout alone.
const DOWN: &str = "postqueue: warning: Mail system is down -- accessing queue directly";

/// An instance with the sample messages.
pub struct Spool {
    pub instance: Instance,
    pub sample: Sample,
}

pub fn sample_spool() -> Option<Spool> {
    if require(Needs::Postfix) == Met::No {
        return None;
    }
    let instance = Instance::builder().build();
    let sample = sample::fill(&instance);
    Some(Spool { instance, sample })
}

pub fn empty_instance() -> Option<Instance> {
    (require(Needs::Postfix) == Met::Yes).then(|| Instance::builder().build())
}

pub fn all_ids(sample: &Sample) -> Vec<String> {
    let mut ids: Vec<_> = sample.all().iter().map(|placed| placed.id()).collect();
    ids.sort();
    ids
}

#[test]
fn paragraph_mode_awk_finds_every_message_once_the_heading_line_is_removed() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let script =
        r#"mailq | tail -n +2 | awk 'BEGIN { RS = "" } !/^--/ { print $1 }' | tr -d '*!#'"#;
    assert_eq!(sorted(&pipeline(&instance, script)), all_ids(&sample));
}

#[test]
fn paragraph_mode_awk_meets_the_first_message_together_with_the_heading() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let script =
        r#"mailq | awk 'BEGIN { RS = ""; FS = "\n" } NR == 1 { print $2 }' | cut -d' ' -f1"#;
    assert_eq!(pipeline(&instance, script).trim(), sample.maildrop.id());
}

#[test]
fn both_headings_are_recognized_by_the_words_queue_id() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    for long_ids in ["no", "yes"] {
        let instance = Instance::builder()
            .set("enable_long_queue_ids", long_ids)
            .build();
        sample::fill(&instance);
        let script = "mailq | head -n 1 | grep -c -e '-Queue ID-'";
        assert_eq!(pipeline(&instance, script), "1\n");
    }
}

#[test]
fn only_an_id_stands_in_column_one() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let script = "mailq | grep '^[0-9A-Za-z]' | sed 's/[*!# ].*//'";
    assert_eq!(sorted(&pipeline(&instance, script)), all_ids(&sample));
    let script = "mailq | grep -v '^[0-9A-Za-z]' | grep -v '^$' | cut -c1 | sort -u | tr -d '\\n'";
    let starts = pipeline(&instance, script);
    assert!(starts.chars().all(|c| " (-".contains(c)), "{starts:?}");
}

#[test]
fn the_status_is_glued_to_the_id_and_a_blank_follows() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let words = pipeline(&instance, "mailq | awk '/^[0-9A-Z]/ { print $1 }'");
    let active = format!("{}*", sample.active.id());
    let held = format!("{}!#", sample.held.id());
    assert!(words.lines().any(|word| word == active), "{words}");
    assert!(words.lines().any(|word| word == held), "{words}");
    let script = "mailq | awk '/^[0-9A-Z]/ { print $1 }' | tr -d '*!' | grep -c '#'";
    assert_eq!(pipeline(&instance, script), "1\n");
}

#[test]
fn the_fields_of_a_message_line_are_where_cut_and_awk_expect_them() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let id = sample.deferred.id();
    let line = pipeline(&instance, &format!("mailq | grep '^{id}'"));
    let fields: Vec<_> = line.split_whitespace().collect();
    assert_eq!(fields.len(), 7, "{line:?}");
    assert_eq!(fields[2..6].join(" "), "Mon Nov 23 13:00:15");
    assert_eq!(fields[6], "sender@example.com");
    let script = format!("mailq | grep '^{id}' | cut -c12-19 | tr -d ' '");
    assert_eq!(pipeline(&instance, &script).trim(), fields[1]);
    let script = format!("mailq | grep '^{id}' | cut -c21-39");
    assert_eq!(pipeline(&instance, &script), "Mon Nov 23 13:00:15\n");
}

#[test]
fn the_day_of_the_month_is_padded_with_a_blank() {
    let Some(instance) = empty_instance() else {
        return;
    };
    let content = b"T\x0c1699000000 0S\x03s@xR\x03r@xM\0X\0E\0".to_vec();
    instance.spool().put(&NewFile::new("deferred", content));
    assert_eq!(
        pipeline(&instance, "mailq | sed -n 2p | cut -c21-39"),
        "Fri Nov  3 08:26:40\n"
    );
}

#[test]
fn the_first_recipient_is_word_eight_of_a_message_without_reasons() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let id = sample.incoming.id();
    let script = format!("mailq | awk 'BEGIN {{ RS = \"\" }} $1 == \"{id}\" {{ print $8 }}'");
    assert_eq!(pipeline(&instance, &script), "a@dest.example\n");
}

#[test]
fn nothing_trails_behind_an_address() {
    let Some(Spool { instance, .. }) = sample_spool() else {
        return;
    };
    assert_eq!(pipeline(&instance, "mailq | grep -c ' $'; true"), "0\n");
    let script =
        "mailq | awk '/^ *[^ (]+@/ { print $NF }' | grep -vc '^[a-z]*@dest.example$'; true";
    assert_eq!(pipeline(&instance, script), "0\n");
}

#[test]
fn the_null_sender_shows_as_mailer_daemon() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let script = "mailq | awk '$7 == \"MAILER-DAEMON\" { print $1 }' | tr -d '*!#'";
    assert_eq!(pipeline(&instance, script).trim(), sample.active.id());
    assert_eq!(
        pipeline(
            &instance,
            "postqueue -j | grep -c '\"sender\": \"MAILER-DAEMON\"'"
        ),
        "1\n"
    );
}

#[test]
fn a_reason_stands_behind_the_message_line_and_before_its_recipients() {
    let Some(Spool { instance, sample }) = sample_spool() else {
        return;
    };
    let script = format!("mailq | grep -A1 '^{}' | tail -n 1", sample.deferred.id());
    assert_eq!(pipeline(&instance, &script).trim(), format!("({REASON})"));
    let script = "mailq | grep -B1 'one@dest.example' | grep -c '(connect to'";
    assert_eq!(pipeline(&instance, script), "1\n");
}

#[test]
fn a_recipient_without_a_reason_behind_one_with_a_reason_says_so() {
    let Some(Spool { instance, .. }) = sample_spool() else {
        return;
    };
    let line = pipeline(&instance, "mailq | grep -B1 new@dest.example | head -n 1");
    assert_eq!(line.trim(), "(reason unavailable)");
}

#[test]
fn one_empty_line_separates_messages_and_the_footer_comes_last() {
    let Some(Spool { instance, .. }) = sample_spool() else {
        return;
    };
    let empty_lines = pipeline(&instance, "mailq | grep -c '^$'");
    assert_eq!(empty_lines, "6\n");
    let longest = pipeline(&instance, "mailq | cat -s | cksum; mailq | cksum");
    let sums = sorted(&longest);
    assert_eq!(sums[0], sums[1], "two empty lines in a row");
    let script = "mailq | tail -n 1 | awk '{ print $1, $3, $4, $5, $6 }'";
    assert_eq!(pipeline(&instance, script), "-- Kbytes in 6 Requests.\n");
    assert_eq!(pipeline(&instance, "mailq | tail -n 2 | head -n 1"), "\n");
}

#[test]
fn a_single_message_is_one_request() {
    let Some(instance) = empty_instance() else {
        return;
    };
    let content = b"T\x0c1700000000 0S\x03s@xR\x03r@xM\0X\0E\0".to_vec();
    instance.spool().put(&NewFile::new("hold", content));
    assert_eq!(
        pipeline(&instance, "mailq | tail -n 1"),
        "-- 0 Kbytes in 1 Request.\n"
    );
}

#[test]
fn an_empty_queue_is_one_line_of_text_and_no_json() {
    let Some(instance) = empty_instance() else {
        return;
    };
    assert_eq!(
        pipeline(&instance, "mailq; echo $?"),
        "Mail queue is empty\n0\n"
    );
    assert_eq!(
        pipeline(&instance, "mailq | tail -1 | awk '{ print $5 }'"),
        "\n"
    );
    assert_eq!(
        pipeline(&instance, "mailq | grep -c '^[A-F0-9]'; true"),
        "0\n"
    );
    assert_eq!(pipeline(&instance, "postqueue -j; echo $?"), "0\n");
}

#[test]
fn nothing_but_the_warning_that_the_mail_system_is_down_goes_to_stderr() {
    let Some(Spool { instance, .. }) = sample_spool() else {
        return;
    };
    for script in ["mailq", "postqueue -p", "postqueue -j"] {
        let lines = pipeline(&instance, &format!("{script} 2>&1 >/dev/null"));
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(lines.starts_with(DOWN), "{lines}");
    }
}

#[test]
fn options_may_stand_on_either_side_of_the_listing_option() {
    let Some(Spool { instance, .. }) = sample_spool() else {
        return;
    };
    let calls = [
        "postqueue -c $MAIL_CONFIG -p",
        "postqueue -p -c $MAIL_CONFIG",
        "mailq -C $MAIL_CONFIG",
    ];
    let listings = calls.map(|call| pipeline(&instance, call));
    assert_eq!(listings[0], listings[1]);
    assert_eq!(listings[0], listings[2]);
}

/// A spool whose listing does not fit into a pipe.
fn big_spool() -> Option<Instance> {
    let instance = empty_instance()?;
    let recipients: Vec<_> = (0..400).map(|n| format!("r{n}@dest.example")).collect();
    let recipients: Vec<_> = recipients.iter().map(String::as_str).collect();
    let file = spoolbox::queue_file::records::writer::QueueFile::new(
        1_700_000_000,
        "s@x",
        &recipients,
        &["x"],
    );
    for _ in 0..40 {
        instance
            .spool()
            .put(&NewFile::new("deferred", file.to_bytes()));
    }
    Some(instance)
}

#[test]
fn a_reader_that_stops_early_ends_the_listing_silently() {
    let Some(instance) = big_spool() else { return };
    for script in [
        "mailq 2>/dev/null | head -n 1 | cut -c1-10",
        "mailq 2>/dev/null | grep -q Queue && echo found",
        "postqueue -j 2>/dev/null | head -n 1 | cut -c1-15",
    ] {
        let output = pipeline(&instance, script);
        assert_eq!(output.lines().count(), 1, "{script}: {output:?}");
    }
    for call in ["mailq", "postqueue -p", "postqueue -j"] {
        let script = format!("{{ {call}; echo $? >&2; }} 2>&1 >&3 3>&- | cat >&2");
        let closed = format!("exec 3> >(head -n 1 >/dev/null); sleep 0.1; {script}");
        let output = pipeline_of(under_test(), &instance, &closed);
        let lines = output.stderr_text();
        assert!(lines.starts_with(DOWN), "{call}: {lines}");
        assert_eq!(
            lines.lines().skip(1).collect::<Vec<_>>(),
            ["0"],
            "{call}: {lines}"
        );
    }
}
