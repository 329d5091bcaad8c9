//! Which processes are killed where, and what was found.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scene::{End, Left, Scene, below, import_words};
use super::shim::{Kill, Phase, Step, Watch};

/// Kills of one site, one after the other.
const KILLS_IN_A_ROW: u64 = 6;
/// Steps in which a node that starts on a ledger is done with it, about.
const STARTING: usize = 40;

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Process {
    /// `sumac serve`, in its first life, while it is asked.
    Node,
    /// `sumac import`.
    Import,
    /// `sumac remeasure`, while no node serves.
    Remeasure,
    /// `sumac ledger rebuild`.
    Rebuild,
    /// `sumac backup`.
    Backup,
    /// `sumac restore`, on a machine where nothing is.
    Restore,
}

impl Process {
    pub(super) const ALL: [Self; 6] =
        [Self::Node, Self::Import, Self::Remeasure, Self::Rebuild, Self::Backup, Self::Restore];
}

/// A site, and what happens to it.
#[derive(Debug, Clone)]
pub(super) enum Visit {
    /// One process is killed at this step of a whole run.
    At(Process, Kill),
    /// A node is killed at random steps, started on what that leaves, and killed again.
    Row { seed: u64, steps: usize },
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    kills: u64,
    by_phase: BTreeMap<Phase, u64>,
    /// Steps at which somebody was killed: whose, the call, and the folder.
    at: BTreeMap<(Process, String), u64>,
    /// Processes that ended before they came to the step.
    missed: u64,
    uncharged: u64,
    charged: u64,
    answered: u64,
    /// Kills behind which a table was charged and not answered.
    half_way: u64,
    /// Kills behind which bytes were cut off the ledger, and how many.
    cuts: u64,
    cut_bytes: u64,
}

/// The steps of a process that nobody kills.
pub(super) fn learn(process: Process) -> Vec<Step> {
    let watch = Watch::new(None);
    let mut scene = prepared(process);
    assert_eq!(run(&mut scene, process, &watch), End::Well);
    goes_on(&mut scene, process);
    watch.steps()
}

/// A kill in every phase of every step.
pub(super) fn everywhere(process: Process, steps: &[Step]) -> Vec<Visit> {
    kills(steps).into_iter().map(|(_, kill)| Visit::At(process, kill)).collect()
}

/// So many of them: one of each kind of step and phase before a second of any. From the first half of a kind,
/// which a process surely comes to, whatever its threads do.
pub(super) fn somewhere(process: Process, steps: &[Step], count: usize) -> Vec<Visit> {
    let mut kinds: BTreeMap<(bool, String, Phase), Vec<Kill>> = BTreeMap::new();
    for (step, kill) in kills(steps) {
        // Half a write is the rarest thing to happen by itself, so it comes first.
        let key = (kill.phase != Phase::Half, step.kind(), kill.phase);
        kinds.entry(key).or_default().push(kill);
    }
    let around = (0..2).flat_map(|round| kinds.values().map(move |kills| (round, kills)));
    let some = around.take(count).zip(0..).map(|((round, kills), n)| {
        let kill = &kills[below(&[n, round], kills.len().div_ceil(2))];
        Visit::At(process, kill.clone())
    });
    some.collect()
}

pub(crate) fn kills(steps: &[Step]) -> Vec<(&Step, Kill)> {
    let mut counts = BTreeMap::<String, u64>::new();
    let mut kills = Vec::new();
    for step in steps {
        let kind = step.kind();
        let nth = counts.entry(kind.clone()).or_default();
        *nth += 1;
        let phases = [Phase::Before, Phase::Half, Phase::After].into_iter();
        for phase in phases.filter(|phase| *phase != Phase::Half || step.has_a_half()) {
            kills.push((step, Kill { kind: kind.clone(), nth: *nth, phase }));
        }
    }
    kills
}

/// Visits all of these, several at a time.
pub(super) fn visit_all(visits: &[Visit], found: &Mutex<Found>) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(visit) = visits.get(next.fetch_add(1, Ordering::Relaxed)) {
            let _named = Named(visit);
            visit.make(found);
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 1..threads.min(4) {
            scope.spawn(work);
        }
        work();
    });
}

