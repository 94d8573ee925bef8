//! What must hold at the end of every row.

use crate::charts;
use crate::ended::{Ended, ended};
use crate::place::{Place, REFERENCE};
use crate::state::{State, Which};

impl Place {
    /// Says what stands, in a word, after panicking with all that is wrong with it: something between, a record that
    /// is pending, a lease, a run that is open, or something that was done twice.
    pub(crate) fn whole(&self, said: &Ended) -> String {
        self.whole_of(said, &[], true)
    }

    fn whole_of(&self, said: &Ended, others: &[&str], leases_are_gone: bool) -> String {
        let (old, new) = &*REFERENCE;
        let mut state = self.state();
        state.objects.retain(|name, _| !others.iter().any(|other| name.ends_with(&format!(" {other}"))));
        let (objects, definitions) = (state.objects_are(old, new), state.definitions_are(old, new));
        let (number, last) = state.last();
        let told = || format!("{}\n--- out\n{}\n--- err\n{}", state.words(old, new), said.out, said.err);
        assert_ne!(objects, Which::Between, "{}\n{:#?}", told(), differences(&state, old, new));
        assert!(last == "deployed" && !state.is_pending(), "{:?}\n{}", state.revisions, told());
        assert!(!leases_are_gone || state.leases.is_empty(), "{:?}\n{}", state.leases, told());
        assert!(!self.has_open_run(), "{}\n{}", ended(&mut self.listing()).out, told());
        self.nothing_twice(&state);
        let ahead = match (objects, definitions) {
            (one, other) if one == other => "",
            (Which::Old, _) => ", definitions ahead",
            _ => panic!("the definitions are behind: {}", told()),
        };
        format!("{}, revision {number}{ahead}", objects.words())
    }

    /// The same for a release that has more objects than both versions: what they are is not compared.
    pub(crate) fn whole_beside(&self, said: &Ended, others: &[&str]) -> String {
        self.whole_of(said, others, true)
    }

    /// The same where no lease may be removed: it ends by itself.
    pub(crate) fn whole_without_lease(&self, said: &Ended) -> String {
        self.whole_of(said, &[], false)
    }

    /// Whether `portolan runs` lists a run as broken off.
    pub(crate) fn has_open_run(&self) -> bool {
        ended(&mut self.listing()).expect(0).out.contains("broken off")
    }

    /// Each revision writes each object once at most, and each definition is written once, or once more where it was
    /// taken back.
    fn nothing_twice(&self, state: &State) {
        // Some went again: of ways back that were broken off.
        let mut made = 0;
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for write in self.cluster.audited() {
            let of = &write["objectRef"];
            let is_ours = of["namespace"] == *self.name
                || of["name"].as_str().is_some_and(|name| name.ends_with(&charts::group(&self.name)));
            let who = write["userAgent"].as_str().unwrap_or_default();
            let is_program =
                who.starts_with("Helm") || who.starts_with("portolan") || who.starts_with("kube-rs");
            let is_object = !matches!(of["resource"].as_str(), Some("leases" | "secrets" | "events"));
            let counts_for = write["verb"] != "delete"
                && of["subresource"].is_null()
                && write["responseStatus"]["code"].as_u64() < Some(300);
            let is_trial = write["requestURI"].as_str().is_some_and(|uri| uri.contains("dryRun="));
            let is_record = of["name"].as_str().is_some_and(|name| name.starts_with("sh.helm.release.v1."));
            if is_ours && is_record && counts_for && write["verb"] == "create" {
                made += 1;
            }
            if is_ours && is_program && is_object && counts_for && !is_trial {
                *counts.entry(format!("{} {}", of["resource"], of["name"])).or_default() += 1;
            }
        }
        let most = state.revisions.len().max(made);
        let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > most.max(2)).collect();
        assert!(twice.is_empty(), "{twice:?} of {:?}", state.revisions);
    }
}

fn differences(found: &State, old: &State, new: &State) -> Vec<String> {
    let one = |name: &String| {
        let (is, was, is_to_be) = (found.objects.get(name), old.objects.get(name), new.objects.get(name));
        (is != was && is != is_to_be).then(|| format!("{name}: {is:?}\n old {was:?}\n new {is_to_be:?}"))
    };
    let names = found.objects.keys().chain(old.objects.keys()).chain(new.objects.keys());
    names.filter_map(one).collect()
}
