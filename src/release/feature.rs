//! Features: behavior that some releases of Postfix have and others do not.
//!
//! Lists the first release of each, for all lines of releases that are still
//! maintained. Observed with builds of 3.4.13, 3.5.25, 3.6.4, 3.7.11, 3.8.6,
//! 3.10.13 and 3.11.7, and taken from Postfix's release announcements.

use super::Release;

/// A behavior that depends on the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Messages can be marked to expire: `postsuper -e` and `-f`, the mark `#`,
    /// `forced_expire` in listings. postsuper acts in the order of its options,
    /// and reports it when it did nothing; unfinished files are purged after
    /// seven days instead of one.
    ForcedExpire,
    /// showq and the flush daemon begin with the name of their protocol.
    DaemonsGreet,
    /// respectful_logging is a parameter, whose value must be yes or no.
    RespectfulLogging,
    /// compatibility_level is a number that may be followed by a dot and any
    /// text; in earlier releases, a number only.
    LevelMayHaveParts,
    /// compatibility_level is a version of up to three numbers.
    LevelIsVersion,
    /// A setting in main.cf and an attribute of a message require a name before
    /// the equals sign.
    SettingsNeedName,
    /// The message that the mail system is down includes the reason.
    ConnectReason,
    /// postfix(1) reports that Postfix uses the defaults of an old level, not that
    /// it runs with them.
    LevelIsUsed,
    /// postcat has `-r` and `-s`.
    PostcatOffsets,
    /// postcat only warns of an unusable size record.
    InvalidSizeIsWarning,
    /// qshape's usage text has "the domain" instead of "the the domain".
    QshapeUsageText,
    /// A file of a pattern list has logical lines, like main.cf, and the
    /// warning about a comment after a pattern has a different text.
    ListsInLogicalLines,
    /// postfix(1) writes messages to any standard error; in earlier releases,
    /// only to terminals.
    PostfixOnStandardError,
    /// Only valid UTF-8 is printable; in earlier releases, any bytes with the
    /// high bit that follow a lead byte.
    StrictUtf8,
    /// A NUL in main.cf, or in a file of a pattern list or table, causes a
    /// warning.
    NulWarning,
    /// Addresses of web pages begin with `https`.
    SecureAddresses,
    /// postcat reads the extracted segment only if the size record has its
    /// offset.
    ExtractedSegmentNeedsOffset,
    /// The size record of a maildrop file is preliminary: listings ignore its
    /// size, and postcat does not follow its offset.
    PreliminarySize,
    /// With `maillog_file = /dev/stdout`, lines that no postlogd accepts are
    /// written to standard output.
    LogToStdout,
    /// Listings contain original recipients and the reasons in bounce logs.
    OriginalRecipient,
    /// An original recipient before the sender makes a file invalid.
    OriginalRecipientBeforeSender,
    /// The newest compatibility level is 3.11 instead of 3.6.
    LevelThreeEleven,
    /// sendmail's warning of an unusable `-N` has the value.
    NotifyWarningHasValue,
    /// A name of exactly five characters has no inode number, so postsuper does
    /// not act on it.
    FiveCharacterNameIsBogus,
}

use Feature::*;

/// A release of Postfix 3, for the table below.
const fn first(minor: u32, patch: u32) -> Release {
    Release::new(3, minor, patch)
}

impl Feature {
    /// All features.
    #[cfg(test)]
    pub const ALL: [Self; 24] = [
        ForcedExpire,
        DaemonsGreet,
        RespectfulLogging,
        LevelMayHaveParts,
        LevelIsVersion,
        SettingsNeedName,
        ConnectReason,
        LevelIsUsed,
        PostcatOffsets,
        InvalidSizeIsWarning,
        QshapeUsageText,
        ListsInLogicalLines,
        PostfixOnStandardError,
        StrictUtf8,
        NulWarning,
        SecureAddresses,
        ExtractedSegmentNeedsOffset,
        PreliminarySize,
        LogToStdout,
        OriginalRecipient,
        OriginalRecipientBeforeSender,
        LevelThreeEleven,
        NotifyWarningHasValue,
        FiveCharacterNameIsBogus,
    ];

