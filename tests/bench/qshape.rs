//! qshape against Postfix's: the deferred queue by recipient and by sender
//! domain.

use crate::limit::Limit;
use crate::spool::Spool;
use crate::timing::{Cache, Contest, Order, Program};

/// Measures all of it on the messages of `spool`.
pub fn run(spool: &Spool, rounds: usize) -> Result<(), String> {
    let etc = spool.etc();
    for (label, option, cache) in [
        ("qshape deferred, warm", "-b10", Cache::Warm),
        ("qshape -s deferred, warm", "-s", Cache::Warm),
        ("qshape deferred, cold", "-b10", Cache::Cold),
    ] {
        let arguments = ["-c", &etc, option, "deferred"];
        let contest = Contest {
            label,
            theirs: Program::theirs("qshape", &arguments),
            ours: Program::ours("qshape", &arguments),
            cache,
            rounds,
            // Of rows that are equal the original's order is random.
            order: Order::Any,
            limit: (Limit::Messages, spool),
        };
        println!("{}", contest.run()?);
    }
    Ok(())
}
