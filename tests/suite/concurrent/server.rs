//! The destination: an SMTP server that fails half of the time, in every way in which
//! a server can, and records the messages that it accepts, independently of Postfix's
//! log.

use std::io;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// A client that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest pause before the answer to a message, in milliseconds: long
/// enough to be met in active.
const PAUSE_MAX: u64 = 600;

/// A message that was taken.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its Message-ID, with the brackets.
    pub message: String,
    /// The queue ID in the topmost Received header: the one it was sent under.
    pub id: String,
    pub recipients: Vec<String>,
    /// When the connection was made.
    pub connected: Instant,
    /// When it was acknowledged that the message is taken.
    pub accepted: Instant,
}

#[derive(Default)]
struct Shared {
    deliveries: Mutex<Vec<Delivery>>,
    connections: AtomicUsize,
    is_kind: AtomicBool,
    is_over: AtomicBool,
}

/// The server; ends when dropped.
pub struct Server {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&listener, &theirs, Rng::with_seed(seed)));
        Self {
            port,
            shared,
            acceptor: Some(acceptor),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on everything is taken, at once.
    pub fn be_kind(&self) {
        self.shared.is_kind.store(true, Ordering::SeqCst);
    }

    /// Whether anybody is connected.
    pub fn is_busy(&self) -> bool {
        self.shared.connections.load(Ordering::SeqCst) > 0
    }

    /// What was taken so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.deliveries.lock().expect("deliveries").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // It looks at that when somebody calls.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.acceptor.take().map(JoinHandle::join);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, mut rng: Rng) {
    for stream in listener.incoming() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let (shared, rng) = (Arc::clone(shared), rng.fork());
        shared.connections.fetch_add(1, Ordering::SeqCst);
        thread::spawn(move || {
            // A client may go at any moment.
            let _ = Session::new(&shared, rng).run(&stream);
            drop(stream);
            shared.connections.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// What becomes of a recipient or a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    Later,
    Never,
    /// 421, and the connection ends.
    Closing,
    /// The connection ends without a word.
    Nothing,
}

impl Answer {
    fn text(self) -> &'static str {
        match self {
            Answer::Yes => "250 2.0.0 Ok",
            Answer::Later => "450 4.2.0 try again later",
            Answer::Never => "550 5.1.1 no such user",
            Answer::Closing => "421 4.3.2 shutting down",
            Answer::Nothing => "",
        }
    }

    fn ends(self) -> bool {
        matches!(self, Answer::Closing | Answer::Nothing)
    }
}

/// One connection.
struct Session<'a> {
    shared: &'a Shared,
    rng: Rng,
    connected: Instant,
    recipients: Vec<String>,
}

impl<'a> Session<'a> {
    fn new(shared: &'a Shared, rng: Rng) -> Self {
        Self {
            shared,
            rng,
            connected: Instant::now(),
            recipients: Vec::new(),
        }
    }

    fn answer(&mut self) -> Answer {
        if self.shared.is_kind.load(Ordering::SeqCst) {
            return Answer::Yes;
        }
        // Of one recipient in two the message is taken: 70% of 72%.
        match self.rng.u32(0..100) {
            0..71 => Answer::Yes,
            71..86 => Answer::Later,
            86..88 => Answer::Never,
            88..94 => Answer::Closing,
            _ => Answer::Nothing,
        }
    }

    fn run(mut self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        let mut input = BufReader::new(stream);
        say(stream, "220 sink.example ESMTP")?;
        loop {
            let line = read_line(&mut input)?;
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "RCPT" => {
                    let answer = self.recipient(&line);
                    say(stream, answer.text())?;
                    if answer.ends() {
                        return Ok(());
                    }
                }
                "DATA" => {
                    say(stream, "354 go on")?;
                    let message = Message::read(&mut input)?;
                    let answer = self.message(&message);
                    say(stream, answer.text())?;
                    if answer.ends() {
                        return Ok(());
                    }
                }
                "QUIT" => return say(stream, "221 bye"),
                "MAIL" | "RSET" => {
                    self.recipients.clear();
                    say(stream, "250 2.0.0 Ok")?;
                }
                _ => say(stream, "250 sink.example")?,
            }
        }
    }

    fn recipient(&mut self, line: &str) -> Answer {
        let answer = self.answer();
        if answer == Answer::Yes {
            self.recipients.push(address(line));
        }
        answer
    }

    fn message(&mut self, message: &Message) -> Answer {
        if !self.shared.is_kind.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(self.rng.u64(0..PAUSE_MAX)));
        }
        let answer = self.answer();
        if answer == Answer::Yes {
            let delivery = Delivery {
                message: message.message_id.clone(),
                id: message.queue_id.clone(),
                recipients: std::mem::take(&mut self.recipients),
                connected: self.connected,
                accepted: Instant::now(),
            };
            let mut deliveries = self.shared.deliveries.lock().expect("deliveries");
            deliveries.push(delivery);
        }
        answer
    }
}

/// What counts in a message.
#[derive(Default)]
struct Message {
    message_id: String,
    queue_id: String,
}

impl Message {
    fn read(input: &mut impl BufRead) -> io::Result<Self> {
        let (mut message, mut in_header, mut received) = (Self::default(), true, 0);
        loop {
            let line = read_line(input)?;
            if line == "." {
                return Ok(message);
            }
            in_header = in_header && !line.is_empty();
            if !in_header {
                continue;
            }
            let name = line.split(':').next().unwrap_or_default();
            if name.eq_ignore_ascii_case("received") {
                received += 1;
            } else if name.eq_ignore_ascii_case("message-id") && message.message_id.is_empty() {
                let value = line.split_once(':').map(|(_, value)| value.trim());
                message.message_id = value.unwrap_or_default().to_owned();
            }
            if received == 1 && message.queue_id.is_empty() {
                message.queue_id = word_behind_id(&line).unwrap_or_default();
            }
        }
    }
}

/// The word after `id` in a Received header.
fn word_behind_id(line: &str) -> Option<String> {
    let mut words = line.split([' ', '\t', ';']);
    words.find(|word| *word == "id")?;
    words.next().map(str::to_owned)
}

/// The address in RCPT's angle brackets.
fn address(line: &str) -> String {
    let inner = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(address, _)| address.to_owned())
}

fn say(mut stream: &TcpStream, text: &str) -> io::Result<()> {
    match text {
        "" => Ok(()),
        _ => stream.write_all(format!("{text}\r\n").as_bytes()),
    }
}

fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let text = String::from_utf8_lossy(&line);
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
