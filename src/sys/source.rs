//! The source of a queue file's bytes: an open file, or bytes in memory.
//!
//! Reads at offsets. The size is the one that the file had when it was opened.

use std::borrow::Borrow;
use std::fs::File;
use std::io;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

/// Random access to the bytes of one queue file.
pub trait Source {
    /// Reads at `offset`; returns 0 at the end of the file. Of a regular file,
    /// fewer bytes than requested are returned only at its end; a pipe returns
    /// the bytes available.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Returns the size when the file was opened. This is a hint: the file may
    /// have grown since.
    fn size(&self) -> u64;

    /// Checks that the offset is valid, and returns the one to continue at. File
    /// systems have limits, and an offset beyond them is an error rather than the
    /// end of the file. A device such as /dev/null stays at its beginning.
    fn check_seek(&self, offset: u64) -> io::Result<u64>;

    /// Checks that seeking to the end is possible.
    fn check_end(&self) -> io::Result<()> {
        Ok(())
    }

    /// Returns the first offset at or after `offset` that may hold anything but
    /// zeros.
    fn data_from(&self, offset: u64) -> u64 {
        offset
    }

    /// Declares that nothing before this offset will be read again, except
    /// after a seek.
    fn release(&self, _before: u64) {}

    /// Returns whether a read may have to wait for a writer.
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

    fn check_seek(&self, offset: u64) -> io::Result<u64> {
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
                    // A short read of a regular file marks its end; a second
                    // call to find that out is unnecessary.
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

    fn check_seek(&self, offset: u64) -> io::Result<u64> {
        self.file.borrow().seek(SeekFrom::Start(offset))
    }

    fn data_from(&self, offset: u64) -> u64 {
        let Ok(from) = i64::try_from(offset) else {
            return offset;
        };
        match lseek(self.file.borrow(), from, Whence::SeekData) {
            Ok(data) => u64::try_from(data).unwrap_or(offset).max(offset),
            // There is a hole up to the end of the file.
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

    fn check_seek(&self, offset: u64) -> io::Result<u64> {
        if i64::try_from(offset).is_ok() {
            Ok(offset)
        } else {
            Err(io::Error::from_raw_os_error(nix::libc::EINVAL))
        }
    }
}
