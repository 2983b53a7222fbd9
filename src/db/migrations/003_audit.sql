-- Who did what, in a chain that shows every change made to it afterwards. See docs/formats/audit.md.

create table audit_log (
  sequence  bigint primary key,    -- 1, 2, 3, ..
  token     text not null unique,  -- the same event told twice is one entry
  entry     text not null,         -- JSON; holds the digest of the entry before it
  digest    text not null,         -- SHA-256 of the entry's bytes
  key_id    text not null,
  signature text not null          -- Ed25519 over the digest, base64
);

-- One row: the last entry. Writers take turns at it.
create table audit_head (
  id       integer primary key,
  sequence bigint not null,
  digest   text not null
);
insert into audit_head (id, sequence, digest) values (1, 0, '');
