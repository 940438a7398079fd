//! What has to be done to take an installation back: the steps, found out
//! before the first is done.
//!
//! Owns the decision what is still as it was installed. Changes nothing.

use std::path::Path;

use anyhow::{Result, ensure};

use super::diversion::{Diversion, Registered};
use super::found::{ExistingItem, exists};
use super::layout::MANIFEST;
use super::manifest::{Manifest, ManifestEntry};
use super::step::{NewFile, Step, unfinished};
use super::target::InstallTarget;

/// A removal.
#[derive(Debug, Default)]
pub struct Uninstall {
    /// What to do.
    pub steps: Vec<Step>,
    /// What stays although it was installed, and why.
    pub stays: Vec<String>,
    /// What uninstall has to be called again for.
    remains: Manifest,
}

impl Uninstall {
    /// Finds out what has to be done.
    pub fn of(target: &InstallTarget) -> Result<Self> {
        let manifest = read(target)?;
        let mut removal = Self::default();
        // Links before what they lead to.
        for path in manifest.paths().into_iter().rev() {
            removal.unfinished(&target.now(path))?;
            match manifest.diversion_of(path) {
                Some(diversion) => removal.diverted(&manifest, diversion)?,
                None => removal.plain(target, &manifest, path)?,
            }
        }
        // What an uninstall before this one could not take back.
        let paths = manifest.paths();
        for diversion in manifest.diversions() {
            if !paths.contains(&diversion.from.as_path()) {
                removal.diverted(&manifest, diversion)?;
            }
        }
        removal.manifest_and_directories(target, &manifest)?;
        Ok(removal)
    }

    /// Whether all is taken back at the end.
    pub fn is_complete(&self) -> bool {
        self.remains == Manifest::default()
    }

    /// What a run left that was cut short.
    fn unfinished(&mut self, now: &Path) -> Result<()> {
        let leftover = unfinished(now);
        if exists(&leftover)? {
            self.steps.push(Step::Remove(leftover));
        }
        Ok(())
    }

    fn plain(&mut self, target: &InstallTarget, manifest: &Manifest, path: &Path) -> Result<()> {
        let now = target.now(path);
        let found = ExistingItem::at(&now)?;
        if manifest.knows(path, &found) {
            self.steps.push(Step::Remove(now));
        } else if found != ExistingItem::Absent {
            self.stays
                .push(format!("{} is not what was installed", now.display()));
        }
        Ok(())
    }

    /// Where Postfix's file made room. Each state is one in which an install,
    /// an uninstall or an upgrade of Postfix's package can end.
    fn diverted(&mut self, manifest: &Manifest, diversion: &Diversion) -> Result<()> {
        let Diversion { from, to } = diversion;
        let (first, second) = (ExistingItem::at(from)?, ExistingItem::at(to)?);
        let is_ours = manifest.knows(from, &first);
        match (&first, &second) {
            (_, ExistingItem::Absent) if is_ours => self.steps.push(Step::Remove(from.clone())),
            (_, ExistingItem::Absent) => {}
            (ExistingItem::Absent, _) => self.steps.push(Step::Restore(diversion.clone())),
            _ if is_ours => self.steps.push(Step::Restore(diversion.clone())),
            _ if first.is_same_as(&second) => self.steps.push(Step::Remove(to.clone())),
            _ => {
                self.stays.push(format!(
                    "{} is not what was installed, nor is it {}",
                    from.display(),
                    to.display()
                ));
                self.remains
                    .add(ManifestEntry::Diversion(diversion.clone()));
                return Ok(());
            }
        }
        if diversion.registered()? == Registered::Ours {
            self.steps.push(Step::EndDiversion(diversion.clone()));
        }
        Ok(())
    }

    fn manifest_and_directories(
        &mut self,
        target: &InstallTarget,
        manifest: &Manifest,
    ) -> Result<()> {
        let path = target.manifest();
        self.unfinished(&path)?;
        let mut last = vec![Step::Remove(path.clone())];
        if !self.is_complete() {
            for directory in manifest.directories() {
                self.remains
                    .add(ManifestEntry::Directory(directory.to_owned()));
            }
            last = vec![Step::Record(NewFile::manifest(target, &self.remains))];
        }
        let (around, apart): (Vec<_>, Vec<_>) = manifest
            .directories()
            .rev()
            .map(|directory| target.now(directory))
            .partition(|directory| path.starts_with(directory));
        self.steps
            .extend(apart.into_iter().map(Step::RemoveDirectory));
        self.steps.append(&mut last);
        if self.is_complete() {
            self.steps
                .extend(around.into_iter().map(Step::RemoveDirectory));
        }
        Ok(())
    }
}

/// The manifest. An installation that was cut short may have come no further
/// than to its directory.
fn read(target: &InstallTarget) -> Result<Manifest> {
    let path = target.manifest();
    if let Some(manifest) = Manifest::read(&path)? {
        return Ok(manifest);
    }
    let directory = target.place(MANIFEST.as_ref());
    let directory = directory.parent().unwrap_or(&directory);
    ensure!(
        target.now(directory).exists(),
        "nothing is installed there: {} is missing",
        path.display()
    );
    let mut manifest = Manifest::default();
    manifest.add(ManifestEntry::Directory(directory.to_owned()));
    Ok(manifest)
}
