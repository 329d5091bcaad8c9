//! An explanation on a terminal or on paper, and as JSON.

use std::fmt::Write;

use anyhow::Context;
use sumac_policy::explain::{Paragraph, Sentence};
use sumac_policy::{Clause, Mou};

/// Narrow enough for any terminal, and for paper.
const WIDTH: usize = 80;
/// How far sentences stand in, beside their numbers.
const INDENT: usize = 7;

/// Numbered paragraphs of numbered sentences, each with its clauses and who keeps them.
pub(super) fn text(mou: &Mou, paragraphs: &[Paragraph]) -> String {
    let mut text = format!("{}, version {}\n", mou.title(), mou.version());
    let _ = writeln!(text, "{}\n", mou.hash());
    let about = "The agreement in words. What is signed is mou.toml, whose hash stands above; should \
                 these words and the file differ, the file holds. After each sentence: the clauses \
                 that it restates, and who keeps them (the last paragraph says what that means).";
    text += &wrapped("", about, 0);
    for (n, Paragraph { title, sentences }) in paragraphs.iter().enumerate() {
        let _ = writeln!(text, "\n{}. {title}\n", n + 1);
        for (place, sentence) in sentences.iter().enumerate() {
            let number = format!("{}.{}", n + 1, place + 1);
            let words = format!("{} {}", sentence.text, clauses(sentence));
            text += &wrapped(&format!("{number:<INDENT$}"), &words, INDENT);
        }
    }
    text
}

/// `[kpi.retention.by; node]`; clauses of one section name it once: `[calendar.first_period, .wait_days; node]`.
fn clauses(sentence: &Sentence) -> String {
    let mut section = None;
    let clauses = sentence.clauses.iter().map(|clause| {
        let (of, key) = clause.as_str().rsplit_once('.').unwrap_or(("", clause.as_str()));
        let same = !of.is_empty() && section == Some(of);
        section = Some(of);
        if same { format!(".{key}") } else { clause.to_string() }
    });
    let clauses: Vec<_> = clauses.collect();
    let kept_by: Vec<_> = sentence.kept_by.iter().map(|keeper| keeper.as_str()).collect();
    format!("[{}; {}]", clauses.join(", "), kept_by.join(" and "))
}

/// Lines no longer than [`WIDTH`] unless one word is; the first begins with `first`.
pub(super) fn wrapped(first: &str, words: &str, indent: usize) -> String {
    let (mut text, mut line) = (String::new(), first.to_owned());
    let mut empty = true;
    for word in together(words).split([' ', '\n']).filter(|word| !word.is_empty()) {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{}", line.trim_end());
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(text, "{}", line.trim_end());
    text.replace(KEPT, " ")
}

/// What stands for a space at which no line breaks.
const KEPT: &str = "\u{a0}";

/// Keeps a number beside its unit or its letter.
fn together(words: &str) -> String {
    [" %", "ρ = ", "ε = ", "δ = "]
        .into_iter()
        .fold(words.to_owned(), |words, pair| words.replace(pair, &pair.replace(' ', KEPT)))
}

/// One object per sentence.
pub(super) fn json(paragraphs: &[Paragraph]) -> anyhow::Result<String> {
    let mut sentences = Vec::new();
    for (n, Paragraph { title, sentences: said }) in paragraphs.iter().enumerate() {
        for (place, Sentence { text, clauses, kept_by }) in said.iter().enumerate() {
            sentences.push(serde_json::json!({
                "number": format!("{}.{}", n + 1, place + 1),
                "paragraph": title,
                "sentence": text,
                "clauses": clauses.iter().map(Clause::as_str).collect::<Vec<_>>(),
                "enforced_by": kept_by.iter().map(|keeper| keeper.as_str()).collect::<Vec<_>>(),
            }));
        }
    }
    Ok(serde_json::to_string_pretty(&sentences).context("write JSON")? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_a_terminal_is_wide() {
        let text = wrapped("1.1    ", &"a word or two ".repeat(40), INDENT);
        assert!(text.lines().count() > 5);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(text.lines().skip(1).all(|line| line.starts_with("       ")));
        assert_eq!(wrapped("", "one", 0), "one\n");
        let text = wrapped("", &"at 95 % ".repeat(40), 0);
        assert!(text.lines().all(|line| !line.starts_with('%')));
    }
}
