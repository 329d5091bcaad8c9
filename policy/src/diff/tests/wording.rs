//! The main sentences.
