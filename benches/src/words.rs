//! `--name value` words of the programs.

use recommender_core::{Error, Result};

/// The options given, in their order; a name may come several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<(String, String)>);

impl Words {
    /// Reads pairs of a name that begins with `--` and a value; the names in `switches` have none.
    ///
    /// # Errors
    /// [`Error::Config`] for a name that is not among `names` or `switches`, or one without its value.
    pub fn read(
        words: impl IntoIterator<Item = String>,
        names: &[&str],
        switches: &[&str],
    ) -> Result<Self> {
        let mut words = words.into_iter();
        let mut found = Vec::new();
        while let Some(name) = words.next() {
            if switches.contains(&&*name) {
                found.push((name, String::new()));
                continue;
            }
            if !names.contains(&&*name) {
                let expected = [names, switches].concat().join(", ");
                return Err(Error::config("options", expected, name));
            }
            let value = words.next();
            let value = value.ok_or_else(|| Error::config(&*name, "a value", "nothing"))?;
            found.push((name, value));
        }
        Ok(Self(found))
    }

    /// All values of `name`, those with commas taken apart.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let given = self.0.iter().filter(|(found, _)| found == name);
        let parts = given.flat_map(|(_, value)| value.split(','));
        parts
            .filter(|part| !part.is_empty())
            .map(Into::into)
            .collect()
    }

    /// All values of `name`, as they were given.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let given = self.0.iter().filter(|(found, _)| found == name);
        given.map(|(_, value)| &**value).collect()
    }

    /// The last value of `name`.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<&str> {
        let mut given = self.0.iter().rev();
        given
            .find(|(found, _)| found == name)
            .map(|(_, value)| &**value)
    }

    /// The last value of `name`, which must be given.
    ///
    /// # Errors
    /// [`Error::Config`] without it.
    pub fn required(&self, name: &str) -> Result<&str> {
        self.last(name)
            .ok_or_else(|| Error::config(name, "a value", "nothing"))
    }

    /// Whether `name` was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.last(name).is_some()
    }

    /// The number given by `name`, at least 1, or `default`.
    ///
    /// # Errors
    /// [`Error::Config`] if it is no such number.
    pub fn count(&self, name: &str, default: usize) -> Result<usize> {
        let Some(value) = self.last(name) else {
            return Ok(default);
        };
        let parsed = value.parse().ok().filter(|&count| count > 0);
        parsed.ok_or_else(|| Error::config(name, "a whole number of at least 1", value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Words> {
        let words = text.split_whitespace().map(Into::into);
        Words::read(words, &["--only", "--rounds"], &["--quick"])
    }

    #[test]
    fn values_come_by_name() {
        let words = read("--only a,b --quick --rounds 3 --only c").unwrap();
        assert_eq!(words.list("--only"), ["a", "b", "c"]);
        assert_eq!(words.all("--only"), ["a,b", "c"]);
        assert_eq!(words.count("--rounds", 5).unwrap(), 3);
        assert!(words.has("--quick"));
        assert_eq!(read("").unwrap().count("--rounds", 5).unwrap(), 5);
        assert!(read("").unwrap().required("--only").is_err());
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for text in ["--round 3", "3", "--rounds", "--rounds 0", "--rounds x"] {
            let counted = read(text).and_then(|words| words.count("--rounds", 5));
            assert!(matches!(counted, Err(Error::Config(_))), "{text}");
        }
    }
}
