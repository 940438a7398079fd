//! Commands on a running mail system: mail arrives, goes to a destination that fails
//! half of the time, and is held, released, requeued, expired, deleted, moved to the
//! trash and restored, listed and flushed at random; by several of our processes, by
//! two of ours on the same messages, and by one of ours and the real postsuper on the
//! same messages, in turn. At the end every message is accounted for. SPOOLBOX_LONG
//! sets the duration.

mod account;
mod acts;
mod looks;
pub mod server;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use account::{Books, Sums};
use acts::{Act, Actors, Call, Phase, Record};
use server::Server;

use crate::postsuper::{messages, names, queue_of};
use crate::support::mail_system::MailSystem;
use crate::support::run::{Ended, Invocation, Program, Tool};
use crate::support::trash;
use crate::support::{DEFAULT_SEED, Extent, Met, Needs, number_from_environment, require, tell};

/// Who acts at a time.
const ACTORS: u64 = 3;
/// How long each phase lasts.
const TAKING: Duration = Duration::from_secs(3);
const RELEASING: Duration = Duration::from_secs(7);
/// Longest wait for the mail system to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a delivery takes to be written down after its connection ended.
const AFTER_DELIVERY: Duration = Duration::from_secs(2);
/// Messages that smtp-source sends at once.
const AT_ONCE: usize = 3;
/// Where the server is.
const SINK: &str = "sink.example";
/// Where no server listens: mail to there stays in the queue.
const AWAY: &str = "dest.example";

/// What is done at the moment, and by whom.
struct Activity {
    actors: Actors,
    phase: Phase,
}

/// The mail system, and all that goes on beside it.
struct ConcurrentRun {
    system: MailSystem,
    server: Server,
    record: Record,
    /// Read while something is done; so the activity changes between two acts.
    activity: RwLock<Activity>,
    is_over: AtomicBool,
    seed: u64,
}

/// What was handed over.
#[derive(Default)]
struct HandedOver {
    by_smtp: Vec<String>,
    by_sendmail: Vec<String>,
}

#[test]
fn every_message_is_accounted_for_beside_a_running_mail_system() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let seed = number_from_environment("SPOOLBOX_SEED").unwrap_or(DEFAULT_SEED);
    let extent = Extent::from_environment();
    let length = extent.duration(Duration::from_secs(15), Duration::from_secs(60));
    let run = ConcurrentRun::begin(seed);
    let mut handed_over = run.run(length);
    // What nobody has deleted so far.
    run.send_by_smtp(AWAY, 1, &mut handed_over);
    run.send_by_smtp(SINK, 3, &mut handed_over);
    run.come_to_rest();
    run.check_rest();
    let left = run.deliver_all();
    let sums = run.account(handed_over, &left);
    tell(&format!(
        "beside a running Postfix, {length:?}, seed {seed}: {sums:?}"
    ));
}

impl ConcurrentRun {
    fn begin(seed: u64) -> Self {
        let server = Server::start(seed);
        let route = |domain: &str| format!("{domain}=smtp:[127.0.0.1]:{}", server.port());
        let routes = [SINK, "example.com"].map(route).join(", ");
        // Both kinds of IDs, and both kinds of directories, by the seed.
        let hashed = match (seed / 2) % 2 {
            0 => "deferred, defer",
            _ => "deferred, defer, incoming, active, hold, bounce",
        };
        let builder = MailSystem::builder()
            .set("transport_maps", &format!("inline:{{{routes}}}"))
            .set(
                "enable_long_queue_ids",
                ["yes", "no"][usize::from(seed % 2 == 1)],
            )
            .set("hash_queue_names", hashed)
            .set("smtp_connection_cache_on_demand", "no")
            // Some are requeued very often.
            .set("hopcount_limit", "1000000")
            // One that fails is not left alone for that.
            .set(
                "default_destination_concurrency_failed_cohort_limit",
                "1000",
            )
            .set("queue_run_delay", "1s")
            .set("minimal_backoff_time", "2s")
            .set("maximal_backoff_time", "4s");
        Self {
            system: MailSystem::start_awake(builder),
            server,
            record: Record::default(),
            activity: RwLock::new(Activity {
                actors: Actors::SingleWorker,
                phase: Phase::Taking,
            }),
            is_over: AtomicBool::new(false),
            seed,
        }
    }

