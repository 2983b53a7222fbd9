-- What was found in the newest version of each product, and how long it took until a version
-- without it was active.

create table finding_ages (
  product       text not null,
  os            text not null,
  finding_id    text not null,
  package       text not null,
  first_seen_at text not null,   -- in the version that was the newest active one then
  severity      text not null,   -- the last that was said of it
  first_image   text not null,   -- image keys
  fixed_at      text not null,   -- empty: open
  fixed_image   text not null,
  primary key (product, os, finding_id, package, first_seen_at)
);
create index finding_ages_open on finding_ages (product, os, fixed_at);
