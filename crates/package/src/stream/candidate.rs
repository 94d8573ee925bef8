//! Files that may be packages themselves: tars, charts, and what is neither.

use std::io::{self, Read};

use bytes::Bytes;
use portolan_chart::{CHART_LIMIT, PROVENANCE_LIMIT};

use super::charts;
use super::error::StreamError;
use super::flow::{EntryReader, Flow};
use super::frame::{Frame, Role};
use super::search::Search;
use crate::package::PackageError;
use crate::package::compressed::{self, Content};
use crate::package::ignored::is_zstd_tar;
use crate::package::place::is_hidden;
use crate::sniff::{self, HEAD, Kind};
use crate::source::{ReadError, Stretch};
use crate::tar_index::Entry;

impl Search {
    /// Whether the entry is an archive of any kind.
    pub(super) fn may_be_package(&mut self, entry: &Entry) -> Result<bool, StreamError> {
        let Entry::File(file) = entry else { return Ok(false) };
        let kind = sniff::kind_of(self.flow.head(file, HEAD)?);
        Ok(matches!(kind, Kind::Tar | Kind::Gzip | Kind::Zstd))
    }

    /// A file that lies in no folder that is one thing; links are none of their own, and hidden files are
    /// passed over.
    pub(super) fn candidate(&mut self, path: &str, entry: &Entry) -> Result<(), StreamError> {
        let Entry::File(file) = entry else { return Ok(()) };
        if is_hidden(path) {
            return Ok(());
        }
        if let Some(chart) = charts::signed(path) {
            return self.provenance(chart, file);
        }
        match sniff::kind_of(self.flow.head(file, HEAD)?) {
            Kind::Tar => self.tar(path, file),
            Kind::Gzip => self.gzip(path, file)?,
            Kind::Zstd if is_zstd_tar(file) => self.compressed(file, "zstd"),
            Kind::Zstd | Kind::Foreign(_) | Kind::Other => self.ignored(file),
        }
        Ok(())
    }

    fn tar(&mut self, path: &str, file: &Stretch) {
        let found = self.found();
        let place = self.frame().place.at(path).inside();
        match place.check_depth(file) {
            Ok(()) => self.frames.push(Frame::new(file.clone(), Role::Candidate, place, found)),
            Err(error) => self.broken(file.to_string(), error),
        }
    }

    /// A provenance file, of which is kept what one may have.
    fn provenance(&mut self, chart: &str, file: &Stretch) -> Result<(), StreamError> {
        let file = match file.size() <= PROVENANCE_LIMIT {
            true => file.held(self.flow.read_entry(file)?),
            false => file.clone(),
        };
        self.frame().charts.provenance(chart, file);
        self.keep_charts_few();
        Ok(())
    }

    fn gzip(&mut self, path: &str, file: &Stretch) -> Result<(), StreamError> {
        let mut bytes = Vec::new();
        let content =
            compressed::content(Copying { reader: self.flow.entry(file.clone()), copy: &mut bytes });
        match content {
            Content::Chart if file.size() > CHART_LIMIT => {
                let (entry, size) = (file.to_string(), file.size());
                let error = ReadError::TooLarge { entry: entry.clone(), size, limit: CHART_LIMIT };
                self.broken(entry, error.into());
            }
            Content::Chart => self.chart(path, file, bytes)?,
            Content::Package => self.compressed(file, "gzip"),
            Content::Other => self.ignored(file),
        }
        Ok(())
    }

    /// A chart archive, of which `bytes` were read.
    fn chart(&mut self, path: &str, file: &Stretch, mut bytes: Vec<u8>) -> Result<(), StreamError> {
        self.flow.read_on(file, &mut bytes)?;
        let frame = self.frame();
        let folder = frame.place.at(path).folder;
        frame.charts.chart(path, file.held(bytes.into()), folder);
        self.keep_charts_few();
        Ok(())
    }

    fn keep_charts_few(&mut self) {
        if self.frame().charts.are_many() {
            self.let_charts_go();
        }
    }

    fn compressed(&mut self, file: &Stretch, compression: &'static str) {
        let origin = file.to_string();
        self.broken(origin.clone(), PackageError::CompressedInside { origin, compression });
    }
}

/// Reads an entry and copies what it reads, as far as a chart may reach.
struct Copying<'a> {
    reader: EntryReader<'a>,
    copy: &'a mut Vec<u8>,
}

impl Read for Copying<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if (self.copy.len() + count) as u64 > CHART_LIMIT {
            return Err(io::Error::other("larger than a chart"));
        }
        self.copy.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

impl Flow {
    /// Reads what is left of an entry to the end of `bytes`, which hold what was read of it.
    fn read_on(&mut self, entry: &Stretch, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
        loop {
            let more = self.next_of(entry)?;
            if more.is_empty() {
                return Ok(());
            }
            bytes.extend_from_slice(more);
            let count = more.len();
            self.consume(count);
        }
    }

    /// All of an entry that is known to be small.
    pub(super) fn read_entry(&mut self, entry: &Stretch) -> Result<Bytes, ReadError> {
        let mut bytes = Vec::new();
        self.read_on(entry, &mut bytes)?;
        Ok(bytes.into())
    }
}
