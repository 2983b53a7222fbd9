-- What a server keeps besides: who may ask it, and what it answered.

create table api_tokens (
  token_id      text primary key,  -- a part of the token, so that it is found
  name          text not null,     -- who acts with it
  secret_sha256 text not null,     -- of the rest, which is random
  rights        text not null,     -- JSON: [{"role", "product"}]
  created_by    text not null,
  created_at    text not null,
  expires_at    text               -- null: never
);

-- Answers to writes that named an Idempotency-Key, given again when it comes again.
create table api_answers (
  actor          text not null,
  answer_key     text not null,
  request_sha256 text not null,  -- of method, address and body: another request needs another key
  status         integer,        -- null: being worked on
  exit_code      integer not null,
  body           text not null,
  created_at     text not null,
  primary key (actor, answer_key)
);
create index api_answers_by_age on api_answers (created_at);
