//! Where record bytes come from: an open file or bytes in memory.
//!
//! Reads at offsets; the size is the one that the file had when it was opened.

use std::borrow::Borrow;
use std::fs::File;
use std::io;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

/// Random access to the bytes of one queue file.
pub trait Source {
    /// Reads at `offset`; nothing after the end of the file. Of a file, fewer
    /// bytes than asked for come only at its end; a pipe gives what it has.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The size when the file was opened. A hint: it may have grown since.
    fn size(&self) -> u64;

    /// Whether the position can be reached at all: file systems have limits,
    /// and what is beyond them is an error rather than the end of the file.
    fn check_seek(&self, offset: u64) -> io::Result<()>;

    /// Whether the end can be jumped to.
    fn check_end(&self) -> io::Result<()> {
        Ok(())
    }

    /// The first offset from `offset` on that may hold anything but zeros.
    fn data_from(&self, offset: u64) -> u64 {
        offset
    }

    /// Nothing before this offset will be asked for again, unless by a seek.
    fn release(&self, _before: u64) {}

    /// Whether a read may have to wait for a writer.
    fn waits(&self) -> bool {
        false
    }
}

impl<S: Source> Source for &S {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }

    fn size(&self) -> u64 {
        (**self).size()
    }

    fn check_seek(&self, offset: u64) -> io::Result<()> {
        (**self).check_seek(offset)
    }

    fn check_end(&self) -> io::Result<()> {
        (**self).check_end()
    }

    fn data_from(&self, offset: u64) -> u64 {
        (**self).data_from(offset)
    }

    fn release(&self, before: u64) {
        (**self).release(before);
    }

    fn waits(&self) -> bool {
        (**self).waits()
    }
}

/// An open file and its size.
#[derive(Debug)]
pub struct FileSource<F = File> {
    /// The file, open for reading.
    pub file: F,
    /// Its size in bytes when it was opened.
    pub size: u64,
}

impl<F: Borrow<File>> Source for FileSource<F> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled: usize = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|r| !r.is_empty()) {
            let at = offset.saturating_add(filled as u64);
            match self.file.borrow().read_at(rest, at) {
                Ok(0) => break,
                Ok(count) => {
                    filled = filled.saturating_add(count);
                    // A short read of a regular file is its end: no second
                    // call only to find that out.
                    if at.saturating_add(count as u64) >= self.size {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn check_seek(&self, offset: u64) -> io::Result<()> {
        self.file.borrow().seek(SeekFrom::Start(offset)).map(drop)
    }

    fn data_from(&self, offset: u64) -> u64 {
        let Ok(from) = i64::try_from(offset) else {
            return offset;
        };
        match lseek(self.file.borrow(), from, Whence::SeekData) {
            Ok(data) => u64::try_from(data).unwrap_or(offset).max(offset),
            // A hole up to the end.
            Err(Errno::ENXIO) => self.size.max(offset),
            Err(_) => offset,
        }
    }
}

impl Source for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.len());
        let rest = self.get(from..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(bytes)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(bytes);
        }
        Ok(count)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn check_seek(&self, offset: u64) -> io::Result<()> {
        if i64::try_from(offset).is_ok() {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(nix::libc::EINVAL))
        }
    }
}
