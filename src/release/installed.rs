//! The Postfix that an instance runs: which release it is, looked up once and
//! only if something depends on it.
//!
//! A daemon that is replaced while a tool runs does not change the tool's
//! mind: one run is one release.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::program::{version_alone_in, version_in};
use super::{Feature, Release};
use crate::text::{Charset, make_printable};

/// The programs that carry the version, in the order in which they are asked.
const CARRIERS: [&str; 2] = ["showq", MASTER];
/// The program that carries it as the default of a parameter.
const MASTER: &str = "master";

/// The Postfix of an instance. Copies share what was found out.
#[derive(Clone, Debug)]
pub struct Installed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    daemon_directory: PathBuf,
    found: OnceLock<(Release, String)>,
}

impl Installed {
    /// The Postfix whose daemons are in `daemon_directory`. Nothing is read
    /// yet.
    pub fn in_directory(daemon_directory: &Path) -> Self {
        Self(Arc::new(Inner {
            daemon_directory: daemon_directory.to_owned(),
            found: OnceLock::new(),
        }))
    }

    /// A release that needs no looking up: the user names it.
    pub fn of_release(release: Release) -> Self {
        let found = OnceLock::from((release, release.to_string()));
        Self(Arc::new(Inner {
            daemon_directory: PathBuf::new(),
            found,
        }))
    }

    /// Whether its daemons' files are in `daemon_directory`, or do not matter.
    pub fn is_in(&self, daemon_directory: &Path) -> bool {
        let own = &self.0.daemon_directory;
        own.as_os_str().is_empty() || own == daemon_directory
    }

    /// The release: what the daemons' files say, or [`Release::NEWEST`] if
    /// they say nothing.
    pub fn release(&self) -> Release {
        self.found().0
    }

    /// Its version as Postfix writes it.
    pub fn version(&self) -> &str {
        &self.found().1
    }

    /// Whether the release has a feature.
    pub fn has(&self, feature: Feature) -> bool {
        self.release().has(feature)
    }

    fn found(&self) -> &(Release, String) {
        self.0.found.get_or_init(|| {
            let path = |name| self.0.daemon_directory.join(name);
            CARRIERS
                .into_iter()
                .find_map(|name| version_in(&path(name)))
                .or_else(|| version_alone_in(&path(MASTER)))
                .and_then(|version| Some((Release::parse(&version)?, version)))
                .unwrap_or_else(|| (Release::NEWEST, Release::NEWEST.to_string()))
        })
    }
}

/// Which texts with UTF-8 in them may be shown as they are. Asks for the
/// release only if there is a byte above ASCII.
#[derive(Clone, Debug, Default)]
pub enum Utf8 {
    /// None: smtputf8_enable is off, or not known yet.
    #[default]
    Hidden,
    /// Those that were made printable before.
    PassedOn,
    /// What that Postfix takes for UTF-8.
    AsBy(Installed),
}

impl Utf8 {
    /// The rule for texts of an instance.
    pub fn of(installed: &Installed, smtputf8_enable: bool) -> Self {
        if smtputf8_enable {
            Self::AsBy(installed.clone())
        } else {
            Self::Hidden
        }
    }

    /// The characters that may be shown of `text`.
    pub fn charset(&self, text: &[u8]) -> Charset {
        match self {
            _ if text.is_ascii() => Charset::Ascii,
            Self::Hidden => Charset::Ascii,
            Self::PassedOn => Charset::LooseUtf8,
            Self::AsBy(installed) => charset_of(installed.release()),
        }
    }

    /// Replaces in place what may not be shown.
    pub fn make_printable(&self, text: &mut [u8]) {
        let charset = self.charset(text);
        make_printable(text, charset);
    }
}

/// What a release takes for UTF-8.
pub fn charset_of(release: Release) -> Charset {
    if release.has(Feature::StrictUtf8) {
        Charset::StrictUtf8
    } else {
        Charset::LooseUtf8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_file_says_which_release_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let release = || Installed::in_directory(directory.path()).release();
        assert_eq!(release(), Release::NEWEST);
        std::fs::write(directory.path().join("master"), "x\0mail_version=3.6.4\0").unwrap();
        assert_eq!(release(), Release::new(3, 6, 4));
        // A file without a version says nothing.
        std::fs::write(directory.path().join("showq"), "mail_version=none\0").unwrap();
        assert_eq!(release(), Release::new(3, 6, 4));
        std::fs::write(directory.path().join("showq"), "mail_version=3.5.25\0").unwrap();
        assert_eq!(release(), Release::new(3, 5, 25));
    }

    #[test]
    fn a_master_without_the_mark_says_it_with_a_parameters_default() {
        let directory = tempfile::tempdir().unwrap();
        let master = directory.path().join("master");
        std::fs::write(&master, "\x7fELF\x003.11.7\0").unwrap();
        let release = || Installed::in_directory(directory.path()).release();
        assert_eq!(release(), Release::new(3, 11, 7));
        // The mark is the better source.
        std::fs::write(&master, "\x7fELF\x003.11.7\0mail_version=3.9.1\0").unwrap();
        assert_eq!(release(), Release::new(3, 9, 1));
    }

    #[test]
    fn one_run_is_one_release_whatever_is_installed_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        let showq = directory.path().join("showq");
        std::fs::write(&showq, "mail_version=3.5.25\0").unwrap();
        let installed = Installed::in_directory(directory.path());
        let copy = installed.clone();
        assert_eq!(installed.version(), "3.5.25");
        std::fs::write(&showq, "mail_version=3.11.6\0").unwrap();
        assert_eq!(copy.version(), "3.5.25");
    }

    #[test]
    fn a_fifo_in_the_place_of_a_daemon_does_not_make_us_wait() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("showq");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let installed = Installed::in_directory(directory.path());
        assert_eq!(installed.release(), Release::NEWEST);
    }
}
