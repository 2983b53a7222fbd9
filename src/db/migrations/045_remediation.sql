-- Since when a machine is known not to be compliant, and who of us stopped it. Rows of machines that are
-- fine again, or gone, are removed by the next run.

create table remediations (
  account_id text not null,
  region     text not null,
  machine_id text not null,
  image_id   text not null,   -- another image is another matter: its time begins anew
  since      text not null,   -- RFC 3339
  stop_token text not null,   -- of the last step that stopped it; empty: none did
  primary key (account_id, region, machine_id)
);
