-- Since when an image is in its state, which is what waiting times of retirement count from, and
-- until when a restored one is kept whatever a policy says.

alter table golden_images add column state_since text not null default '';
alter table golden_images add column kept_until text not null default '';
