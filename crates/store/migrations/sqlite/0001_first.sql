-- What lists and searches read of a provider. One row is short, so that a scan reads little; the
-- whole record stands in provider_records.
CREATE TABLE providers (
    npi           INTEGER PRIMARY KEY,
    entity        TEXT,
    status        TEXT NOT NULL,
    name          TEXT NOT NULL,
    sort_name     TEXT NOT NULL,
    search_text   TEXT NOT NULL,
    credential    TEXT,
    sex           TEXT,
    taxonomy      TEXT,
    city          TEXT,
    sort_city     TEXT NOT NULL,
    state         TEXT,
    postal_code   TEXT,
    phone         TEXT,
    enumerated_on TEXT NOT NULL,
    updated_on    TEXT NOT NULL
) STRICT;
CREATE INDEX providers_by_name ON providers (sort_name, npi);
CREATE INDEX providers_by_city ON providers (sort_city, npi);
CREATE INDEX providers_by_enumerated ON providers (enumerated_on, npi);
CREATE INDEX providers_by_updated ON providers (updated_on, npi);

CREATE VIRTUAL TABLE provider_words USING fts5 (
    search_text, content = 'providers', content_rowid = 'npi',
    tokenize = "unicode61 remove_diacritics 0", detail = none, columnsize = 0
);
CREATE TRIGGER provider_words_insert AFTER INSERT ON providers BEGIN
    INSERT INTO provider_words (rowid, search_text) VALUES (new.npi, new.search_text);
END;
CREATE TRIGGER provider_words_delete AFTER DELETE ON providers BEGIN
    INSERT INTO provider_words (provider_words, rowid, search_text)
    VALUES ('delete', old.npi, old.search_text);
END;
CREATE TRIGGER provider_words_update AFTER UPDATE OF search_text ON providers
WHEN old.search_text <> new.search_text BEGIN
    INSERT INTO provider_words (provider_words, rowid, search_text)
    VALUES ('delete', old.npi, old.search_text);
    INSERT INTO provider_words (rowid, search_text) VALUES (new.npi, new.search_text);
END;

-- The normalised record as JSON, and its hash, which tells changed from unchanged.
CREATE TABLE provider_records (
    npi           INTEGER PRIMARY KEY,
    hash          BLOB NOT NULL,
    record        TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    changed_at    TEXT NOT NULL
) STRICT;

