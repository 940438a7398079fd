//! `postqueue -f`: what it sends to qmgr and pickup, through FIFOs and sockets, and its
//! messages about other objects in their place.

use std::fs;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;

use super::postqueue;
use crate::support::compare::same;
use crate::support::instance::{Instance, set_mode};
use crate::support::public;
use crate::support::public::{Fifo, Service, read_until};
use crate::support::run::{Ended, Output, Program};
use crate::support::{Met, Needs, require, under_test};

/// What stands at a daemon's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Missing,
    Fifo,
    FifoWithoutReader,
    FifoWithTwoNames,
    FifoThatNobodyMayWrite,
    LinkToFifo,
    Socket,
    LinkToSocket,
    SocketWithoutListener,
    SocketOfDatagrams,
    File,
    Directory,
    LinkLoop,
}

use Peer::{
    Directory, FifoThatNobodyMayWrite, FifoWithTwoNames, FifoWithoutReader, File, LinkLoop,
    LinkToFifo, LinkToSocket, Missing, Socket, SocketOfDatagrams, SocketWithoutListener,
};

const ALL: [Peer; 13] = [
    Missing,
    Peer::Fifo,
    FifoWithoutReader,
    FifoWithTwoNames,
    FifoThatNobodyMayWrite,
    LinkToFifo,
    Socket,
    LinkToSocket,
    SocketWithoutListener,
    SocketOfDatagrams,
    File,
    Directory,
    LinkLoop,
];

/// Records what is sent to it.
enum Recorder {
    Fifo(Fifo),
    Service(Service),
    Nobody,
    /// Held open, never read.
    Datagrams(#[allow(dead_code)] UnixDatagram),
}

impl Peer {
    fn stand_at(self, path: &Path) -> Recorder {
        let elsewhere = path.with_extension("elsewhere");
        match self {
            Missing => Recorder::Nobody,
            Peer::Fifo => Recorder::Fifo(Fifo::make(path)),
            FifoWithoutReader => {
                public::make_fifo(path);
                Recorder::Nobody
            }
            FifoWithTwoNames => {
                let fifo = Fifo::make(path);
                fs::hard_link(path, elsewhere).expect("a second name");
                Recorder::Fifo(fifo)
            }
            FifoThatNobodyMayWrite => {
                let fifo = Fifo::make(path);
                set_mode(path, 0o400);
                Recorder::Fifo(fifo)
            }
            LinkToFifo => {
                symlink(&elsewhere, path).expect("a link");
                Recorder::Fifo(Fifo::make(&elsewhere))
            }
            Socket => Recorder::Service(Service::listen(path, |mut s| read_until(&mut s, b"\0"))),
            LinkToSocket => {
                symlink(&elsewhere, path).expect("a link");
                Recorder::Service(Service::listen(&elsewhere, |mut s| {
                    read_until(&mut s, b"\0")
                }))
            }
            SocketWithoutListener => {
                public::make_deaf_socket(path);
                Recorder::Nobody
            }
            SocketOfDatagrams => Recorder::Datagrams(UnixDatagram::bind(path).expect("a socket")),
            File => {
                fs::write(path, "").expect("a file");
                Recorder::Nobody
            }
            Directory => {
                fs::create_dir(path).expect("a directory");
                Recorder::Nobody
            }
            LinkLoop => {
                symlink(path, path).expect("a link");
                Recorder::Nobody
            }
        }
    }
}

impl Recorder {
    fn taken(self) -> Vec<u8> {
        match self {
            Self::Fifo(fifo) => fifo.taken(),
            Self::Service(service) => service.taken(),
            Self::Nobody | Self::Datagrams(_) => Vec::new(),
        }
    }
}

/// What a flush looked like from outside, and what both daemons got.
fn flush(
    program: Program,
    instance: &Instance,
    qmgr: Peer,
    pickup: Peer,
) -> (Output, [Vec<u8>; 2]) {
    public::clear(instance);
    let place = |name: &str| -> PathBuf { public::directory(instance).join(name) };
    let recorders = [
        qmgr.stand_at(&place("qmgr")),
        pickup.stand_at(&place("pickup")),
    ];
    let output = postqueue(instance, &["-f"]).run(program, instance);
    (output, recorders.map(Recorder::taken))
}

fn same_flush(instance: &Instance, qmgr: Peer, pickup: Peer) -> (Output, [Vec<u8>; 2]) {
    let (theirs, sent_by_theirs) = flush(Program::Theirs, instance, qmgr, pickup);
    let (ours, sent_by_ours) = flush(under_test(), instance, qmgr, pickup);
    if let Err(text) = same(&postqueue(instance, &["-f"]), &ours, &theirs) {
        panic!("qmgr {qmgr:?}, pickup {pickup:?}\n{text}");
    }
    assert_eq!(sent_by_ours, sent_by_theirs, "{qmgr:?}, {pickup:?}");
    (theirs, sent_by_theirs)
}

#[test]
fn the_same_bytes_reach_whatever_stands_in_the_daemons_places() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    thread::scope(|scope| {
        for qmgr in ALL {
            scope.spawn(move || {
                let instance = Instance::builder().build();
                for pickup in ALL {
                    same_flush(&instance, qmgr, pickup);
                }
            });
        }
    });
}

