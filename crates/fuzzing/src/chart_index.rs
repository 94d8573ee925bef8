//! The chart index of a repository, `index.yaml`.

use std::time::{Duration, SystemTime};

use portolan_chartrepo::index::{ChartIndex, Entry};
use url::Url;

use crate::laws::can_be_told;

/// A character may become an escape of ten, a key without value a line with its indentation.
const GROWTH: usize = 256;

/// An index that is read, written, and read again.
pub fn chart_index(bytes: &[u8]) {
    let index = match ChartIndex::parse("index.yaml", bytes) {
        Ok(index) => index,
        Err(error) => return can_be_told(&error),
    };
    let repository = Url::parse("https://charts.example.com/p").expect("because it is a URL");
    index.iter().for_each(|entry| entry_holds(entry, &repository));
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let written = index.to_yaml(time);
    assert!(written.len() <= bytes.len() * GROWTH + 1024, "{} bytes of {}", written.len(), bytes.len());
    let again = ChartIndex::parse("again", written.as_bytes()).expect("because Portolan wrote it");
    assert!(again.entries().eq(index.entries()), "{written}");
    assert_eq!(again.to_yaml(time), written);
    takes_an_entry_once(index);
}

fn entry_holds(entry: &Entry, repository: &Url) {
    entry.digest();
    entry.created();
    assert!(entry.resolved_urls(repository).len() <= entry.urls().count());
    assert_eq!(entry.file_names().count(), entry.urls().count());
}

/// Adding an entry that is there changes the order at most, and a second time nothing.
fn takes_an_entry_once(mut index: ChartIndex) {
    let Some((name, entry)) =
        index.entries().find_map(|(name, versions)| Some((name.to_owned(), versions.last()?.clone())))
    else {
        return;
    };
    index.add(&name, entry.clone());
    let once = index.clone();
    index.add(&name, entry);
    assert_eq!(index, once);
}
