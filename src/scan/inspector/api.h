#pragma once
/// Calls to Inspector in one account and region, and their answers kept as they came.

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "scan/inspector/answers.h"
#include "scan/inspector/inspector.h"

namespace hallmark::scan::inspector {

class Api {
 public:
  /// `access` outlives it.
  Api(const InspectorAccess& access, InspectorPlace place)
      : access_(access), place_(std::move(place)) {}

  const InspectorPlace& place() const { return place_; }
  /// Throws what aws::Caller throws. An answer that says nothing is an empty object.
  Value call(const std::string& operation, const Value& input, std::stop_token stop) const;
  /// Of another service than inspector2.
  Value call_service(const std::string& service, const std::string& operation, const Value& input,
                     std::stop_token stop) const;
  /// All pages, one after the other. Throws `corrupt` if a token comes a second time: what follows
  /// it would be read for ever, and what stands behind it never.
  void each_page(const std::string& operation, Value input,
                 const std::function<void(const Value& page)>& use, std::stop_token stop) const;

 private:
  const InspectorAccess& access_;
  InspectorPlace place_;
};

/// Answers of one operation, one a line, in files of a handy size: "<name>-1.jsonl", ..
class RawPages {
 public:
  RawPages(const KeepRaw& keep, std::string name) : keep_(keep), name_(std::move(name)) {}
  void add(const Value& answer);
  /// Runs what adds answers, and keeps them also if it throws: some may count already.
  void keep(const std::function<void()>& read);

 private:
  void flush();
  const KeepRaw& keep_;
  std::string name_;
  std::string lines_;
  int number_ = 0;
};

/// [{"comparison": "EQUALS", "value": ..}, ..]: a filter that any of the values passes.
Value equals(const std::vector<std::string>& values);

}  // namespace hallmark::scan::inspector
