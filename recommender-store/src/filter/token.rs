//! Words, texts and signs of a filter.

use std::ops::Range;

use crate::filter::FilterError;

/// A piece of a filter's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    Quoted(String),
    Sign(Sign),
    Open,
    Close,
    Comma,
    Minus,
    End,
}

/// What a field is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    Has,
}

/// A token, and which bytes of the text it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lexed<'a> {
    pub(super) token: Token<'a>,
    pub(super) bytes: Range<usize>,
}

/// The tokens of a text, the last one [`Token::End`].
///
/// A word ends at a blank or a sign; one that begins with a digit may hold colons, as times do.
pub(super) fn tokens(text: &str) -> Result<Vec<Lexed<'_>>, FilterError> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let (token, length) = token(text, at)?;
        let ended = token == Token::End;
        found.push(Lexed {
            token,
            bytes: at..at + length,
        });
        if ended {
            return Ok(found);
        }
        at += length;
    }
}

fn token(text: &str, at: usize) -> Result<(Token<'_>, usize), FilterError> {
    let rest = &text[at..];
    let Some(first) = rest.chars().next() else {
        return Ok((Token::End, 0));
    };
    let two = rest[first.len_utf8()..].starts_with('=');
    Ok(match first {
        '(' => (Token::Open, 1),
        ')' => (Token::Close, 1),
        ',' => (Token::Comma, 1),
        '-' => (Token::Minus, 1),
        ':' => (Token::Sign(Sign::Has), 1),
        '=' => (Token::Sign(Sign::Equal), 1),
        '<' if two => (Token::Sign(Sign::AtMost), 2),
        '<' => (Token::Sign(Sign::Less), 1),
        '>' if two => (Token::Sign(Sign::AtLeast), 2),
        '>' => (Token::Sign(Sign::More), 1),
        '!' if two => (Token::Sign(Sign::Unequal), 2),
        '!' => return Err(FilterError::of(text, at..at + 1, "!=")),
        '"' | '\'' => return quoted(text, at, first),
        _ => word(rest, first),
    })
}

fn word(rest: &str, first: char) -> (Token<'_>, usize) {
    let colons = first.is_ascii_digit();
    let ends = |c: char| c.is_whitespace() || (!(colons && c == ':') && "()\"',:=<>!".contains(c));
    let length = rest.find(ends).unwrap_or(rest.len());
    (Token::Word(&rest[..length]), length)
}

fn quoted(text: &str, at: usize, quote: char) -> Result<(Token<'_>, usize), FilterError> {
    let mut value = String::new();
    let mut characters = text[at + 1..].char_indices();
    while let Some((offset, character)) = characters.next() {
        if character == quote {
            return Ok((Token::Quoted(value), offset + 2));
        }
        if character != '\\' {
            value.push(character);
            continue;
        }
        let escaped = characters.next().map(|(_, escaped)| escaped);
        let Some(meant) = escaped.and_then(unescaped) else {
            let from = at + 1 + offset;
            let upto = from + 1 + escaped.map_or(0, char::len_utf8);
            let expected = r#"one of \\ \" \' \n \r \t"#;
            return Err(FilterError::of(text, from..upto, expected));
        };
        value.push(meant);
    }
    let expected = format!("a closing {quote}");
    Err(FilterError::of(text, text.len()..text.len(), expected))
}

fn unescaped(character: char) -> Option<char> {
    match character {
        '\\' | '"' | '\'' => Some(character),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    }
}

/// The text between quotes, such that it is read back.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