#[test]
fn fifos_get_the_bytes_alone_and_sockets_a_nul_behind_them() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    for (peer, expected) in [(Peer::Fifo, ["FADI", "W"]), (Socket, ["FADI\0", "W\0"])] {
        let (output, sent) = same_flush(&instance, peer, peer);
        assert_eq!(output.ended, Ended::Exited(0), "{output:?}");
        assert_eq!(sent, expected.map(|bytes| bytes.as_bytes().to_vec()));
    }
}

/// A FIFO that is full, with a reader who does not read.
fn full_fifo(path: &Path) -> Fifo {
    let fifo = Fifo::make(path);
    let writer = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path);
    let mut writer = writer.expect("the FIFO");
    let full = std::iter::from_fn(|| Some(writer.write(&[b'x'; 4096])))
        .find_map(Result::err)
        .expect("it fills up");
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    fifo
}

#[test]
fn trigger_timeout_holds_for_a_fifo_that_nobody_reads() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().set("trigger_timeout", "2s").build();
    let call = postqueue(&instance, &["-f"]);
    let run = |program| {
        public::clear(&instance);
        let qmgr = full_fifo(&public::directory(&instance).join("qmgr"));
        let pickup = Fifo::make(&public::directory(&instance).join("pickup"));
        let start = Instant::now();
        let output = call.run(program, &instance);
        let bytes = qmgr.taken();
        assert!(bytes.iter().all(|&byte| byte == b'x'));
        (output, pickup.taken(), start.elapsed())
    };
    let (theirs, woken_by_theirs, _) = run(Program::Theirs);
    let (ours, woken_by_ours, time) = run(under_test());
    same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{text}"));
    assert_eq!(woken_by_ours, woken_by_theirs);
    assert!(time >= Duration::from_secs(2), "{time:?}");
    assert!(time < Duration::from_secs(20), "{time:?}");
}

#[test]
fn a_daemon_that_keeps_the_connection_does_not_hold_postqueue_for_long() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let call = postqueue(&instance, &["-f"]);
    let run = |program| {
        public::clear(&instance);
        // Takes the trigger and waits until the caller goes.
        let keeps = |name: &str| {
            Service::listen(&public::directory(&instance).join(name), |mut stream| {
                read_until(&mut stream, b"never")
            })
        };
        let daemons = [keeps("qmgr"), keeps("pickup")];
        let start = Instant::now();
        let output = call.run(program, &instance);
        (output, daemons.map(Service::taken), start.elapsed())
    };
    let (theirs, sent_by_theirs, _) = run(Program::Theirs);
    let (ours, sent_by_ours, time) = run(under_test());
    same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{text}"));
    assert_eq!(sent_by_ours, sent_by_theirs);
    assert!(time < Duration::from_secs(15), "{time:?}");
}

#[test]
fn a_daemon_without_a_place_for_a_connection_is_not_waited_for() {
    if require(Needs::Postfix) == Met::No {
        return;
    }
    let instance = Instance::builder().build();
    let path = public::directory(&instance).join("qmgr");
    let _full = full_socket(&path);
    let call = postqueue(&instance, &["-f"]);
    let theirs = call.run(Program::Theirs, &instance);
    let ours = call.run(under_test(), &instance);
    same(&call, &ours, &theirs).unwrap_or_else(|text| panic!("{text}"));
    assert_eq!(theirs.ended, Ended::Exited(69), "{theirs:?}");
}

/// A listening socket whose queue of connections is full.
fn full_socket(path: &Path) -> Vec<std::os::fd::OwnedFd> {
    use nix::sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
    };
    use std::os::fd::AsRawFd;
    let new = || {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        socket(AddressFamily::Unix, SockType::Stream, flags, None).expect("a socket")
    };
    let address = UnixAddr::new(path).expect("an address");
    let listener = new();
    bind(listener.as_raw_fd(), &address).expect("bind");
    set_mode(path, 0o777);
    listen(&listener, Backlog::new(0).expect("a backlog")).expect("listen");
    let mut held = vec![listener];
    loop {
        let caller = new();
        let connected = connect(caller.as_raw_fd(), &address);
        held.push(caller);
        if connected.is_err() {
            return held;
        }
    }
}
