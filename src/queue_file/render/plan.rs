//! The parts of a file to show, and the prefix of each record: the options of
//! postcat(1).

/// A part or prefix that an option of postcat requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `-e`: the envelope, before and after the content.
    Envelope = 1,
    /// `-h`: the header lines.
    Header = 2,
    /// `-b`: the lines after the header.
    Body = 4,
    /// `-f`: the file name before every record.
    FileName = 8,
    /// `-o`: the offset before every record.
    Offset = 16,
    /// `-d`: the type as a number before every record.
    Type = 32,
    /// `-v`: the records as they are in the file, including pointers and padding.
    Raw = 64,
    /// `-r`: the records in the order of the file.
    FileOrder = 128,
}

/// The set of requested flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan(u8);

impl Plan {
    /// Adds a flag.
    pub fn add(&mut self, flag: Flag) {
        self.0 |= flag as u8;
    }

    /// Whether a flag was requested.
    pub fn has(self, flag: Flag) -> bool {
        self.0 & flag as u8 != 0
    }

    /// Whether no flag was requested.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds all three parts, unless at least one part was requested.
    pub fn or_all_parts(mut self) -> Self {
        let parts = [Flag::Envelope, Flag::Header, Flag::Body];
        if parts.iter().all(|part| !self.has(*part)) {
            parts.iter().for_each(|part| self.add(*part));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_means_all_parts() {
        let mut plan = Plan::default();
        plan.add(Flag::Offset);
        let all = plan.or_all_parts();
        assert!(all.has(Flag::Envelope) && all.has(Flag::Header) && all.has(Flag::Body));
        plan.add(Flag::Header);
        assert!(!plan.or_all_parts().has(Flag::Body));
    }
}
