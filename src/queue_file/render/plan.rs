//! Which parts of a file are shown, and the prefix of each record: the options
//! of postcat(1).

/// One thing that an option of postcat asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `-e`: the envelope, before and after the content.
    Envelope = 1,
    /// `-h`: the header lines.
    Header = 2,
    /// `-b`: the lines after them.
    Body = 4,
    /// `-f`: the file's name before every record.
    FileName = 8,
    /// `-o`: the record's offset before it.
    Offset = 16,
    /// `-d`: the record's type as a number before it.
    Type = 32,
    /// `-v`: records as they are in the file, pointers and padding too.
    Raw = 64,
    /// `-r`: in the order of the file.
    FileOrder = 128,
}

/// All that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan(u8);

impl Plan {
    /// Adds what an option asks for.
    pub fn add(&mut self, flag: Flag) {
        self.0 |= flag as u8;
    }

    /// Whether it was asked for.
    pub fn has(self, flag: Flag) -> bool {
        self.0 & flag as u8 != 0
    }

    /// Whether nothing was asked for.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The plan with all three parts, unless it names any of them.
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
