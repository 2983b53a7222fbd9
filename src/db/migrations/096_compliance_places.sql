-- What the last check of a place said of each thing that runs there, so that nobody has to ask the
-- clouds again to see it.
create table compliance_places (
  account_id text not null,
  region     text not null,
  checked_at text not null,
  record     text not null,   -- JSON: problems, counts, machines with their reasons
  primary key (account_id, region)
);