impl Visit {
    fn make(&self, found: &Mutex<Found>) {
        match *self {
            Self::At(process, ref kill) => {
                let mut scene = prepared(process);
                let watch = Watch::new(Some(kill.clone()));
                let end = run(&mut scene, process, &watch);
                let (left, cut) = goes_on(&mut scene, process);
                found.lock().unwrap().note(process, &watch, end, left, cut);
            }
            Self::Row { seed, steps } => {
                let mut scene = Scene::new();
                let mut last = None;
                for life in 0..KILLS_IN_A_ROW {
                    // Every other one falls while it starts on what the one before left.
                    let steps = if life % 2 == 1 { STARTING } else { steps };
                    let nth = u64::try_from(1 + below(&[seed, life, 0], steps)).unwrap();
                    let phase = [Phase::Before, Phase::Half, Phase::After];
                    let phase = phase[below(&[seed, life, 1], phase.len())];
                    let kill = Kill { kind: String::new(), nth, phase };
                    let watch = Watch::new(Some(kill));
                    let end = scene.node_lives(seed * KILLS_IN_A_ROW + life, &watch);
                    scene.look();
                    if let Some((watch, end, left)) = last.replace((watch, end, scene.left())) {
                        found.lock().unwrap().note(Process::Node, &watch, end, left, 0);
                    }
                }
                let cut = scene.goes_on();
                if let Some((watch, end, left)) = last {
                    found.lock().unwrap().note(Process::Node, &watch, end, left, cut);
                }
            }
        }
    }
}

fn prepared(process: Process) -> Scene {
    let mut scene = Scene::new();
    if process != Process::Node {
        scene.answers_some();
    }
    if process == Process::Restore {
        scene.loses_its_disk();
    }
    scene
}

/// All that must hold behind a kill: what it left, and how many bytes were cut off the ledger.
fn goes_on(scene: &mut Scene, process: Process) -> (Left, u64) {
    match process {
        Process::Import => scene.data_is_whole(),
        Process::Backup => {
            scene.look();
            scene.loses_its_disk();
            scene.has_its_home_again();
        }
        Process::Restore => scene.has_its_home_again(),
        Process::Node | Process::Remeasure | Process::Rebuild => {}
    }
    scene.look();
    let left = scene.left();
    (left, scene.goes_on())
}

fn run(scene: &mut Scene, process: Process, watch: &Watch) -> End {
    match process {
        Process::Node => scene.node_lives(0, watch),
        Process::Import => scene.runs(&import_words(), watch),
        Process::Remeasure => scene.order(watch),
        Process::Rebuild => scene.runs(&["ledger", "rebuild"], watch),
        Process::Backup => scene.backs_up(watch),
        Process::Restore => scene.restores(watch),
    }
}

/// Says which visit it was that failed.
struct Named<'a>(&'a Visit);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("at {:?}", self.0);
        }
    }
}

impl Found {
    pub(super) fn kills(&self) -> u64 {
        self.kills
    }

    fn note(&mut self, process: Process, watch: &Watch, end: End, left: Left, cut: u64) {
        let (Some(kill), Some(step), End::Killed) = (watch.kill(), watch.killed_at(), end) else {
            self.missed += 1;
            return;
        };
        let phase = match kill.phase {
            Phase::Half if !step.has_a_half() => Phase::After,
            phase => phase,
        };
        self.kills += 1;
        *self.by_phase.entry(phase).or_default() += 1;
        *self.at.entry((process, step.kind().trim_end().to_owned())).or_default() += 1;
        self.uncharged += left.uncharged;
        self.charged += left.charged;
        self.answered += left.answered;
        self.half_way += u64::from(left.charged > 0);
        self.cuts += u64::from(cut > 0);
        self.cut_bytes += cut;
    }

    /// A share that never came to these would show nothing.
    pub(super) fn has_all(&self) -> bool {
        self.by_phase.len() == 3
            && self.uncharged > 0
            && self.charged > 0
            && self.answered > 0
            && self.cuts > 0
            && Process::ALL.iter().all(|p| self.at.keys().any(|(process, _)| process == p))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, by_phase, missed, uncharged, charged, answered, half_way, .. } = self;
        let Self { cuts, cut_bytes, .. } = self;
        writeln!(f, "{kills} kills {by_phase:?}; {missed} processes ended before their step")?;
        writeln!(
            f,
            "tables found uncharged {uncharged}, charged {charged} (behind {half_way} kills), answered {answered}"
        )?;
        writeln!(f, "unfinished writes cut off {cuts}, {cut_bytes} bytes together")?;
        for ((process, place), kills) in &self.at {
            writeln!(f, "{kills:6}  {process:?}: {place}")?;
        }
        Ok(())
    }
}
