//! What has to be done to install: the steps, found out before the first is
//! done.
//!
//! Owns the decision whose a file is that stands in the way. Changes nothing.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::diversion::{Diversion, Registered, package_of};
use super::found::{Access, Fingerprint, Found, exists};
use super::layout::{self, Content, Item, Name, Pages};
use super::manifest::{Entry, Manifest};
use super::owner::{self, Owners};
use super::page;
use super::step::{self, NewFile, Source, Step};
use super::target::Target;

/// What is done about Postfix's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Postfixs {
    /// They stay.
    Stay,
    /// They make room.
    MakeRoom,
}

/// Finds out what has to be done; nothing if all is in place.
pub fn install(target: &Target, owners: &Owners, postfixs: Postfixs) -> Result<Vec<Step>> {
    let program = Source::Program
        .open()
        .and_then(|mut source| Fingerprint::of(&mut source))
        .context("cannot read this program")?;
    let before = Manifest::read(&target.manifest())?;
    let mut planner = Planner {
        target,
        owners,
        postfixs,
        program,
        before: before.clone().unwrap_or_default(),
        after: Manifest::default(),
        diversions: Vec::new(),
        files: Vec::new(),
        in_the_way: Vec::new(),
    };
    planner.directories()?;
    planner.unfinished(&target.manifest())?;
    for item in layout::items(planner.pages()) {
        planner.item(&item)?;
    }
    planner.refuse()?;
    planner.leftovers()?;
    planner.finish(before)
}

struct Planner<'a> {
    target: &'a Target,
    owners: &'a Owners,
    postfixs: Postfixs,
    program: Fingerprint,
    /// What was installed.
    before: Manifest,
    /// What will be.
    after: Manifest,
    diversions: Vec<Step>,
    files: Vec<Step>,
    /// Files that are neither ours nor may be moved.
    in_the_way: Vec<PathBuf>,
}

