//! "Did you mean": the nearest word of a closed vocabulary.

/// The known word nearest to `word`, if it is near enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Words of the vocabulary are short; a longer text is not a slip of one, and costs time to compare.
    if word.len() > 100 {
        return None;
    }
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_word_of_a_slip_and_nothing_for_another_word() {
        let known = ["race_ethnicity", "sex", "age_band", "pell"];
        for (word, suggested) in [
            ("race_ethnicty", Some("race_ethnicity")),
            ("RACE_ETHNICITY", Some("race_ethnicity")),
            ("sxe", Some("sex")),
            ("income", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), suggested, "{word}");
        }
        assert_eq!(nearest(&"sex".repeat(50_000), known), None);
    }
}
