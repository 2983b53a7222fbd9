-- People who decide, and how they prove who they are.

create table users (
  name       text primary key,
  roles      text not null,  -- JSON array of names
  public_key text not null,  -- Ed25519, PEM
  added_by   text not null,
  added_at   text not null
);

-- How a decision was proved: JSON {"kind": "key"|"aws"|"none", ..}. Holds no secret.
alter table decisions add column proof text not null default '{"kind":"none"}';
