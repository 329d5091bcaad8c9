//! The terminal: answers to stdout, everything else to stderr. No colour, so `NO_COLOR` is always obeyed.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Context;

use crate::outcome::hinted;

/// Writes a line to stderr. Whether anyone reads it changes nothing.
macro_rules! tell {
    ($($words:tt)*) => {{
        use ::std::io::Write as _;
        let _ = writeln!(::std::io::stderr(), $($words)*);
    }};
}
pub(crate) use tell;

/// Writes a verb's answer to stdout.
pub(crate) fn answer(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("write the answer")
}

/// Asks for a `yes` on the terminal. `instead` is the flag that says it beforehand.
pub(crate) fn confirm(question: &str, instead: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(hinted(
            "nobody is there to confirm: standard input is not a terminal",
            format_args!("look at what is printed above, then add {instead}"),
        ));
    }
    let mut stderr = io::stderr();
    write!(stderr, "{question} Type yes to go on: ")
        .and_then(|()| stderr.flush())
        .context("ask for a confirmation")?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("read the confirmation")?;
    Ok(line.trim() == "yes")
}
