//! What callers may do, in five words.

use std::fmt;

/// One thing a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Ask for recommendations, products, models, serving configs.
    Read,
    /// Say what shoppers did and who they are.
    WriteEvents,
    /// Say what is sold, where, and by what rules.
    ManageCatalogue,
    /// Train and promote models, take snapshots, read what is known of persons.
    Admin,
    /// Give a person what is known of her, and forget her.
    Erase,
}

impl Role {
    pub(crate) const ALL: [Self; 5] = [
        Self::Read,
        Self::WriteEvents,
        Self::ManageCatalogue,
        Self::Admin,
        Self::Erase,
    ];

    /// As it is written in files and tokens.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::WriteEvents => "write_events",
            Self::ManageCatalogue => "manage_catalogue",
            Self::Admin => "admin",
            Self::Erase => "erase",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Roles(u8);

impl Roles {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(0b1_1111);

    /// These roles.
    pub(crate) const fn of(roles: &[Role]) -> Self {
        let (mut bits, mut next) = (0, 0);
        while next < roles.len() {
            bits |= roles[next].bit();
            next += 1;
        }
        Self(bits)
    }

    pub(crate) const fn contain(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether there is a role that both have.
    pub(crate) const fn meet(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Role::ALL.into_iter().filter(|role| self.contain(*role));
        let words: Vec<_> = words.map(Role::word).collect();
        f.write_str(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_says_so() {
        let roles = Roles::of(&[Role::Read, Role::Erase]);
        assert!(roles.contain(Role::Erase) && !roles.contain(Role::Admin));
        assert_eq!(roles.to_string(), "read, erase");
        assert_eq!(Roles::of(&Role::ALL), Roles::ALL);
        assert!(!Roles::ALL.meet(Roles::NONE));
        for role in Role::ALL {
            assert_eq!(Role::named(role.word()), Some(role));
        }
    }
}
