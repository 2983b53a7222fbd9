-- What was told to whom. The audit log is the source: each receiver of config.yaml reads on in it.

create table receivers (
  name     text primary key,  -- as config.yaml calls it
  sequence bigint not null    -- of the last entry of the audit log that it has read
);

create table deliveries (
  delivery_id  text primary key,  -- made from the event and the receiver: once for both
  receiver     text not null,
  sequence     bigint not null,   -- of the event in the audit log: the order in which it is told
  event        text not null,     -- JSON: notify/event.h
  kind         text not null,
  subject      text not null,
  state        text not null,     -- waiting, delivered, dead
  message_id   text not null,     -- empty until it is tried; a digest's deliveries have one together
  attempts     bigint not null,
  next_at      text not null,     -- not before; while it is being sent: the end of that lease
  error        text not null,     -- of the last attempt
  created_at   text not null,
  delivered_at text not null      -- empty until then
);
create index deliveries_due on deliveries (receiver, state, next_at);
create index deliveries_by_state on deliveries (state, created_at);
create index deliveries_of_message on deliveries (message_id);
