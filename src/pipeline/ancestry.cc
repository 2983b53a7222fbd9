#include "pipeline/ancestry.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/evidence.h"
#include "pipeline/gate.h"

namespace hallmark::pipeline {

namespace {

using Index = std::optional<std::size_t>;

bool has_no_image(GoldenState state) {
  return state == GoldenState::failed || state == GoldenState::rejected ||
         state == GoldenState::decommissioned;
}

bool is_retired(GoldenState state) {
  return state == GoldenState::disabled || state == GoldenState::rejected ||
         state == GoldenState::decommissioning || state == GoldenState::decommissioned;
}

/// Grows from the records to the nodes in the order of a tree.
class Growth {
 public:
  explicit Growth(const std::vector<AncestryRecord>& records) : records_(records) {
    for (const AncestryRecord& record : records) add(record);
    for (std::size_t i = 0; i < records.size(); ++i) nodes_[i].parent = parent_of(i);
    break_circles();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      children_[nodes_[i].parent ? *nodes_[i].parent + 1 : 0].push_back(i);
    }
    for (auto& siblings : children_) {
      std::sort(siblings.begin(), siblings.end(),
                [&](std::size_t a, std::size_t b) { return order_of(a) < order_of(b); });
    }
    mark();
  }

  Ancestry tree(const AncestryOptions& options) const {
    const std::vector<bool> shown = chosen(options);
    Ancestry tree;
    std::vector<Index> place(nodes_.size());
    // A stack instead of recursion: versions that are each built on the one before are a long line.
    std::vector<std::size_t> next(children_[0].rbegin(), children_[0].rend());
    while (!next.empty()) {
      const std::size_t i = next.back();
      next.pop_back();
      if (!shown[i]) continue;
      AncestryNode node = nodes_[i];
      if (node.parent) {
        node.parent = place[*node.parent];
        node.depth = tree.nodes[*node.parent].depth + 1;
        ++tree.nodes[*node.parent].children;
      }
      place[i] = tree.nodes.size();
      tree.nodes.push_back(std::move(node));
      const auto& below = children_[i + 1];
      next.insert(next.end(), below.rbegin(), below.rend());
    }
    return tree;
  }

 private:
  using Order =
      std::tuple<const std::string&, const std::string&, const std::string&, const std::string&>;

  void add(const AncestryRecord& record) {
    const std::size_t i = nodes_.size();
    for (const std::string& id : record.image_ids) {
      if (!id.empty()) by_id_.emplace(id, i);
    }
    // Failed attempts have the key of the version that came of it.
    if (!has_no_image(record.state) || !by_key_.contains(record.image_key)) {
      by_key_[record.image_key] = i;
    }
    if (!has_no_image(record.state)) {
      auto [newest, is_first] = newest_.emplace(record.product_and_os, i);
      if (!is_first && records_[newest->second].created_at < record.created_at) newest->second = i;
    }
    nodes_.push_back({.name = record.image_key,
                      .image_id = record.image_ids.empty() ? "" : record.image_ids.front(),
                      .run_id = record.run_id,
                      .state = record.state,
                      .created_at = record.created_at,
                      .retired = is_retired(record.state),
                      .vulnerable = !record.gate_failures.empty()});
    children_.resize(nodes_.size() + 1);
  }

  Index parent_of(std::size_t i) {
    const AncestryRecord& record = records_[i];
    if (!record.source_image_id.empty()) {
      if (auto found = by_id_.find(record.source_image_id); found != by_id_.end()) {
        return found->second;
      }
    }
    if (auto found = by_key_.find(record.golden_parent); found != by_key_.end()) {
      return found->second;
    }
    if (!record.source_image_id.empty()) return outside(record);
    // Not resolved yet: what would be taken now.
    if (auto found = newest_.find(record.golden_parent);
        found != newest_.end() && found->second != i) {
      return found->second;
    }
    return std::nullopt;
  }

  std::size_t outside(const AncestryRecord& record) {
    auto [found, is_new] = by_id_.emplace(record.source_image_id, nodes_.size());
    if (is_new) {
      nodes_.push_back({.outside = true, .image_id = record.source_image_id});
      children_.resize(nodes_.size() + 1);
    }
    AncestryNode& node = nodes_[found->second];
    if (node.name.empty()) node.name = record.source_name;
    if (node.name.empty()) node.name = record.golden_parent;
    return found->second;
  }

  void break_circles() {
    enum class Walk { never, now, before };
    std::vector<Walk> walked(nodes_.size(), Walk::never);
    for (std::size_t start = 0; start < nodes_.size(); ++start) {
      std::vector<std::size_t> path;
      Index at = start;
      while (at && walked[*at] == Walk::never) {
        walked[*at] = Walk::now;
        path.push_back(*at);
        const Index above = nodes_[*at].parent;
        if (above && walked[*above] == Walk::now) {
          nodes_[*at].parent.reset();
          nodes_[*at].marks.push_back("it is recorded as its own ancestor, through " +
                                      nodes_[*above].name);
        }
        at = nodes_[*at].parent;
      }
      for (const std::size_t i : path) walked[i] = Walk::before;
    }
  }

