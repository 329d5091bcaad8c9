//! A credential out of what it came in: plain JSON, a JWT, or an image that it was baked into (Open Badges 3.0,
//! §5.3).

use std::io::Cursor;

use png::{Decoder, Limits};
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use serde_json::{Map, Value};

use super::fault::Fault;

/// The keyword of the PNG chunk that holds a credential.
const CHUNK: &str = "openbadgecredential";

/// The XML namespace of the element that holds one.
const NAMESPACE: &str = "https://purl.imsglobal.org/ob/v3p0";

/// Memory that a PNG's texts may take. No credential is larger than the largest file.
const MAX_TEXT: usize = super::folder::MAX_FILE;

/// A credential as it was issued.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Envelope {
    /// JSON, with its proof embedded.
    Json(Map<String, Value>),
    /// A compact JWS (RFC 7515).
    Jwt(String),
}

/// Takes the credential out of a file's bytes.
pub(super) fn unbake(bytes: &[u8]) -> Result<Envelope, Fault> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return read(&of_png(bytes)?);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::Unreadable("is not UTF-8 text"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.starts_with('<') { read(&of_svg(text)?) } else { read(text) }
}

/// Reads the text of a credential.
pub(super) fn read(text: &str) -> Result<Envelope, Fault> {
    let text = text.trim();
    if text.starts_with('{') {
        // serde_json stops at 128 levels of nesting, long before the stack does.
        let json = serde_json::from_str(text);
        return json
            .map(Envelope::Json)
            .map_err(|_| Fault::Unreadable("is not JSON, or is cut short"));
    }
    let in_alphabet = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.split('.').count() == 3 && text.chars().all(in_alphabet) {
        return Ok(Envelope::Jwt(text.to_owned()));
    }
    Err(Fault::Unreadable("holds neither JSON nor a JWT"))
}

fn of_png(bytes: &[u8]) -> Result<String, Fault> {
    let damaged = |_| Fault::Unreadable("is a damaged PNG");
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 4 * MAX_TEXT });
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(damaged)?;
    // The chunk may stand after the picture, whose pixels are passed over.
    reader.finish().map_err(damaged)?;
    let mut chunks = reader.info().utf8_text.iter().filter(|chunk| chunk.keyword == CHUNK);
    let Some(chunk) = chunks.next() else { return Err(Fault::NotBaked) };
    if chunks.next().is_some() {
        return Err(Fault::Unreadable("holds more than one credential"));
    }
    let mut chunk = chunk.clone();
    chunk.decompress_text_with_limit(MAX_TEXT).map_err(damaged)?;
    chunk.get_text().map_err(damaged)
}

fn of_svg(text: &str) -> Result<String, Fault> {
    const DAMAGED: Fault = Fault::Unreadable("is damaged XML");
    let mut reader = NsReader::from_str(text);
    let mut found: Option<String> = None;
    let mut inside = false;
    loop {
        // Entities of a document type are never expanded, so that none can grow.
        let (namespace, event) = reader.read_resolved_event().map_err(|_| DAMAGED)?;
        let ours = matches!(namespace, ResolveResult::Bound(Namespace(NAMESPACE)));
        match event {
            Event::Start(element) if ours && is_credential(&element) => {
                if found.is_some() {
                    return Err(Fault::Unreadable("holds more than one credential"));
                }
                found = Some(verify(&element)?.unwrap_or_default());
                inside = true;
            }
            Event::Empty(element) if ours && is_credential(&element) => {
                if found.is_some() {
                    return Err(Fault::Unreadable("holds more than one credential"));
                }
                found = verify(&element)?;
            }
            Event::End(_) if ours => inside = false,
            Event::CData(data) if inside => {
                // Where the attribute holds a JWT, the element's content is for people.
                if let Some(found) =
                    found.as_mut().filter(|found| !found.contains('.') || found.starts_with('{'))
                {
                    found.push_str(data.trim());
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found.filter(|text| !text.is_empty()).ok_or(Fault::NotBaked)
}

fn is_credential(element: &BytesStart<'_>) -> bool {
    element.local_name().as_ref() == "credential"
}

/// The JWT of an element, if it has one.
fn verify(element: &BytesStart<'_>) -> Result<Option<String>, Fault> {
    let attribute = element.try_get_attribute("verify");
    let attribute = attribute.map_err(|_| Fault::Unreadable("is damaged XML"))?;
    // A JWT's alphabet needs no escapes.
    let text = attribute.map(|attribute| attribute.value.trim().to_owned());
    Ok(text.filter(|text| !text.is_empty()))
}
