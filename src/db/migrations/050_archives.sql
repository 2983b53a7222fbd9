-- Archives: images of golden versions that are kept in buckets too.

create table image_archives (
  image_run_id text not null references golden_images (run_id),
  region       text not null,  -- of our own account
  bucket       text not null,
  object       text not null,
  image_id     text not null,  -- that was stored
  archived_by  text not null,
  archived_at  text not null,
  primary key (image_run_id, region, bucket, object)
);
