-- Accounts that somebody gave up: nothing waits for them any more.

create table accounts_let_go (
  account_id text primary key,
  reason     text not null,
  let_go_by  text not null,
  let_go_at  text not null
);