impl Planner<'_> {
    /// As they were installed, or such that they can take the place of
    /// Postfix's.
    fn pages(&self) -> Pages {
        let has_diversions = self.before.diversions().next().is_some();
        match has_diversions || self.postfixs == Postfixs::MakeRoom {
            true => Pages::Compressed,
            false => Pages::Plain,
        }
    }

    /// Every directory that is missing now, or was before the first time.
    fn directories(&mut self) -> Result<()> {
        // Nobody else has one of that name; a run that was cut short may have
        // made it before it could write so.
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
                self.after.add(Entry::Directory(directory));
            }
        }
        Ok(())
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        let path = self.target.place(&item.path);
        let now = self.target.now(&path);
        self.unfinished(&now)?;
        let found = Found::at(&now)?;
        let is_ours = self.before.knows(&path, &found);
        if found != Found::Absent && !is_ours {
            match (self.postfixs, item.name, &found) {
                (Postfixs::MakeRoom, Name::Postfixs, Found::File(..) | Found::Link(_)) => {
                    self.divert(&path)?;
                }
                _ => self.in_the_way.push(now.clone()),
            }
        }
        let (step, entry, is_in_place) = self.wanted(&item.content, path, now, &found)?;
        self.after.add(entry);
        if !(is_ours && is_in_place) {
            self.files.push(step);
        }
        Ok(())
    }

    /// What a run left that was cut short, and nobody might write anew.
    fn unfinished(&mut self, now: &Path) -> Result<()> {
        let leftover = step::unfinished(now);
        if exists(&leftover)? {
            self.files.push(Step::Remove(leftover));
        }
        Ok(())
    }

    /// How to get it there, how to write it down, and whether it is there.
    fn wanted(
        &self,
        content: &Content,
        path: PathBuf,
        now: PathBuf,
        found: &Found,
    ) -> Result<(Step, Entry, bool)> {
        let (source, print, (owner, mode)) = match content {
            Content::Link(target) => {
                let is_in_place = *found == Found::Link(target.clone());
                let step = Step::Link {
                    path: now,
                    target: target.clone(),
                };
                return Ok((step, Entry::Link(path, target.clone()), is_in_place));
            }
            Content::Program(lends) => (
                Source::Program,
                self.program,
                self.owners.of_program(*lends),
            ),
            Content::Page(text) => {
                let bytes = match self.pages() {
                    Pages::Plain => Cow::Borrowed(text.as_bytes()),
                    Pages::Compressed => Cow::Owned(page::compressed(text)?),
                };
                let print = Fingerprint::of_bytes(&bytes);
                (Source::Bytes(bytes), print, owner::of_text(self.target))
            }
        };
        let is_in_place = match found {
            Found::File(there, access) => {
                let Access { user, group, .. } = *access;
                *there == print && access.mode == mode && owner.is(user, group)
            }
            _ => false,
        };
        let step = Step::Write(NewFile {
            path: now,
            source,
            mode,
            owner,
        });
        Ok((step, Entry::File(path, print), is_in_place))
    }

    fn divert(&mut self, path: &Path) -> Result<()> {
        let diversion = Diversion {
            from: path.to_owned(),
            to: layout::aside(path),
        };
        if let Registered::Others(who) = diversion.registered()? {
            bail!("{} is diverted already, by {who}", path.display());
        }
        let second = Found::at(&diversion.to)?;
        if second != Found::Absent && !second.is_same_as(&Found::at(path)?) {
            bail!(
                "cannot move {} aside: {} is there already",
                path.display(),
                diversion.to.display()
            );
        }
        self.diversions.push(Step::Divert(diversion.clone()));
        self.after.add(Entry::Diversion(diversion));
        Ok(())
    }

    /// Fails if there are files that we must not touch.
    fn refuse(&self) -> Result<()> {
        if self.in_the_way.is_empty() {
            return Ok(());
        }
        let described = |path: &PathBuf| match package_of(path) {
            Some(package) => format!("{} (package {package})", path.display()),
            None => path.display().to_string(),
        };
        let names: Vec<String> = self.in_the_way.iter().map(described).collect();
        let advice = match self.postfixs {
            Postfixs::Stay => {
                "name another --prefix, or give --divert to have Postfix's files moved aside"
            }
            Postfixs::MakeRoom => "name another --prefix, or remove them",
        };
        bail!(
            "nothing was changed, for these are not spoolbox's: {}; {advice}",
            names.join(", ")
        )
    }

    /// What an earlier version installed and this one does not.
    fn leftovers(&mut self) -> Result<()> {
        let wanted = self.after.paths();
        for path in self.before.paths() {
            let now = self.target.now(path);
            if !wanted.contains(&path) && self.before.knows(path, &Found::at(&now)?) {
                self.files.push(Step::Remove(now));
            }
        }
        Ok(())
    }

    fn finish(mut self, before: Option<Manifest>) -> Result<Vec<Step>> {
        for diversion in self.before.diversions() {
            self.after.add(Entry::Diversion(diversion.clone()));
        }
        let directories = self.missing_directories();
        let is_recorded = before.as_ref() == Some(&self.after);
        if directories.is_empty()
            && self.diversions.is_empty()
            && self.files.is_empty()
            && is_recorded
        {
            return Ok(Vec::new());
        }
        let record = |manifest: &Manifest| {
            let (owner, mode) = owner::of_text(self.target);
            Step::Record(NewFile {
                path: self.target.manifest(),
                source: Source::Bytes(Cow::Owned(manifest.to_text().into())),
                mode,
                owner,
            })
        };
        // The manifest comes first, in its directory.
        let is_for_manifest = |step: &Step| match step {
            Step::MakeDirectory(path) => self.target.manifest().starts_with(path),
            _ => false,
        };
        let (first, then): (Vec<_>, Vec<_>) = directories.into_iter().partition(is_for_manifest);
        let mut steps = first;
        steps.push(record(&self.before.with(&self.after)));
        steps.extend(then);
        steps.extend(self.diversions.iter().cloned());
        steps.extend(self.files.iter().cloned());
        steps.push(record(&self.after));
        Ok(steps)
    }

    fn missing_directories(&self) -> Vec<Step> {
        self.after
            .directories()
            .map(|directory| self.target.now(directory))
            .filter(|directory| !directory.exists())
            .map(Step::MakeDirectory)
            .collect()
    }
}
