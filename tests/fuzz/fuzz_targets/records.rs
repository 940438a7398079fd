//! Reads any bytes as a queue file: raw and cooked, as a stream, and shown
//! with every option. Nothing may panic, and every reading has an end.
#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use spoolbox::contents::{self, Begin, Flag, Form, Output, Plan, Sink};
use spoolbox::record::{Buffers, Reader};

const FLAGS: [Flag; 8] = [
    Flag::Envelope,
    Flag::Header,
    Flag::Body,
    Flag::FileName,
    Flag::Offset,
    Flag::Type,
    Flag::Raw,
    Flag::FileOrder,
];

/// Takes everything and keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn warning(&mut self, _: &[u8]) {}
}

fuzz_target!(|input: &[u8]| {
    let Some((&options, file)) = input.split_first() else {
        return;
    };
    let mut buffers = Buffers::default();
    let mut raw = Reader::new(file, &mut buffers);
    while let Ok(Some(record)) = raw.next_raw() {
        assert_eq!(raw.position(), record.data + record.length);
        assert!(raw.text(&record).len() as u64 <= record.length);
    }
    let mut cooked = Reader::new(file, &mut buffers);
    // A file of pointers leads back ten thousand times; forward jumps end.
    while let Ok(Some(record)) = cooked.next_cooked() {
        let mut done = 0;
        loop {
            let chunk = cooked.chunk(&record, done).len() as u64;
            if chunk == 0 {
                break;
            }
            done += chunk;
        }
        assert_eq!(done, record.length);
    }
    let mut plan = Plan::default();
    for (bit, flag) in FLAGS.into_iter().enumerate() {
        if options & (1 << bit) != 0 {
            plan.add(flag);
        }
    }
    let mut output = Output::new(Nowhere);
    let mut reader = Reader::new(file, &mut buffers);
    let plan = plan.or_all_parts();
    let _ = contents::show(&mut reader, b"fuzz", plan, Begin::AtStart, &mut output);
    let mut reader = Reader::new(file, &mut buffers);
    let _ = contents::raw_message(&mut reader, b"fuzz", Form::Mbox, 0, &mut output);
    let mut reader = Reader::new(file, &mut buffers);
    let _ = contents::json(&mut reader, b"fuzz", Vec::new(), &mut output);
});
