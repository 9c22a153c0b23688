//! Output of a child, cut into lines of bounded length.

/// Longer lines are cut in pieces, so that a child that never ends a line cannot fill our memory.
const LIMIT: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// Takes the next bytes and hands on every line that is complete with them.
    pub(crate) fn push(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            for part in piece.chunks(LIMIT) {
                self.0.extend_from_slice(part);
                if self.0.ends_with(b"\n") || self.0.len() >= LIMIT {
                    self.finish(&mut line);
                }
            }
        }
    }

    /// Hands on what is left when the child has closed its output.
    pub(crate) fn finish(&mut self, mut line: impl FnMut(&str)) {
        let text = String::from_utf8_lossy(&self.0);
        // Control characters of a child must not steer the terminal that shows our log.
        let text: String = text.chars().filter(|&letter| letter == '\t' || !letter.is_control()).collect();
        if !text.trim().is_empty() {
            line(text.trim_end());
        }
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(chunks: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        for chunk in chunks {
            lines.push(chunk, |line| seen.push(line.to_owned()));
        }
        lines.finish(|line| seen.push(line.to_owned()));
        seen
    }

    #[test]
    fn lines_are_joined_and_cut_wherever_the_chunks_end() {
        assert_eq!(collect(&[b"a\nb", b"c\n\n", b"d"]), ["a", "bc", "d"]);
        assert_eq!(collect(&[b"\x1b[31mred\r\n"]), ["[31mred"]);
        assert_eq!(collect(&[b"\xff\n"]), ["\u{fffd}"]);
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let seen = collect(&[&[b'x'; 3 * LIMIT + 1]]);
        assert_eq!(seen.iter().map(String::len).collect::<Vec<_>>(), [LIMIT, LIMIT, LIMIT, 1]);
    }
}
