-- Where the order of writes stands, and how much there is. One row; its lock makes writers take turns, so that
-- positions become visible in their order.
CREATE TABLE head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,
    events bigint NOT NULL,
    facts bigint NOT NULL
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

-- Tables from which something was forgotten and whose files may still hold it, with the transaction that did so.
CREATE TABLE unswept (name text PRIMARY KEY, xid xid8 NOT NULL);

-- Which events there are: the first half of the SHA-256 of their ids, since no index of the partitioned log can hold
-- the ids apart.
CREATE FUNCTION digest_of(id text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT substring(sha256(convert_to(id, 'UTF8')) FOR 16) $$;
CREATE TABLE event_ids (digest bytea PRIMARY KEY, position bigint NOT NULL);

-- The log, in parts by visitor: what is forgotten is gone from the files once its part is rewritten, and the others
-- need not be.
CREATE TABLE events (
    bucket smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    visitor text COLLATE "C" NOT NULL,
    time bigint NOT NULL,
    position bigint NOT NULL,
    -- CRC-32 of id, visitor, time and body.
    checksum integer NOT NULL,
    -- The other fields, as JSON.
    body text NOT NULL
) PARTITION BY LIST (bucket);
CREATE INDEX events_of_visitor ON events (visitor, time, position);
CREATE INDEX events_by_time ON events USING brin (time);

-- Facts, in parts by what they speak of.
CREATE TABLE facts (
    fact_table smallint NOT NULL,
    key text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    -- CRC-32 of table, key, version and value.
    checksum integer NOT NULL,
    value bytea,
    PRIMARY KEY (fact_table, key)
) PARTITION BY LIST (fact_table);
CREATE INDEX facts_by_position ON facts (position);

DO $$
BEGIN
    FOR part IN 0 .. (SELECT buckets - 1 FROM format) LOOP
        EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES IN (%s)', part, part);
    END LOOP;
    FOR part IN 0 .. 7 LOOP
        EXECUTE format('CREATE TABLE facts_%s PARTITION OF facts FOR VALUES IN (%s)', part, part);
    END LOOP;
END $$;
CREATE TABLE facts_others PARTITION OF facts DEFAULT;

-- Samples of personal keys would stay in the statistics after a person is forgotten.
ALTER TABLE events ALTER id SET STATISTICS 0, ALTER visitor SET STATISTICS 0, ALTER body SET STATISTICS 0;
ALTER TABLE facts ALTER key SET STATISTICS 0, ALTER value SET STATISTICS 0;