    /// The first release with the feature in each line of releases, oldest
    /// first. All lines after the last one have it from the beginning.
    pub(super) fn since(self) -> &'static [Release] {
        const V3_5: &[Release] = &[first(5, 0)];
        const V3_6: &[Release] = &[first(6, 0)];
        // Observed with 3.4.13 (without) and 3.5.25 (with). 3.5.9 is the first
        // release of the line after 3.6 introduced this format.
        const LEVEL_PARTS: &[Release] = &[first(5, 9)];
        // Observed with 3.4.13 and 3.6.4 (without), 3.5.25, 3.7.11 and 3.8.6
        // (with). The releases in between are assumed to be without.
        const NAMES: &[Release] = &[first(5, 25), first(6, 15), first(7, 11), first(8, 6)];
        const V3_7: &[Release] = &[first(7, 0)];
        // Observed with 3.7.11 (without) and 3.8.6 (with).
        const V3_8: &[Release] = &[first(8, 0)];
        const V3_9: &[Release] = &[first(9, 0)];
        const V3_11: &[Release] = &[first(11, 0)];
        const PRELIMINARY_SIZE: &[Release] = &[
            first(7, 17),
            first(8, 12),
            first(9, 6),
            first(10, 5),
            first(11, 0),
        ];
        const LOG_TO_STDOUT: &[Release] = &[
            first(7, 22),
            first(8, 20),
            first(9, 14),
            first(10, 13),
            first(11, 0),
        ];
        const FIVE_CHARACTERS: &[Release] = &[
            first(5, 27),
            first(6, 20),
            first(7, 22),
            first(8, 20),
            first(9, 14),
            first(10, 13),
            first(11, 6),
        ];
        match self {
            ForcedExpire => V3_5,
            LevelMayHaveParts => LEVEL_PARTS,
            SettingsNeedName => NAMES,
            DaemonsGreet | RespectfulLogging | LevelIsVersion => V3_6,
            ConnectReason | LevelIsUsed | PostcatOffsets | InvalidSizeIsWarning
            | QshapeUsageText => V3_7,
            ListsInLogicalLines | PostfixOnStandardError => V3_8,
            // SecureAddresses: observed with 3.8.6 (without) and 3.10.13 (with).
            StrictUtf8 | NulWarning | SecureAddresses | ExtractedSegmentNeedsOffset => V3_9,
            PreliminarySize => PRELIMINARY_SIZE,
            LogToStdout => LOG_TO_STDOUT,
            // NotifyWarningHasValue: observed with 3.10.13 (without) and 3.11.7 (with).
            OriginalRecipient
            | OriginalRecipientBeforeSender
            | LevelThreeEleven
            | NotifyWarningHasValue => V3_11,
            FiveCharacterNameIsBogus => FIVE_CHARACTERS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(version: &str, feature: Feature) -> bool {
        Release::parse(version).unwrap().has(feature)
    }

    /// Each feature, with releases that do not have it and releases that do.
    #[test]
    fn each_feature_begins_with_its_first_release_in_each_line() {
        let table: [(Feature, &[&str], &[&str]); 24] = [
            (
                ForcedExpire,
                &["3.4.13", "3.4.99"],
                &["3.5", "3.5.8", "3.12"],
            ),
            (DaemonsGreet, &["3.5.25"], &["3.6.4", "3.12-20260821"]),
            (RespectfulLogging, &["3.5.25"], &["3.6.4"]),
            (LevelMayHaveParts, &["3.4.13"], &["3.5.25", "3.6.0"]),
            (LevelIsVersion, &["3.5.25"], &["3.6.0"]),
            (
                SettingsNeedName,
                &["3.4.13", "3.6.4"],
                &["3.5.25", "3.7.11", "3.8.6", "3.9.0"],
            ),
            (ConnectReason, &["3.6.4"], &["3.7.0", "3.7.11"]),
            (LevelIsUsed, &["3.6.4"], &["3.7.11"]),
            (PostcatOffsets, &["3.6.20"], &["3.7.0"]),
            (InvalidSizeIsWarning, &["3.6.4", "3.4.13"], &["3.7.0"]),
            (QshapeUsageText, &["3.6.4"], &["3.7.22"]),
            (ListsInLogicalLines, &["3.7.11"], &["3.8.6"]),
            (PostfixOnStandardError, &["3.7.11"], &["3.8.6"]),
            (StrictUtf8, &["3.8.6", "3.8.20"], &["3.9.0", "3.10.13"]),
            (NulWarning, &["3.8.6"], &["3.9.0", "3.11.0"]),
            (SecureAddresses, &["3.8.6"], &["3.10.13"]),
            (ExtractedSegmentNeedsOffset, &["3.8.20"], &["3.9.0"]),
            (
                PreliminarySize,
                &["3.6.20", "3.7.16", "3.8.11", "3.9.5", "3.10.4"],
                &[
                    "3.7.17",
                    "3.8.12",
                    "3.9.6",
                    "3.10.5",
                    "3.11.0",
                    "3.12-20260821",
                ],
            ),
            (
                LogToStdout,
                &["3.6.4", "3.7.11", "3.8.6"],
                &["3.7.22", "3.9.14", "3.10.13", "3.11.0"],
            ),
            (OriginalRecipient, &["3.10.13"], &["3.11.0"]),
            (OriginalRecipientBeforeSender, &["3.10.13"], &["3.11.0"]),
            (LevelThreeEleven, &["3.10.13"], &["3.11.7"]),
            (NotifyWarningHasValue, &["3.10.13"], &["3.11.7"]),
            (
                FiveCharacterNameIsBogus,
                &[
                    "3.4.13", "3.5.26", "3.6.19", "3.7.21", "3.8.19", "3.9.13", "3.10.12", "3.11.5",
                ],
                &[
                    "3.5.27", "3.6.20", "3.7.22", "3.8.20", "3.9.14", "3.10.13", "3.11.6", "3.12",
                ],
            ),
        ];
        assert_eq!(table.map(|(feature, ..)| feature), Feature::ALL);
        for (feature, without, with) in table {
            for version in without {
                assert!(!has(version, feature), "{feature:?} {version}");
            }
            for version in with {
                assert!(has(version, feature), "{feature:?} {version}");
            }
        }
    }
}
