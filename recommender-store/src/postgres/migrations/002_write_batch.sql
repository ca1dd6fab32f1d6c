-- Writes events and facts at the offsets after the position that stands, in one turn. A writer that asks again with the
-- same sequence gets the same answer, and nothing is written twice.
CREATE FUNCTION write_batch(
    of_writer text, of_sequence bigint, advance bigint,
    event_offsets bigint[], buckets smallint[], ids text[], visitors text[], times bigint[],
    event_checksums integer[], bodies text[],
    fact_offsets bigint[], tables smallint[], keys text[], versions bigint[], fact_checksums integer[],
    new_values bytea[],
    OUT base bigint, OUT duplicates bigint[], OUT stale bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    stored bigint[];
    gained bigint := 0;
BEGIN
    SELECT h.position INTO STRICT base FROM head h FOR UPDATE;

    SELECT w.answered_base, w.answered_duplicates, w.answered_stale INTO base, duplicates, stale
    FROM writers w WHERE w.writer = of_writer AND w.sequence = of_sequence;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT h.position INTO STRICT base FROM head h;

    WITH fresh AS (
        INSERT INTO event_ids AS e (digest, position)
        SELECT digest_of(n.id), base + n.at FROM unnest(event_offsets, ids) AS n (at, id) ORDER BY n.at
        ON CONFLICT DO NOTHING
        RETURNING e.position)
    SELECT coalesce(array_agg(f.position - base), '{}') INTO stored FROM fresh f;
    duplicates := '{}';
    IF cardinality(stored) = cardinality(event_offsets) THEN
        INSERT INTO events (bucket, id, visitor, time, position, checksum, body)
        SELECT n.bucket, n.id, n.visitor, n.time, base + n.at, n.checksum, n.body
        FROM unnest(event_offsets, buckets, ids, visitors, times, event_checksums, bodies)
            AS n (at, bucket, id, visitor, time, checksum, body);
    ELSE
        duplicates := ARRAY(SELECT unnest(event_offsets) EXCEPT SELECT unnest(stored));
        INSERT INTO events (bucket, id, visitor, time, position, checksum, body)
        SELECT n.bucket, n.id, n.visitor, n.time, base + n.at, n.checksum, n.body
        FROM unnest(event_offsets, buckets, ids, visitors, times, event_checksums, bodies)
            AS n (at, bucket, id, visitor, time, checksum, body)
        WHERE n.at = ANY (stored);
    END IF;

    stale := '{}';
    IF cardinality(fact_offsets) > 0 THEN
        WITH new AS (
            SELECT n.*, max(n.version) OVER (
                PARTITION BY n.fact_table, n.key ORDER BY n.at
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier
            FROM unnest(fact_offsets, tables, keys, versions, fact_checksums, new_values)
                AS n (at, fact_table, key, version, checksum, value)),
        judged AS (
            SELECT new.*, f.value IS NOT NULL AS had_value,
                coalesce(new.version < greatest(new.earlier, f.version), false) AS is_stale
            FROM new LEFT JOIN facts f ON f.fact_table = new.fact_table AND f.key = new.key),
        standing AS (
            SELECT DISTINCT ON (j.fact_table, j.key) j.* FROM judged j WHERE NOT j.is_stale
            ORDER BY j.fact_table, j.key, j.at DESC),
        put AS (
            INSERT INTO facts AS f (fact_table, key, version, position, checksum, value)
            SELECT s.fact_table, s.key, s.version, base + s.at, s.checksum, s.value FROM standing s
            ON CONFLICT (fact_table, key) DO UPDATE SET version = excluded.version,
                position = excluded.position, checksum = excluded.checksum, value = excluded.value)
        SELECT coalesce(array_agg(j.at) FILTER (WHERE j.is_stale), '{}'),
            (SELECT coalesce(sum((s.value IS NOT NULL)::integer - s.had_value::integer), 0) FROM standing s)
        INTO stale, gained FROM judged j;
    END IF;

    UPDATE head h SET position = base + advance, events = h.events + cardinality(stored), facts = h.facts + gained;
    INSERT INTO writers AS w VALUES (of_writer, of_sequence, base, duplicates, stale)
    ON CONFLICT ON CONSTRAINT writers_pkey DO UPDATE SET sequence = excluded.sequence,
        answered_base = excluded.answered_base, answered_duplicates = excluded.answered_duplicates,
        answered_stale = excluded.answered_stale, seen = excluded.seen;
END $$;
