-- What config.yaml says is to happen by itself: how far each schedule has got.

create table schedules (
  name        text primary key,
  expression  text not null,
  time_zone   text not null,
  enabled     bigint not null,   -- 0: config.yaml says so
  paused      bigint not null,   -- 1: somebody paused it
  anchor_at   text not null,     -- what rate() counts from: when it was first seen as it is
  settled_at  text not null      -- what was due until then is settled, fired or not
);

-- Each time that a schedule was due and somebody looked. A row is claimed by whoever writes it.
create table firings (
  schedule text not null,
  due_at   text not null,
  missed   bigint not null,      -- times before it that it stands for too
  state    text not null,        -- claimed, started, skipped, failed
  run_ids  text not null,        -- JSON array
  detail   text not null,        -- why nothing was started, or not all
  primary key (schedule, due_at)
);
