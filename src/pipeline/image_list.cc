#include "pipeline/image_list.h"

#include "pipeline/image_row.h"

namespace hallmark::pipeline {

ImagePage list_images(db::Database& database, const ImageQuery& query) {
  db::Listing listing{
      .table = "golden_images", .keys = {"created_at", "run_id"}, .columns = kImageColumns};
  for (GoldenState state : query.states) listing.states.emplace_back(to_string(state));
  db::require_fit(listing, "product", query.products);
  db::require_fit(listing, "os", query.systems);
  ImagePage page;
  database.read([&](db::Connection& connection) {
    const db::Listed listed = db::list_newest(connection, listing, query.page);
    page = {.images = {}, .next = listed.next};
    for (const db::Row& row : listed.rows) page.images.push_back(image_from(row));
  });
  return page;
}

std::optional<std::string> run_beginning(db::Database& database, const std::string& beginning) {
  db::Listing listing{
      .table = "golden_images", .keys = {"created_at", "run_id"}, .columns = "created_at, run_id"};
  db::require_beginning(listing, "run_id", beginning);
  std::optional<std::string> found;
  database.read([&](db::Connection& connection) {
    const db::Listed listed = db::list_newest(connection, listing, {.limit = 1, .after = ""});
    found.reset();
    if (listed.rows.size() == 1 && listed.next.empty()) found = listed.rows.front().text("run_id");
  });
  return found;
}

}  // namespace hallmark::pipeline
