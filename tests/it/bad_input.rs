//! What bad input gets, through the shipped command: one clear error that names the file, line or field and
//! says what to do; nothing lost; nothing about a learner in any text.

mod agreement;
mod asking;
mod files;
mod ledger;
mod starting;
mod wire;
