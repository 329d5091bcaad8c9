//! Pictures with a credential in them.

use png::text_metadata::ITXtChunk;
use png::{BitDepth, ColorType, Encoder};

use super::super::folder::MAX_FILE;
use super::super::unbake::{Envelope, unbake};
use super::*;

/// A small picture with these texts.
fn picture(texts: &[(&str, &str, bool)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    for (keyword, text, compressed) in texts {
        let mut chunk = ITXtChunk::new(*keyword, *text);
        chunk.compressed = *compressed;
        writer.write_text_chunk(&chunk).unwrap();
    }
    writer.write_image_data(&[0]).unwrap();
    writer.finish().unwrap();
    bytes
}

fn svg(inside: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:ob="https://purl.imsglobal.org/ob/v3p0">{inside}<g/></svg>"#
    )
}

#[test]
fn takes_a_credential_out_of_a_picture() {
    let text = badge().to_string();
    for (compressed, before) in [(false, vec![]), (true, vec![("Comment", "x", false)])] {
        let mut texts = before;
        texts.push(("openbadgecredential", text.as_str(), compressed));
        assert_eq!(word(&Bench::new().one(picture(&texts))), "unverified");
    }
    assert_eq!(
        word(&Bench::new().one(svg(&format!("<ob:credential><![CDATA[{text}]]></ob:credential>")))),
        "unverified"
    );
    let jwt = Envelope::Jwt("e30.e30.e30".to_owned());
    for inside in [
        r#"<ob:credential verify="e30.e30.e30"/>"#,
        r#"<ob:credential verify="e30.e30.e30"><![CDATA[{"for":"people"}]]></ob:credential>"#,
    ] {
        assert_eq!(unbake(svg(inside).as_bytes()).unwrap(), jwt, "{inside}");
    }
    assert_eq!(unbake(&picture(&[("openbadgecredential", "e30.e30.e30", false)])).unwrap(), jwt);
}

#[test]
fn a_picture_without_a_credential_or_with_two_is_rejected() {
    let refuses = |bytes: &[u8], expected: &str| {
        let fault = unbake(bytes).unwrap_err();
        assert!(fault.to_string().contains(expected), "{fault}");
        assert_eq!(fault.reason(), "unreadable");
    };
    let two = [("openbadgecredential", "{}", false); 2];
    refuses(&picture(&[]), "without a credential");
    refuses(&picture(&[("openbadges", "{}", false)]), "without a credential");
    refuses(&picture(&two), "more than one");
    let good = picture(&[("openbadgecredential", "{}", false)]);
    refuses(&good[..good.len() / 2], "damaged PNG");
    refuses(svg("").as_bytes(), "without a credential");
    refuses(svg("<credential>{}</credential>").as_bytes(), "without a credential");
    refuses(svg("<ob:credential verify=''/><ob:credential verify='a.b.c'/><ob:credential verify='a.b.c'/>").as_bytes(), "more than one");
    refuses(b"<svg", "damaged XML");
    refuses(b"\xff\xfe\0", "UTF-8");
    refuses(b"hello", "neither JSON nor a JWT");
    refuses(b"{\"a\": ", "not JSON");
    refuses(format!("{}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)).as_bytes(), "not JSON");
}

#[test]
fn a_badge_with_a_picture_of_10_mb_is_read() {
    let mut large = badge();
    let image = "A".repeat(10 * 1_000_000 / 3 * 4);
    large["image"] = json!({ "id": format!("data:image/png;base64,{image}"), "type": "Image" });
    let text = large.to_string();
    assert!(text.len() < MAX_FILE);
    assert_eq!(word(&Bench::new().one(&text)), "unverified");
}

#[test]
fn a_packed_text_that_explodes_is_refused() {
    let bomb = "A".repeat(MAX_FILE + 1);
    let fault = unbake(&picture(&[("openbadgecredential", &bomb, true)])).unwrap_err();
    assert_eq!(fault.reason(), "unreadable");
}
