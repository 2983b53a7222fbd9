-- People who log in at the server's page.

create table logins (
  name          text primary key,
  password_hash text not null,  -- Argon2id, encoded with its salt and cost
  rights        text not null,  -- JSON: [{"role", "product"}]
  created_by    text not null,
  created_at    text not null
);

create table sessions (
  session_sha256 text primary key,  -- of what the cookie holds, which is random
  name           text not null references logins (name),
  csrf           text not null,     -- writes must show it, besides the cookie
  created_at     text not null,
  expires_at     text not null
);
