//! What engines say in different words: here, PostgreSQL's.

use sumac_policy::Interval;

/// A date some months and then some days later.
pub(super) fn later(date: &str, Interval { months, days }: Interval) -> String {
    if months == 0 {
        return format!("({date} + ({days}))");
    }
    format!("CAST({date} + INTERVAL '{months} months {days} days' AS date)")
}

/// Days from one date to another.
pub(super) fn days(until: &str, from: &str) -> String {
    format!("({until} - {from})")
}

/// A sum that no number of rows overflows.
pub(super) fn exact_sum(column: &str) -> String {
    format!("SUM(CAST({column} AS numeric))")
}

/// A quotient without what is behind the point.
pub(super) fn whole_quotient(above: &str, below: &str) -> String {
    format!("DIV({above}, {below})")
}

/// Bits that differ.
pub(super) fn xor(bits: &str, word: u32) -> String {
    format!("({bits} # CAST({word} AS bigint))")
}

/// A learner's tag, of which [`tag_words`] are taken: HMAC twice, as the node's secret does it, of the identifier.
pub(super) fn tag(person: &str) -> String {
    let code = |inner: u8, outer: u8, message: &str| {
        format!("sha256(${outer}::bytea || sha256(${inner}::bytea || {message}))")
    };
    let key = code(1, 2, &format!("convert_to({person}, 'UTF8')"));
    code(3, 4, &format!("substring({key} FROM 1 FOR 16)"))
}

/// A tag's two words of 31 bits.
pub(super) fn tag_words(tag: &str) -> [String; 2] {
    [0, 4].map(|at| {
        let byte = |place: u8| format!("CAST(get_byte({tag}, {}) AS bigint)", at + place);
        let high = format!("({} & 127)", byte(0));
        format!("{high} * 16777216 + {} * 65536 + {} * 256 + {}", byte(1), byte(2), byte(3))
    })
}
