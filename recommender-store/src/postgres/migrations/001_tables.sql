-- Where the order of writes stands, and how much there is. One row; its lock makes writers take turns, so that
-- positions become visible in their order.
CREATE TABLE head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    events bigint NOT NULL,
    facts bigint NOT NULL,
    -- The transaction that last forgot something, while its rows may still be in the files.
    unswept xid8
) WITH (fillfactor = 10);
INSERT INTO head (position, events, facts) VALUES (0, 0, 0);

-- What was dropped without waiting for a turn: added to the counts of head.
CREATE TABLE tallies (events bigint NOT NULL);

-- The answer each writer got last, so that it can ask again after a lost connection.
CREATE TABLE writers (
    writer text PRIMARY KEY,
    sequence bigint NOT NULL,
    answered_base bigint NOT NULL,
    answered_duplicates bigint[] NOT NULL,
    answered_stale bigint[] NOT NULL,
    seen timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

CREATE TABLE events (
    id text COLLATE "C" PRIMARY KEY,
    visitor text COLLATE "C" NOT NULL,
    time bigint NOT NULL,
    position bigint NOT NULL,
    -- CRC-32 of id, visitor, time and body.
    checksum integer NOT NULL,
    -- The other fields, as JSON.
    body text NOT NULL
);
CREATE INDEX events_of_visitor ON events (visitor, time, position);
CREATE INDEX events_by_time ON events USING brin (time);

CREATE TABLE facts (
    fact_table smallint NOT NULL,
    key text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    -- CRC-32 of table, key, version and value.
    checksum integer NOT NULL,
    value bytea,
    PRIMARY KEY (fact_table, key)
);
CREATE INDEX facts_by_position ON facts (position);

-- Samples of personal keys would stay in the statistics after a person is forgotten.
ALTER TABLE events ALTER id SET STATISTICS 0, ALTER visitor SET STATISTICS 0, ALTER body SET STATISTICS 0;
ALTER TABLE facts ALTER key SET STATISTICS 0, ALTER value SET STATISTICS 0;
