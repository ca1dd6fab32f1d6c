//! What an engine around another hands on unchanged.

/// Implements calls of [`recommender_store::Engine`] by those of `self.engine`.
macro_rules! forward {
    (recent) => {
        fn recent(
            &self,
            visitor: &str,
            limit: usize,
        ) -> ::recommender_store::Result<Vec<::recommender_store::record::StoredEvent>> {
            self.engine.recent(visitor, limit)
        }
    };
    (events) => {
        fn events(
            &self,
            span: ::recommender_store::record::Span,
        ) -> ::recommender_store::Result<::recommender_store::engine::Events<'_>> {
            self.engine.events(span)
        }
    };
    (forget) => {
        fn forget(
            &self,
            oblivion: &::recommender_store::record::Oblivion,
        ) -> ::recommender_store::Result<::recommender_store::record::Forgotten> {
            self.engine.forget(oblivion)
        }
    };
    (rest) => {
        forward!(changes, remainder);
    };
    (changes) => {
        fn changes(
            &self,
            after: ::recommender_store::record::Position,
        ) -> ::recommender_store::Result<(
            Vec<::recommender_store::record::StoredFact>,
            ::recommender_store::record::Position,
        )> {
            self.engine.changes(after)
        }
    };
    (remainder) => {
        fn facts(
            &self,
            table: ::recommender_store::record::Table,
        ) -> ::recommender_store::Result<::recommender_store::engine::Facts<'_>> {
            self.engine.facts(table)
        }
        fn drop_before(
            &self,
            time: ::recommender_core::Timestamp,
        ) -> ::recommender_store::Result<u64> {
            self.engine.drop_before(time)
        }
        fn snapshot(
            &self,
            to: &::std::path::Path,
        ) -> ::recommender_store::Result<::recommender_store::engine::Contents> {
            self.engine.snapshot(to)
        }
        fn verify(&self) -> ::recommender_store::Result<::recommender_store::engine::Contents> {
            self.engine.verify()
        }
        fn position(&self) -> ::recommender_store::record::Position {
            self.engine.position()
        }
        fn status(&self) -> ::recommender_store::Result<::recommender_store::engine::Status> {
            self.engine.status()
        }
    };
    ($($call:ident),+) => {
        $(forward!($call);)+
    };
}
