//! `[engine]` in `sumac.toml`: what counts the node's tables.

use sumac_node::tabulate::Engine;
use sumac_policy::section::Section;

/// What is asked for, whether or not this program has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EngineChoice {
    /// The node itself, over its snapshot.
    Snapshot,
    /// A DataFusion cluster whose scheduler listens there.
    Cluster(String),
}

impl EngineChoice {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let kind = section.text("kind");
        let scheduler = section.text_if_any("scheduler");
        section.end(&[]);
        match (kind?.value, scheduler) {
            ("snapshot", None) => Some(Self::Snapshot),
            ("cluster", Some(scheduler)) => Some(Self::Cluster(scheduler.value.to_owned())),
            ("cluster", None) => {
                let hint = "scheduler = \"127.0.0.1:50050\", as `sumac cluster scheduler` listens";
                section.problem("a cluster needs its `scheduler`", hint);
                None
            }
            ("snapshot", Some(_)) => {
                section.problem_at("scheduler", "the node itself needs none", "leave it out");
                None
            }
            (other, _) => {
                section.problem_at(
                    "kind",
                    format_args!("`{other}` is no engine"),
                    "use \"snapshot\", which is what a node without [engine] has, or \"cluster\"",
                );
                None
            }
        }
    }

    /// The engine, for the node.
    ///
    /// # Errors
    /// Where this program was built without it, or the scheduler's address is none.
    pub(crate) fn node(&self) -> anyhow::Result<Engine> {
        match self {
            Self::Snapshot => Ok(Engine::Here),
            #[cfg(feature = "cluster")]
            Self::Cluster(scheduler) => Ok(Engine::Cluster(scheduler.parse()?)),
            #[cfg(not(feature = "cluster"))]
            Self::Cluster(_) => Err(crate::outcome::hinted(
                "this sumac was built without the engine `cluster`",
                "build it with `cargo build --release --features cluster`, or leave [engine] out of sumac.toml",
            )),
        }
    }
}
