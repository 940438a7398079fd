//! Messages that a milter has edited: their records are reached by pointers.
//!
//! A mail system is started with a milter of the test's own, which changes
//! and adds headers, replaces the body, and adds and removes recipients.

use std::io;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::run::{Stdin, call, same};
use super::strings;
use crate::support::mail_system::MailSystem;
use crate::support::run::Program;
use crate::support::{Met, Needs, require, under_test};

/// Starts the milter; returns its port. Its thread ends with the tests.
pub fn start_milter() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks off is handled by the mail system.
            thread::spawn(move || drop(serve(stream)));
        }
    });
    port
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut packet)?;
        match packet.first() {
            Some(b'O') => {
                // Version 6, every way to edit a message, every step.
                let numbers = [6u32, 0x3f, 0].map(u32::to_be_bytes).concat();
                send(&mut stream, b'O', &numbers)?;
            }
            Some(b'E') => edit(&mut stream)?,
            Some(b'Q') => return Ok(()),
            Some(b'D' | b'A' | b'K') => {}
            _ => send(&mut stream, b'c', b"")?,
        }
    }
}

fn edit(stream: &mut TcpStream) -> io::Result<()> {
    let long = "a subject that is much longer than the one it replaces ".repeat(4);
    let changed = [
        &1u32.to_be_bytes()[..],
        b"Subject\0",
        long.as_bytes(),
        b"\0",
    ]
    .concat();
    send(stream, b'm', &changed)?;
    send(stream, b'h', b"X-Added\0by a milter\0")?;
    let inserted = [&0u32.to_be_bytes()[..], b"X-First\0at the top\0"].concat();
    send(stream, b'i', &inserted)?;
    send(stream, b'+', b"<added@dest.example>\0")?;
    send(stream, b'-', b"<gone@dest.example>\0")?;
    send(stream, b'b', "another body\r\n".repeat(40).as_bytes())?;
    send(stream, b'c', b"")
}

fn send(stream: &mut TcpStream, command: u8, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len() + 1).expect("a small packet");
    stream.write_all(&[&length.to_be_bytes()[..], &[command], data].concat())
}

#[test]
fn messages_edited_by_a_milter_are_shown_alike() {
    if require(Needs::Time) == Met::No || require(Needs::Postfix) == Met::No {
        return;
    }
    let milter = format!("inet:127.0.0.1:{}", start_milter());
    let system = MailSystem::start(
        MailSystem::builder()
            .set("smtpd_milters", &milter)
            .set("non_smtpd_milters", &milter),
    );
    system.submit_by_smtp(2, 3);
    system.submit(
        "sender@example.com",
        &["one@dest.example", "gone@dest.example"],
        "Subject: short\n\nbody\n",
    );
    let ids = system.wait_for_deferred(3);
    let shown = call(&system.instance, &strings(&["-qv", &ids[0]]));
    let shown = shown.run(Program::Theirs, &system.instance).stdout_text();
    let mut pointers = shown
        .lines()
        .filter_map(|line| line.strip_prefix("pointer_record: "));
    assert!(
        pointers.any(|target| target.trim() != "0"),
        "no pointers: {shown}"
    );
    for id in &ids {
        for options in [
            "-q", "-qv", "-qo", "-qdv", "-qh", "-qb", "-qe", "-qrv", "-qeh",
        ] {
            let call = call(&system.instance, &strings(&[options, id]));
            if let Err(text) = same(&system.instance, &call, &Stdin::Nothing) {
                panic!("{text}");
            }
        }
    }
    let raw = call(
        &system.instance,
        &strings(&["--raw-message", "-q", &ids[0]]),
    );
    let plain = call(&system.instance, &strings(&["-bhq", &ids[0]]));
    let raw = raw.run(Program::Ours, &system.instance).stdout_text();
    assert!(raw.contains("X-Added: by a milter\n"), "{raw}");
    assert_eq!(raw, plain.run(under_test(), &system.instance).stdout_text());
}
