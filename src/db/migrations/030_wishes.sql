-- Where a golden image is wished to be, from when somebody said otherwise than its golden.yaml.

create table image_wishes (
  image_run_id text primary key references golden_images (run_id),
  targets      text not null,  -- JSON, a list of model::Target; empty: nowhere but where it was built
  wished_by    text not null,
  wished_at    text not null
);
