-- Channels: names such as "prod" for the version of a product that is in use now.

-- How each channel was moved, oldest first; what it holds follows from that.
create table channel_moves (
  product     text not null,
  os          text not null,
  channel     text not null,
  number      bigint not null,  -- 1, 2, 3, .. in each channel
  move_run_id text not null,    -- the run that moved it
  action      text not null,    -- promote, rollback, leave
  from_run_id text not null,    -- the version it held before; empty: none
  to_run_id   text not null,    -- the version it holds since; empty: none
  moved_by    text not null,
  moved_at    text not null,
  primary key (product, os, channel, number)
);

-- What we write into a channel's parameter in a place, noted before it is written: any other value
-- there is somebody else's.
create table channel_values (
  product      text not null,
  os           text not null,
  channel      text not null,
  account_id   text not null,
  region       text not null,
  image_id     text not null,
  image_run_id text not null references golden_images (run_id),
  primary key (product, os, channel, account_id, region, image_id)
);
create index channel_values_image on channel_values (image_run_id);
