//! The pattern lists that say who may do what, and for which sites.
//!
//! Owns which list is matched how. Independent of the caller: that root and the
//! mail owner always may is decided by the tools.

use super::error::ConfigError;
use super::patterns::{ListMatch, Matching, PatternList, Unsupported};
use super::settings::Config;

impl Config {
    /// Whom the parameter authorized_mailq_users admits, by login name.
    pub fn mailq_users(&self, warnings: &mut Vec<String>) -> Result<PatternList, ConfigError> {
        let list = &self.authorized_mailq_users;
        self.users("authorized_mailq_users", list, warnings)
    }

    /// Whom the parameter authorized_flush_users admits, by login name.
    pub fn flush_users(&self, warnings: &mut Vec<String>) -> Result<PatternList, ConfigError> {
        let list = &self.authorized_flush_users;
        self.users("authorized_flush_users", list, warnings)
    }

    /// A list of users. Observed: one that begins with a static table admits
    /// everybody, and what follows it is ignored.
    fn users(
        &self,
        parameter: &'static str,
        list: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<PatternList, ConfigError> {
        if list.starts_with(b"static:") {
            Ok(PatternList::of_all())
        } else {
            PatternList::parse(parameter, list, Matching::Whole, self.charset(), warnings)
        }
    }

    /// Which sites the flush service is configured for. A table that cannot be
    /// asked here leaves that unknown: the service's daemon asks it.
    pub fn flush_domains(&self, warnings: &mut Vec<String>) -> Result<PatternList, ConfigError> {
        let charset = self.charset();
        let (name, parents) = (
            "parent_domain_matches_subdomains",
            &self.parent_domain_matches_subdomains,
        );
        let undecided = Unsupported::Undecided;
        let (whole, parse) = (Matching::Whole, PatternList::parse_with);
        let parents = parse(name, parents, whole, charset, undecided, warnings)?;
        let (name, list) = ("fast_flush_domains", &self.fast_flush_domains);
        let matching = match parents.decide(name.as_bytes()) {
            ListMatch::Accepted => Matching::DomainAndSubdomains,
            ListMatch::Refused => Matching::Domain,
            ListMatch::Unknown => return Ok(PatternList::unknown()),
        };
        parse(name, list, matching, charset, undecided, warnings)
    }
}