CREATE TABLE provider_taxonomies (
    code       TEXT NOT NULL,
    npi        INTEGER NOT NULL,
    is_primary INTEGER NOT NULL,
    PRIMARY KEY (code, npi)
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_taxonomies_by_npi ON provider_taxonomies (npi, code, is_primary);

-- Every address of a provider: 0 primary practice, 1 mailing, from 2 on secondary practice.
CREATE TABLE provider_addresses (
    npi         INTEGER NOT NULL,
    place       INTEGER NOT NULL,
    is_practice INTEGER NOT NULL,
    city_key    TEXT NOT NULL,
    state       TEXT NOT NULL,
    postal_code TEXT NOT NULL,
    country     TEXT NOT NULL,
    PRIMARY KEY (npi, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX practice_by_state ON provider_addresses (state, npi) WHERE is_practice;
CREATE INDEX practice_by_city ON provider_addresses (city_key, state, npi) WHERE is_practice;
CREATE INDEX practice_by_postal_code ON provider_addresses (postal_code, npi) WHERE is_practice;
CREATE INDEX mailing_by_city ON provider_addresses (city_key, state, npi) WHERE NOT is_practice;
CREATE INDEX mailing_by_postal_code ON provider_addresses (postal_code, npi) WHERE NOT is_practice;
CREATE INDEX addresses_abroad ON provider_addresses (country, npi) WHERE country <> 'US';

-- Every name a provider can be asked for by the registry-compatible endpoint.
CREATE TABLE provider_names (
    npi  INTEGER NOT NULL,
    kind TEXT NOT NULL,
    last_key  TEXT NOT NULL,
    first_key TEXT NOT NULL,
    PRIMARY KEY (kind, last_key, first_key, npi)
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_names_by_npi ON provider_names (npi);

CREATE TABLE changes (
    npi     INTEGER NOT NULL,
    at      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    field   TEXT NOT NULL,
    before  TEXT,
    after   TEXT,
    PRIMARY KEY (npi, at, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    name_key      TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    disabled      INTEGER NOT NULL,
    created_at    TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE tokens (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    created_at   TEXT NOT NULL,
    last_used_at TEXT
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user_id);

-- Failed logins, by account and by address.
CREATE TABLE login_failures (
    key          TEXT PRIMARY KEY,
    failures     INTEGER NOT NULL,
    last_at      TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE leads (
    npi                 INTEGER PRIMARY KEY,
    status              TEXT NOT NULL,
    notes               TEXT NOT NULL,
    owner_id            TEXT REFERENCES users (id),
    last_contact_at     TEXT,
    last_contact_method TEXT,
    version             INTEGER NOT NULL,
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    created_by          TEXT
) STRICT;
CREATE INDEX leads_by_updated ON leads (updated_at, npi);
CREATE INDEX leads_by_created ON leads (created_at, npi);
CREATE INDEX leads_by_status ON leads (status, updated_at, npi);
CREATE INDEX leads_by_owner ON leads (owner_id, updated_at, npi);

CREATE TABLE activities (
    id      TEXT PRIMARY KEY,
    npi     INTEGER NOT NULL REFERENCES leads (npi) ON DELETE CASCADE,
    kind    TEXT NOT NULL,
    text    TEXT NOT NULL,
    user_id TEXT,
    at      TEXT NOT NULL
) STRICT;
CREATE INDEX activities_by_lead ON activities (npi, at);

-- Answers already given to a request with an Idempotency-Key.
CREATE TABLE idempotency (
    user_id    TEXT NOT NULL,
    key        TEXT NOT NULL,
    request    BLOB NOT NULL,
    response   TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_created ON idempotency (created_at);

CREATE TABLE sync_runs (
    id          TEXT PRIMARY KEY,
    state       TEXT NOT NULL,
    request     TEXT NOT NULL,
    created_by  TEXT,
    created_at  TEXT NOT NULL,
    started_at  TEXT,
    finished_at TEXT,
    reach       TEXT NOT NULL,
    found       INTEGER NOT NULL DEFAULT 0,
    created     INTEGER NOT NULL DEFAULT 0,
    updated     INTEGER NOT NULL DEFAULT 0,
    unchanged   INTEGER NOT NULL DEFAULT 0,
    set_aside   INTEGER NOT NULL DEFAULT 0,
    requests    INTEGER NOT NULL DEFAULT 0,
    retries     INTEGER NOT NULL DEFAULT 0,
    receipt     TEXT
) STRICT;
CREATE INDEX sync_runs_by_state ON sync_runs (state, created_at);
CREATE INDEX sync_runs_by_created ON sync_runs (created_at);

CREATE TABLE sync_specialties (
    run_id      TEXT NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    place       INTEGER NOT NULL,
    name        TEXT NOT NULL,
    texts       TEXT NOT NULL,
    codes       TEXT NOT NULL,
    sift        INTEGER NOT NULL,
    known       INTEGER NOT NULL,
    reason      TEXT,
    nearest     TEXT NOT NULL,
    started_at  TEXT,
    finished_at TEXT,
    found       INTEGER NOT NULL DEFAULT 0,
    created     INTEGER NOT NULL DEFAULT 0,
    updated     INTEGER NOT NULL DEFAULT 0,
    unchanged   INTEGER NOT NULL DEFAULT 0,
    set_aside   INTEGER NOT NULL DEFAULT 0,
    requests    INTEGER NOT NULL DEFAULT 0,
    retries     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, place)
) STRICT, WITHOUT ROWID;

-- One query of a sync. Its checkpoint moves in the transaction that writes the providers.
CREATE TABLE sync_partitions (
    id          TEXT PRIMARY KEY,
    run_id      TEXT NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    place       INTEGER NOT NULL,
    depth       INTEGER NOT NULL,
    query       TEXT NOT NULL,
    label       TEXT NOT NULL,
    state       TEXT NOT NULL,
    checkpoint  TEXT NOT NULL,
    requests    INTEGER NOT NULL,
    retries     INTEGER NOT NULL,
    reason      TEXT,
    left_out    TEXT,
    lease_owner TEXT,
    lease_until TEXT
) STRICT;
CREATE INDEX sync_partitions_by_run ON sync_partitions (run_id, place);
CREATE INDEX sync_partitions_open ON sync_partitions (state, run_id) WHERE state IN ('pending', 'running');

-- Which providers a sync found for which specialty, and what they were to the database then.
CREATE TABLE sync_results (
    run_id  TEXT NOT NULL,
    place   INTEGER NOT NULL,
    npi     INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (run_id, npi, place)
) STRICT, WITHOUT ROWID;

-- Records that could not be understood, each once.
CREATE TABLE set_asides (
    run_id TEXT NOT NULL,
    place  INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    npi    TEXT,
    reason TEXT NOT NULL,
    record TEXT NOT NULL,
    at     TEXT NOT NULL,
    PRIMARY KEY (run_id, place, hash)
) STRICT, WITHOUT ROWID;

-- The one pace at which all processes on this database ask a registry.
CREATE TABLE registry_pace (
    registry     TEXT PRIMARY KEY,
    failures     INTEGER NOT NULL,
    paused_until TEXT,
    note         TEXT
) STRICT;
CREATE TABLE registry_slots (
    registry TEXT NOT NULL,
    kind     TEXT NOT NULL,
    slot     INTEGER NOT NULL,
    free_at  TEXT NOT NULL,
    holder   TEXT,
    PRIMARY KEY (registry, kind, slot)
) STRICT, WITHOUT ROWID;
