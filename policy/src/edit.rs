//! Other margins in an MOU's text, and every other byte as it was.

use crate::margin::Margin;
use crate::names::KpiId;
use crate::problem::Problems;
use crate::section::Sheet;

/// A margin that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarginEdit {
    /// Of this KPI.
    pub kpi: KpiId,
    /// Line of `mou.toml` on which it stands, from 1.
    pub line: usize,
    /// As it was, in learners.
    pub from: i64,
    /// As it becomes.
    pub to: Margin,
}

/// The text with these margins, and what changed, in the order of the lines. A KPI whose margin is that already,
/// or has none that is a number, is left as it is.
///
/// # Errors
/// Where the bytes are not TOML at all.
pub fn with_margins(
    bytes: &[u8],
    margins: &[(KpiId, Margin)],
) -> Result<(Vec<u8>, Vec<MarginEdit>), Problems> {
    let sheet = Sheet::parse(bytes)?;
    // Places are counted after a byte order mark.
    let mark = if bytes.starts_with("\u{feff}".as_bytes()) { '\u{feff}'.len_utf8() } else { 0 };
    let mut edits = Vec::new();
    for section in sheet.root().sections("kpi") {
        let id = section.text_if_any("id").map(|found| found.value);
        let wanted = margins.iter().find(|(kpi, _)| Some(kpi.as_str()) == id);
        let (Some((kpi, to)), Some(found)) = (wanted, section.item("margin")) else { continue };
        let (Some(from), Some(span)) = (found.value.as_integer(), found.value.span()) else {
            continue;
        };
        if from != i64::from(to.learners()) {
            let edit = MarginEdit { kpi: kpi.clone(), line: found.line, from, to: *to };
            edits.push((span.start + mark..span.end + mark, edit));
        }
    }
    edits.sort_by_key(|(span, _)| span.start);
    let (mut text, mut copied) = (Vec::with_capacity(bytes.len()), 0);
    for (span, edit) in &edits {
        text.extend_from_slice(bytes.get(copied..span.start).unwrap_or_default());
        text.extend_from_slice(edit.to.learners().to_string().as_bytes());
        copied = span.end;
    }
    text.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Ok((text, edits.into_iter().map(|(_, edit)| edit).collect()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::mou::Mou;

    const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

    fn margins(wanted: &[(&str, u32)]) -> Vec<(KpiId, Margin)> {
        let one =
            |(kpi, margin): &(&str, u32)| (kpi.parse().unwrap(), Margin::new(*margin).unwrap());
        wanted.iter().map(one).collect()
    }

    #[test]
    fn changes_the_margins_and_nothing_else() {
        for before in ["", "\u{feff}"] {
            let text = format!("{before}{LAKESHORE}");
            let wanted = margins(&[
                ("completers", 120),
                ("enrolment", 7),
                ("graduation", 10),
                ("nothing", 3),
            ]);
            let (edited, edits) = with_margins(text.as_bytes(), &wanted).unwrap();
            let said: Vec<_> = edits
                .iter()
                .map(|edit| format!("{} {} {}", edit.kpi, edit.from, edit.to))
                .collect();
            assert_eq!(said, ["enrolment 15 ±7", "completers 10 ±120"]);
            let edited = String::from_utf8(edited).unwrap();
            let lines: Vec<_> =
                text.lines().zip(edited.lines()).enumerate().filter(|(_, (a, b))| a != b).collect();
            assert_eq!(lines.len(), 2);
            for ((place, (_, line)), edit) in lines.iter().zip(&edits) {
                assert_eq!(place + 1, edit.line);
                assert!(line.contains(&edit.to.learners().to_string()), "{line}");
            }
            let mou = Mou::read(edited.as_bytes()).unwrap();
            let of = |kpi: &str| mou.kpi(&kpi.parse().unwrap()).unwrap().margin.learners();
            assert_eq!((of("enrolment"), of("completers"), of("graduation")), (7, 120, 10));
        }
    }

    #[test]
    fn nothing_to_change_changes_nothing() {
        let (text, edits) = with_margins(LAKESHORE.as_bytes(), &[]).unwrap();
        assert_eq!((text.as_slice(), edits.len()), (LAKESHORE.as_bytes(), 0));
        assert!(with_margins(b"a = ", &[]).is_err());
    }
}
