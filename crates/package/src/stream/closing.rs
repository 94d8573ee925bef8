//! The end of a folder that is one thing as a whole: what it was, now that all its files went by.

use super::archive;
use super::claim::Kind;
use super::frame::Role;
use super::search::Search;
use super::section::{Content, Section};
use crate::bundle::{Bundle, CHART_FILE, IMAGES, is_beheaded};
use crate::images;
use crate::package::PackageError;
use crate::tree::Tree;

impl Search {
    /// Ends the folder that is being read, if one is.
    pub(super) fn close(&mut self) {
        let frame = self.frame();
        let Some(section) = frame.section.take() else { return };
        let tree = section.tree(frame.archive());
        match (&section.content, frame.role) {
            (Content::Images(_), Role::Images) => self.close_images(&tree),
            (Content::Images(_), Role::Candidate) => self.close_archive(&section, &tree),
            (Content::Bundle(_), _) => self.close_bundle(section, &tree),
        }
    }

    /// The images of a bundle, which the section around takes.
    fn close_images(&mut self, tree: &Tree) {
        let entry = self.frame().archive().to_string();
        let images = archive::images(tree).map_err(PackageError::from);
        let around = self.frames.iter_mut().rev().nth(1).and_then(|frame| frame.section.as_mut());
        if let Some(section) = around {
            section.set_images(entry, images);
        }
    }

    /// An archive of images that is no part of a bundle.
    fn close_archive(&mut self, section: &Section, tree: &Tree) {
        let root = section.root.as_str();
        let is_archive = match root.is_empty() {
            true => images::is_archive(tree),
            false => images::is_unpacked(tree, root),
        };
        if !is_archive && !section.announced {
            return;
        }
        let below = tree.below(root);
        let frame = self.frame();
        let folder = frame.place.at(root).folder;
        frame.finished(root, Kind::Images, is_archive);
        match archive::images(&below) {
            Ok(images) => self.bundle(Bundle::of_images_alone(below.name(), folder, images)),
            Err(error) => self.broken(below.name(), error.into()),
        }
    }

    /// A bundle; or only the images of one, without a chart.
    fn close_bundle(&mut self, section: Section, tree: &Tree) {
        let Section { root, firm, content: Content::Bundle(parts), .. } = section else { return };
        let below = tree.below(&root);
        let has_chart = below.has(CHART_FILE);
        let frame = self.frame();
        let folder = frame.place.at(&root).folder;
        frame.finished(&root, Kind::Bundle, has_chart || firm);
        match (has_chart, parts.images) {
            (true, Some((_, Err(error)))) => self.broken(below.name(), error),
            (true, images) => {
                let images = images.and_then(|(_, images)| images.ok()).unwrap_or_default();
                self.bundle(Bundle::of_parts(&below, folder, images));
            }
            (false, _) if root.is_empty() && is_beheaded(&below) => {
                self.broken(below.name(), PackageError::NoChart { origin: below.name() });
            }
            (false, Some((entry, Err(error)))) => self.broken(entry, error),
            (false, Some((entry, Ok(images)))) => {
                let folder = self.frame().place.at(&format!("{root}{IMAGES}")).folder;
                self.bundle(Bundle::of_images_alone(entry, folder, images));
            }
            (false, None) => {}
        }
    }
}
