//! What else can lie in a queue directory: names that are no IDs, things that
//! are no files, files that are no messages.

use std::path::{Path, PathBuf};

use fastrand::Rng;

use super::super::instance::Instance;
use super::super::spool::{Name, NewFile, Place, Placed};
use super::{chance, pick};

const NOT_IDS: [&[u8]; 14] = [
    b"a.b",
    b".hidden",
    b"with blank",
    b"-p",
    b"minus-sign",
    b"x#FIX",
    b"3A78912345#FIX",
    b"\xc3\xbc",
    b"\xff\xfe",
    b"esc\x1b[31m",
    b"new\nline",
    b"%s%n",
    b"..x",
    b"~~",
];

const ONE_LETTER: [&str; 8] = ["0", "5", "A", "Z", "a", "_", "-", "."];

/// A name that is a valid ID although Postfix would not have made it.
pub fn odd_id(rng: &mut Rng) -> Vec<u8> {
    let number = rng.u32(0..1_000_000);
    let text = match rng.u32(0..14) {
        0 => format!("ABC{}", rng.u32(0..10)),
        // Names of one letter end a listing: seldom.
        1 if chance(rng, 10) => format!("{}", rng.u32(0..10)),
        2 => format!("_{number}"),
        3 => format!("lower{number:x}"),
        4 => format!("{number:05}{}", "F".repeat(20)),
        5 => format!("{number:05}{}", "x".repeat(rng.usize(200..250))),
        6 => format!("{number:0255}"),
        7 => format!("{number:06}BCDFz{number}"),
        8 => format!("{number:06}zzzzz{number}"),
        9 => format!("{number:07}BCDFzzz"),
        // Vowels are no digits of a long ID.
        10 => format!("{number:06}aeioz1"),
        11 => format!("{number:06}{number:04}zu"),
        12 => format!("z{number}z"),
        _ => format!("{}{}", number % 7, "z".repeat(rng.usize(1..12))),
    };
    text.into_bytes()
}

/// Puts one odd thing somewhere into a queue; returns the files among it.
pub fn put(rng: &mut Rng, instance: &Instance, queue: &str, number: usize) -> Vec<Placed> {
    let spool = instance.spool();
    let id = format!("0B7EC7{number}{:X}", rng.u32(..));
    let place = instance.layout().directory(queue, id.as_bytes());
    let path = place.join(&id);
    if !spool.is_free(&path) {
        return Vec::new();
    }
    match rng.u32(0..14) {
        0 => spool.fifo(&path),
        1 => spool.socket(&path),
        2 => spool.device(&path),
        3 => spool.symlink(Path::new("/etc/passwd"), &path),
        4 => spool.symlink(&a_message(instance, queue, &id), &path),
        5 => spool.symlink(Path::new("nowhere"), &path),
        6 => spool.make_directories(&path),
        7 => spool.make_directories(&Path::new(queue).join("long-name/A")),
        8 => {
            let directories = one_letter_directories(rng, queue);
            if spool.is_free(&directories) {
                spool.make_directories(&directories);
            }
        }
        // Ends the listing, so seldom.
        9 if chance(rng, 12) => {
            let name = pick(rng, &ONE_LETTER[..6]);
            return put_file(instance, queue, name.as_bytes(), top(), b"");
        }
        10 => return put_file(instance, queue, pick(rng, &NOT_IDS), top(), b"x"),
        11 => return put_file(instance, queue, id.as_bytes(), Place::Right, b""),
        12 => return put_file(instance, queue, id.as_bytes(), Place::Right, &[0; 5_000]),
        _ => return put_everywhere(rng, instance, queue),
    }
    Vec::new()
}

/// The queue directory itself.
fn top() -> Place {
    Place::Below(PathBuf::new())
}

/// A message outside the queues that a link can point to.
fn a_message(instance: &Instance, queue: &str, id: &str) -> PathBuf {
    let content = b"T\x0c1700000000 0S\x06s@linkR\x06r@linkM\0X\0E\0".to_vec();
    let file = NewFile::new("saved", content).named(Name::Literal(id.into()));
    let put = instance.spool().put(&file);
    let depth = instance.layout().depth(queue);
    Path::new(&"../".repeat(depth + 1)).join(put.path)
}

fn one_letter_directories(rng: &mut Rng, queue: &str) -> PathBuf {
    let levels = rng.usize(1..5);
    let mut path = PathBuf::from(queue);
    for _ in 0..levels {
        // "." would be the directory itself.
        path.push(pick(rng, &ONE_LETTER[..7]));
    }
    path
}

/// Puts the same name into many hash directories: a listing shows the one
/// that lies where the name belongs.
fn put_everywhere(rng: &mut Rng, instance: &Instance, queue: &str) -> Vec<Placed> {
    let id = odd_id(rng);
    let content = b"T\x0c1700000000 0S\x07s@whereR\x07r@whereM\0X\0E\0";
    let mut placed = put_file(instance, queue, &id, top(), content);
    if instance.layout().depth(queue) == 1 {
        for letter in "0123456789ABCDEF_z".chars() {
            let below = Place::Below(letter.to_string().into());
            placed.extend(put_file(instance, queue, &id, below, content));
        }
    }
    placed
}

fn put_file(
    instance: &Instance,
    queue: &str,
    name: &[u8],
    place: Place,
    content: &[u8],
) -> Vec<Placed> {
    let file = NewFile::new(queue, content.to_vec())
        .named(Name::Literal(name.to_vec()))
        .at(place);
    instance.spool().put_if_free(&file).into_iter().collect()
}
