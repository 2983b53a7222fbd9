-- Open findings are listed, and counted, by the million: indices that hold what a list shows, and
-- counts that are kept where findings are observed, so that nobody has to count them.

drop index finding_ages_open;
create index finding_ages_of_product on finding_ages
  (product, fixed_at, severity, first_seen_at, os, finding_id, package);
create index finding_ages_by_age on finding_ages
  (fixed_at, severity, first_seen_at, product, os, finding_id, package);

create table finding_counts (
  product   text not null,
  os        text not null,
  severity  text not null,
  open      bigint not null,
  oldest_at text not null,   -- when the oldest of these was first seen
  primary key (product, os, severity)
);
insert into finding_counts
  select product, os, severity, count(*), min(first_seen_at) from finding_ages
  where fixed_at = '' group by product, os, severity;
