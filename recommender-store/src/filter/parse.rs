//! From text to what it says.

use std::ops::Range;

use crate::filter::expression::{Clause, Expression, Order, Test};
use crate::filter::field::{ATTRIBUTES, Field, Sort, names};
use crate::filter::token::{Lexed, Sign, Token, tokens};
use crate::filter::value::Value;
use crate::filter::{FilterError, MAX_BYTES, MAX_CLAUSES, MAX_DEPTH, MAX_VALUES, literal};

/// Reads a filter: `expression = sequence {AND sequence}`, `sequence = factor {factor}`,
/// `factor = term {OR term}`, `term = [NOT | -] (restriction | "(" expression ")")`, as AIP-160 has it.
pub(super) fn parse(text: &str) -> Result<Expression, FilterError> {
    check_length(text, text)?;
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
        clauses: 0,
        values: 0,
    };
    if parser.peek() == &Token::End {
        return Ok(Expression::All(Vec::new()));
    }
    let expression = parser.expression()?;
    if parser.peek() != &Token::End {
        return Err(parser.unexpected("AND, OR, another clause or the end"));
    }
    check_length(text, &expression.to_string())?;
    Ok(expression)
}

fn check_length(text: &str, written: &str) -> Result<(), FilterError> {
    if written.len() <= MAX_BYTES {
        return Ok(());
    }
    let expected = format!("at most {MAX_BYTES} bytes, as written and in normal form");
    let found = format!("{} bytes", written.len());
    Err(FilterError::at(text, 0, expected, found))
}

