-- Through which organization or unit an account has an image, as an ARN; empty: it was named itself.

alter table image_targets add column unit text not null default '';

-- Names of launch templates that have a version with the image there, a JSON list.

alter table image_targets add column launch_templates text not null default '[]';
