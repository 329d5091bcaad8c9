//! What is no agreement, or lacks parts of one; slips of the pen.

use super::{LAKESHORE, check, check_all, errors, with};

#[test]
fn slips_of_the_pen() {
    check_all(&[
        ("title     =", "titel = \"x\" # here\n#", "did you mean `title`?"),
        ("[calendar]", "[calender] # here", "unknown key `calender` (did you mean `calendar`?)"),
        ("wait_days    =", "wait_day = 3 # here\n#", "did you mean `wait_days`?"),
        ("year_starts  = \"07-01\"", "year_start = \"07-01\" # here\n#", "`year_starts`?"),
        ("name     = \"Harbor", "nmae = \"x\" # here\n#", "did you mean `name`?"),
        (
            "{ party = \"lakeshore-chamber\"",
            "{ parti = \"lakeshore-chamber\", may = [\"ask\"] } # here\n#",
            "unknown key `parti`",
        ),
        ("may = [\"read\", \"propose\"] }", "mai = [\"read\"] } # here", "`mai`"),
        ("floor_at    =", "floorat = \"node\" # here\n#", "did you mean `floor_at`?"),
        ("{ employer = 3 }", "{ employers = 3 } # here\n#", "did you mean `employer`?"),
        ("margin      = 15", "margn = 15 # here\n#", "did you mean `margin`?"),
        ("answered_by = [\"college\"]", "answerd_by = [\"college\"] # here", "`answered_by`?"),
        ("because   =", "becuase = \"x\" # here\n#", "did you mean `because`?"),
        ("[privacy] ", "[extra] # here\nx = 1\n[privacy] ", "unknown key `extra`"),
    ]);
}

#[test]
fn what_is_missing_is_said_where_it_belongs() {
    let without = |start: &str| {
        let lines: Vec<_> = LAKESHORE.lines().filter(|line| !line.starts_with(start)).collect();
        assert!(lines.len() < LAKESHORE.lines().count());
        lines.join("\n")
    };
    for (key, at) in [
        ("format ", "# Lakeshore"),
        ("catalogue ", "# Lakeshore"),
        ("effective ", "# Lakeshore"),
        ("purposes ", "[agreement]"),
        ("year_starts ", "[calendar]"),
        ("wait_days ", "[calendar]"),
        ("budget ", "[privacy]"),
        ("floor ", "[privacy]"),
        ("floor_at ", "[privacy]"),
    ] {
        check(&without(key), at, &format!("`{}` is missing", key.trim()));
    }
}

#[test]
fn what_is_no_agreement_at_all() {
    for (bytes, line, part) in [
        (&b"\xff\xfe\x00"[..], 1, "not UTF-8"),
        (b"format = \"sumac-mou/1\"\nid = \"\xe9\"\n", 2, "not UTF-8"),
        (b"this is a letter\n", 1, ""),
        (b"{ \"format\": 1 }", 1, ""),
        (b"a = 1\n\n[b\n", 3, ""),
        (b"id = \"a\"\nid = \"b\"\n", 2, "duplicate"),
    ] {
        let problems = errors(bytes);
        assert_eq!((problems.len(), problems[0].line), (1, line), "{problems:?}");
        assert!(problems[0].message.contains(part), "{problems:?}");
    }
    let large = format!("{LAKESHORE}{}", "#\n".repeat(1 << 20));
    assert!(errors(large.as_bytes())[0].message.contains("larger than 1 MiB"));
}

#[test]
fn an_empty_file_lacks_everything_at_once() {
    for text in ["", "\u{feff}", "# nothing yet\n"] {
        let problems = errors(text.as_bytes());
        let missing = |key: &str| {
            let said = format!("`{key}` is missing");
            problems.iter().any(|problem| problem.line == 1 && problem.message == said)
        };
        for key in ["format", "id", "title", "version", "catalogue", "effective", "expires"] {
            assert!(missing(key), "{key}: {problems:#?}");
        }
        for key in ["agreement", "calendar", "roles", "privacy"] {
            assert!(missing(key), "{key}: {problems:#?}");
        }
    }
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = with("title     =", "titel     =")
        .replacen("kind     = \"employer\"", "kind     = \"employe\"", 1)
        .replacen("floor       = 10", "floor       = 3", 1)
        .replacen("[\"award_level\"]]", "[\"award_levl\"]]", 1);
    let lines: Vec<_> = ["titel", "\"employe\"", "floor       = 3", "award_levl"]
        .iter()
        .map(|mistake| 1 + text.lines().position(|line| line.contains(mistake)).unwrap())
        .collect();
    let mut found: Vec<_> = errors(text.as_bytes()).iter().map(|problem| problem.line).collect();
    // A misspelt key is unknown, and the one it was meant to be is missing: line 1.
    found.retain(|line| *line > 1);
    assert_eq!(found, lines);
}

#[test]
fn line_endings_and_a_byte_order_mark_change_no_line() {
    let text = with("floor       = 10", "floor = 3 # here\n#");
    let line = errors(text.as_bytes())[0].line;
    for text in [text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        assert_eq!(errors(text.as_bytes())[0].line, line);
    }
}
