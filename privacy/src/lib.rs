//! What one learner's privacy costs, and the noise that the price pays for.
//!
//! # The argument
//!
//! *Neighbours.* Two snapshots of one node are neighbours when one of them holds a learner's whole
//! record set (enrolments, awards, hires, services) and the other does not. How many learners a
//! node has is therefore private too.
//!
//! *Bounded contribution.* Tabulation reduces each learner to at most `L0` cells of at most `L∞`
//! each before anything is added up, looking at that learner alone. Hence two neighbours' exact
//! cells differ by at most `√L0 · L∞` in Euclidean length: that is a [`Sensitivity`]. A rate asks
//! for disjoint outcome cells, so a learner is in exactly one and the sensitivity is
//! [`Sensitivity::ONE`]. A mean asks for two cells of unlike units, the learners and the sum of what
//! each has more or less than the middle of the clip; in multiples of the most that one learner may
//! change each of them (one, and the clip's width of a doubled sum), it has `L0 = 2` and `L∞ = 1`.
//!
//! *Exact noise.* [`release`] adds to every cell an independent draw of the discrete Gaussian with
//! the rational deviation σ = 25M/49, where M is the table's margin, times the cell's own scale. By Canonne, Kamath and
//! Steinke (2020, theorem 4 and its multivariate form) this is ρ-zero-concentrated private with
//! `ρ = L0 · L∞² / (2σ²)`. No float comes near the draw or the sum: integers go in and come out.
//!
//! *Price.* [`price()`] is that ρ in billionths, rounded up, from public parameters alone. Prices of
//! adaptively chosen tables add up (Bun and Steinke 2016; Feldman and Zrnic 2020), so a ledger of
//! integers that never passes its cap bounds what all answers together tell about a learner. A
//! learner known to `m` partners is exposed to at most the sum of their spendings.
//!
//! *Post-processing.* Whatever is computed from [`Noisy`] cells and public numbers costs nothing
//! more: margins, rates, guards and rounding in [`mod@margin`] may use floats freely.
//!
//! # Where things are
//!
//! - [`mod@rho`]: the currency, [`NanoRho`].
//! - [`mod@price`]: from margin and sensitivity to a price.
//! - [`mod@budget`]: what the MOU's calendar costs each node in each year, and whether that fits.
//! - [`mod@sizes`] and [`mod@forecast`]: from guessed group sizes to what will be withheld, and how wide rates will be.
//! - [`mod@noise`]: [`Exact`] cells in, [`Noisy`] cells out; the only way between them.
//! - [`mod@margin`]: how far off sums, groups and rates may be.
//! - [`mod@mean`] and [`mod@percentile`]: how far off a mean may be, and a percentile of a distribution.
//! - [`mod@figures`]: all of it about one agreement, for its explanation.
//! - [`mod@show`]: what a spending means, as (ε, δ) and as an attacker's best guess.
//!
//! This crate keeps no state and reads no clock, file or ambient randomness.

pub mod budget;
pub mod figures;
pub mod forecast;
pub mod margin;
pub mod mean;
pub mod noise;
pub mod percentile;
pub mod price;
pub mod rho;
pub mod show;
pub mod sizes;

pub use budget::{YearPrice, kpi_price, lint, year_prices};
pub use figures::{figures, risk};
pub use margin::{
    RateEstimate, Ratio, guard, margin_of_cells, margin_of_group, margin_of_sum, rate_interval,
    ratio_interval, shown_from, standard_deviation, variance, variance_of_sum,
};
pub use mean::{MeanEstimate, mean_interval};
pub use noise::{Exact, NoiseError, Noisy, release};
pub use percentile::{PercentileEstimate, percentile};
pub use price::{Sensitivity, price, tables_within};
pub use rho::{NanoRho, ParseRhoError};
pub use show::{Exposure, ShowError, best_guess, epsilon_at};
