//! The seeds of the corpora: small, and of every shape that writers in the field give their files.

mod archives;
mod charts;
mod depot;
mod documents;
mod images;
mod nodes;
mod rendered;
mod words;

/// Target, name of the file, content.
pub(crate) type Seed = (&'static str, String, Vec<u8>);

/// All seeds of all targets.
pub(crate) fn seeds() -> Vec<Seed> {
    [
        archives::seeds(),
        charts::seeds(),
        depot::seeds(),
        documents::seeds(),
        images::seeds(),
        nodes::seeds(),
        rendered::seeds(),
        words::seeds(),
    ]
    .concat()
}

/// Texts as the seeds of one target, numbered.
fn texts(target: &'static str, texts: &[&str]) -> Vec<Seed> {
    let seed =
        |(number, text): (usize, &&str)| (target, format!("seed-{number:02}"), text.as_bytes().to_vec());
    texts.iter().enumerate().map(seed).collect()
}

/// A seed that has a name.
fn named(target: &'static str, name: &str, bytes: Vec<u8>) -> Seed {
    (target, format!("seed-{name}"), bytes)
}
