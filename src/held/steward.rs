//! Who decides: a steward of this home, over the same TLS as everybody who asks.

use anyhow::Context;
use sumac_backbone::{Absence, Steward};
use sumac_policy::PeerRole;

use crate::agreement::Agreement;
use crate::certificate::read_facts;
use crate::home::{Home, HomeArgs};
use crate::outcome::{Outcome, hinted};
use crate::terminal::tell;
use crate::world;

/// Whose home, and which steward; part of every verb that decides.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StewardArgs {
    #[command(flatten)]
    home: HomeArgs,

    /// Whose steward's certificate to use [default: the only one in the home]
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

impl StewardArgs {
    /// Makes one call to the own node. A refusal is told, and is an outcome.
    pub(super) fn ask<T, Call, Done>(&self, call: Call) -> anyhow::Result<Result<T, Outcome>>
    where
        Call: FnOnce(Steward) -> Done,
        Done: Future<Output = Result<T, Absence>>,
    {
        let home = self.home.open()?;
        let settings = home.settings()?;
        let Agreement { mou, chain, .. } = Agreement::of_home(&home, &settings)?;
        let name = steward(&home, self.name.as_deref())?;
        let identity = home.identity(PeerRole::Steward, &name)?;
        let steward =
            Steward::new(&mou, chain.trust().clone(), &settings.party, &identity, &world::clock())
                .context("prepare to connect to this party's node")?;
        let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
        match runtime.block_on(call(steward)) {
            Ok(said) => Ok(Ok(said)),
            Err(Absence::Refused(refusal)) => {
                tell!("error: refused ({}): {}", refusal.reason, refusal.message);
                tell!("\nhint: {}", refusal.hint);
                Ok(Err(Outcome::Refused))
            }
            Err(absence) => {
                let hint = absence.hint();
                Err(hinted(format_args!("this party's node: {absence}"), hint))
            }
        }
    }
}

/// The steward named, or the only one there is.
fn steward(home: &Home, named: Option<&str>) -> anyhow::Result<String> {
    if let Some(name) = named {
        return Ok(name.to_owned());
    }
    let facts = home.certificate_files()?.into_iter().map(|path| read_facts(&path));
    let facts = facts.collect::<anyhow::Result<Vec<_>>>()?;
    let stewards = facts.iter().filter(|facts| facts.role == PeerRole::Steward);
    let names: Vec<_> = stewards.map(|facts| facts.name.clone()).collect();
    match names.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(hinted(
            "this home has no steward's certificate",
            "`sumac certificate issue steward --name NAME` makes one",
        )),
        several => Err(hinted(
            format_args!("this home has several stewards: {}", several.join(", ")),
            "name one with --as NAME",
        )),
    }
}
