-- When a firing was claimed, or taken over from one that died over it; empty: before this was kept.

alter table firings add column claimed_at text not null default '';
