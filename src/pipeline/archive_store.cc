#include "pipeline/archive_store.h"

#include "base/error.h"
#include "base/ids.h"

namespace hallmark::pipeline {

std::vector<Archive> list_archives(db::Database& database, const std::string& run_id) {
  std::vector<Archive> archives;
  database.read([&](db::Connection& connection) {
    for (const db::Row& row :
         connection.query("select * from image_archives where image_run_id = :run_id"
                          " order by archived_at desc, region, bucket, object",
                          {{"run_id", run_id}})) {
      archives.push_back({.region = row.text("region"),
                          .bucket = row.text("bucket"),
                          .object = row.text("object"),
                          .image_id = row.text("image_id"),
                          .archived_by = row.text("archived_by"),
                          .archived_at = row.text("archived_at")});
    }
  });
  return archives;
}

void record_archive(const Context& context, const GoldenImage& image, const Archive& archive) {
  context.audit.append([&](db::Connection& connection) -> std::optional<audit::Event> {
    const auto added = connection.execute(
        "insert into image_archives (image_run_id, region, bucket, object, image_id, archived_by,"
        " archived_at) values (:run_id, :region, :bucket, :object, :image_id, :archived_by,"
        " :archived_at) on conflict (image_run_id, region, bucket, object) do nothing",
        {{"run_id", image.run_id},
         {"region", archive.region},
         {"bucket", archive.bucket},
         {"object", archive.object},
         {"image_id", archive.image_id},
         {"archived_by", archive.archived_by},
         {"archived_at", archive.archived_at}});
    if (added == 0) return std::nullopt;
    return audit::Event{.token = random_id("archived"),
                        .actor = archive.archived_by,
                        .action = "image.archived",
                        .subject = image.image_key,
                        .detail = archive};
  });
}

void forget_archive(db::Database& database, const std::string& run_id, const Archive& archive) {
  database.transaction([&](db::Connection& connection) {
    connection.execute(
        "delete from image_archives where image_run_id = :run_id and region = :region and"
        " bucket = :bucket and object = :object",
        {{"run_id", run_id},
         {"region", archive.region},
         {"bucket", archive.bucket},
         {"object", archive.object}});
  });
}

void to_json(Json& json, const Archive& value) {
  json = {{"region", value.region},           {"bucket", value.bucket},
          {"object", value.object},           {"image_id", value.image_id},
          {"archived_by", value.archived_by}, {"archived_at", value.archived_at}};
}

void from_json(const Json& json, Archive& value) {
  value.region = member<std::string>(json, "region");
  value.bucket = member<std::string>(json, "bucket");
  value.object = member<std::string>(json, "object");
  value.image_id = member<std::string>(json, "image_id");
  value.archived_by = member<std::string>(json, "archived_by");
  value.archived_at = member<std::string>(json, "archived_at");
}

}  // namespace hallmark::pipeline
