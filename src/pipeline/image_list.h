#pragma once
/// Golden images a page at a time.

#include "db/page.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

struct ImageQuery {
  std::vector<GoldenState> states = {};    ///< empty: all
  std::vector<std::string> products = {};  ///< patterns, any of them; empty: all
  std::vector<std::string> systems = {};   ///< the same of `os`
  db::Page page = {};
};

struct ImagePage {
  std::vector<GoldenImage> images;  ///< newest first, without their `pipeline`, which is long
  std::string next;                 ///< see db::Listed
};

ImagePage list_images(db::Database& database, const ImageQuery& query);

/// The image whose build run's id begins so, if there is one only.
std::optional<std::string> run_beginning(db::Database& database, const std::string& beginning);

}  // namespace hallmark::pipeline
