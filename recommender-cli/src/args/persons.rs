//! The words of the commands that speak of persons.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use recommender_core::events::Consent;
use recommender_store::identity::Identifier;

use crate::stored::Place;

#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Write everything that is kept of a person, as JSON.
    Person(PersonExport),
    /// Forget a person for good, in the store, exports and models, and give a receipt.
    Erase(PersonErase),
    /// List the receipts of persons who were forgotten.
    Receipts(Receipts),
    /// Drop the events that are older than the settings keep them.
    Expire(KeptStore),
    /// Say that two identifiers are of one person.
    Link(PersonLink),
    /// Take back that two identifiers are of one person.
    Unlink(PersonLink),
    /// Show what a person agreed to, or take down what she says.
    Consent(PersonConsent),
}

/// A store that is there, and how it is kept.
#[derive(Debug, Args)]
pub(crate) struct KeptStore {
    /// Folder of the store, or the url of a PostgreSQL database with it.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) data: Place,
    /// Settings of the store, in TOML: pseudonyms, the key of receipts, how long events are kept.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
}

/// Who is at work where nobody says so.
const BY: &str = "recommender store";

#[derive(Debug, Args)]
pub(crate) struct PersonExport {
    #[command(flatten)]
    pub(crate) store: KeptStore,
    /// One of her identifiers, such as loyalty:4711 or visitor:a81f.
    #[arg(long, value_name = "ID")]
    pub(crate) identifier: Identifier,
    /// Who asks; the audit keeps it.
    #[arg(long, value_name = "TEXT", default_value = BY)]
    pub(crate) by: String,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PersonErase {
    #[command(flatten)]
    pub(crate) store: KeptStore,
    /// One of her identifiers, such as loyalty:4711 or visitor:a81f: all that is linked to it goes.
    #[arg(long, value_name = "ID")]
    pub(crate) identifier: Identifier,
    /// Folders of models that were trained from this store.
    #[arg(long = "model", value_name = "DIR", num_args = 1..)]
    pub(crate) models: Vec<PathBuf>,
    /// Folders of exports of this store.
    #[arg(long = "export", value_name = "DIR", num_args = 1..)]
    pub(crate) exports: Vec<PathBuf>,
    /// Backups that are kept and may still hold her, for the receipt.
    #[arg(long = "backup", value_name = "TEXT", num_args = 1..)]
    pub(crate) backups: Vec<String>,
    /// Who asks; the receipt shows it.
    #[arg(long, value_name = "TEXT", default_value = BY)]
    pub(crate) by: String,
    /// Why; the receipt shows it, so it must not name her.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// File to write the receipt to, as JSON; must not exist yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Receipts {
    #[command(flatten)]
    pub(crate) store: KeptStore,
    /// Print JSON instead of lines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PersonLink {
    #[command(flatten)]
    pub(crate) store: KeptStore,
    /// Two identifiers, such as loyalty:4711 and visitor:a81f.
    #[arg(value_name = "ID", required = true, num_args = 2)]
    pub(crate) identifiers: Vec<Identifier>,
    /// What it rests on, such as the ticket of a call.
    #[arg(long, value_name = "TEXT")]
    pub(crate) evidence: String,
    /// Who says so.
    #[arg(long, value_name = "TEXT")]
    pub(crate) by: String,
}

#[derive(Debug, Args)]
pub(crate) struct PersonConsent {
    #[command(flatten)]
    pub(crate) store: KeptStore,
    /// One of her identifiers.
    #[arg(long, value_name = "ID")]
    pub(crate) identifier: Identifier,
    /// What she says now; without it, what she said last is shown.
    #[arg(long, value_name = "WORD", value_enum, requires_all = ["evidence", "by"])]
    pub(crate) set: Option<Said>,
    /// What it rests on, such as the version of the text she saw.
    #[arg(long, value_name = "TEXT", requires = "set")]
    pub(crate) evidence: Option<String>,
    /// Who took it down.
    #[arg(long, value_name = "TEXT", requires = "set")]
    pub(crate) by: Option<String>,
}

/// What a person says of the use of her events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Said {
    /// She agrees.
    Granted,
    /// She refuses.
    Denied,
    /// She takes back what she said.
    Unspecified,
}

impl Said {
    /// The word for a consent.
    pub(crate) fn of(consent: Consent) -> Self {
        match consent {
            Consent::Granted => Self::Granted,
            Consent::Denied => Self::Denied,
            Consent::Unspecified => Self::Unspecified,
        }
    }

    /// The same, as the library takes it.
    pub(crate) fn consent(self) -> Consent {
        match self {
            Self::Granted => Consent::Granted,
            Self::Denied => Consent::Denied,
            Self::Unspecified => Consent::Unspecified,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Unspecified => "unspecified",
        }
    }
}
