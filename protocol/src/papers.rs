//! Versions of an MOU on their way: files by name. What they are worth is for whoever takes them to say.

use crate::field::{WireError, at_most};
use crate::wire;

/// Files of one version: five for each party, and the agreement.
const MAX_FILES: usize = 5_001;
/// Versions in one answer.
const MAX_VERSIONS: usize = 64;
/// Bytes of a notice of exit, or of the signature on it.
const MAX_NOTICE: usize = 64 << 10;

/// The files of a version, by their names in the folder of an MOU.
pub type Files = Vec<(String, Vec<u8>)>;

/// Files as they are sent.
pub fn mou_papers<'a>(files: impl IntoIterator<Item = (String, &'a [u8])>) -> wire::MouPapers {
    let papers =
        files.into_iter().map(|(name, content)| wire::MouPaper { name, content: content.to_vec() });
    wire::MouPapers { papers: papers.collect() }
}

/// Reads files.
///
/// # Errors
/// Too many of them.
pub fn read_mou_papers(message: wire::MouPapers) -> Result<Files, WireError> {
    let wire::MouPapers { papers } = message;
    at_most("papers", papers.len(), MAX_FILES)?;
    Ok(papers.into_iter().map(|wire::MouPaper { name, content }| (name, content)).collect())
}

/// Reads a proposal.
///
/// # Errors
/// None there; too many files.
pub fn read_proposal(proposal: Option<wire::MouPapers>) -> Result<Files, WireError> {
    read_mou_papers(proposal.ok_or(WireError::Missing("proposal"))?)
}

/// Reads the proposals that a node keeps, and the notices of exit.
///
/// # Errors
/// Too many of them.
pub fn read_proposals(message: wire::ProposalsResponse) -> Result<(Vec<Files>, Files), WireError> {
    let wire::ProposalsResponse { proposals, exits } = message;
    at_most("proposals", proposals.len(), MAX_VERSIONS)?;
    let proposals = proposals.into_iter().map(read_mou_papers).collect::<Result<_, _>>()?;
    Ok((proposals, exits.map_or(Ok(Vec::new()), read_mou_papers)?))
}

/// Reads a notice of exit and its signature.
///
/// # Errors
/// Either of them missing, or longer than such a thing is.
pub fn read_leave(message: wire::LeaveRequest) -> Result<(Vec<u8>, Vec<u8>), WireError> {
    let wire::LeaveRequest { notice, signature } = message;
    for (field, bytes) in [("notice", &notice), ("signature", &signature)] {
        at_most(field, bytes.len(), MAX_NOTICE)?;
        if bytes.is_empty() {
            return Err(WireError::Missing(field));
        }
    }
    Ok((notice, signature))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn files_come_back_as_sent_and_nothing_is_unbounded() {
        let files = vec![("mou.toml".to_owned(), b"a".to_vec()), ("x".to_owned(), vec![])];
        let sent = mou_papers(files.iter().map(|(name, bytes)| (name.clone(), &bytes[..])));
        assert_eq!(read_proposal(Some(sent.clone())).unwrap(), files);
        assert!(read_proposal(None).is_err());
        let paper = wire::MouPaper::default();
        assert!(read_mou_papers(wire::MouPapers { papers: vec![paper; MAX_FILES + 1] }).is_err());
        let proposals = vec![sent; MAX_VERSIONS + 1];
        assert!(read_proposals(wire::ProposalsResponse { proposals, exits: None }).is_err());
        let (notice, signature) = (vec![1], vec![0; MAX_NOTICE + 1]);
        assert!(read_leave(wire::LeaveRequest { notice: notice.clone(), signature }).is_err());
        assert!(read_leave(wire::LeaveRequest { notice, signature: vec![] }).is_err());
    }
}
