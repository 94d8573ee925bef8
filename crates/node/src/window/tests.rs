//! What a window holds, and whom it waits for.

use std::sync::mpsc;
use std::thread;

use super::*;

/// Bytes of memory, which count how often they are opened.
struct Memory(Vec<u8>);

impl BlobSource for Memory {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.0.clone())))
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}

/// Bytes that end in an error.
struct Torn;

impl BlobSource for Torn {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let start = io::Cursor::new(vec![7; PIECE]);
        Ok(Box::new(start.chain(Failing)))
    }

    fn describe(&self) -> String {
        "torn".to_owned()
    }
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk was pulled"))
    }
}

/// A blob of so many pieces and a bit.
fn blob(pieces: usize) -> Vec<u8> {
    (0..pieces * PIECE + 100).map(|at| u8::try_from(at / 1000 % 251).unwrap()).collect()
}

/// A window with one blob that so many nodes want.
fn window(
    nodes: usize,
    capacity: usize,
    source: impl BlobSource + 'static,
    size: usize,
) -> (Arc<Window>, BlobIndex) {
    let window = Window::new(nodes, capacity, Tolerance::READ_AGAIN);
    let index = window.add(&(Arc::new(source) as Arc<dyn BlobSource>), size as u64);
    (0..nodes).for_each(|node| window.wants(NodeIndex(node), index));
    (Arc::new(window), index)
}

/// A node that reads all of it, and is done.
fn read_all(window: &Window, node: usize, blob: BlobIndex, size: usize) -> io::Result<Vec<u8>> {
    let mut private = None;
    let mut bytes = Vec::new();
    let mut number = 0;
    while bytes.len() < size {
        bytes.extend(window.piece(NodeIndex(node), blob, number, &mut private)?);
        number += 1;
    }
    window.ends(NodeIndex(node), blob);
    Ok(bytes)
}

fn is_empty(window: &Window) -> bool {
    let state = window.lock();
    state.held == 0 && state.blobs.iter().all(|blob| blob.pieces.is_empty())
}

#[test]
fn what_all_want_is_read_once() {
    let whole = blob(40);
    let (window, index) = window(4, 4 * PIECE, Memory(whole.clone()), whole.len());
    thread::scope(|scope| {
        for node in 0..4 {
            let (window, whole) = (&window, &whole);
            scope.spawn(move || assert!(read_all(window, node, index, whole.len()).unwrap() == *whole));
        }
    });
    assert_eq!(window.bytes_read(), whole.len() as u64);
    assert!(is_empty(&window));
}

#[test]
fn who_stands_still_holds_up_nobody_and_gets_it_later() {
    let whole = blob(40);
    let (window, index) = window(3, 4 * PIECE, Memory(whole.clone()), whole.len());
    // No patience is left: whoever can't keep up is not waited for.
    let spent =
        |state: &mut State| state.patience.iter_mut().for_each(|patience| *patience = Patience::spent());
    spent(&mut window.lock());
    let (first, second) = (&window, &window);
    thread::scope(|scope| {
        scope.spawn(|| assert!(read_all(first, 0, index, whole.len()).unwrap() == whole));
        scope.spawn(|| assert!(read_all(second, 1, index, whole.len()).unwrap() == whole));
    });
    assert!(window.lock().held <= 4 * PIECE);
    assert!(read_all(&window, 2, index, whole.len()).unwrap() == whole);
    assert!(window.bytes_read() > whole.len() as u64);
    assert!(is_empty(&window));
}

#[test]
fn who_leaves_is_waited_for_no_longer() {
    let whole = blob(40);
    let (window, index) = window(2, 4 * PIECE, Memory(whole.clone()), whole.len());
    let (done, wait) = mpsc::channel();
    thread::scope(|scope| {
        let reading = &window;
        let whole = &whole;
        scope.spawn(move || {
            assert!(read_all(reading, 0, index, whole.len()).unwrap() == *whole);
            done.send(()).unwrap();
        });
        window.leave(NodeIndex(1));
        wait.recv().unwrap();
    });
    assert_eq!(window.bytes_read(), whole.len() as u64);
    assert!(is_empty(&window));
}

