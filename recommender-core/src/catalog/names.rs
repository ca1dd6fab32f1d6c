//! What the columns of a feature matrix are called.

use crate::buffer::Buffer;
use crate::error::{Error, Result};

/// What the columns of a feature matrix mean, such as `word:lantern` or `category:Home > Kitchen`.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureNames {
    text: Buffer<u8>,
    offsets: Buffer<u64>,
}

impl FeatureNames {
    pub(crate) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let (mut text, mut offsets) = (Vec::new(), vec![0u64]);
        for name in names {
            text.extend_from_slice(name.as_bytes());
            offsets.push(text.len() as u64);
        }
        Self {
            text: text.into(),
            offsets: offsets.into(),
        }
    }

    /// How many features there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no feature.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of column `feature`.
    ///
    /// # Panics
    /// If there is no such column.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "offsets index text in memory"
    )]
    pub fn name(&self, feature: usize) -> &str {
        let range = self.offsets[feature] as usize..self.offsets[feature + 1] as usize;
        std::str::from_utf8(&self.text[range]).expect("names are checked when they are loaded")
    }

    /// All names, one after the other, in UTF-8.
    #[must_use]
    pub fn text(&self) -> &Buffer<u8> {
        &self.text
    }

    /// Where each name begins in [`FeatureNames::text`]; one more than there are names.
    #[must_use]
    pub fn offsets(&self) -> &Buffer<u64> {
        &self.offsets
    }

    /// Names from their two arrays, checked.
    ///
    /// # Errors
    /// [`Error::Data`] if the text is not UTF-8 or the offsets do not cut it into names.
    pub fn try_new(text: Buffer<u8>, offsets: Buffer<u64>) -> Result<Self> {
        let names = Self { text, offsets };
        names.check()?;
        Ok(names)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "offsets index text in memory"
    )]
    fn check(&self) -> Result<()> {
        let wrong = |reason: &str| Err(Error::data("feature names", reason));
        let Ok(text) = std::str::from_utf8(&self.text) else {
            return wrong("the text is not UTF-8");
        };
        let spans = self.offsets.first() == Some(&0)
            && self.offsets.last() == Some(&(text.len() as u64))
            && self.offsets.is_sorted();
        if !spans {
            return wrong("the offsets do not span the text");
        }
        if !self
            .offsets
            .iter()
            .all(|&at| text.is_char_boundary(at as usize))
        {
            return wrong("an offset cuts a letter");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &[u8], offsets: &[u64]) -> Result<FeatureNames> {
        FeatureNames::try_new(text.to_vec().into(), offsets.to_vec().into())
    }

    #[test]
    fn names_come_back_and_broken_ones_are_refused() {
        let names = made("ab灯".as_bytes(), &[0, 1, 2, 5]).unwrap();
        assert_eq!(names, FeatureNames::new(["a", "b", "灯"].into_iter()));
        assert!(made(b"ab", &[]).is_err());
        assert!(made(b"ab", &[0, 1]).is_err());
        assert!(made(b"a\xff", &[0, 2]).is_err());
        assert!(made("灯".as_bytes(), &[0, 1, 3]).is_err());
        assert!(made(b"ab", &[0, 2, 1, 2]).is_err());
    }
}