    /// Everything at once, for so long.
    fn run(&self, length: Duration) -> HandedOver {
        thread::scope(|scope| {
            let _ending = Ending(&self.is_over);
            let sender = scope.spawn(|| self.send());
            scope.spawn(|| {
                let _ending = Ending(&self.is_over);
                let mut rng = Rng::with_seed(self.seed);
                while !self.is_over() {
                    looks::look(&self.system.instance, &mut rng);
                    thread::sleep(Duration::from_millis(100));
                }
            });
            for number in 1..=ACTORS {
                scope.spawn(move || self.act(Rng::with_seed(self.seed + number)));
            }
            self.conduct(Instant::now() + length);
            self.is_over.store(true, Ordering::SeqCst);
            sender.join().expect("the sender")
        })
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Hands over mail: most of it by SMTP, some by sendmail.
    fn send(&self) -> HandedOver {
        let _ending = Ending(&self.is_over);
        let mut handed_over = HandedOver::default();
        for round in 0_u32.. {
            if self.is_over() {
                break;
            }
            let domain = if round % 9 == 0 { AWAY } else { SINK };
            let recipients = if round % 4 == 0 { 3 } else { 1 };
            self.send_by_smtp(domain, recipients, &mut handed_over);
            let id = format!("<{round}.handed.over@spoolbox.example>");
            let text = format!("Message-ID: {id}\nSubject: P{round}\n\ntext\n");
            let to = ["one@sink.example", "two@sink.example"];
            let to = &to[..1 + usize::from(round % 3 == 0)];
            self.system.submit("local@example.com", to, &text);
            handed_over.by_sendmail.push(id);
            thread::sleep(Duration::from_millis(350));
        }
        handed_over
    }

    fn send_by_smtp(&self, domain: &str, recipients: usize, handed_over: &mut HandedOver) {
        let to = format!("smtp@{domain}");
        let file = self.system.instance.root().join("to-send");
        for _ in 0..AT_ONCE {
            // Those that smtp-source makes begin again with its process ID.
            let number = handed_over.by_smtp.len();
            let id = format!("<{number}.by.smtp@spoolbox.example>");
            let text = format!("Message-ID: {id}\nSubject: S{number}\n\ntext\n");
            fs::write(&file, text).expect("a message");
            self.system.submit_file_by_smtp(&to, recipients, &file);
            handed_over.by_smtp.push(id);
        }
    }

    fn act(&self, mut rng: Rng) {
        let _ending = Ending(&self.is_over);
        while !self.is_over() {
            let activity = self.activity.read().expect("the activity");
            let (actors, phase) = (activity.actors, activity.phase);
            acts::act(&self.system.instance, &self.record, actors, phase, &mut rng);
            drop(activity);
            thread::sleep(Duration::from_millis(rng.u64(0..60)));
        }
    }

    /// Changes the activity until the end.
    fn conduct(&self, end: Instant) {
        let all_actors = [Actors::SingleWorker, Actors::Pair, Actors::Against];
        for actors in all_actors.into_iter().cycle() {
            self.change(actors, Phase::Taking);
            self.sleep_until(end.min(Instant::now() + TAKING));
            self.change(actors, Phase::Releasing);
            self.sleep_until(end.min(Instant::now() + RELEASING));
            if self.is_over() || Instant::now() >= end {
                return;
            }
        }
    }

    fn change(&self, actors: Actors, phase: Phase) {
        let Ok(mut activity) = self.activity.write() else {
            return;
        };
        if phase == Phase::Releasing {
            self.undo_all();
            self.ours(&["-r", "ALL", "hold"]);
        }
        *activity = Activity { actors, phase };
    }

    fn sleep_until(&self, end: Instant) {
        while Instant::now() < end && !self.is_over() {
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// One of ours that nobody disturbs.
    fn ours(&self, words: &[&str]) -> Ended {
        let instance = &self.system.instance;
        let call = Call::new(words);
        let output = self
            .record
            .run(instance, Actors::SingleWorker, Program::Ours, &call);
        output.ended
    }

    /// Brings back all that is in the trash.
    fn undo_all(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let batches = trash::batches(&self.system.instance);
            if batches.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "there is always more to undo");
            for batch in batches {
                self.ours(&[&format!("--undo={batch}")]);
            }
        }
    }

    /// Puts everything on hold, where nothing moves any more.
    fn come_to_rest(&self) {
        self.undo_all();
        let is_held = || {
            self.ours(&["-h", "ALL"]);
            let paths = messages(&self.system.instance);
            let rests = |path: &PathBuf| queue_of(path) == "hold" || self.is_unfinished(path);
            !self.server.is_busy() && paths.iter().all(rests)
        };
        self.wait_for("rest", || {
            is_held() && {
                thread::sleep(AFTER_DELIVERY);
                is_held()
            }
        });
    }

    /// Whether a file is one that cleanup(8) gave up, because all recipients
    /// of a message that was requeued were just done, and could not remove,
    /// because -r ALL had moved it, as it does in Postfix.
    fn is_unfinished(&self, path: &Path) -> bool {
        let found = fs::symlink_metadata(self.system.instance.spool().path(path));
        found.is_ok_and(|found| found.mode() & 0o100 == 0)
    }

    /// At rest nothing is in two places or in disorder, and both list it alike.
    fn check_rest(&self) {
        let instance = &self.system.instance;
        let names = names(instance);
        let distinct: BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "a message in two places");
        assert!(!names.is_empty(), "nothing is left to look at");
        self.ours(&["-s"]);
        let etc = instance.etc().display().to_string();
        let listing = |program, form| {
            let call = Invocation::new(Tool::Postqueue, ["-c", &etc, form]);
            call.run(program, instance)
        };
        for form in ["-p", "-j"] {
            let same = listing(Program::Ours, form) == listing(Program::Theirs, form);
            assert!(same, "{form}: the listings differ");
        }
        let saved = self.system.names("saved");
        // A log stays where a delivery that was under way wrote another.
        let is_message = |name: &&String| !name.contains('.');
        assert_eq!(saved.iter().find(is_message), None, "left in the trash");
    }

