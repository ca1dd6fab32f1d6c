-- Finds who refused a product, however long ago. A refusal is rare, so the index is small.
CREATE INDEX IF NOT EXISTS events_refusing ON events (visitor)
    WHERE body LIKE '%"kind":"hide"%' OR body LIKE '%"kind":"dislike"%';
