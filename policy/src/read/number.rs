//! Decimal numbers read exactly: no float comes near a budget or a target.

/// A decimal as a whole number of its `places`th decimal: `0.5` to nine places is 500,000,000. None if it is
/// negative, has more places, or is too large.
pub(super) fn exact(text: &str, places: usize) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || decimals.len() > places || !digits(whole) || !digits(decimals) {
        return None;
    }
    let scaled: u64 = format!("{decimals:0<places$}").parse().ok()?;
    let unit = 10_u64.checked_pow(u32::try_from(places).ok()?)?;
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(scaled)
}
