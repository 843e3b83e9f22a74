-- What lists and searches read of a provider. One row is short, so that a scan reads little; the
-- whole record stands in provider_records.
CREATE TABLE providers (
    npi           BIGINT PRIMARY KEY,
    entity        TEXT COLLATE "C",
    status        TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    sort_name     TEXT COLLATE "C" NOT NULL,
    search_text   TEXT COLLATE "C" NOT NULL,
    credential    TEXT COLLATE "C",
    sex           TEXT COLLATE "C",
    taxonomy      TEXT COLLATE "C",
    city          TEXT COLLATE "C",
    sort_city     TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C",
    postal_code   TEXT COLLATE "C",
    phone         TEXT COLLATE "C",
    enumerated_on TEXT COLLATE "C" NOT NULL,
    updated_on    TEXT COLLATE "C" NOT NULL,
    words         TSVECTOR GENERATED ALWAYS AS
                  (array_to_tsvector(string_to_array(search_text, ' '))) STORED
);
CREATE INDEX providers_by_name ON providers (sort_name, npi);
CREATE INDEX providers_by_city ON providers (sort_city, npi);
CREATE INDEX providers_by_enumerated ON providers (enumerated_on, npi);
CREATE INDEX providers_by_updated ON providers (updated_on, npi);
-- Without the pending list, which every search would read until the next vacuum.
CREATE INDEX providers_by_words ON providers USING GIN (words) WITH (fastupdate = off);

-- The normalised record as JSON, and its hash, which tells changed from unchanged.
CREATE TABLE provider_records (
    npi           BIGINT PRIMARY KEY,
    hash          BYTEA NOT NULL,
    record        TEXT COLLATE "C" NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    changed_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE provider_taxonomies (
    code       TEXT COLLATE "C" NOT NULL,
    npi        BIGINT NOT NULL,
    is_primary BOOLEAN NOT NULL,
    PRIMARY KEY (code, npi)
);
CREATE INDEX provider_taxonomies_by_npi ON provider_taxonomies (npi, code, is_primary);

-- Every address of a provider: 0 primary practice, 1 mailing, from 2 on secondary practice.
CREATE TABLE provider_addresses (
    npi         BIGINT NOT NULL,
    place       BIGINT NOT NULL,
    is_practice BOOLEAN NOT NULL,
    city_key    TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    postal_code TEXT COLLATE "C" NOT NULL,
    country     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (npi, place)
);
CREATE INDEX practice_by_state ON provider_addresses (state, npi) WHERE is_practice;
CREATE INDEX practice_by_city ON provider_addresses (city_key, state, npi) WHERE is_practice;
CREATE INDEX practice_by_postal_code ON provider_addresses (postal_code, npi) WHERE is_practice;
CREATE INDEX mailing_by_city ON provider_addresses (city_key, state, npi) WHERE NOT is_practice;
CREATE INDEX mailing_by_postal_code ON provider_addresses (postal_code, npi) WHERE NOT is_practice;
CREATE INDEX addresses_abroad ON provider_addresses (country, npi) WHERE country <> 'US';

-- Every name a provider can be asked for by the registry-compatible endpoint.
CREATE TABLE provider_names (
    npi  BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    last_key  TEXT COLLATE "C" NOT NULL,
    first_key TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, last_key, first_key, npi)
);
CREATE INDEX provider_names_by_npi ON provider_names (npi);

CREATE TABLE changes (
    npi     BIGINT NOT NULL,
    at      TIMESTAMPTZ NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    field   TEXT COLLATE "C" NOT NULL,
    before  TEXT COLLATE "C",
    after   TEXT COLLATE "C",
    PRIMARY KEY (npi, at, field)
);

CREATE TABLE users (
    id            TEXT COLLATE "C" PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL,
    name_key      TEXT COLLATE "C" NOT NULL UNIQUE,
    role          TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    disabled      BOOLEAN NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL
);

