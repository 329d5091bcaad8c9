//! A credential as linked data: what an embedded proof signs is not its JSON but the RDF that its JSON-LD
//! contexts make of it, in canonical form (RDFC-1.0). The contexts come from the operator's files alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use oxjsonld::{JsonLdErrorCode, JsonLdParser, JsonLdRemoteDocument, JsonLdSyntaxError};
use oxrdf::dataset::{CanonicalizationAlgorithm, CanonicalizationHashAlgorithm};
use oxrdf::{BlankNode, Dataset, GraphNameRef, NamedOrBlankNodeRef, QuadRef, TermRef};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Ways to tell apart nodes without a name that canonicalisation may have to try. Real credentials need a
/// handful; a document made to need more (RDF Dataset Canonicalization §7.1) would never end.
const MAX_WAYS: u64 = 10_000;

/// Contexts that need contexts: deeper than any that is published.
const MAX_DEPTH: usize = 8;

/// Nodes without a name that nothing tells apart at first sight.
const MAX_ALIKE: usize = 512;

/// JSON-LD contexts by URL, from the operator's files.
#[derive(Debug, Clone, Default)]
pub(super) struct Contexts(BTreeMap<String, Context>);

/// One context, and the URLs of those that it needs.
#[derive(Debug, Clone)]
struct Context {
    bytes: Arc<[u8]>,
    needs: Vec<String>,
}

/// A document as RDF.
pub(super) struct Linked(Dataset);

/// Why a document has no canonical form here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkedFault {
    /// The contexts name each other in a circle, or far too many of each other.
    Circle,
    /// A context names one that the operator has not given.
    Absent,
    /// The contexts or the document are not JSON-LD.
    NotJsonLd,
    /// Canonicalising it would take too long.
    TooAlike,
}

impl Contexts {
    /// Takes in a context; false where it is none.
    pub(super) fn insert(&mut self, url: &str, bytes: &[u8]) -> bool {
        let Ok(Value::Object(json)) = serde_json::from_slice(bytes) else { return false };
        if !json.contains_key("@context") {
            return false;
        }
        let mut needs = Vec::new();
        references(&Value::Object(json), false, &mut needs);
        self.0.insert(url.to_owned(), Context { bytes: bytes.into(), needs });
        true
    }

    /// Whether there is one of this URL.
    pub(super) fn has(&self, url: &str) -> bool {
        self.0.contains_key(url)
    }

    /// Whether a context can be used: all that it needs is there, and none of it needs it in turn. The parser
    /// is not asked to find out, because it does not take an absent context well.
    pub(super) fn is_whole(&self, url: &str) -> Result<(), LinkedFault> {
        self.follow(url, &mut Vec::new())
    }

    fn follow<'a>(&'a self, url: &'a str, above: &mut Vec<&'a str>) -> Result<(), LinkedFault> {
        if above.contains(&url) || above.len() >= MAX_DEPTH {
            return Err(LinkedFault::Circle);
        }
        let Some(context) = self.0.get(url) else { return Err(LinkedFault::Absent) };
        above.push(url);
        for needed in &context.needs {
            self.follow(needed, above)?;
        }
        above.pop();
        Ok(())
    }
}

/// Every URL that a context refers to, in itself or in the context of one of its terms.
fn references(value: &Value, is_context: bool, found: &mut Vec<String>) {
    match value {
        Value::String(url) if is_context && !found.contains(url) => found.push(url.clone()),
        Value::Array(values) => values.iter().for_each(|one| references(one, is_context, found)),
        Value::Object(object) => {
            for (name, inner) in object {
                references(inner, matches!(name.as_str(), "@context" | "@import"), found);
            }
        }
        _ => {}
    }
}

impl Linked {
    /// Reads a document, whose contexts are URLs, each of them whole.
    pub(super) fn read(document: &Value, contexts: &Arc<Contexts>) -> Result<Self, LinkedFault> {
        let bytes = serde_json::to_vec(document).map_err(|_| LinkedFault::NotJsonLd)?;
        let contexts = Arc::clone(contexts);
        let parser = JsonLdParser::new().for_slice(&bytes);
        let parser = parser.with_load_document_callback(move |url, _| {
            let Context { bytes, .. } = contexts.0.get(url).ok_or("not among the operator's")?;
            Ok(JsonLdRemoteDocument { document: bytes.to_vec(), document_url: url.to_owned() })
        });
        let mut dataset = Dataset::new();
        for quad in parser {
            dataset.insert(&quad.map_err(|error| LinkedFault::of(&error))?);
        }
        Ok(Self(dataset))
    }

