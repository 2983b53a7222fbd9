-- What one process at a time does, of all that share this database, and until when it is its.

create table duties (
  name       text primary key,
  owner      text not null,
  expires_at text not null   -- RFC 3339, by the database's own time
);
