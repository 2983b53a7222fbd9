#pragma once
/// What golden images are made from: which stands on which, and which stand on one that should not
/// be stood on any more. Pure but for its reader.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/context.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// What is recorded of one golden image.
struct AncestryRecord {
  std::string run_id;
  std::string image_key;
  std::string product_and_os;  ///< "product/os"
  GoldenState state = GoldenState::active;
  std::string created_at;
  std::vector<std::string> image_ids;  ///< its own first, then those of its copies
  std::string source_image_id;         ///< empty until it is resolved
  std::string source_name;             ///< of an image from outside, as far as it is known
  std::string golden_parent;           ///< as asked for: "product/os" or "product/os/version"
  /// Why its newest assessments do not pass its gate; empty: they pass, or nobody looks any more.
  std::vector<std::string> gate_failures;
};

struct AncestryNode {
  bool outside = false;                     ///< an image that Hallmark did not make
  std::string name;                         ///< image key; of an outside one its name, maybe empty
  std::string image_id;                     ///< empty until there is one
  std::string run_id;                       ///< empty if outside
  GoldenState state = GoldenState::active;  ///< means nothing if outside
  std::string created_at;                   ///< empty if outside
  std::optional<std::size_t> parent;        ///< into Ancestry::nodes
  std::size_t depth = 0;                    ///< 0: it has no parent
  bool retired = false;                     ///< disabled, rejected or decommissioned
  bool vulnerable = false;                  ///< its newest assessments do not pass its gate
  std::vector<std::string> marks;           ///< what people should know of it, one sentence each
  std::size_t children = 0;
};

/// In the order in which a tree is written: each node before its children, siblings by name.
struct Ancestry {
  std::vector<AncestryNode> nodes;
};

struct AncestryOptions {
  /// Those that are gone are shown too; else only if something that is not gone stands on them.
  bool all = false;
  /// Only this image, what it stands on and what stands on it. Empty: all of them.
  std::string run_id;
};

/// A parent is found by the source's id, be it that of a copy; failing that, by the key that was
/// asked for. A parent that nobody recorded is an outside image. An image that would be its own
/// ancestor loses its parent, and says so. Takes n log n time.
Ancestry make_ancestry(const std::vector<AncestryRecord>& records, const AncestryOptions& options);

/// From the database, judging the newest assessments of what is active by each image's own gate.
std::vector<AncestryRecord> read_ancestry(const Context& context);

/// What is written before each line of a tree for people: "│  └─ ". Past a dozen levels only the
/// last ones are drawn, with the level's number. `depths` are those of nodes in a tree's order.
std::vector<std::string> tree_rails(const std::vector<std::size_t>& depths);
/// "today", "1 day", "3 days"; empty if it is no time.
std::string age_of(const std::string& created_at, TimePoint now);
/// A picture of it that needs nothing else, light or dark as its viewer is.
std::string ancestry_svg(const Ancestry& ancestry, TimePoint now);

void to_json(Json& json, const Ancestry& value);

}  // namespace hallmark::pipeline
