-- Durable runs. Valid on SQLite and PostgreSQL alike: TEXT for names, JSON and times (RFC 3339, UTC,
-- milliseconds, so that they sort as text), BIGINT for numbers.

-- One workflow run. A live process holds it while it is 'running'; its writes name their lease, so
-- that a process which lost it can write nothing any more.
CREATE TABLE runs (
  run_id            TEXT PRIMARY KEY,
  workflow          TEXT NOT NULL,
  workflow_version  BIGINT NOT NULL,
  round             BIGINT NOT NULL,    -- how often it was started from the top: 1, then one more with each retry
  subject           TEXT NOT NULL,
  state             TEXT NOT NULL,      -- pending, running, waiting, succeeded, failed, cancelled
  input             TEXT NOT NULL,      -- JSON
  result            TEXT,               -- JSON, when succeeded
  error             TEXT,               -- JSON, when failed or cancelled
  waiting_for       TEXT NOT NULL,      -- when waiting: why, for people
  waits_on          TEXT NOT NULL,      -- when waiting: 'time', or 'signal' if nothing but signals
  wake_at           TEXT,               -- when waiting: look again not later than this
  cancel_requested  BIGINT NOT NULL,    -- 0 or 1
  lease_owner       TEXT,               -- when running: the process and engine that drives it
  lease_expires_at  TEXT,
  created_at        TEXT NOT NULL,
  updated_at        TEXT NOT NULL,
  ended_at          TEXT
);
CREATE INDEX runs_by_state ON runs (state, wake_at);
CREATE INDEX runs_by_creation ON runs (created_at);
CREATE INDEX runs_by_subject ON runs (subject);

-- The journal: one row per step key, written when its outcome is known or it must wait.
CREATE TABLE steps (
  run_id      TEXT NOT NULL REFERENCES runs (run_id),
  step_key    TEXT NOT NULL,
  ordinal     BIGINT NOT NULL,          -- order of first start, for display
  kind        TEXT NOT NULL,            -- step, sleep, poll, signal, on_exit, note
  state       TEXT NOT NULL,            -- running, waiting, succeeded, failed
  attempts    BIGINT NOT NULL,
  result      TEXT,                     -- JSON
  error       TEXT,                     -- JSON; of the last attempt while it waits for the next
  started_at  TEXT NOT NULL,
  ended_at    TEXT,
  deadline    TEXT,                     -- of a sleep, poll or signal
  wake_at     TEXT,                     -- of the next attempt or look
  PRIMARY KEY (run_id, step_key)
);

-- What people and other processes told a run. Kept if sent before the run asks; taken once.
CREATE TABLE signals (
  run_id    TEXT NOT NULL REFERENCES runs (run_id),
  ordinal   BIGINT NOT NULL,            -- order of arrival within the run
  name      TEXT NOT NULL,
  payload   TEXT NOT NULL,              -- JSON
  sent_at   TEXT NOT NULL,
  taken_by  TEXT,                       -- the step key that received it
  PRIMARY KEY (run_id, ordinal)
);

-- What runs have in the outside world, written before it is made. No reference to runs: it must
-- outlive them.
CREATE TABLE ledger (
  entry_id     TEXT PRIMARY KEY,
  run_id       TEXT NOT NULL,
  kind         TEXT NOT NULL,
  place        TEXT NOT NULL,           -- JSON: enough to find it
  external_id  TEXT NOT NULL,           -- empty until created
  state        TEXT NOT NULL,           -- planned, created, released
  planned_at   TEXT NOT NULL,
  deadline     TEXT
);
CREATE INDEX ledger_by_run ON ledger (run_id, state);
CREATE INDEX ledger_by_external_id ON ledger (external_id);
CREATE INDEX ledger_by_state ON ledger (state);
