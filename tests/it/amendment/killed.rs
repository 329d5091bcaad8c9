//! The shipped command is killed at each of its durable steps while it accepts a version and takes it up.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::command::Said;
use crate::crash::kills;
use crate::crash::shim::{self, Kill, Phase, Step, Watch};
use crate::leave::ASK;

/// Kills of an ordinary run; every one with `SUMAC_CRASH_KILLS`, as in `crash.rs`.
const SHARE: usize = 12;

/// A site whose college accepted a version for tomorrow, and accepts in its place one of today.
struct Amending {
    site: Site,
    /// What the chamber got by the version before.
    first: String,
}

/// Whose process is killed.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Verb,
    Node,
}

impl Amending {
    fn new() -> Self {
        let site = Site::new();
        let node = site.serve();
        let first = site.run(CHAMBER, &ASK).well().out;
        node.stop();
        let amending = Self { site, first };
        let tomorrow = day_of(Timestamp::now()).tomorrow().unwrap();
        amending.signed("tomorrow", 110, |text| {
            let old = text.lines().find(|line| line.starts_with("effective")).unwrap();
            text.replace(old, &format!("effective = {tomorrow}"))
        });
        amending.signed("today", 120, str::to_owned);
        amending.activate(COLLEGE, "tomorrow", &Watch::new(None)).well();
        amending
    }

    /// Puts a next version, signed by all, into this folder.
    fn signed(&self, name: &str, margin: u32, edit: impl FnOnce(&str) -> String) {
        let text = next_version(&edit(self.site.mou_text()), &self.site.mou());
        let text = text.replace("margin      = 100", &format!("margin      = {margin}"));
        let roots = [Site::root(COLLEGE), Site::root(CHAMBER)];
        papers(&text, roots, roots).write_new(&self.site.dir().join(name)).unwrap();
    }

    fn activate(&self, party: &str, name: &str, watch: &Watch) -> Said {
        let folder = self.site.dir().join(name);
        let words = ["mou", "activate", folder.to_str().unwrap()];
        self.site.run_in(&watch.environment(&self.site.home(COLLEGE)), party, &words)
    }

    /// Accepts the version of today, and is watched over it: the verb, or the node that it tells.
    fn amend(&self, whose: Whose, watch: &Watch) {
        let nobody = Watch::new(None);
        if let Whose::Verb = whose {
            self.activate(COLLEGE, "today", watch);
            return;
        }
        let watched = watch.environment(&self.site.home(COLLEGE));
        if let Ok(node) = self.site.serve_in(&watched) {
            self.activate(COLLEGE, "today", &nobody);
            node.stop();
        }
    }

    /// The college goes by one version or the other, and takes up the new one in the end: what was answered stays.
    fn goes_on(&self) {
        let node = self.site.serve();
        let asked = self.site.run(CHAMBER, &ASK);
        let is_new = asked.code == Some(3) && asked.out.contains("which version 2 has replaced");
        assert!(is_new || (asked.code, &asked.out) == (Some(0), &self.first), "{asked:?}");
        let again = self.activate(COLLEGE, "today", &Watch::new(None));
        let says_so = again.err.contains("is the one in force");
        assert!(again.code == Some(0) && !is_new || says_so && is_new, "{is_new}, {again:?}");
        self.activate(CHAMBER, "today", &Watch::new(None)).well();
        assert_eq!(self.site.run(CHAMBER, &ASK).well().out, self.first);
        let (code, log) = node.stop();
        assert_eq!(code, Some(0), "{log}");
    }
}

/// Whether a step changes the folders of the agreement.
fn is_of_it(step: &Step) -> bool {
    step.path.starts_with("/mou")
}

#[test]
fn no_kill_over_a_version_leaves_a_node_under_none() {
    if !shim::works_here() {
        return;
    }
    let mut all = Vec::new();
    for whose in [Whose::Verb, Whose::Node] {
        let (amending, watch) = (Amending::new(), Watch::new(None));
        amending.amend(whose, &watch);
        amending.goes_on();
        let steps = watch.steps();
        let of_it = kills(&steps).into_iter().filter(|(step, _)| is_of_it(step));
        let mut of_it: Vec<_> = of_it.map(|(_, kill)| (whose, kill)).collect();
        println!("{whose:?} takes {} steps, {} places to be killed at", steps.len(), of_it.len());
        if std::env::var("SUMAC_CRASH_KILLS").is_err() {
            // One behind each kind of step, evenly over them.
            let mut kinds = BTreeSet::new();
            of_it.retain(|(_, kill)| kill.phase == Phase::After && kinds.insert(kill.kind.clone()));
            let each = of_it.len().div_ceil(SHARE / 2);
            of_it = of_it.into_iter().step_by(each).collect();
        }
        all.append(&mut of_it);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((whose, kill)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            println!("{whose:?}, {kill:?}");
            is_killed(*whose, kill);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
}

fn is_killed(whose: Whose, kill: &Kill) {
    let amending = Amending::new();
    amending.amend(whose, &Watch::new(Some(kill.clone())));
    amending.goes_on();
}
