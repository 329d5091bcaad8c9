//! Lines, places and words of what is wrong with a TOML text.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use super::*;

fn sheet(text: &str) -> Sheet {
    Sheet::parse(text.as_bytes()).unwrap()
}

/// The line of every problem that `read` notes.
fn lines(text: &str, read: impl Fn(&Section<'_>)) -> Vec<usize> {
    let sheet = sheet(text);
    read(&sheet.root());
    sheet.problems().iter().map(|problem| problem.line).collect()
}

#[test]
fn lines_are_counted_in_every_way_of_ending_them() {
    let text = "a = 1\n\n# note\nb = 2\n[c]\nd = 3\n";
    let read = |root: &Section<'_>| {
        root.section("c").unwrap().end(&[]);
        root.end(&[]);
    };
    for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        assert_eq!(lines(&text, read), [1, 4, 6], "{text:?}");
    }
}

#[test]
fn each_shape_of_table_knows_its_lines() {
    let text = r#"dotted.key = 1
inline = { x = 1, y = 2 }
list = [
    { x = 1 },

    { x = 2 },
]
words = [
    "one",
    "Two",
]
[[tables]]
x = 1
[[tables]]
y = 2
inner.z = 3
[[tables.deeper]]
w = 4
"#;
    let sheet = sheet(text);
    let root = sheet.root();
    assert_eq!(root.section("dotted").unwrap().line(), 1);
    assert_eq!(root.section("inline").unwrap().line(), 2);
    let list: Vec<_> = root.sections("list").iter().map(Section::line).collect();
    assert_eq!(list, [4, 6]);
    let tables = root.sections("tables");
    assert_eq!(tables.iter().map(Section::line).collect::<Vec<_>>(), [12, 14]);
    assert_eq!(tables[1].place(), "tables[2]");
    let inner = tables[1].section("inner").unwrap();
    assert_eq!((inner.line(), inner.place()), (16, "tables[2].inner"));
    assert_eq!(tables[1].sections("deeper")[0].line(), 17);
    let words = root.list_if_any("words").unwrap();
    let places: Vec<_> = words.iter().map(|word| (word.line, word.place.as_str())).collect();
    assert_eq!(places, [(9, "words[1]"), (10, "words[2]")]);
    assert_eq!(sheet.problems(), []);
}

#[test]
fn what_nobody_took_is_an_error_with_the_nearest_key() {
    let sheet = sheet("margins = 3\ncap = 3\nzebra = 1\n");
    let root = sheet.root();
    root.number_if_any("margin", 0..=9);
    root.end(&["cap"]);
    let problems = sheet.problems();
    let hints: Vec<_> = problems.iter().map(|problem| problem.hint.as_str()).collect();
    assert!(problems[0].message.contains("unknown key `margins`"));
    assert_eq!(hints[0], "did you mean `margin`?");
    assert!(problems[1].message.contains("cannot enforce `cap`"));
    assert_eq!(hints[2], "known here: margin");
}

#[test]
fn every_reader_says_what_it_needs_and_what_it_found() {
    let sheet = sheet(
        r#"a = 3
b = "x"
c = ""
d = 1.5
e = "2026-01-01"
f = 2026-01-01T00:00:00Z
"#,
    );
    let root = sheet.root();
    assert!(root.text("a").is_none());
    assert!(root.number("b", 0..=9).is_none());
    assert!(root.text("c").is_none());
    assert!(root.number("d", 0..=9).is_none());
    assert!(root.day("e").is_none());
    assert!(root.day("f").is_none());
    assert!(root.section("a").is_none());
    assert!(root.sections("b").is_empty());
    assert!(root.words::<String>("b").is_none());
    assert!(root.flag_if_any("a").is_none());
    assert!(root.text("absent").is_none());
    assert!(root.number("a", 5..=9).is_none());
    let problems = sheet.problems();
    assert_eq!(problems.len(), 12);
    let said = |part: &str| problems.iter().any(|problem| problem.to_string().contains(part));
    for part in [
        "line 1: a: a text in quotes is needed, and this is: integer",
        "line 2: b: a whole number is needed, and this is: string",
        "line 3: c: is empty",
        "line 4: d: a whole number is needed, and this is: float",
        "line 5: e: a date such as 2026-01-15, without quotes is needed",
        "line 6: f: a date such as",
        "line 1: file: `absent` is missing",
        "line 1: a: 3 is not from 5 to 9",
        "write [[b]] above each",
    ] {
        assert!(said(part), "{part}: {problems:#?}");
    }
}

#[test]
fn a_decimal_is_read_as_it_is_written() {
    let sheet = sheet("a = 0.50\nb = 3\nc = 1e-3\nd = 0.1000000001\ne = inf\n");
    let root = sheet.root();
    for (key, written) in
        [("a", "0.50"), ("b", "3"), ("c", "1e-3"), ("d", "0.1000000001"), ("e", "inf")]
    {
        assert_eq!(root.decimal(key).unwrap().value, written);
    }
}

#[test]
fn a_text_that_would_move_the_terminal_is_refused() {
    let text = r#"a = "\u001b[2J"
b = ["x", "\u0000", " "]
c = '''two
lines'''
"#;
    let found = lines(text, |root| {
        assert!(root.text("a").is_none());
        assert!(root.words::<String>("b").is_none());
        assert!(root.text("c").is_some());
    });
    assert_eq!(found, [1, 2, 2]);
}

#[test]
fn bytes_that_are_no_toml_have_a_line() {
    for (bytes, line) in [
        (&b"a = 1\nb = \n"[..], 2),
        (b"a = 1\na = 2\n", 2),
        (b"a = 1\r\n\r\n[b\r\n", 3),
        (b"a = 1\nb = \"\xff\"\n", 2),
        (b"\xef\xbb\xbfa = ", 1),
    ] {
        let problems = Sheet::parse(bytes).err().unwrap();
        assert_eq!(problems.0.len(), 1);
        assert_eq!(problems.0[0].line, line, "{problems}");
        assert!(problems.0[0].message.len() > 5, "{problems}");
    }
    let large = Sheet::parse(&vec![b'\n'; MAX_FILE + 1]).err().unwrap();
    assert!(large.to_string().contains("1 MiB"));
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let deep = 200_000;
    for text in [
        format!("a = {}", "[".repeat(deep)),
        format!("a = {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("{}a = 1", "a.".repeat(deep)),
        format!("[{}a]", "a.".repeat(deep)),
        format!("a = {}", "{a=".repeat(deep)),
    ] {
        assert!(Sheet::parse(text.as_bytes()).is_err());
    }
}

#[test]
fn every_one_of_very_many_mistakes_has_its_line() {
    let text: String = (0..60_000).map(|n| format!("k{n} = 1\n")).collect();
    let found = lines(&text, |root| root.end(&[]));
    assert_eq!((found.len(), found[59_999]), (60_000, 60_000));
}
