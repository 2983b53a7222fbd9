-- What config.yaml says is to happen when something else did: how each trigger stands, what it has
-- seen, and the signatures of webhooks that were taken.

create table triggers (
  name       text primary key,
  watched    text not null,      -- what is watched, as config.yaml says it
  paused     bigint not null,    -- 1: somebody paused it
  looked_at  text not null,      -- empty: what the next look sees is how it is, and fires nothing
  problem    text not null       -- why the last look saw nothing
);

-- Each event that a trigger was told or saw. A row is made once, and so is what it starts.
create table trigger_firings (
  name       text not null,
  event      text not null,
  happened_at text not null,
  state      text not null,      -- seen, waiting, started, skipped, failed
  run_ids    text not null,      -- JSON array
  detail     text not null,      -- why nothing was started, or not all
  claimed_at text not null,      -- by whoever starts it; empty: nobody yet
  primary key (name, event)
);
create index trigger_firings_by_time on trigger_firings (name, happened_at);

create table webhook_signatures (
  name      text not null,
  signature text not null,
  until     text not null,       -- from then on its age refuses it
  primary key (name, signature)
);
