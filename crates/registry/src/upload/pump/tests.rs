//! Tests of the pump: what is read, and what becomes of it.

use std::{
    io::Read,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
};

use http_body::Body as _;

use super::*;

/// A blob that counts how often it is opened, and the bytes that are read from it.
#[derive(Default)]
struct Counting {
    content: Vec<u8>,
    opened: AtomicU64,
    read: Arc<AtomicU64>,
}

struct Reader {
    content: io::Cursor<Vec<u8>>,
    read: Arc<AtomicU64>,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl BlobSource for Counting {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let content = io::Cursor::new(self.content.clone());
        Ok(Box::new(Reader { content, read: Arc::clone(&self.read) }))
    }

    fn describe(&self) -> String {
        "layer".to_owned()
    }
}

/// All bytes of a body.
async fn drain(body: PieceBody) -> Vec<u8> {
    let (mut body, mut all) = (pin!(body), Vec::new());
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        all.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    all
}

/// The digest shows it for hashing: the pump has one hasher, and one that was fed a byte twice, or left
/// one out, would end with another digest.
#[tokio::test]
async fn each_byte_is_read_once_and_hashed_once() {
    let content = portolan_testkit::random::bytes(1, 1_000_003);
    let whole = SizedDigest { digest: Digest::sha256(&content), size: 1_000_003 };
    for goal in [Goal::Known(whole.clone()), Goal::Derived] {
        let source = Arc::new(Counting { content: content.clone(), ..Counting::default() });
        let pace = Pace { limit: None, stop: Stop::default() };
        let (body, pump) = Pump::start(Arc::clone(&source) as Arc<_>, goal, &Arc::default(), pace);
        assert!(drain(body).await == content);
        let End::Whole(sent) = pump.end().await else { panic!("all was taken") };
        assert_eq!(sent, Some(whole.clone()));
        let counted = (source.opened.load(Ordering::Relaxed), source.read.load(Ordering::Relaxed));
        assert_eq!(counted, (1, 1_000_003));
    }
}