/// The order that a sign asks for, if it asks for one.
fn order_of(sign: Sign) -> Option<Order> {
    match sign {
        Sign::Less => Some(Order::Less),
        Sign::AtMost => Some(Order::AtMost),
        Sign::More => Some(Order::More),
        Sign::AtLeast => Some(Order::AtLeast),
        Sign::Equal | Sign::Unequal | Sign::Has => None,
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Lexed<'a>>,
    next: usize,
    /// How many brackets are open.
    depth: usize,
    clauses: usize,
    values: usize,
}

impl<'a> Parser<'a> {
    fn current(&self) -> &Lexed<'a> {
        &self.tokens[self.next]
    }

    fn peek(&self) -> &Token<'a> {
        &self.current().token
    }

    /// Goes past a token; the end stays.
    fn step(&mut self) -> Lexed<'a> {
        let lexed = self.current().clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        lexed
    }

    fn take(&mut self, token: &Token<'_>) -> bool {
        let found = self.peek() == token;
        if found {
            self.step();
        }
        found
    }

    fn unexpected(&self, expected: impl Into<String>) -> FilterError {
        FilterError::of(self.text, self.current().bytes.clone(), expected)
    }

    fn expression(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.factor()?];
        loop {
            // AND and nothing at all mean the same, and bind less than OR does.
            let joined = self.take(&Token::Word("AND"));
            if !joined && !self.is_at_term() {
                return Ok(Expression::all(parts));
            }
            parts.push(self.factor()?);
        }
    }

    fn is_at_term(&self) -> bool {
        match self.peek() {
            Token::Word(word) => !["AND", "OR"].contains(word),
            Token::Open | Token::Minus => true,
            Token::Quoted(_) | Token::Sign(_) | Token::Close | Token::Comma | Token::End => false,
        }
    }

    fn factor(&mut self) -> Result<Expression, FilterError> {
        let mut parts = vec![self.term()?];
        while self.take(&Token::Word("OR")) {
            parts.push(self.term()?);
        }
        Ok(Expression::any(parts))
    }

    fn term(&mut self) -> Result<Expression, FilterError> {
        if self.take(&Token::Word("NOT")) || self.take(&Token::Minus) {
            return Ok(Expression::not(self.simple()?));
        }
        self.simple()
    }

    fn simple(&mut self) -> Result<Expression, FilterError> {
        if self.peek() != &Token::Open {
            return self.restriction();
        }
        if self.depth == MAX_DEPTH {
            return Err(self.unexpected(format!("at most {MAX_DEPTH} brackets in one another")));
        }
        self.step();
        self.depth += 1;
        let expression = self.expression()?;
        if !self.take(&Token::Close) {
            return Err(self.unexpected("AND, OR, another clause or )"));
        }
        self.depth -= 1;
        Ok(expression)
    }

    fn restriction(&mut self) -> Result<Expression, FilterError> {
        if self.clauses == MAX_CLAUSES {
            return Err(self.unexpected(format!("at most {MAX_CLAUSES} clauses")));
        }
        self.clauses += 1;
        let field = self.field()?;
        let Token::Sign(sign) = *self.peek() else {
            return Err(self.unexpected("=, !=, <, <=, >, >= or :"));
        };
        let at = self.step().bytes;
        let test = match order_of(sign) {
            Some(order) => self.ordering(&field, (order, at))?,
            None => self.equality(&field, sign)?,
        };
        let clause = Expression::Clause(Clause {
            field,
            test,
            currency: None,
        });
        Ok(if sign == Sign::Unequal {
            Expression::not(clause)
        } else {
            clause
        })
    }

    fn ordering(
        &mut self,
        field: &Field,
        (order, at): (Order, Range<usize>),
    ) -> Result<Test, FilterError> {
        use Sort::{Amount, Attribute, Number, Time};
        let sort = field.sort();
        if !matches!(sort, Number | Amount | Time | Attribute) {
            let expected = format!("=, != or : after {field}, which has no order");
            return Err(FilterError::of(self.text, at, expected));
        }
        let from = self.current().bytes.clone();
        let value = self.value(sort)?;
        if matches!(value, Value::Text(_)) {
            return Err(FilterError::of(self.text, from, "a number"));
        }
        Ok(Test::Ordered(order, value))
    }

    fn field(&mut self) -> Result<Field, FilterError> {
        let Token::Word(word) = *self.peek() else {
            return Err(self.unexpected("a field or ("));
        };
        let bytes = self.step().bytes;
        if word == ATTRIBUTES
            && let Token::Quoted(name) = self.peek()
            && self.current().bytes.start == bytes.end
            && !name.is_empty()
        {
            let field = Field::Attribute(name.clone());
            self.step();
            return Ok(field);
        }
        Field::named(word).ok_or_else(|| {
            let expected = format!("a field ({})", names());
            FilterError::of(self.text, bytes, expected)
        })
    }

    fn equality(&mut self, field: &Field, sign: Sign) -> Result<Test, FilterError> {
        let sort = field.sort();
        if sign == Sign::Has {
            if self.take(&Token::Word("*")) {
                return Ok(Test::Present);
            }
            let listed = self.tokens.get(self.next + 1);
            let listed = listed.is_some_and(|after| after.token == Token::Open);
            if listed && self.take(&Token::Word("ANY")) {
                return self.list(sort);
            }
        }
        Ok(Test::OneOf(vec![self.value(sort)?]))
    }

    fn list(&mut self, sort: Sort) -> Result<Test, FilterError> {
        self.step();
        let mut values = vec![self.value(sort)?];
        while self.take(&Token::Comma) {
            values.push(self.value(sort)?);
        }
        if !self.take(&Token::Close) {
            return Err(self.unexpected(", or )"));
        }
        values.sort();
        values.dedup();
        Ok(Test::OneOf(values))
    }

    fn value(&mut self, sort: Sort) -> Result<Value, FilterError> {
        let expected = literal::expected(sort);
        if self.values == MAX_VALUES {
            return Err(self.unexpected(format!("at most {MAX_VALUES} values")));
        }
        self.values += 1;
        let mut bytes = self.current().bytes.clone();
        let value = match self.peek() {
            Token::Quoted(text) => literal::quoted(sort, text),
            Token::Word("AND" | "OR" | "NOT") => None,
            Token::Word(word) => literal::bare(sort, word),
            Token::Minus => {
                // A number below zero is in one piece.
                let number = self.tokens.get(self.next + 1);
                let number = number.filter(|number| number.bytes.start == bytes.end);
                bytes.end = number.map_or(bytes.end, |number| number.bytes.end);
                self.next += usize::from(number.is_some());
                literal::negative(sort, &self.text[bytes.clone()])
            }
            Token::Sign(_) | Token::Open | Token::Close | Token::Comma | Token::End => None,
        };
        let value = value.ok_or_else(|| FilterError::of(self.text, bytes, expected))?;
        self.step();
        Ok(value)
    }
}
