//! Languages, and what a product is called in them.

use serde::{Deserialize, Serialize};

use crate::catalog::ProductRecord;

/// Longest tag of a language, in bytes: those of the registry and their usual extensions are shorter.
pub const MAX_LANGUAGE_BYTES: usize = 64;

/// A language as BCP 47 tags it, such as `de-AT`. Letters large and small mean the same.
///
/// ```
/// use recommender_store::catalog::Language;
/// assert_eq!(Language::parse("de-AT"), Language::parse("DE-at"));
/// assert_eq!(Language::parse("de_AT"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Language(String);

/// Texts of a product in one language.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalizedText {
    /// BCP 47 tag of the language.
    pub language_code: String,
    /// Short name.
    pub title: String,
    /// Longer text; empty is that of the product.
    pub description: String,
}

/// What a product is called in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts<'a> {
    /// Tag of the language of the title, if it is known.
    pub language_code: Option<&'a str>,
    /// Short name.
    pub title: &'a str,
    /// Longer text.
    pub description: &'a str,
}

impl Language {
    /// The language of a tag; none if the text has not the form of one: parts of 1 to 8 letters and digits, the
    /// first of 2 to 8 letters, with `-` between them.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let mut parts = tag.split('-');
        let first = parts.next()?;
        let is_language =
            (2..=8).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic());
        let is_part = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let fits = tag.len() <= MAX_LANGUAGE_BYTES;
        // A single letter says what comes after it.
        let ends = tag.rsplit('-').next().is_some_and(|part| part.len() > 1);
        (fits && ends && is_language && parts.all(is_part)).then(|| Self(tag.to_ascii_lowercase()))
    }

    /// Itself and what is more general, the nearest first: `zh-hant-tw`, `zh-hant`, `zh` (RFC 4647, section 3.4).
    fn ranges(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.0.as_str()), |range| {
            let (shorter, _) = range.rsplit_once('-')?;
            // A single letter only says what comes after it.
            match shorter.rsplit_once('-') {
                Some((before, single)) if single.len() == 1 => Some(before),
                _ => Some(shorter),
            }
        })
    }
}

impl ProductRecord {
    /// What it is called in a language, or in the nearest one that it has texts in: a more general one, else another of
    /// the same family, else its own.
    #[must_use]
    pub fn texts_in(&self, language: &Language) -> Texts<'_> {
        let own = self.language_code.as_deref();
        for range in language.ranges() {
            if own.is_some_and(|own| own.eq_ignore_ascii_case(range)) {
                return self.own_texts();
            }
            if let Some(text) = self.localized(&|tag| tag.eq_ignore_ascii_case(range)) {
                return text;
            }
        }
        let family = language.ranges().last().unwrap_or_default();
        let related = |tag: &str| {
            let first = tag.split('-').next().unwrap_or_default();
            first.eq_ignore_ascii_case(family)
        };
        if own.is_some_and(related) {
            return self.own_texts();
        }
        self.localized(&related).unwrap_or_else(|| self.own_texts())
    }

    /// What it is called where nobody asks for a language.
    fn own_texts(&self) -> Texts<'_> {
        Texts {
            language_code: self.language_code.as_deref(),
            title: &self.title,
            description: &self.description,
        }
    }

    /// Its first texts of a language that `wanted` takes.
    fn localized(&self, wanted: &dyn Fn(&str) -> bool) -> Option<Texts<'_>> {
        let mut all = self.localized_texts.iter();
        let text = all.find(|text| wanted(&text.language_code))?;
        Some(Texts {
            language_code: Some(&text.language_code),
            title: &text.title,
            description: if text.description.is_empty() {
                &self.description
            } else {
                &text.description
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cup() -> ProductRecord {
        let text = r#"{"key": "cup", "title": "Cup", "description": "Blue", "language_code": "en-GB", "localized_texts": [
            {"language_code": "de", "title": "Tasse", "description": "Blau"},
            {"language_code": "de-AT", "title": "H\u00e4ferl"},
            {"language_code": "zh-Hant-TW", "title": "\u676f"}]}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_nearest_language_is_found() {
        let cup = cup();
        for (asked, title, description) in [
            ("de", "Tasse", "Blau"),
            ("DE-at", "H\u{e4}ferl", "Blue"),
            ("de-CH-1996", "Tasse", "Blau"),
            ("de-AT-x-vienna", "H\u{e4}ferl", "Blue"),
            ("zh-Hant", "\u{676f}", "Blue"),
            ("en", "Cup", "Blue"),
            ("en-US", "Cup", "Blue"),
            ("fr", "Cup", "Blue"),
        ] {
            let texts = cup.texts_in(&Language::parse(asked).unwrap());
            assert_eq!(
                (texts.title, texts.description),
                (title, description),
                "{asked}"
            );
        }
        let texts = cup.texts_in(&Language::parse("de-LI").unwrap());
        assert_eq!(texts.language_code, Some("de"));
    }

    #[test]
    fn what_has_not_the_form_of_a_tag_is_none() {
        for right in [
            "de",
            "de-AT",
            "zh-Hant-TW",
            "es-419",
            "en-u-ca-buddhist",
            "de-x-ab",
        ] {
            assert!(Language::parse(right).is_some(), "{right}");
        }
        let long = format!("de{}", "-abcdefgh".repeat(8));
        for wrong in [
            "",
            "d",
            "de_AT",
            "de-",
            "-de",
            "12",
            "german-languages",
            "de--AT",
            "de-x",
            "d\u{e9}",
            &long,
        ] {
            assert_eq!(Language::parse(wrong), None, "{wrong}");
        }
    }
}
