//! The words of the commands that speak of a store.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::persons::PersonCommand;
use crate::args::{CatalogFormat, EventFormat};
use crate::stored::Place;

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Folder of the store, or the url of a PostgreSQL database with it; made if it is not there.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) data: Place,
    /// Settings of the store, in TOML: what persons may be, consent, pseudonyms.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Files of events, or folders of them, such as an export.
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "catalog")]
    pub(crate) events: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) format: EventFormat,
    /// Write bad rows to this file, one JSON object a line, instead of refusing the files.
    #[arg(long, value_name = "FILE", requires = "events")]
    pub(crate) bad_rows: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) catalog: CatalogFormat,
    /// Currency of the prices of the catalogue, such as EUR; without it they are left out.
    #[arg(long, value_name = "CODE", requires = "catalog")]
    pub(crate) currency: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Store {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Write all events as Parquet, a folder a day; into a folder with an export, those that came since.
    Export(StoreCopy),
    /// Write a consistent copy of everything.
    Snapshot(StoreCopy),
    /// Make a store of a snapshot.
    Restore(StoreRestore),
    /// Read everything and hold it against its checksums.
    Verify(StoreFolder),
    /// Say how much there is.
    Status(StoreStatus),
    #[command(flatten)]
    Persons(PersonCommand),
}

#[derive(Debug, Args)]
pub(crate) struct StoreFolder {
    /// Folder of the store, or the url of a PostgreSQL database with it.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) data: Place,
}

#[derive(Debug, Args)]
pub(crate) struct StoreCopy {
    /// Folder of the store, or the url of a PostgreSQL database with it.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) data: Place,
    /// Folder to write.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct StoreRestore {
    /// Folder of the new store, which must not exist yet, or the url of a PostgreSQL database, which must hold none.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) data: Place,
    /// Folder of the snapshot.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct StoreStatus {
    /// Folder of the store, or the url of a PostgreSQL database with it.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) data: Place,
    /// Print JSON instead of lines.
    #[arg(long)]
    pub(crate) json: bool,
}
