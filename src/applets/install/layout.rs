//! The installed files and their paths below the prefix, derived from the
//! applet table.
//!
//! Independent of what is already installed and of how files are written.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::super::completions::SCRIPTS;
use super::super::table::{FRONT, Rights, find};

/// The path of the manifest.
pub const MANIFEST: &str = "lib/spoolbox/installed";

/// The copy of the program that runs with the caller's rights.
const PLAIN: &str = "bin/spoolbox";
/// The set-gid copy of the program, whose group can reach Postfix's sockets.
const SET_GID: &str = "sbin/postqueue";
/// Postfix's command names that are replaced, and the directories that Postfix
/// has them in. `sendmail` and `postfix` are never replaced: they do far more
/// than our applets of these names. Names without an applet are left out.
const COMMANDS: [(&str, &str); 5] = [
    ("mailq", "bin"),
    ("postcat", "sbin"),
    ("postqueue", "sbin"),
    ("postsuper", "sbin"),
    ("qshape", "sbin"),
];

/// The manual pages, embedded so that the binary can install itself.
const PAGES: [(&str, &str); 12] = [
    ("mailq.1", include_str!("../../../man/mailq.1")),
    ("postcat.1", include_str!("../../../man/postcat.1")),
    ("postqueue.1", include_str!("../../../man/postqueue.1")),
    ("postsuper.8", include_str!("../../../man/postsuper.8")),
    ("qshape.1", include_str!("../../../man/qshape.1")),
    ("spoolbox.1", include_str!("../../../man/spoolbox.1")),
    (
        "spoolbox-browse.1",
        include_str!("../../../man/spoolbox-browse.1"),
    ),
    (
        "spoolbox-export.1",
        include_str!("../../../man/spoolbox-export.1"),
    ),
    (
        "spoolbox-import.1",
        include_str!("../../../man/spoolbox-import.1"),
    ),
    (
        "spoolbox-compat.7",
        include_str!("../../../man/spoolbox-compat.7"),
    ),
    (
        "spoolbox-cookbook.7",
        include_str!("../../../man/spoolbox-cookbook.7"),
    ),
    (
        "spoolbox-selection.7",
        include_str!("../../../man/spoolbox-selection.7"),
    ),
];

/// A file or link to be installed.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its path below the prefix.
    pub path: PathBuf,
    /// Its content.
    pub content: ItemContent,
    /// Whether Postfix uses this name too.
    pub name: PathOwner,
}

/// The content of an installed item.
#[derive(Clone, Debug)]
pub enum ItemContent {
    /// A copy of this program.
    Program(SetgidGrant),
    /// A symbolic link.
    Link(PathBuf),
    /// A manual page.
    Page(&'static str),
    /// A shell's script.
    Script(&'static str),
}

/// The group that a copy of the program gives to its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetgidGrant {
    /// No group.
    Nothing,
    /// The group setgid_group.
    Group,
}

/// Whether Postfix uses a path's name too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathOwner {
    /// A name that only we use: an existing file is never moved aside for it.
    Ours,
    /// A name that Postfix uses too.
    OfPostfix,
}

/// The format of the manual pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Uncompressed text.
    Plain,
    /// Compressed, under the names that Debian uses, so that Postfix's pages
    /// can be diverted.
    Compressed,
}

/// All items to be installed: programs before the links to them.
pub fn items(pages: Pages) -> Vec<Item> {
    let program = |path: &str, grant, name| Item {
        path: path.into(),
        content: ItemContent::Program(grant),
        name,
    };
    let mut items = vec![
        program(PLAIN, SetgidGrant::Nothing, PathOwner::Ours),
        program(SET_GID, SetgidGrant::Group, PathOwner::OfPostfix),
    ];
    items.extend(links());
    for (name, text) in PAGES {
        items.push(Item {
            path: page_path(name, pages),
            content: ItemContent::Page(text),
            name: if name.starts_with(FRONT) {
                PathOwner::Ours
            } else {
                PathOwner::OfPostfix
            },
        });
        items.extend(page_link(name, pages));
    }
    items.extend(completions(pages));
    items
}

/// The completion scripts, where each shell looks for them, and a link for each
/// command that a shell looks up by name.
///
/// Debian's bash-completion has its own scripts for postcat and postsuper in
/// the same directory: these are kept. Ours replaces their completions once it
/// has been loaded for another command. The directory for zsh precedes the one
/// of zsh's own `_postfix`.
fn completions(pages: Pages) -> Vec<Item> {
    let zsh = match pages {
        Pages::Plain => "share/zsh/site-functions/_spoolbox",
        Pages::Compressed => "share/zsh/vendor-completions/_spoolbox",
    };
    let bash = "share/bash-completion/completions/spoolbox";
    let fish = "share/fish/vendor_completions.d/spoolbox.fish";
    let ours = |path: &Path, content| Item {
        path: path.to_owned(),
        content,
        name: PathOwner::Ours,
    };
    let place = |shell: &str| {
        Path::new(match shell {
            "bash" => bash,
            "zsh" => zsh,
            _ => fish,
        })
    };
    let mut items = Vec::new();
    for (shell, script) in SCRIPTS {
        items.push(ours(place(shell), ItemContent::Script(script)));
    }
    for (name, _) in COMMANDS {
        let link = |path: &Path, target: &str| ours(path, ItemContent::Link(target.into()));
        let is_debians = matches!(name, "postcat" | "postsuper");
        if pages == Pages::Plain || !is_debians {
            items.push(link(&Path::new(bash).with_file_name(name), FRONT));
        }
        let path = Path::new(fish).with_file_name(format!("{name}.fish"));
        items.push(link(&path, "spoolbox.fish"));
    }
    items
}

