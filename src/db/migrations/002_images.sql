-- What Hallmark knows of the images it made. The cloud holds the images; these rows say what they
-- are, how they got there and on what evidence.

create table golden_images (
  run_id          text primary key,  -- the build run that makes or made it
  image_key       text not null,     -- "product/os/version"
  product         text not null,     -- "Name-Version"
  os              text not null,     -- "Name-Version"
  version         text not null,
  state           text not null,     -- see pipeline/image_store.h
  state_reason    text not null,
  account_id      text not null,     -- where it was built
  region          text not null,
  image_id        text not null,     -- empty until the candidate exists
  source_image_id text not null,     -- empty until the source is resolved
  requested_by    text not null,
  evidence_digest text not null,     -- what approval is bound to; empty until assessed
  pipeline        text not null,     -- golden.yaml as it was, normalised, JSON
  created_at      text not null,
  updated_at      text not null
);

-- A version exists once. Attempts that failed or were rejected are kept as history and do not
-- stand in the way of another try.
create unique index golden_images_version on golden_images (image_key)
  where state not in ('failed', 'rejected');

-- Where a golden image was brought.
create table image_targets (
  image_run_id text not null references golden_images (run_id),
  account_id   text not null,
  region       text not null,
  image_id     text not null,   -- the id to use there; empty until known
  delivery     text not null,   -- home, regional, share, copy
  state        text not null,   -- pending, available, failed, removed
  detail       text not null,   -- why it failed
  updated_at   text not null,
  primary key (image_run_id, account_id, region)
);

-- Every look at an image: the candidate's, its source's, and each reassessment.
create table assessments (
  assessment_id     text primary key,
  image_run_id      text not null references golden_images (run_id),
  purpose           text not null,     -- candidate, source, reassessment
  assessed_at       text not null,
  completeness      text not null,
  finding_count     integer not null,
  gap_count         integer not null,
  assessment_digest text not null,
  assessment        text not null      -- JSON, model::Assessment
);
create index assessments_image on assessments (image_run_id, assessed_at);

create table decisions (
  image_run_id    text not null references golden_images (run_id),
  approver        text not null,
  decision        text not null,     -- approve, reject
  comment         text not null,
  evidence_digest text not null,     -- what was in front of the approver
  decided_at      text not null,
  primary key (image_run_id, approver)
);
