//! PostgreSQL: one server for all tests, a schema for each.

mod faults;
mod schema;
mod server;
mod shared;
mod tls;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use recommender_store::Engine;
use recommender_store::postgres::{PostgresConfig, PostgresEngine, restore};

use self::server::{Binaries, Server};
use crate::bench::{Bench, Stand};

/// A test of this engine alone.
pub(crate) type Test = fn(&PostgresBench);

/// What this engine alone is held to.
pub(crate) const TESTS: &[(&str, Test)] = tests! { Test,
    faults:
        a_killed_server_loses_nothing_and_service_resumes,
        while_the_server_is_away_callers_are_told,
        an_engine_is_closed_while_the_server_is_away,
        more_than_may_wait_is_refused,
        a_full_disk_is_named_and_left_behind,
        one_batch_that_fails_does_not_take_others_along,
        a_write_whose_answer_was_lost_is_told_its_own_outcome;
    schema:
        an_older_schema_is_brought_up_to_date,
        a_newer_schema_is_refused,
        what_was_altered_is_named_and_not_given_out,
        no_byte_of_the_forgotten_is_left_in_the_tables,
        an_interrupted_forgetting_is_ended_by_the_next,
        a_snapshot_that_was_altered_is_refused;
    shared:
        one_server_sees_what_the_other_wrote,
        servers_that_start_at_once_make_one_schema,
        changes_of_concurrent_writers_are_never_missed,
        who_commits_late_keeps_its_place,
        many_changes_are_read_in_pieces,
        a_position_that_was_not_reached_is_refused,
        asynchronous_tasks_write_and_close,
        snapshots_go_from_memory_to_a_database_and_back;
    tls:
        a_server_that_proves_its_name_is_written_to,
        a_server_that_does_not_is_refused,
        nothing_is_sent_in_the_clear_unless_asked_for,
        a_server_may_ask_for_a_certificate;
};

/// Opens engines on one server, which is started when it is first needed.
pub(crate) struct PostgresBench {
    binaries: Binaries,
    server: OnceLock<Arc<Server>>,
}

impl PostgresBench {
    /// A bench, or why there can be none.
    pub(crate) fn find() -> Result<Arc<Self>, String> {
        let binaries = Binaries::find()?;
        let server = OnceLock::new();
        Ok(Arc::new(Self { binaries, server }))
    }

    /// The server that tests share.
    pub(crate) fn server(&self) -> Arc<Server> {
        let start = || Arc::new(Server::start(self.binaries.clone()));
        Arc::clone(self.server.get_or_init(start))
    }

    /// A server of a test's own, which it may kill.
    pub(crate) fn another_server(&self) -> Server {
        Server::start(self.binaries.clone())
    }
}

impl Bench for PostgresBench {
    fn open(&self) -> Box<dyn Stand> {
        Box::new(PostgresStand::open(self.server()))
    }

    fn sequences(&self) -> u32 {
        16
    }
}

/// A schema with an engine on it.
pub(crate) struct PostgresStand {
    server: Arc<Server>,
    config: PostgresConfig,
    engine: Option<Arc<PostgresEngine>>,
}

impl PostgresStand {
    fn open(server: Arc<Server>) -> Self {
        let config = server.config();
        Self::of(server, config)
    }

    fn of(server: Arc<Server>, config: PostgresConfig) -> Self {
        let engine = Some(Arc::new(PostgresEngine::open(&config).unwrap()));
        Self {
            server,
            config,
            engine,
        }
    }
}

impl Stand for PostgresStand {
    fn engine(&self) -> Arc<dyn Engine> {
        let engine = self.engine.as_ref().unwrap();
        Arc::<PostgresEngine>::clone(engine)
    }

    fn reopen(&mut self) {
        self.engine = None;
        self.engine = Some(Arc::new(PostgresEngine::open(&self.config).unwrap()));
    }

    fn restore(&self, snapshot: &Path) -> Box<dyn Stand> {
        let config = self.server.config();
        restore(snapshot, &config).unwrap();
        Box::new(Self::of(Arc::clone(&self.server), config))
    }
}