CREATE TABLE sessions (
    hash       BYTEA PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE tokens (
    id           TEXT COLLATE "C" PRIMARY KEY,
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    hash         BYTEA NOT NULL UNIQUE,
    created_at   TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ
);
CREATE INDEX tokens_by_user ON tokens (user_id);

-- Failed logins, by account and by address.
CREATE TABLE login_failures (
    key          TEXT COLLATE "C" PRIMARY KEY,
    failures     BIGINT NOT NULL,
    last_at      TIMESTAMPTZ NOT NULL
);

CREATE TABLE settings (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE leads (
    npi                 BIGINT PRIMARY KEY,
    status              TEXT COLLATE "C" NOT NULL,
    notes               TEXT COLLATE "C" NOT NULL,
    owner_id            TEXT COLLATE "C" REFERENCES users (id),
    last_contact_at     TIMESTAMPTZ,
    last_contact_method TEXT COLLATE "C",
    version             BIGINT NOT NULL,
    created_at          TIMESTAMPTZ NOT NULL,
    updated_at          TIMESTAMPTZ NOT NULL,
    created_by          TEXT COLLATE "C"
);
CREATE INDEX leads_by_updated ON leads (updated_at, npi);
CREATE INDEX leads_by_created ON leads (created_at, npi);
CREATE INDEX leads_by_status ON leads (status, updated_at, npi);
CREATE INDEX leads_by_owner ON leads (owner_id, updated_at, npi);

CREATE TABLE activities (
    id      TEXT COLLATE "C" PRIMARY KEY,
    npi     BIGINT NOT NULL REFERENCES leads (npi) ON DELETE CASCADE,
    kind    TEXT COLLATE "C" NOT NULL,
    text    TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C",
    at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX activities_by_lead ON activities (npi, at);

-- Answers already given to a request with an Idempotency-Key.
CREATE TABLE idempotency (
    user_id    TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    request    BYTEA NOT NULL,
    response   TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_by_created ON idempotency (created_at);

CREATE TABLE sync_runs (
    id          TEXT COLLATE "C" PRIMARY KEY,
    state       TEXT COLLATE "C" NOT NULL,
    request     TEXT COLLATE "C" NOT NULL,
    created_by  TEXT COLLATE "C",
    created_at  TIMESTAMPTZ NOT NULL,
    started_at  TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    reach       TEXT COLLATE "C" NOT NULL,
    found       BIGINT NOT NULL DEFAULT 0,
    created     BIGINT NOT NULL DEFAULT 0,
    updated     BIGINT NOT NULL DEFAULT 0,
    unchanged   BIGINT NOT NULL DEFAULT 0,
    set_aside   BIGINT NOT NULL DEFAULT 0,
    requests    BIGINT NOT NULL DEFAULT 0,
    retries     BIGINT NOT NULL DEFAULT 0,
    receipt     TEXT COLLATE "C"
);
CREATE INDEX sync_runs_by_state ON sync_runs (state, created_at);
CREATE INDEX sync_runs_by_created ON sync_runs (created_at);

CREATE TABLE sync_specialties (
    run_id      TEXT COLLATE "C" NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    place       BIGINT NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    texts       TEXT COLLATE "C" NOT NULL,
    codes       TEXT COLLATE "C" NOT NULL,
    sift        BOOLEAN NOT NULL,
    known       BOOLEAN NOT NULL,
    reason      TEXT COLLATE "C",
    nearest     TEXT COLLATE "C" NOT NULL,
    started_at  TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    found       BIGINT NOT NULL DEFAULT 0,
    created     BIGINT NOT NULL DEFAULT 0,
    updated     BIGINT NOT NULL DEFAULT 0,
    unchanged   BIGINT NOT NULL DEFAULT 0,
    set_aside   BIGINT NOT NULL DEFAULT 0,
    requests    BIGINT NOT NULL DEFAULT 0,
    retries     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, place)
);

-- One query of a sync. Its checkpoint moves in the transaction that writes the providers.
CREATE TABLE sync_partitions (
    id          TEXT COLLATE "C" PRIMARY KEY,
    run_id      TEXT COLLATE "C" NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    place       BIGINT NOT NULL,
    depth       BIGINT NOT NULL,
    query       TEXT COLLATE "C" NOT NULL,
    label       TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    checkpoint  TEXT COLLATE "C" NOT NULL,
    requests    BIGINT NOT NULL,
    retries     BIGINT NOT NULL,
    reason      TEXT COLLATE "C",
    left_out    TEXT COLLATE "C",
    lease_owner TEXT COLLATE "C",
    lease_until TIMESTAMPTZ
);
CREATE INDEX sync_partitions_by_run ON sync_partitions (run_id, place);
CREATE INDEX sync_partitions_open ON sync_partitions (state, run_id) WHERE state IN ('pending', 'running');

-- Which providers a sync found for which specialty, and what they were to the database then.
CREATE TABLE sync_results (
    run_id  TEXT COLLATE "C" NOT NULL,
    place   BIGINT NOT NULL,
    npi     BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (run_id, npi, place)
);

-- Records that could not be understood, each once.
CREATE TABLE set_asides (
    run_id TEXT COLLATE "C" NOT NULL,
    place  BIGINT NOT NULL,
    hash   BYTEA NOT NULL,
    npi    TEXT COLLATE "C",
    reason TEXT COLLATE "C" NOT NULL,
    record TEXT COLLATE "C" NOT NULL,
    at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (run_id, place, hash)
);

-- The one pace at which all processes on this database ask a registry.
CREATE TABLE registry_pace (
    registry     TEXT COLLATE "C" PRIMARY KEY,
    failures     BIGINT NOT NULL,
    paused_until TIMESTAMPTZ,
    note         TEXT COLLATE "C"
);
CREATE TABLE registry_slots (
    registry TEXT COLLATE "C" NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL,
    slot     BIGINT NOT NULL,
    free_at  TIMESTAMPTZ NOT NULL,
    holder   TEXT COLLATE "C",
    PRIMARY KEY (registry, kind, slot)
);
