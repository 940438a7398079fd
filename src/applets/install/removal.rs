//! Plans the removal of an installation: computes all steps before the first
//! one is carried out.
//!
//! Decides which items are still as they were installed. Changes nothing.

use std::path::Path;

use anyhow::{Result, ensure};

use super::diversion::{Diversion, Registered};
use super::found::{ExistingItem, exists};
use super::layout::MANIFEST;
use super::manifest::{Manifest, ManifestEntry};
use super::step::{InstallStep, NewFile, unfinished};
use super::target::InstallTarget;

/// A planned removal.
#[derive(Debug, Default)]
pub struct Uninstall {
    /// The steps to carry out.
    pub steps: Vec<InstallStep>,
    /// Installed items that are kept, and why.
    pub stays: Vec<String>,
    /// The items that a later uninstall has to remove.
    remains: Manifest,
}

impl Uninstall {
    /// Plans the removal.
    ///
    /// # Errors
    ///
    /// The manifest or an installed item cannot be read.
    pub fn of(target: &InstallTarget) -> Result<Self> {
        let manifest = read(target)?;
        let mut removal = Self::default();
        // Links are removed before their targets.
        for path in manifest.paths().into_iter().rev() {
            removal.unfinished(&target.now(path))?;
            match manifest.diversion_of(path) {
                Some(diversion) => removal.diverted(&manifest, diversion)?,
                None => removal.plain(target, &manifest, path)?,
            }
        }
        // Diversions that an earlier uninstall could not undo.
        let paths = manifest.paths();
        for diversion in manifest.diversions() {
            if !paths.contains(&diversion.from.as_path()) {
                removal.diverted(&manifest, diversion)?;
            }
        }
        removal.manifest_and_directories(target, &manifest)?;
        Ok(removal)
    }

    /// Whether nothing remains installed after the steps.
    pub fn is_complete(&self) -> bool {
        self.remains == Manifest::default()
    }

    /// Removes the temporary file of an interrupted run.
    fn unfinished(&mut self, now: &Path) -> Result<()> {
        let leftover = unfinished(now);
        if exists(&leftover)? {
            self.steps.push(InstallStep::Remove(leftover));
        }
        Ok(())
    }

    fn plain(&mut self, target: &InstallTarget, manifest: &Manifest, path: &Path) -> Result<()> {
        let now = target.now(path);
        let found = ExistingItem::at(&now)?;
        if manifest.knows(path, &found) {
            self.steps.push(InstallStep::Remove(now));
        } else if found != ExistingItem::Absent {
            self.stays
                .push(format!("{} is not what was installed", now.display()));
        }
        Ok(())
    }

    /// Undoes a diversion. Handles every state in which an install, an
    /// uninstall or an upgrade of Postfix's package can leave the two paths.
    fn diverted(&mut self, manifest: &Manifest, diversion: &Diversion) -> Result<()> {
        let Diversion { from, to } = diversion;
        let (first, second) = (ExistingItem::at(from)?, ExistingItem::at(to)?);
        let is_ours = manifest.knows(from, &first);
        match (&first, &second) {
            (_, ExistingItem::Absent) if is_ours => {
                self.steps.push(InstallStep::Remove(from.clone()))
            }
            (_, ExistingItem::Absent) => {}
            (ExistingItem::Absent, _) => self.steps.push(InstallStep::Restore(diversion.clone())),
            _ if is_ours => self.steps.push(InstallStep::Restore(diversion.clone())),
            _ if first.is_same_as(&second) => self.steps.push(InstallStep::Remove(to.clone())),
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
            self.steps
                .push(InstallStep::EndDiversion(diversion.clone()));
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
        let mut last = vec![InstallStep::Remove(path.clone())];
        if !self.is_complete() {
            for directory in manifest.directories() {
                self.remains
                    .add(ManifestEntry::Directory(directory.to_owned()));
            }
            last = vec![InstallStep::Record(NewFile::manifest(
                target,
                &self.remains,
            ))];
        }
        let (around, apart): (Vec<_>, Vec<_>) = manifest
            .directories()
            .rev()
            .map(|directory| target.now(directory))
            .partition(|directory| path.starts_with(directory));
        self.steps
            .extend(apart.into_iter().map(InstallStep::RemoveDirectory));
        self.steps.append(&mut last);
        if self.is_complete() {
            self.steps
                .extend(around.into_iter().map(InstallStep::RemoveDirectory));
        }
        Ok(())
    }
}

/// Reads the manifest. An installation that was interrupted may have created no
/// more than its directory.
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
