-- How many of what ran came from golden images: for each place the last check of a day.

create table compliance_checks (
  day           text not null,    -- 2026-11-23, UTC
  account_id    text not null,
  region        text not null,
  checked_at    text not null,
  problem       text not null,    -- why not all of the place could be looked at; empty: it was
  non_compliant bigint not null,
  unknown       bigint not null,
  superseded    bigint not null,
  derived       bigint not null,
  exempt        bigint not null,
  compliant     bigint not null,
  primary key (day, account_id, region)
);

-- When a version became golden: others are superseded from then on. Of those that were before, the
-- last change of their record is as near as we get.
alter table golden_images add column active_at text not null default '';
update golden_images set active_at = updated_at where state = 'active';
