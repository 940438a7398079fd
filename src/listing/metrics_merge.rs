//! Joins the metrics of several instances into one text, in which each family
//! occurs once, as the format requires.
//!
//! The samples wait in a temporary file, since their number is not bounded by the
//! memory of this process.

use std::io;
use std::io::Write;

use bstr::ByteSlice;

use super::ListingError;
use super::metrics::HELP;
use super::piece::Ending;
use super::spill::{Spill, SpilledText};

/// The metrics of the instances so far.
#[derive(Debug, Default)]
pub struct MetricsMerge {
    families: Vec<MetricFamily>,
    spill: Spill,
}

/// A family and where its samples are.
#[derive(Debug)]
struct MetricFamily {
    /// The lines with the help text and the type.
    head: Vec<u8>,
    samples: Vec<SpilledText>,
}

impl MetricsMerge {
    /// Adds the metrics of an instance, which `metrics::write` or
    /// `metrics::write_failure` wrote.
    ///
    /// # Errors
    ///
    /// A temporary file cannot be written.
    pub fn add(&mut self, text: &[u8]) -> io::Result<()> {
        let mut rest = text;
        while let Some((head, samples, after)) = first_family(rest) {
            rest = after;
            let kept = self.spill.keep(samples)?;
            match self.families.iter_mut().find(|known| known.head == head) {
                Some(known) => known.samples.push(kept),
                None => self.families.push(MetricFamily {
                    head: head.to_vec(),
                    samples: vec![kept],
                }),
            }
        }
        Ok(())
    }

    /// Writes all metrics.
    ///
    /// # Errors
    ///
    /// The temporary file cannot be read, or `out` cannot be written.
    pub fn write(&self, out: &mut impl Write) -> Result<(), ListingError> {
        for family in &self.families {
            out.write_all(&family.head).map_err(ListingError::Output)?;
            for samples in &family.samples {
                self.spill.read(*samples, |piece| {
                    out.write_all(piece).map_err(ListingError::Output)?;
                    Ok(Ending::Complete)
                })?;
            }
        }
        Ok(())
    }
}

/// Splits the first family from a text: its two lines of explanation, its
/// samples, and the rest.
fn first_family(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let type_at = text.find_byte(b'\n')?.checked_add(1)?;
    let samples_at = text
        .get(type_at..)?
        .find_byte(b'\n')?
        .checked_add(type_at)?
        .checked_add(1)?;
    let (head, samples) = text.split_at_checked(samples_at)?;
    let next = [b"\n", HELP].concat();
    // A family without samples is followed by the next one at once.
    let length = if samples.starts_with(HELP) {
        0
    } else {
        samples
            .find(&next)
            .map_or(samples.len(), |at| at.saturating_add(1))
    };
    let (samples, rest) = samples.split_at_checked(length)?;
    Some((head, samples, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_a_family_follow_each_other() {
        let text = |instance: &str| {
            format!(
                "# HELP a A.\n# TYPE a gauge\na{{i=\"{instance}\"}} 1\n\
                 # HELP e E.\n# TYPE e gauge\n\
                 # HELP b B.\n# TYPE b gauge\nb{{i=\"{instance}\"}} 2\nb{{i=\"{instance}\",q=\"x\"}} 3\n"
            )
        };
        let mut merge = MetricsMerge::default();
        merge.add(text("1").as_bytes()).unwrap();
        merge.add(text("2").as_bytes()).unwrap();
        merge.add(b"# HELP c C.\n# TYPE c gauge\nc 4\n").unwrap();
        let mut out = Vec::new();
        merge.write(&mut out).unwrap();
        let expected = "# HELP a A.\n# TYPE a gauge\na{i=\"1\"} 1\na{i=\"2\"} 1\n\
             # HELP e E.\n# TYPE e gauge\n\
             # HELP b B.\n# TYPE b gauge\nb{i=\"1\"} 2\nb{i=\"1\",q=\"x\"} 3\nb{i=\"2\"} 2\n\
             b{i=\"2\",q=\"x\"} 3\n# HELP c C.\n# TYPE c gauge\nc 4\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