  void mark() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      AncestryNode& node = nodes_[i];
      if (node.vulnerable) {
        node.marks.push_back("vulnerable: " + join(records_[i].gate_failures, "; "));
      }
      if (!node.parent) continue;
      const AncestryNode& parent = nodes_[*node.parent];
      if (parent.retired) {
        node.marks.push_back("its parent is retired (" + std::string(to_string(parent.state)) +
                             ")");
      }
      if (parent.vulnerable) node.marks.push_back("its parent is vulnerable");
    }
  }

  std::vector<bool> chosen(const AncestryOptions& options) const {
    const bool everything = options.run_id.empty();
    std::vector<bool> chosen(nodes_.size());
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const AncestryNode& node = nodes_[i];
      const bool asked_for = !everything && node.run_id == options.run_id;
      if (asked_for ||
          (everything && !node.outside && (options.all || !has_no_image(node.state)))) {
        wanted.push_back(i);
      }
      if (everything && options.all) chosen[i] = true;
    }
    if (!everything) add_descendants(wanted, options.all);
    for (const std::size_t i : wanted) {
      for (Index at = i; at && !chosen[*at]; at = nodes_[*at].parent) chosen[*at] = true;
    }
    return chosen;
  }

  void add_descendants(std::vector<std::size_t>& wanted, bool all) const {
    std::vector<std::size_t> below = wanted;
    while (!below.empty()) {
      const std::size_t i = below.back();
      below.pop_back();
      for (const std::size_t child : children_[i + 1]) {
        below.push_back(child);
        if (all || !has_no_image(nodes_[child].state)) wanted.push_back(child);
      }
    }
  }

  /// Two attempts at a version differ in their runs.
  Order order_of(std::size_t i) const {
    const AncestryNode& node = nodes_[i];
    return {node.name, node.created_at, node.run_id, node.image_id};
  }

  const std::vector<AncestryRecord>& records_;
  std::vector<AncestryNode> nodes_;  ///< of the records, in their order, then those from outside
  std::vector<std::vector<std::size_t>> children_{1};  ///< of none, then of each node
  std::unordered_map<std::string, std::size_t> by_id_;
  std::unordered_map<std::string, std::size_t> by_key_;
  std::unordered_map<std::string, std::size_t> newest_;  ///< by product/os
};

/// For each image the newest word of each scanner: what was seen when it was built, but for the
/// scanner that has looked again since.
using Assessments = std::map<std::string, std::map<std::string, model::Assessment>>;

Assessments newest_assessments(db::Database& database) {
  Assessments newest;
  database.read([&](db::Connection& connection) {
    newest.clear();
    for (const db::Row& row : connection.query(
             "select a.image_run_id, a.assessment from assessments a"
             " join golden_images g on g.run_id = a.image_run_id"
             " where g.state in ('active', 'deprecated', 'disabled', 'decommissioning') and "
             "(a.purpose = 'candidate'"
             " or (a.purpose = 'reassessment' and a.assessed_at = (select max(b.assessed_at)"
             " from assessments b where b.image_run_id = a.image_run_id"
             " and b.purpose = 'reassessment')))"
             " order by a.image_run_id, a.purpose, a.assessed_at, a.assessment_id",
             {})) {
      auto assessment =
          parse_json(row.text("assessment"), "assessments.assessment").get<model::Assessment>();
      newest[row.text("image_run_id")][assessment.scanner] = std::move(assessment);
    }
  });
  return newest;
}

std::unordered_map<std::string, std::vector<std::string>> target_ids(db::Database& database) {
  std::unordered_map<std::string, std::vector<std::string>> ids;
  database.read([&](db::Connection& connection) {
    ids.clear();
    for (const db::Row& row :
         connection.query("select distinct image_run_id, image_id from image_targets"
                          " where image_id <> '' order by image_run_id, image_id",
                          {})) {
      ids[row.text("image_run_id")].push_back(row.text("image_id"));
    }
  });
  return ids;
}

/// As it was called when it was resolved; failing that, as it was asked for.
std::string source_name(const Context& context, const std::string& run_id,
                        const model::SourceRef& source) {
  const Path file = evidence_directory(context, run_id) / "source.json";
  if (auto text = read_file_if_exists(file)) {
    const Json record = Json::parse(*text, nullptr, false);
    if (record.is_object() && record.contains("name") && record["name"].is_string()) {
      return record["name"].get<std::string>();
    }
  }
  return source.name.empty() ? source.parameter : source.name;
}

}  // namespace

Ancestry make_ancestry(const std::vector<AncestryRecord>& records, const AncestryOptions& options) {
  return Growth(records).tree(options);
}

std::vector<AncestryRecord> read_ancestry(const Context& context) {
  const std::vector<GoldenImage> images = list_golden_images(context.database, {});
  auto ids = target_ids(context.database);
  const Assessments newest = newest_assessments(context.database);
  // Many images are made from one source: its name is read once.
  std::unordered_map<std::string, std::string> names;
  std::vector<AncestryRecord> records;
  records.reserve(images.size());
  for (const GoldenImage& image : images) {
    const auto pipeline = image.pipeline.get<model::Pipeline>();
    AncestryRecord record{.run_id = image.run_id,
                          .image_key = image.image_key,
                          .product_and_os = image.product + "/" + image.os,
                          .state = image.state,
                          .created_at = image.created_at,
                          .image_ids = {image.image_id},
                          .source_image_id = image.source_image_id,
                          .golden_parent = pipeline.source.golden_image};
    for (std::string& id : ids[image.run_id]) {
      if (id != image.image_id) record.image_ids.push_back(std::move(id));
    }
    if (record.golden_parent.empty() && !image.source_image_id.empty()) {
      auto [name, is_new] = names.try_emplace(image.source_image_id);
      if (is_new) name->second = source_name(context, image.run_id, pipeline.source);
      record.source_name = name->second;
    }
    if (auto found = newest.find(image.run_id); found != newest.end()) {
      std::vector<model::Assessment> assessments;
      for (const auto& [scanner, assessment] : found->second) assessments.push_back(assessment);
      record.gate_failures =
          evaluate_gate(pipeline.gate, image.image_key, assessments, context.clock.now()).failures;
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace hallmark::pipeline