    /// Releases everything to a destination that takes it. Returns what is
    /// left: what goes to where no server listens.
    fn deliver_all(&self) -> BTreeSet<String> {
        self.server.be_kind();
        self.ours(&["-H", "ALL", "--notify"]);
        self.wait_for("the end of all deliveries", || {
            let queued = self.system.tool("postqueue", &["-j"]);
            let text = queued.stdout_text();
            let is_away = |line: &str| line.contains(&format!("@{AWAY}\""));
            !self.server.is_busy() && text.lines().all(is_away)
        });
        // What goes from deferred to active while we look is in neither list.
        let mut left = BTreeSet::from_iter(names(&self.system.instance));
        thread::sleep(AFTER_DELIVERY);
        left.extend(names(&self.system.instance));
        left
    }

    fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            let is_late = Instant::now() >= deadline;
            assert!(!is_late, "no sign of {what}: {}", self.moving());
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// What is not in hold, and what the log says of it.
    fn moving(&self) -> String {
        let instance = &self.system.instance;
        let log = fs::read_to_string(instance.root().join("mail.log")).unwrap_or_default();
        let mut text = String::new();
        for path in messages(instance) {
            let found = fs::symlink_metadata(instance.spool().path(&path));
            let id = path.file_name().unwrap_or_default().to_string_lossy();
            if queue_of(&path) == "hold" {
                continue;
            }
            text.push_str(&format!("{}: {found:?}\n", path.display()));
            let about = log.lines().filter(|line| line.contains(&*id));
            about.for_each(|line| text.push_str(&format!("{line}\n")));
        }
        text
    }

    fn account(self, handed_over: HandedOver, left: &BTreeSet<String>) -> Sums {
        let log = fs::read_to_string(self.system.instance.root().join("mail.log"));
        let deliveries = self.server.deliveries();
        let counts = ["requeued", "moved to trash", "restored to hold", "expired"]
            .map(|action| (action, self.record.count(action)));
        let acts = self.record.into_acts();
        let sums = Books {
            log: &log.expect("the log"),
            acts: &acts,
            deliveries: &deliveries,
            left,
            by_smtp: &handed_over.by_smtp,
            by_sendmail: &handed_over.by_sendmail,
        }
        .close();
        let calls = |wanted: fn(&Act) -> bool| acts.iter().filter(|act| wanted(act)).count();
        let by_cast = [
            calls(|act| act.actors == Actors::SingleWorker),
            calls(|act| act.actors == Actors::Pair),
            calls(|act| act.actors == Actors::Against),
            calls(|act| act.program == Program::Theirs),
        ];
        tell(&format!(
            "calls of postsuper alone, in pairs, against the real one, of that: {by_cast:?}; \
             with an effect: {counts:?}"
        ));
        // Otherwise nothing was proved.
        let ends = [sums.delivered, sums.returned, sums.deleted, sums.left];
        assert!(ends.iter().any(|&count| count > 0), "{sums:?}");
        if Extent::from_environment() == Extent::Sample {
            // Too short for every kind of end and call.
            return sums;
        }
        assert!(ends.iter().all(|&count| count > 0), "{sums:?}");
        assert!(by_cast.iter().all(|&count| count > 0), "{by_cast:?}");
        assert!(counts.iter().all(|&(_, count)| count > 0), "{counts:?}");
        sums
    }
}

/// Ends the run for all threads if one of them fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}
