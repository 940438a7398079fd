//! Plans an installation: computes all steps before the first one is carried
//! out.
//!
//! Decides whether an existing file is ours. Changes nothing.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::diversion::{Diversion, Registered, package_of};
use super::found::{ExistingItem, Fingerprint, exists};
use super::layout;
use super::layout::{Item, ItemContent, Pages, PathOwner};
use super::manifest::{Manifest, ManifestEntry};
use super::owner;
use super::owner::{Owner, Owners};
use super::page;
use super::step;
use super::step::{ByteSource, InstallStep, NewFile};
use super::target::InstallTarget;

/// The treatment of Postfix's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplacedTool {
    /// They are kept in place.
    Stay,
    /// They are moved aside.
    MakeRoom,
}

/// Plans the installation. Returns no steps if everything is in place.
///
/// # Errors
///
/// An existing file cannot be examined, or must not be replaced.
pub fn install(
    target: &InstallTarget,
    owners: &Owners,
    replaced_tools: ReplacedTool,
) -> Result<Vec<InstallStep>> {
    let program = ByteSource::Program
        .open()
        .and_then(|mut source| Fingerprint::of(&mut source))
        .context("cannot read this program")?;
    let before = Manifest::read(&target.manifest())?;
    let mut planner = Planner {
        target,
        owners,
        replaced_tools,
        program,
        before: before.clone().unwrap_or_default(),
        after: Manifest::default(),
        diversions: Vec::new(),
        files: Vec::new(),
        in_the_way: Vec::new(),
    };
    planner.directories();
    planner.unfinished(&target.manifest())?;
    for item in layout::items(planner.pages()) {
        planner.item(&item)?;
    }
    planner.refuse()?;
    planner.leftovers()?;
    Ok(planner.finish(before))
}

struct Planner<'a> {
    target: &'a InstallTarget,
    owners: &'a Owners,
    replaced_tools: ReplacedTool,
    program: Fingerprint,
    /// The installed files before the steps.
    before: Manifest,
    /// The installed files after the steps.
    after: Manifest,
    diversions: Vec<InstallStep>,
    files: Vec<InstallStep>,
    /// Files that are not ours and must not be moved.
    in_the_way: Vec<PathBuf>,
}

/// The step that puts an item into place.
struct Placement {
    step: InstallStep,
    entry: ManifestEntry,
    /// Whether the item is already installed, with the right owner and mode.
    is_in_place: bool,
}

impl Placement {
    fn link(path: PathBuf, now: PathBuf, to: PathBuf, found: &ExistingItem) -> Self {
        Self {
            is_in_place: *found == ExistingItem::Link(to.clone()),
            step: InstallStep::Link {
                path: now,
                target: to.clone(),
            },
            entry: ManifestEntry::Link(path, to),
        }
    }

    fn file(
        path: PathBuf,
        now: PathBuf,
        source: ByteSource,
        print: Fingerprint,
        (owner, mode): (Owner, u32),
        found: &ExistingItem,
    ) -> Self {
        let is_in_place = match found {
            ExistingItem::File(there, access) => {
                let is_owner = owner.is(access.user, access.group);
                *there == print && access.mode == mode && is_owner
            }
            _ => false,
        };
        Self {
            is_in_place,
            step: InstallStep::Write(NewFile {
                path: now,
                source,
                mode,
                owner,
            }),
            entry: ManifestEntry::File(path, print),
        }
    }
}

