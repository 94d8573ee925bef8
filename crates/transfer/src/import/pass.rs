//! One pass over the package: uploads beside the reading, bundles settled beside both.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use portolan_package::{
    Bundle,
    stream::{StreamEnd, StreamError},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{
    Import, ImportError,
    account::Part,
    held,
    ledger::{Fate, Key},
    reader::{self, Directions, Told, Wants},
};
use crate::{
    event::Event,
    failure::{Preconditions, one_line},
    gate::Gate,
    wanted::lost,
};

/// Charts of bundles that wait or are being settled, in bytes; beyond that the reading waits
/// (rules.md, "Streams").
const CHARTS_LIMIT: u64 = 32 << 20;

/// How often it is told how far the reading is.
const TICK: Duration = Duration::from_millis(200);

/// How a pass ended.
pub(super) enum Ending {
    /// The package is complete.
    Whole,
    /// Why what comes later in it was not read.
    Early(String),
}

/// Something that came to its end beside the reading.
enum Step {
    Blob(Key, Fate),
    /// It is known what to do with the blobs of a bundle, unless that ends the run.
    Directed(Result<(), Preconditions>),
    /// A bundle, and how many bytes its chart had.
    Settled(u64, Box<Part>),
}

type Work<'p> = FuturesUnordered<LocalBoxFuture<'p, Step>>;

/// A pass under way.
struct Pass<'p> {
    import: &'p Import<'p>,
    /// The bundles that it is for, where it is not for all.
    only: Option<BTreeSet<usize>>,
    /// How many bundles went by.
    bundles: usize,
    /// Bytes of charts in memory.
    charts: u64,
    work: Work<'p>,
    ending: Option<Ending>,
}

impl<'p> Import<'p> {
    /// Reads the package once; with `only`, for the bundles of these numbers.
    ///
    /// # Errors
    /// [`ImportError`], as long as nothing was written.
    pub(super) async fn pass(
        &'p self,
        wants: Wants,
        only: Option<BTreeSet<usize>>,
    ) -> Result<Ending, ImportError> {
        held(&self.chart_targets).clear();
        let (mut messages, read) = self.start(wants)?;
        let mut pass = Pass { import: self, only, bundles: 0, charts: 0, work: Work::new(), ending: None };
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !pass.is_over() {
            tokio::select! {
                told = messages.recv(), if pass.may_read() => pass.hear(told)?,
                () = self.options.stop.requested(), if pass.ending.is_none() => pass.interrupted(),
                Some(step) = pass.work.next() => pass.take(step)?,
                _ = ticks.tick() => self.tell(read()),
            }
        }
        self.tell(read());
        Ok(pass.ending.expect("because a pass is over only once the reading has ended"))
    }

    fn start(&self, wants: Wants) -> Result<(mpsc::Receiver<Told>, impl Fn() -> u64 + use<>), ImportError> {
        let stream = self.package.open()?;
        let read = stream.counter();
        let (ledger, room) = (Arc::clone(&self.ledger), Arc::clone(&self.room));
        Ok((reader::start(stream, wants, ledger, room, &self.options.stop), read))
    }

    fn tell(&self, read: u64) {
        self.observer.event(Event::Passing { read, size: self.package.size() });
    }

    /// Whether tags and charts wait for the end of the package.
    fn is_gated(&self) -> bool {
        self.gate.as_ref().is_some_and(Gate::is_closed)
    }
}

