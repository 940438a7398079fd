//! Counts and selections against the pipelines they replace: around Postfix's
//! tools, around find(1), and around our own plain listing.

use crate::limit::Limit;
use crate::spool::Spool;
use crate::timing::{Cache, Contest, Order, Program};

/// One sender of a thousand.
const SENDER: &str = "sender7@example.com";

/// Measures all of them.
pub fn run(spool: &Spool, rounds: usize) -> Result<(), String> {
    let (etc, root) = (spool.etc(), spool.root().display().to_string());
    let theirs = format!("/usr/sbin/postqueue -c {etc}");
    let plain = format!("{} postqueue -c {etc}", env!("CARGO_BIN_EXE_spoolbox"));
    let awk = format!("awk 'BEGIN {{ RS = \"\" }} $7 == \"{SENDER}\" {{ print $1 }}'");
    let by_awk = format!("{theirs} -p | tail -n +2 | {awk}");
    let by_grep = format!("{plain} -j | grep -F '\"sender\": \"{SENDER}\"'");
    let names =
        format!("cd {root} && find maildrop active incoming deferred hold ! -type d | wc -l");
    let senders = format!(
        "{theirs} -j | jq -r .sender | sort | uniq -c | awk '{{ print $1, $2 }}' | sort -k 2"
    );
    let counted = format!("{plain} --count=from | awk 'NR > 1 {{ print $1, $5 }}' | sort -k 2");
    let ours = |args: &[&str]| Program::ours("postqueue", &[&["-c", &etc][..], args].concat());
    let count = ours(&["--count"]);
    let ids = ours(&["--ids", "--from", SENDER]);
    let json = ours(&["-j", "--from", SENDER]);
    for (label, theirs, ours, cache, limit) in [
        (
            "--count / find | wc",
            &names,
            &count,
            Cache::Warm,
            Limit::Names,
        ),
        ("the same, cold", &names, &count, Cache::Cold, Limit::Names),
        (
            "--ids --from / mailq | awk",
            &by_awk,
            &ids,
            Cache::Warm,
            Limit::Messages,
        ),
        (
            "-j --from / our -j | grep",
            &by_grep,
            &json,
            Cache::Warm,
            Limit::Messages,
        ),
        (
            "the same, cold",
            &by_grep,
            &json,
            Cache::Cold,
            Limit::Messages,
        ),
        (
            "--count=from / jq | uniq -c",
            &senders,
            &Program::pipeline(&counted),
            Cache::Warm,
            Limit::Messages,
        ),
    ] {
        let contest = Contest {
            label,
            theirs: Program::pipeline(theirs),
            ours: ours.clone(),
            order: Order::AsPrinted,
            cache,
            rounds,
            limit: (limit, spool),
        };
        println!("{}", contest.run()?);
    }
    Ok(())
}