/// The command links, each to the copy with the rights that its applet may
/// keep.
fn links() -> impl Iterator<Item = Item> {
    let link = |(name, directory): (&str, &str)| {
        let applet = find(OsStr::new(name))?;
        let path = Path::new(directory).join(name);
        let program = Path::new(match applet.rights {
            Rights::KeepsGroup => SET_GID,
            Rights::Own => PLAIN,
        });
        let target = if program.parent() == path.parent() {
            program.file_name()?.into()
        } else {
            Path::new("..").join(program)
        };
        (path != program).then_some(Item {
            path,
            content: ItemContent::Link(target),
            name: PathOwner::OfPostfix,
        })
    };
    COMMANDS.into_iter().filter_map(link)
}

fn page_path(name: &str, pages: Pages) -> PathBuf {
    let section = name.rsplit('.').next().unwrap_or_default();
    let ending = match pages {
        Pages::Plain => "",
        Pages::Compressed => ".gz",
    };
    PathBuf::from(format!("share/man/man{section}/{name}{ending}"))
}

/// A link in section 1 for a page of ours. Postfix has the pages of all its
/// commands in section 1, and man(1) searches that section first.
fn page_link(name: &str, pages: Pages) -> Option<Item> {
    let (stem, section) = name.rsplit_once('.')?;
    let page = page_path(name, pages);
    let is_command = COMMANDS.iter().any(|(command, _)| *command == stem);
    (is_command && section != "1").then(|| Item {
        path: page_path(&format!("{stem}.1"), pages),
        content: ItemContent::Link(
            Path::new("..").join(page.strip_prefix("share/man").unwrap_or(&page)),
        ),
        name: PathOwner::OfPostfix,
    })
}

/// The name that one of Postfix's files is moved to. A manual page keeps its
/// section, so that `man postqueue.postfix` finds it.
pub fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_page = path
        .parent()
        .is_some_and(|directory| directory.to_string_lossy().contains("/man/man"));
    let name = match name.split_once('.') {
        Some((stem, ending)) if is_page => format!("{stem}.postfix.{ending}"),
        _ => format!("{name}.postfix"),
    };
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(path: &str) -> PathBuf {
        let item = items(Pages::Plain)
            .into_iter()
            .find(|item| item.path == Path::new(path))
            .unwrap();
        match item.content {
            ItemContent::Link(target) => target,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn each_link_leads_to_the_copy_with_the_rights_of_its_applet() {
        assert_eq!(link("bin/mailq"), Path::new("../sbin/postqueue"));
        assert_eq!(link("sbin/postsuper"), Path::new("../bin/spoolbox"));
        assert_eq!(
            link("share/man/man1/postsuper.1"),
            Path::new("../man8/postsuper.8")
        );
        assert_eq!(link("sbin/postcat"), Path::new("../bin/spoolbox"));
    }

    #[test]
    fn only_one_item_grants_rights() {
        let grant = |item: &&Item| matches!(item.content, ItemContent::Program(SetgidGrant::Group));
        assert_eq!(items(Pages::Plain).iter().filter(grant).count(), 1);
    }

    #[test]
    fn names_of_postfix_only_are_never_installed() {
        for item in items(Pages::Compressed) {
            let name = item.path.file_name().unwrap().to_owned();
            assert!(name != "sendmail" && name != "postfix", "{item:?}");
        }
    }

    #[test]
    fn every_page_in_man_is_installed_and_every_command_has_one() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
        for entry in std::fs::read_dir(directory).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(PAGES.iter().any(|(page, _)| *page == name), "{name}");
        }
        for (name, _) in COMMANDS {
            let is_of = |(page, _): &(&str, &str)| page.split('.').next() == Some(name);
            let is_applet = find(OsStr::new(name)).is_some();
            assert_eq!(PAGES.iter().any(is_of), is_applet, "{name}");
        }
    }

    #[test]
    fn a_diverted_page_keeps_its_section() {
        assert_eq!(
            aside(Path::new("/usr/share/man/man1/mailq.1.gz")),
            Path::new("/usr/share/man/man1/mailq.postfix.1.gz")
        );
        assert_eq!(
            aside(Path::new("/usr/bin/mailq")),
            Path::new("/usr/bin/mailq.postfix")
        );
    }
}