    /// The ends of the names of everything that the document says, in small letters: `validfrom` of
    /// `https://www.w3.org/2018/credentials#validFrom`. Earlier contexts wrote some names in capitals or with
    /// a number behind: `#Achievement`, `#achievement-0`.
    pub(super) fn says(&self) -> BTreeSet<String> {
        let end = |quad: QuadRef<'_>| {
            let name = quad.predicate.as_str();
            let end = name.rsplit(['#', '/']).next().unwrap_or(name).to_ascii_lowercase();
            end.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-').to_owned()
        };
        self.0.iter().map(end).collect()
    }

    /// SHA-256 of the canonical form.
    pub(super) fn hash(mut self) -> Result<[u8; 32], LinkedFault> {
        if ways(&self.0) > MAX_WAYS {
            return Err(LinkedFault::TooAlike);
        }
        self.0.canonicalize(CanonicalizationAlgorithm::Rdfc10 {
            hash_algorithm: CanonicalizationHashAlgorithm::Sha256,
        });
        let mut lines: Vec<String> = self.0.iter().map(|quad| format!("{quad} .\n")).collect();
        lines.sort_unstable();
        Ok(Sha256::digest(lines.concat()).into())
    }
}

impl LinkedFault {
    fn of(error: &JsonLdSyntaxError) -> Self {
        match error.code() {
            Some(JsonLdErrorCode::ContextOverflow) => Self::Circle,
            Some(JsonLdErrorCode::LoadingRemoteContextFailed) => Self::Absent,
            _ => Self::NotJsonLd,
        }
    }
}

/// At most how many orders of nodes canonicalisation tries: for each node without a name that its own quads
/// do not tell apart from another, the orders of those neighbours that look alike from it.
fn ways(dataset: &Dataset) -> u64 {
    let mut quads_of: HashMap<BlankNode, Vec<QuadRef<'_>>> = HashMap::new();
    for quad in dataset {
        for node in blanks(quad) {
            quads_of.entry(node).or_default().push(quad);
        }
    }
    let mut look: HashMap<&BlankNode, String> = HashMap::new();
    let mut alike: HashMap<String, usize> = HashMap::new();
    for (node, quads) in &quads_of {
        let mut lines: Vec<_> = quads.iter().map(|quad| seen_from(node, *quad)).collect();
        lines.sort_unstable();
        let lines = lines.concat();
        *alike.entry(lines.clone()).or_default() += 1;
        look.insert(node, lines);
    }
    let unclear = |node: &BlankNode| {
        let look = look.get(node)?;
        (alike.get(look).copied().unwrap_or(0) > 1).then_some(look)
    };
    let nodes: Vec<_> = quads_of.keys().filter(|node| unclear(node).is_some()).collect();
    if nodes.len() > MAX_ALIKE {
        return u64::MAX;
    }
    let mut ways = 1_u64;
    for node in nodes {
        let mut groups: HashMap<(&str, usize, &str), BTreeSet<String>> = HashMap::new();
        for quad in quads_of.get(node).into_iter().flatten() {
            for (place, other) in
                [(0, blank_subject(*quad)), (1, blank_object(*quad)), (2, blank_graph(*quad))]
            {
                let Some(other) = other.filter(|other| other != node) else { continue };
                let Some(look) = unclear(&other) else { continue };
                let group = groups.entry((quad.predicate.as_str(), place, look)).or_default();
                group.insert(other.as_str().to_owned());
            }
        }
        for group in groups.values() {
            ways = (1..=group.len() as u64).fold(ways, u64::saturating_mul);
        }
    }
    ways
}

/// A quad with this node and every other node without a name told apart only from each other.
fn seen_from(node: &BlankNode, quad: QuadRef<'_>) -> String {
    let mark = |other: Option<BlankNode>, text: String| match other {
        Some(other) if other == *node => "_:a".to_owned(),
        Some(_) => "_:z".to_owned(),
        None => text,
    };
    format!(
        "{} {} {} {}\n",
        mark(blank_subject(quad), quad.subject.to_string()),
        quad.predicate,
        mark(blank_object(quad), quad.object.to_string()),
        mark(blank_graph(quad), quad.graph_name.to_string()),
    )
}

fn blanks(quad: QuadRef<'_>) -> HashSet<BlankNode> {
    [blank_subject(quad), blank_object(quad), blank_graph(quad)].into_iter().flatten().collect()
}

fn blank_subject(quad: QuadRef<'_>) -> Option<BlankNode> {
    match quad.subject {
        NamedOrBlankNodeRef::BlankNode(node) => Some(node.into_owned()),
        NamedOrBlankNodeRef::NamedNode(_) => None,
    }
}

fn blank_object(quad: QuadRef<'_>) -> Option<BlankNode> {
    match quad.object {
        TermRef::BlankNode(node) => Some(node.into_owned()),
        _ => None,
    }
}

fn blank_graph(quad: QuadRef<'_>) -> Option<BlankNode> {
    match quad.graph_name {
        GraphNameRef::BlankNode(node) => Some(node.into_owned()),
        _ => None,
    }
}
