//! The search for bundles while the package goes by: through tars inside tars, entry by entry.
//!
//! It mirrors the search through files (`package::scan`), and finds the same; but where that one judges a
//! folder by all its files, this one judges by those that came ([`super::claim`]).

use std::collections::VecDeque;

use super::claim::{self, Claim};
use super::error::StreamError;
use super::flow::Flow;
use super::frame::{Frame, Late, Role};
use super::passing::Handed;
use super::section::{Section, Taken};
use crate::blob::BlobId;
use crate::bundle::{Bundle, Origin};
use crate::images::{Images, ImagesError};
use crate::package::place::{Place, is_hidden};
use crate::package::{Broken, PackageError, architecture, ignored};
use crate::source::{ReadError, Stretch};
use crate::tar_index::{Entry, TarError};

/// How many notes are kept of one package.
const NOTES_LIMIT: usize = 1000;

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// Images come, of what is known by now of this bundle.
    Images(Bundle),
    /// A bundle, whole.
    Bundle(Bundle),
    /// A bundle that cannot be read.
    Broken(Broken),
    /// A blob.
    Blob(BlobId, Handed),
}

/// The state between two entries.
pub(super) struct Search {
    pub(super) flow: Flow,
    /// The tars that the next entry lies in, outermost first.
    pub(super) frames: Vec<Frame>,
    notes: Vec<String>,
    /// How many notes there are besides.
    further_notes: u64,
    ready: VecDeque<Found>,
    found: u64,
    blobs: u64,
}

impl Search {
    pub(super) fn new(package: Stretch, flow: Flow) -> Self {
        let frame = Frame::new(package, Role::Candidate, Place::root().inside(), 0);
        let (notes, ready) = (Vec::new(), VecDeque::new());
        Self { flow, frames: vec![frame], notes, further_notes: 0, ready, found: 0, blobs: 0 }
    }

