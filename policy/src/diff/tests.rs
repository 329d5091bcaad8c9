//! Changes are exact, and said well.

mod draft;
mod exact;
mod wording;
