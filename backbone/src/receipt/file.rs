//! Receipts and heads as files: JSON with these fields and no others; bytes as lowercase hexadecimal.
//! `docs/receipts.md` documents it.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sumac_protocol::{Inclusion, LogHead, RecordedRelease, SignedHead, SignedRelease};

use super::{Note, Receipt};

const RECEIPT: &str = "sumac-receipt/1";
const HEAD: &str = "sumac-head/1";

/// Why a file is no receipt and no head.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptFileError {
    /// Not JSON of this form.
    #[error("it does not have the form that belongs here")]
    Form(#[from] serde_json::Error),
    /// A format that this version does not read.
    #[error("its format is `{found}`, and this version reads `{known}`")]
    Format {
        /// What it says.
        found: String,
        /// What is read here.
        known: &'static str,
    },
    /// A value that is none.
    #[error("`{field}` cannot be read: {what}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptFile {
    format: String,
    release: ReleaseText,
    record: RecordText,
    head: HeadText,
    /// Absent where the asker noted nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unsigned_note: Option<NoteText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadFile {
    format: String,
    head: HeadText,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseText {
    body: String,
    signature: String,
    chain: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordText {
    position: u64,
    text: String,
    path: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadText {
    size: u64,
    root: String,
    at: String,
    spent_nano_rho: u64,
    signature: String,
    chain: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteText {
    asker: String,
    purpose: String,
    request_id: String,
}

impl Receipt {
    /// The file's text.
    pub fn to_json(&self) -> Vec<u8> {
        let SignedRelease { body, signature, chain } = &self.release;
        let RecordedRelease { record, inclusion: Inclusion { seq, path } } = &self.recorded;
        let release = ReleaseText {
            body: hex::encode(body),
            signature: hex::encode(signature),
            chain: spelled(chain),
        };
        let record = RecordText {
            position: *seq,
            // A record that was verified is JSON, and so is text.
            text: String::from_utf8_lossy(record).into_owned(),
            path: spelled(path),
        };
        let unsigned_note = self.note.as_ref().map(|Note { asker, purpose, request_id }| {
            let [asker, purpose, request_id] = [asker, purpose, request_id].map(Clone::clone);
            NoteText { asker, purpose, request_id }
        });
        let head = HeadText::from(&self.head);
        lines(&ReceiptFile { format: RECEIPT.to_owned(), release, record, head, unsigned_note })
    }

    /// Reads a file's text. What it is worth is for [`Receipt::verify`] to say.
    ///
    /// # Errors
    /// Another format, a missing or unknown field, a value that is none.
    pub fn read(json: &[u8]) -> Result<Self, ReceiptFileError> {
        let ReceiptFile { format, release, record, head, unsigned_note } =
            serde_json::from_slice(json)?;
        of_format(&format, RECEIPT)?;
        let ReleaseText { body, signature, chain } = release;
        let release = SignedRelease {
            body: bytes("release.body", &body)?,
            signature: bytes("release.signature", &signature)?,
            chain: all_bytes("release.chain", &chain)?,
        };
        let RecordText { position, text, path } = record;
        let path = path.iter().map(|hash| hash32("record.path", hash)).collect::<Result<_, _>>()?;
        let inclusion = Inclusion { seq: position, path };
        let recorded = RecordedRelease { record: text.into_bytes(), inclusion };
        let note = unsigned_note.map(|NoteText { asker, purpose, request_id }| Note {
            asker,
            purpose,
            request_id,
        });
        Ok(Self { release, recorded, head: head.read()?, note })
    }
}

/// A head as a file.
pub(crate) fn write_head(head: &SignedHead) -> Vec<u8> {
    lines(&HeadFile { format: HEAD.to_owned(), head: head.into() })
}

/// Reads a head's file.
pub(crate) fn read_head(json: &[u8]) -> Result<SignedHead, ReceiptFileError> {
    let HeadFile { format, head } = serde_json::from_slice(json)?;
    of_format(&format, HEAD)?;
    head.read()
}

impl From<&SignedHead> for HeadText {
    fn from(signed: &SignedHead) -> Self {
        let SignedHead { head, signature, chain } = signed;
        let LogHead { size, root, at, spent_nano_rho } = head;
        Self {
            size: *size,
            root: root.to_string(),
            at: at.to_string(),
            spent_nano_rho: *spent_nano_rho,
            signature: hex::encode(signature),
            chain: spelled(chain),
        }
    }
}

impl HeadText {
    fn read(self) -> Result<SignedHead, ReceiptFileError> {
        let Self { size, root, at, spent_nano_rho, signature, chain } = self;
        let (root, at) = (parsed("head.root", &root)?, parsed("head.at", &at)?);
        let head = LogHead { size, root, at, spent_nano_rho };
        Ok(SignedHead {
            head,
            signature: bytes("head.signature", &signature)?,
            chain: all_bytes("head.chain", &chain)?,
        })
    }
}

fn lines(file: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(file).expect("texts and numbers are always JSON");
    text.push(b'\n');
    text
}

fn of_format(found: &str, known: &'static str) -> Result<(), ReceiptFileError> {
    if found == known {
        return Ok(());
    }
    Err(ReceiptFileError::Format { found: found.to_owned(), known })
}

fn spelled<T: AsRef<[u8]>>(list: &[T]) -> Vec<String> {
    list.iter().map(hex::encode).collect()
}

fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, ReceiptFileError> {
    hex::decode(text).map_err(|error| ReceiptFileError::Value { field, what: error.to_string() })
}

fn all_bytes(field: &'static str, texts: &[String]) -> Result<Vec<Vec<u8>>, ReceiptFileError> {
    texts.iter().map(|text| bytes(field, text)).collect()
}

fn hash32(field: &'static str, text: &str) -> Result<[u8; 32], ReceiptFileError> {
    let what = || "a hash has 32 bytes".to_owned();
    bytes(field, text)?.try_into().map_err(|_| ReceiptFileError::Value { field, what: what() })
}

fn parsed<T: FromStr<Err: Display>>(
    field: &'static str,
    text: &str,
) -> Result<T, ReceiptFileError> {
    text.parse().map_err(|error: T::Err| ReceiptFileError::Value { field, what: error.to_string() })
}