    /// Reads on to what is found next; nothing at the end mark of the outermost tar.
    pub(super) fn next(&mut self) -> Result<Option<Found>, StreamError> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Ok(Some(found));
            }
            let Some(frame) = self.frames.last_mut() else { return Ok(None) };
            match frame.walk.next(&mut self.flow) {
                Ok(Some((path, entry))) => self.entry(&path, &entry)?,
                Ok(None) => self.leave(),
                Err(error) => self.torn(error)?,
            }
        }
    }

    /// What was left out, for people.
    pub(super) fn notes(&mut self) -> Vec<String> {
        let mut notes = std::mem::take(&mut self.notes);
        if self.further_notes > 0 {
            notes.push(format!("{} further notes are not shown", self.further_notes));
        }
        notes
    }

    fn note(&mut self, note: String) {
        match self.notes.len() < NOTES_LIMIT {
            true => self.notes.push(note),
            false => self.further_notes += 1,
        }
    }

    /// How many bundles were found, whole or broken.
    pub(super) fn found(&self) -> u64 {
        self.found
    }

    /// The innermost tar.
    pub(super) fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("because an entry lies in a tar")
    }

    fn entry(&mut self, path: &str, entry: &Entry) -> Result<(), StreamError> {
        match entry {
            Entry::Folder => return Ok(()),
            Entry::File(file) => self.flow.reads(file),
            Entry::Link(_) => {}
        }
        let claim = claim::of(path).filter(|claim| !is_hidden(claim.root));
        if let Some(section) = self.frame().section_of(path) {
            let agrees = claim.is_some_and(|claim| section.agrees(claim));
            if section.firm || agrees {
                section.firm |= agrees && claim.is_some_and(|claim| claim.firm);
                return self.take(path, entry);
            }
            // Nothing that matters tells what the folder is; the next file may.
            if claim.is_none() && !self.may_be_package(entry)? {
                return Ok(());
            }
        }
        self.close();
        self.outside(path, entry, claim)
    }

    /// An entry that lies in no folder that is being read.
    fn outside(&mut self, path: &str, entry: &Entry, claim: Option<Claim<'_>>) -> Result<(), StreamError> {
        match (self.frame().late(path, claim), claim) {
            (Some(Late::Torn), Some(claim)) => self.scattered(claim.root),
            (Some(_), _) => {}
            (None, Some(claim)) if claim.kind == claim::Kind::Chart => self.unpacked_chart(claim.root),
            (None, Some(claim)) => {
                self.frame().section = Some(Section::new(claim));
                return self.take(path, entry);
            }
            (None, None) => return self.candidate(path, entry),
        }
        Ok(())
    }

    /// An entry of the folder that is being read.
    fn take(&mut self, path: &str, entry: &Entry) -> Result<(), StreamError> {
        let frame = self.frames.last_mut().expect("because an entry lies in a tar");
        let archive = frame.archive().clone();
        let section = frame.section.as_mut().expect("because it was found or opened just now");
        match section.take(path, entry, (&mut self.flow, &mut self.blobs))? {
            Taken::Whole => {
                section.firm = section.firm || section.is_listed(&path[section.root.len()..], &archive);
            }
            Taken::Blob(id, handed) => {
                self.announce();
                self.ready.push_back(Found::Blob(id, handed));
            }
            Taken::Images(images) => {
                self.announce();
                let place = self.frame().place.clone();
                self.frames.push(Frame::new(images, Role::Images, place, self.found));
            }
            Taken::Linked => {
                let entry = format!("{archive}: {path}");
                section.set_images(entry.clone(), Err(ReadError::Passed { entry }.into()));
            }
        }
        Ok(())
    }

    /// Says that images come, once for each section.
    fn announce(&mut self) {
        let frame = self.frame();
        let Some(section) = frame.section.as_mut().filter(|section| !section.announced) else { return };
        section.announced = true;
        let tree = section.tree(frame.walk.archive()).below(&section.root);
        let folder = frame.place.at(&section.root).folder;
        self.ready.push_back(Found::Images(Bundle::of_parts(&tree, folder, Images::default())));
    }

    /// An unpacked chart doesn't count, and its sub-charts don't either.
    fn unpacked_chart(&mut self, root: &str) {
        let frame = self.frame();
        let note = ignored::unpacked_chart(&format!("{}: {}", frame.archive(), root.trim_end_matches('/')));
        frame.charts.forget_below(root);
        frame.pass_over(root);
        self.note(note);
    }

    /// A file of a folder that was told as whole before.
    fn scattered(&mut self, root: &str) {
        let archive = self.frame().archive();
        let origin = match root.trim_end_matches('/') {
            "" => archive.to_string(),
            folder => format!("{archive}: {folder}"),
        };
        self.broken(origin.clone(), PackageError::Scattered { origin });
    }

    /// The end mark of the innermost tar.
    fn leave(&mut self) {
        self.close();
        self.let_charts_go();
        let notes = self.frame().charts.notes();
        notes.into_iter().for_each(|note| self.note(note));
        let frame = self.frames.pop().expect("because its end was read just now");
        let is_part = !self.frames.is_empty() && frame.role == Role::Candidate;
        if is_part && frame.found_before == self.found {
            self.ignored(frame.archive());
        }
    }

    /// A tar that cannot be read further. What lies around it can, unless nothing does.
    fn torn(&mut self, error: TarError) -> Result<(), StreamError> {
        if matches!(error, TarError::Read(ReadError::Stream { .. })) || self.frames.len() == 1 {
            return Err(error.into());
        }
        let frame = self.frames.pop().expect("because there are two");
        let entry = frame.archive().to_string();
        match (frame.role, self.frame().section.as_mut()) {
            (Role::Images, Some(section)) => section.set_images(entry, Err(ImagesError::from(error).into())),
            _ => self.broken(entry, error.into()),
        }
        Ok(())
    }

    pub(super) fn broken(&mut self, origin: String, error: PackageError) {
        self.found += 1;
        self.ready.push_back(Found::Broken(Broken { origin: Origin::new(origin), error }));
    }

    pub(super) fn bundle(&mut self, mut bundle: Bundle) {
        self.found += 1;
        let notes = std::mem::take(&mut bundle.notes);
        notes.into_iter().chain(architecture::disagreement(&bundle)).for_each(|note| self.note(note));
        self.ready.push_back(Found::Bundle(bundle));
    }

    /// Chart archives that waited.
    pub(super) fn let_charts_go(&mut self) {
        let charts = self.frame().charts.let_go();
        charts.into_iter().for_each(|chart| self.bundle(chart));
    }

    /// A file that holds nothing of a package.
    pub(super) fn ignored(&mut self, file: &Stretch) {
        match ignored::ignored(file) {
            ignored::Ignored::Broken(error) => self.broken(file.to_string(), error),
            ignored::Ignored::Noted(note) => self.note(note),
            ignored::Ignored::Silently => {}
        }
    }
}
