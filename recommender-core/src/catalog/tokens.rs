//! Words of product texts, in Chinese as well as in languages that write spaces.

use std::sync::OnceLock;

use jieba_rs::Jieba;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// The words of `text`, in order, normalised (NFKC) and in lower case.
///
/// Runs of Han characters are cut by a dictionary, compounds together with the shorter words they are made of,
/// so that a search for the part finds the whole. Everything else is cut at the word boundaries of Unicode
/// Standard Annex 29. Model numbers that join letters and digits with a hyphen (`wh-1000xm4`) give their parts
/// and the whole. The first Han character ever seen loads the dictionary, once per process.
///
/// ```
/// use recommender_core::catalog::tokens;
/// assert_eq!(tokens("RED Ｔ-LIGHT holder"), ["red", "t", "light", "holder"]);
/// assert_eq!(tokens("索尼WH-1000XM4耳机"), ["索尼", "wh", "1000xm4", "wh-1000xm4", "耳机"]);
/// assert_eq!(tokens("连衣裙女"), ["连衣", "衣裙", "连衣裙", "女"]);
/// ```
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let mut words = Vec::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let han = is_han(first);
        let end = rest
            .find(|letter| is_han(letter) != han)
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if han {
            let cut = dictionary().cut_for_search(run, true);
            words.extend(cut.iter().map(|token| token.word.to_owned()));
        } else {
            push_spaced(run, &mut words);
        }
        rest = after;
    }
    words
}

/// Words of a run without Han characters, model numbers also as a whole.
fn push_spaced(run: &str, words: &mut Vec<String>) {
    for piece in run.split(char::is_whitespace) {
        let before = words.len();
        words.extend(piece.unicode_words().map(str::to_owned));
        let parts = words.len() - before;
        let whole = piece.trim_matches(|letter: char| !letter.is_alphanumeric());
        if parts > 1 && is_model_number(whole) {
            words.push(whole.to_owned());
        }
    }
}

/// Letters, digits and inner hyphens only, with at least one of each.
fn is_model_number(piece: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    piece.chars().all(allowed)
        && piece.contains('-')
        && piece.contains(|letter: char| letter.is_ascii_digit())
        && piece.contains(|letter: char| letter.is_ascii_alphabetic())
}

/// Whether `letter` is a Han ideograph, of any plane, or the mark that repeats one.
fn is_han(letter: char) -> bool {
    matches!(u32::from(letter),
        0x3005 | 0x3007 | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x323af)
}

fn dictionary() -> &'static Jieba {
    static DICTIONARY: OnceLock<Jieba> = OnceLock::new();
    DICTIONARY.get_or_init(Jieba::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_titles_split_at_word_boundaries() {
        assert_eq!(
            tokens("SET/6 RED SPOTTY PAPER PLATES, 7'' (23cm)"),
            ["set", "6", "red", "spotty", "paper", "plates", "7", "23cm"]
        );
        assert_eq!(tokens("don't 3.5mm Straße"), ["don't", "3.5mm", "straße"]);
    }

    #[test]
    fn full_width_letters_and_digits_are_their_plain_forms() {
        assert_eq!(tokens("ＮＩＫＥ　３０克"), tokens("nike 30克"));
    }

    #[test]
    fn chinese_is_cut_into_words_not_characters() {
        let words = tokens("日本资生堂红罐护手霜");
        for word in ["日本", "资生堂", "护手霜"] {
            assert!(words.iter().any(|found| found == word), "{words:?}");
        }
    }

    #[test]
    fn a_model_number_is_kept_whole_beside_its_parts() {
        assert_eq!(tokens("(DX-100)"), ["dx", "100", "dx-100"]);
        assert_eq!(tokens("t-light 20-30"), ["t", "light", "20", "30"]);
    }

    #[test]
    fn nothing_readable_gives_nothing() {
        assert!(tokens("").is_empty());
        assert!(tokens(" -- ，！ \u{0} ").is_empty());
    }
}
