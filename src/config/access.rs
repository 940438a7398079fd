//! The pattern lists of users who may view or flush the queue, and of sites that
//! the flush service serves.
//!
//! The callers decide that root and the mail owner always have access.

use super::error::ConfigError;
use super::patterns::{ListMatch, PatternList, PatternMatching, Unsupported};
use super::settings::Config;
use super::tables::Reading;

impl Config {
    /// The users listed in authorized_mailq_users, by login name.
    ///
    /// # Errors
    ///
    /// The list cannot be expanded, or names a table that cannot be used.
    pub fn mailq_users(&self, warnings: &mut Vec<String>) -> Result<PatternList, ConfigError> {
        let list = &self.authorized_mailq_users;
        self.users("authorized_mailq_users", list, warnings)
    }

    /// The users listed in authorized_flush_users, by login name.
    ///
    /// # Errors
    ///
    /// The list cannot be expanded, or names a table that cannot be used.
    pub fn flush_users(&self, warnings: &mut Vec<String>) -> Result<PatternList, ConfigError> {
        let list = &self.authorized_flush_users;
        self.users("authorized_flush_users", list, warnings)
    }

    /// A list of users. Observed with Postfix 3.7.11: a list that begins with a
    /// static table matches everybody, and the rest of the list is ignored.
    fn users(
        &self,
        parameter: &'static str,
        list: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<PatternList, ConfigError> {
        if list.starts_with(b"static:") {
            Ok(PatternList::of_all())
        } else {
            PatternList::parse(
                parameter,
                list,
                PatternMatching::Whole,
                self.reading(),
                warnings,
            )
        }
    }

    /// How its lists are read.
    fn reading(&self) -> Reading<'_> {
        Reading {
            charset: self.charset(),
            postfix: &self.postfix,
        }
    }

    /// The sites listed in fast_flush_domains. If the list contains a table that is
    /// not built in, the result for a site can be unknown; the flush daemon then
    /// looks up the table.
    ///
    /// # Errors
    ///
    /// The list cannot be expanded, or is malformed.
    pub fn flush_domains(&self, warnings: &mut Vec<String>) -> Result<PatternList, ConfigError> {
        let reading = self.reading();
        let (name, parents) = (
            "parent_domain_matches_subdomains",
            &self.parent_domain_matches_subdomains,
        );
        let undecided = Unsupported::Undecided;
        let (whole, parse) = (PatternMatching::Whole, PatternList::parse_with);
        let parents = parse(name, parents, whole, reading, undecided, warnings)?;
        let (name, list) = ("fast_flush_domains", &self.fast_flush_domains);
        let matching = match parents.decide(name.as_bytes()) {
            ListMatch::Accepted => PatternMatching::DomainAndSubdomains,
            ListMatch::Refused => PatternMatching::Domain,
            ListMatch::Unknown => return Ok(PatternList::unknown()),
        };
        parse(name, list, matching, reading, undecided, warnings)
    }
}