#[test]
fn an_error_is_everybodys() {
    let (window, index) = window(2, 4 * PIECE, Torn, 3 * PIECE);
    for node in 0..2 {
        let error = read_all(&window, node, index, 3 * PIECE).unwrap_err();
        assert_eq!(error.to_string(), "the disk was pulled");
        window.ends(NodeIndex(node), index);
    }
    assert!(is_empty(&window));
}

#[test]
fn who_begins_again_gets_all_of_it() {
    let whole = blob(9);
    let (window, index) = window(2, 4 * PIECE, Memory(whole.clone()), whole.len());
    window.leave(NodeIndex(1));
    for _ in 0..2 {
        window.begins(NodeIndex(0), index);
        assert!(read_all(&window, 0, index, whole.len()).unwrap() == whole);
    }
}

/// A blob that goes by, for so many nodes.
fn passing(window: &Window, nodes: usize, whole: &[u8]) -> BlobIndex {
    let nodes: Vec<NodeIndex> = (0..nodes).map(NodeIndex).collect();
    window.pass("entry".to_owned(), whole.len() as u64, &nodes)
}

fn put_all(window: &Window, blob: BlobIndex, whole: &[u8]) -> bool {
    whole.chunks(PIECE).all(|piece| window.put(blob, &Bytes::copy_from_slice(piece)))
}

#[test]
fn what_goes_by_is_everybodys() {
    let whole = blob(40);
    let window = Window::new(3, 4 * PIECE, Tolerance::PASSES_ONCE);
    let index = passing(&window, 3, &whole);
    thread::scope(|scope| {
        scope.spawn(|| assert!(put_all(&window, index, &whole)));
        for node in 0..3 {
            let (window, whole) = (&window, &whole);
            scope.spawn(move || assert!(read_all(window, node, index, whole.len()).unwrap() == *whole));
        }
    });
    assert!(is_empty(&window));
}

#[test]
fn who_stands_still_misses_what_goes_by_and_gets_the_next() {
    let (whole, next) = (blob(40), blob(2));
    let window = Window::new(2, 4 * PIECE, Tolerance::PASSES_ONCE);
    let index = passing(&window, 2, &whole);
    window.lock().patience[1] = Patience::spent();
    let (put, reading) = (&window, &window);
    thread::scope(|scope| {
        scope.spawn(|| assert!(put_all(put, index, &whole)));
        scope.spawn(|| assert!(read_all(reading, 0, index, whole.len()).unwrap() == whole));
    });
    let missed = read_all(&window, 1, index, whole.len()).unwrap_err();
    assert!(has_missed(&missed), "{missed}");
    assert!(is_empty(&window));
    let index = passing(&window, 1, &next);
    assert!(put_all(&window, index, &next));
    assert!(read_all(&window, 0, index, next.len()).unwrap() == next);
}

#[test]
fn what_nobody_wants_is_not_held() {
    let whole = blob(9);
    let window = Window::new(1, 4 * PIECE, Tolerance::ALONE);
    let index = passing(&window, 1, &whole);
    window.ends(NodeIndex(0), index);
    assert!(!put_all(&window, index, &whole));
    assert!(is_empty(&window));
}

#[test]
fn what_breaks_off_does_so_for_everybody() {
    let whole = blob(2);
    let window = Window::new(2, 4 * PIECE, Tolerance::PASSES_ONCE);
    let index = passing(&window, 2, &whole);
    assert!(window.put(index, &Bytes::from(vec![7; PIECE])));
    window.break_off(index, &io::Error::other("the disk was pulled"));
    for node in 0..2 {
        let error = read_all(&window, node, index, whole.len()).unwrap_err();
        assert!(error.to_string() == "the disk was pulled" && !has_missed(&error), "{error}");
        window.ends(NodeIndex(node), index);
    }
    assert!(is_empty(&window));
}