impl Planner<'_> {
    /// The format of the pages that are already installed, or else the format
    /// that the treatment of Postfix's files requires.
    fn pages(&self) -> Pages {
        let has_diversions = self.before.diversions().next().is_some();
        if has_diversions || self.replaced_tools == ReplacedTool::MakeRoom {
            Pages::Compressed
        } else {
            Pages::Plain
        }
    }

    /// Records every directory that is missing now or was missing before the
    /// first installation.
    fn directories(&mut self) {
        // This directory is always ours: a run that was interrupted may have
        // created it before it could record that.
        let own = self.target.place(layout::MANIFEST.as_ref());
        let own = own.parent().unwrap_or(&own);
        let mut needed: Vec<PathBuf> = Vec::new();
        let files = layout::items(self.pages())
            .into_iter()
            .map(|item| item.path);
        for path in files.chain([layout::MANIFEST.into()]) {
            let place = self.target.place(&path);
            let mut above: Vec<_> = place.ancestors().skip(1).collect();
            above.reverse();
            needed.extend(above.into_iter().map(Path::to_owned));
        }
        for directory in needed {
            let was_made = self.before.directories().any(|made| made == directory);
            if was_made || directory == own || !self.target.now(&directory).exists() {
                self.after.add(ManifestEntry::Directory(directory));
            }
        }
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        let path = self.target.place(&item.path);
        let now = self.target.now(&path);
        self.unfinished(&now)?;
        let found = ExistingItem::at(&now)?;
        let is_ours = self.before.knows(&path, &found);
        if found != ExistingItem::Absent && !is_ours {
            match (self.replaced_tools, item.name, &found) {
                (
                    ReplacedTool::MakeRoom,
                    PathOwner::OfPostfix,
                    ExistingItem::File(..) | ExistingItem::Link(_),
                ) => {
                    self.divert(&path)?;
                }
                _ => self.in_the_way.push(now.clone()),
            }
        }
        let wanted = match &item.content {
            ItemContent::Link(to) => Placement::link(path, now, to.clone(), &found),
            ItemContent::Program(grant) => {
                let access = self.owners.of_program(*grant);
                Placement::file(path, now, ByteSource::Program, self.program, access, &found)
            }
            ItemContent::Page(text) | ItemContent::Script(text) => {
                let is_page = matches!(item.content, ItemContent::Page(_));
                let bytes = match self.pages() {
                    Pages::Compressed if is_page => Cow::Owned(page::compressed(text)?),
                    _ => Cow::Borrowed(text.as_bytes()),
                };
                let print = Fingerprint::of_bytes(&bytes);
                let access = owner::of_text(self.target);
                Placement::file(path, now, ByteSource::Bytes(bytes), print, access, &found)
            }
        };
        self.after.add(wanted.entry);
        if !(is_ours && wanted.is_in_place) {
            self.files.push(wanted.step);
        }
        Ok(())
    }

    /// Removes a temporary file that an interrupted run left and that no later
    /// step would replace.
    fn unfinished(&mut self, now: &Path) -> Result<()> {
        let leftover = step::unfinished(now);
        if exists(&leftover)? {
            self.files.push(InstallStep::Remove(leftover));
        }
        Ok(())
    }

    fn divert(&mut self, path: &Path) -> Result<()> {
        let diversion = Diversion {
            from: path.to_owned(),
            to: layout::aside(path),
        };
        if let Registered::Others(who) = diversion.registered()? {
            bail!("{} is diverted already, by {who}", path.display());
        }
        let second = ExistingItem::at(&diversion.to)?;
        if second != ExistingItem::Absent && !second.is_same_as(&ExistingItem::at(path)?) {
            bail!(
                "cannot move {} aside: {} already exists",
                path.display(),
                diversion.to.display()
            );
        }
        self.diversions.push(InstallStep::Divert(diversion.clone()));
        self.after.add(ManifestEntry::Diversion(diversion));
        Ok(())
    }

    /// Fails if other files are in the way.
    fn refuse(&self) -> Result<()> {
        if self.in_the_way.is_empty() {
            return Ok(());
        }
        let described = |path: &PathBuf| match package_of(path) {
            Some(package) => format!("{} (package {package})", path.display()),
            None => path.display().to_string(),
        };
        let names: Vec<String> = self.in_the_way.iter().map(described).collect();
        let advice = match self.replaced_tools {
            ReplacedTool::Stay => {
                "choose another --prefix, or use --divert to have Postfix's files moved aside"
            }
            ReplacedTool::MakeRoom => "choose another --prefix, or remove them",
        };
        bail!(
            "nothing was changed: these files are not spoolbox's: {}; {advice}",
            names.join(", ")
        )
    }

    /// Removes items that an earlier version installed and this one does not
    /// have.
    fn leftovers(&mut self) -> Result<()> {
        let wanted = self.after.paths();
        for path in self.before.paths() {
            let now = self.target.now(path);
            if !wanted.contains(&path) && self.before.knows(path, &ExistingItem::at(&now)?) {
                self.files.push(InstallStep::Remove(now));
            }
        }
        Ok(())
    }

    fn finish(mut self, before: Option<Manifest>) -> Vec<InstallStep> {
        for diversion in self.before.diversions() {
            self.after.add(ManifestEntry::Diversion(diversion.clone()));
        }
        let directories = self.missing_directories();
        let is_recorded = before.is_some_and(|before| before.is_same_as(&self.after));
        let changes = [&directories, &self.diversions, &self.files];
        if is_recorded && changes.iter().all(|steps| steps.is_empty()) {
            return Vec::new();
        }
        // The manifest is written first, preceded only by its own directories.
        let manifest = self.target.manifest();
        let is_for_manifest = |step: &InstallStep| match step {
            InstallStep::MakeDirectory(path) => manifest.starts_with(path),
            _ => false,
        };
        let (mut steps, others): (Vec<_>, Vec<_>) =
            directories.into_iter().partition(is_for_manifest);
        steps.push(self.record(&self.before.with(&self.after)));
        let last = self.record(&self.after);
        steps.extend(others);
        steps.extend(self.diversions);
        steps.extend(self.files);
        steps.push(last);
        steps
    }

    fn record(&self, manifest: &Manifest) -> InstallStep {
        InstallStep::Record(NewFile::manifest(self.target, manifest))
    }

    fn missing_directories(&self) -> Vec<InstallStep> {
        self.after
            .directories()
            .map(|directory| self.target.now(directory))
            .filter(|directory| !directory.exists())
            .map(InstallStep::MakeDirectory)
            .collect()
    }
}
