#include "disk/lvm_text.h"

#include <charconv>
#include <string>

#include "base/error.h"

namespace hallmark::disk {
namespace {

// LVM2 itself needs four: group, volumes, volume, segment.
constexpr int kMaxDepth = 16;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json section(int depth) {
    if (depth > kMaxDepth) throw broken("has sections too deep");
    Json object = Json::object();
    for (skip_blank(); at_ < text_.size() && text_[at_] != '}'; skip_blank()) {
      std::string name(word());
      skip_blank();
      if (take('{')) {
        object[name] = section(depth + 1);
        if (!take('}')) throw broken("ends within a section");
      } else if (take('=')) {
        object[name] = value();
      } else {
        throw broken("has a name without a value");
      }
    }
    return object;
  }

  void end() const {
    if (at_ < text_.size()) throw broken("has a bracket too many");
  }

 private:
  Error broken(std::string_view what) const {
    return Error(ErrorKind::corrupt, "LVM's metadata {} at byte {}", what, at_);
  }

  bool take(char wanted) {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void skip_blank() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0') {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view word() {
    std::size_t end = text_.find_first_of(" \t\r\n=,[]{}\"#", at_);
    if (end == text_.npos) end = text_.size();
    if (end == at_) throw broken("has a value where a name should be");
    std::string_view found = text_.substr(at_, end - at_);
    at_ = end;
    return found;
  }

  Json value() {
    skip_blank();
    if (take('[')) {
      Json list = Json::array();
      for (skip_blank(); !take(']'); skip_blank()) {
        list.push_back(scalar());
        skip_blank();
        take(',');
      }
      return list;
    }
    return scalar();
  }

  Json scalar() {
    if (take('"')) return string();
    std::string_view found = word();
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), number);
    if (error == std::errc{} && end == found.data() + found.size()) return number;
    return std::string(found);
  }

  Json string() {
    std::string content;
    while (!take('"')) {
      take('\\');
      if (at_ >= text_.size()) throw broken("ends within a string");
      content += text_[at_++];
    }
    return content;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Json parse_lvm_text(std::string_view text) {
  Parser parser(text);
  Json whole = parser.section(0);
  parser.end();
  return whole;
}

}  // namespace hallmark::disk
