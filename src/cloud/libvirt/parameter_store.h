#pragma once
/// Parameters of an account in a region as plain files: the file has the value, `.<name>.json`
/// beside it the value and its version. The JSON file is what counts and is replaced whole; the
/// plain file is written right after it, for people to list and read. If the name is also a folder
/// of others, the value lies in `<name>/.value`. Safe between threads and processes.

#include "cloud/libvirt/store_layout.h"

namespace hallmark::cloud::libvirt {

class ParameterStore {
 public:
  explicit ParameterStore(StoreLayout layout) : layout_(std::move(layout)) {}

  /// As cloud::Parameters says. Throws `usage` for names SSM would not take, and for those a
  /// directory tree cannot hold: parts that start with a dot.
  std::optional<Parameter> get(const Place& place, const std::string& name) const;
  std::int64_t put(const Place& place, const std::string& name, const std::string& value,
                   std::int64_t expected_version);
  void remove(const Place& place, const std::string& name, std::int64_t expected_version);
  std::vector<Parameter> list(const Place& place, const std::string& path) const;

 private:
  StoreLayout layout_;
};

}  // namespace hallmark::cloud::libvirt
