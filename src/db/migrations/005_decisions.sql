-- A build that was tried again has other evidence, on which everybody may decide again.

create table decisions_on_evidence (
  image_run_id    text not null references golden_images (run_id),
  approver        text not null,
  decision        text not null,     -- approve, reject
  comment         text not null,
  evidence_digest text not null,     -- what was in front of the approver
  decided_at      text not null,
  -- How it was proved: JSON {"kind": "key"|"aws"|"none", ..}. Holds no secret.
  proof           text not null default '{"kind":"none"}',
  primary key (image_run_id, approver, evidence_digest)
);
insert into decisions_on_evidence
  select image_run_id, approver, decision, comment, evidence_digest, decided_at, proof from decisions;
drop table decisions;
alter table decisions_on_evidence rename to decisions;
