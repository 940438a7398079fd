//! The Postfix release of an instance, which is looked up once, and only if
//! something depends on it.
//!
//! A process uses the same release throughout, even if the daemons are replaced
//! while it runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::program::{version_alone_in, version_in};
use super::{Feature, Release};
use crate::text::{Charset, make_printable};

/// The programs that contain the version, in the order of the search.
const CARRIERS: [&str; 2] = ["showq", MASTER];
/// The program that contains the version as a parameter's default.
const MASTER: &str = "master";

/// The Postfix of an instance. Clones share the result of the lookup.
#[derive(Clone, Debug)]
pub struct Installed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    daemon_directory: PathBuf,
    /// Asked if the other says nothing.
    fallback: Option<PathBuf>,
    found: OnceLock<(Release, String)>,
}

impl Installed {
    /// The Postfix whose daemons are in `daemon_directory`. Nothing is read
    /// yet.
    pub fn in_directory(daemon_directory: &Path) -> Self {
        Self(Arc::new(Inner {
            daemon_directory: daemon_directory.to_owned(),
            fallback: None,
            found: OnceLock::new(),
        }))
    }

    /// The same; if no file there says which release it is, the one whose
    /// daemons are in `fallback`.
    pub fn in_directory_or(daemon_directory: &Path, fallback: &Path) -> Self {
        Self(Arc::new(Inner {
            daemon_directory: daemon_directory.to_owned(),
            fallback: Some(fallback.to_owned()),
            found: OnceLock::new(),
        }))
    }

    /// A release that the user named, without a lookup.
    pub fn of_release(release: Release) -> Self {
        let found = OnceLock::from((release, release.to_string()));
        Self(Arc::new(Inner {
            daemon_directory: PathBuf::new(),
            fallback: None,
            found,
        }))
    }

    /// Whether the daemons' files in `daemon_directory` determine this release,
    /// or no files do.
    pub fn is_in(&self, daemon_directory: &Path) -> bool {
        let own = &self.0.daemon_directory;
        own.as_os_str().is_empty() || own == daemon_directory
    }

    /// The release according to the daemons' files, or [`Release::NEWEST`] if
    /// they do not contain one.
    pub fn release(&self) -> Release {
        self.found().0
    }

    /// The version as Postfix writes it.
    pub fn version(&self) -> &str {
        &self.found().1
    }

    /// Whether the release has a feature.
    pub fn has(&self, feature: Feature) -> bool {
        self.release().has(feature)
    }

    fn found(&self) -> &(Release, String) {
        self.0.found.get_or_init(|| {
            version_of(&self.0.daemon_directory)
                .or_else(|| version_of(self.0.fallback.as_deref()?))
                .unwrap_or_else(|| (Release::NEWEST, Release::NEWEST.to_string()))
        })
    }
}

/// The release of the daemons in a directory, and its version.
fn version_of(directory: &Path) -> Option<(Release, String)> {
    let path = |name| directory.join(name);
    let version = CARRIERS
        .into_iter()
        .find_map(|name| version_in(&path(name)))
        .or_else(|| version_alone_in(&path(MASTER)))?;
    Some((Release::parse(&version)?, version))
}

/// Which texts with UTF-8 may be printed unchanged. Looks up the release only
/// for text that is not ASCII.
#[derive(Clone, Debug, Default)]
pub enum Utf8 {
    /// None: smtputf8_enable is off or not yet known.
    #[default]
    Hidden,
    /// Texts that have already been made printable.
    PassedOn,
    /// Texts that this Postfix considers UTF-8.
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

    /// Returns the characters of `text` that may be printed.
    pub fn charset(&self, text: &[u8]) -> Charset {
        match self {
            _ if text.is_ascii() => Charset::Ascii,
            Self::Hidden => Charset::Ascii,
            Self::PassedOn => Charset::LooseUtf8,
            Self::AsBy(installed) => charset_of(installed.release()),
        }
    }

    /// Replaces characters that may not be printed, in place.
    pub fn make_printable(&self, text: &mut [u8]) {
        let charset = self.charset(text);
        make_printable(text, charset);
    }
}

/// Returns the characters that a release considers UTF-8.
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
        // A file without a version is ignored.
        std::fs::write(directory.path().join("showq"), "mail_version=none\0").unwrap();
        assert_eq!(release(), Release::new(3, 6, 4));
        std::fs::write(directory.path().join("showq"), "mail_version=3.5.25\0").unwrap();
        assert_eq!(release(), Release::new(3, 5, 25));
    }

    #[test]
    fn a_directory_that_says_nothing_leaves_it_to_the_fallback() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let say = |directory: &tempfile::TempDir, version: &str| {
            let text = format!("mail_version={version}\0");
            std::fs::write(directory.path().join("showq"), text).unwrap();
        };
        let release = || Installed::in_directory_or(first.path(), second.path()).release();
        assert_eq!(release(), Release::NEWEST);
        say(&second, "3.5.25");
        assert_eq!(release(), Release::new(3, 5, 25));
        say(&first, "garbage");
        assert_eq!(release(), Release::new(3, 5, 25));
        say(&first, "3.9.1");
        assert_eq!(release(), Release::new(3, 9, 1));
    }

    #[test]
    fn a_master_without_the_mark_has_the_version_in_a_parameters_default() {
        let directory = tempfile::tempdir().unwrap();
        let master = directory.path().join("master");
        std::fs::write(&master, "\x7fELF\x003.11.7\0").unwrap();
        let release = || Installed::in_directory(directory.path()).release();
        assert_eq!(release(), Release::new(3, 11, 7));
        // The marked version takes precedence.
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
    fn a_fifo_in_place_of_a_daemon_does_not_block() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("showq");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let installed = Installed::in_directory(directory.path());
        assert_eq!(installed.release(), Release::NEWEST);
    }
}