impl Pass<'_> {
    /// Whether something that the reader tells can be taken. Behind a closed gate no chart makes room.
    fn may_read(&self) -> bool {
        self.ending.is_none() && (self.charts < CHARTS_LIMIT || self.import.is_gated())
    }

    fn is_over(&self) -> bool {
        self.ending.is_some() && self.work.is_empty()
    }

    fn hear(&mut self, told: Option<Told>) -> Result<(), ImportError> {
        let import = self.import;
        match told {
            Some(Told::Images(bundle, reply)) => {
                let directed = async move {
                    let (directions, verdict) = import.directed(bundle).await;
                    // A reader that is gone needs none.
                    let _ = reply.send(directions);
                    Step::Directed(verdict)
                };
                self.work.push(directed.boxed_local());
            }
            Some(Told::Blob(passing)) => {
                let brought = import.bring(passing).map(|(key, fate)| Step::Blob(key, fate));
                self.work.push(brought.boxed_local());
            }
            Some(Told::Bundle(bundle)) => self.bundle(bundle),
            Some(Told::Broken(broken)) => {
                let ordinal = self.count();
                import.account().broken(ordinal, lost(&broken.origin, &broken.error));
            }
            Some(Told::End(end)) => self.ended(&end),
            Some(Told::Failed(error)) => self.failed(error)?,
            None => self.early("the thread that read it ended".to_owned()),
        }
        Ok(())
    }

    fn count(&mut self) -> usize {
        self.bundles += 1;
        self.bundles - 1
    }

    fn bundle(&mut self, bundle: Bundle) {
        let (import, ordinal, size) = (self.import, self.count(), bundle.chart_size());
        if self.only.as_ref().is_some_and(|only| !only.contains(&ordinal)) {
            return;
        }
        if self.charts + size > CHARTS_LIMIT && self.charts > 0 && import.is_gated() {
            return import.account().put_off(ordinal, &bundle, import.package);
        }
        self.charts += size;
        let settled = async move { Step::Settled(size, Box::new(import.settle(ordinal, bundle).await)) };
        self.work.push(settled.boxed_local());
    }

    fn take(&mut self, step: Step) -> Result<(), ImportError> {
        match step {
            Step::Directed(verdict) => verdict?,
            Step::Blob(key, fate) => self.import.ledger.settle(key, fate),
            Step::Settled(size, part) => {
                self.charts -= size;
                self.import.account().enter(*part, self.import.observer);
            }
        }
        Ok(())
    }

    /// The package is complete; its checksum, where it is held to one, decides about tags and charts.
    fn ended(&mut self, end: &StreamEnd) {
        let import = self.import;
        import.account().notes(&end.notes);
        self.ending = Some(Ending::Whole);
        let (Some(gate), Some(expected)) = (&import.gate, import.package.checksum()) else { return };
        match &end.checksum {
            Some(found) if found == expected => gate.open(),
            found => {
                let found = found.as_ref().map(ToString::to_string).unwrap_or_default();
                let reason = format!(
                    "the package has the checksum {found} in place of {expected}: it was damaged on its way, or is another one; no tag and no chart was written"
                );
                gate.shut(reason.clone());
                self.ending = Some(Ending::Early(reason));
            }
        }
    }

    /// The package can't be read further. Where nothing of it was written, that is all there is to say.
    fn failed(&mut self, error: StreamError) -> Result<(), ImportError> {
        let has_something = self.bundles > 0 || self.import.wrote.load(Ordering::Relaxed);
        if !has_something {
            return Err(ImportError::Package { source: error });
        }
        self.early(one_line(&error));
        Ok(())
    }

    fn early(&mut self, why: String) {
        if let Some(gate) = &self.import.gate {
            gate.shut("the package could not be read to its end, so its checksum is not known".to_owned());
        }
        self.ending = Some(Ending::Early(why));
    }

    fn interrupted(&mut self) {
        self.ending = Some(Ending::Early("interrupted: what comes later in it was not read".to_owned()));
    }
}

impl Import<'_> {
    /// What to do with the blobs of a bundle, and whether the run can go on: once something was written, what
    /// lacks is told with the bundle that it lacks for, and ends nothing.
    async fn directed(&self, bundle: Bundle) -> (Directions, Result<(), Preconditions>) {
        match self.directions(bundle).await {
            Ok(directions) => (directions, Ok(())),
            Err(_) if self.wrote.load(Ordering::Relaxed) => (Directions::default(), Ok(())),
            Err(refusal) => (Directions::default(), Err(refusal)),
        }
    }
}
