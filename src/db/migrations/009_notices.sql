-- What somebody is to be told: found by a run, kept until it is no longer news.

create table notices (
  notice_id  text primary key,
  kind       text not null,   -- see pipeline/notice.h
  subject    text not null,   -- an image key
  created_at text not null,
  body       text not null    -- JSON, by kind
);
create index notices_created on notices (created_at);
