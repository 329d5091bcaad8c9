//! A text file's bytes as UTF-8, whatever it is written in.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

/// Bytes taken from the file at once.
pub(super) const CHUNK: usize = 1 << 18;

/// The bytes of a file, decoded as they are taken.
pub(super) struct Input {
    file: Box<dyn Read + Send>,
    /// Bytes of the file that are not passed on yet.
    raw: Vec<u8>,
    passed: usize,
    read: u64,
    ended: bool,
    /// None for UTF-8, which is passed on as it is: each row is looked at later.
    decoder: Option<Decoder>,
    encoding: &'static Encoding,
    malformed: bool,
}

impl Input {
    /// Takes over a file whose first bytes were read already. A byte-order mark says more than the mapping.
    pub(super) fn new(
        start: Vec<u8>,
        file: Box<dyn Read + Send>,
        stated: Option<&'static Encoding>,
    ) -> io::Result<Self> {
        let read = start.len() as u64;
        let mut input = Self {
            file,
            raw: start,
            passed: 0,
            read,
            ended: false,
            decoder: None,
            encoding: UTF_8,
            malformed: false,
        };
        // The longest byte-order mark.
        while input.raw.len() < 3 && !input.ended {
            input.take_in()?;
        }
        let mark = Encoding::for_bom(&input.raw);
        input.passed = mark.map_or(0, |(_, length)| length);
        input.encoding = mark.map(|(encoding, _)| encoding).or(stated).unwrap_or(UTF_8);
        if input.encoding != UTF_8 {
            input.decoder = Some(input.encoding.new_decoder_without_bom_handling());
        }
        Ok(input)
    }

    /// Bytes of the file read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.read
    }

    /// The encoding's name, where the text had pieces that are not written in it: each became U+FFFD.
    pub(super) fn malformed(&self) -> Option<&'static str> {
        self.malformed.then(|| self.encoding.name())
    }

    /// Fills a buffer with text; 0 at the end. The buffer holds at least a few bytes.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.passed == self.raw.len() && !self.ended {
                self.take_in()?;
            }
            let raw = self.raw.get(self.passed..).unwrap_or_default();
            let Some(decoder) = &mut self.decoder else {
                let count = raw.len().min(buffer.len());
                if let (Some(from), Some(to)) = (raw.get(..count), buffer.get_mut(..count)) {
                    to.copy_from_slice(from);
                }
                self.passed += count;
                return Ok(count);
            };
            let (result, read, written, malformed) =
                decoder.decode_to_utf8(raw, buffer, self.ended);
            self.passed += read;
            self.malformed |= malformed;
            let finished = self.ended && result == CoderResult::InputEmpty;
            if finished {
                // A decoder that has seen the end is not asked again.
                self.decoder = None;
            }
            if written > 0 || finished {
                return Ok(written);
            }
        }
    }

    fn take_in(&mut self) -> io::Result<()> {
        self.raw.drain(..self.passed);
        self.passed = 0;
        let count = self.file.by_ref().take(CHUNK as u64).read_to_end(&mut self.raw)?;
        self.ended = count == 0;
        self.read += count as u64;
        Ok(())
    }
}
