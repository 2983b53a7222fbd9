-- Lists are read a page at a time and things are found by any of their names, also among a hundred
-- thousand images: an index for each way.

create index golden_images_by_age on golden_images (created_at, run_id, state, product, os);
create index golden_images_by_state on golden_images (state, created_at, run_id, product, os);
create index golden_images_by_product on golden_images (product, created_at, run_id, state, os);
create index golden_images_by_key on golden_images (image_key);
create index golden_images_by_image_id on golden_images (image_id);
create index golden_images_by_name on golden_images ((product || '-' || os || '-' || version));
create index golden_images_newest on golden_images ((product || '/' || os), created_at)
  where state = 'active';
create index image_targets_by_image_id on image_targets (image_id);

drop index runs_by_creation;
create index runs_by_age on runs (created_at, run_id, state, workflow, subject);
create index runs_of_state on runs (state, created_at, run_id, workflow, subject);

drop index notices_created;
create index notices_by_page on notices (created_at, notice_id, subject);
