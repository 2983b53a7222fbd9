#pragma once
/// A fast look into the JSON that this log writes. Verifying a million entries spends most of its
/// time in reading them, and an entry is nearly always plain ASCII in one line.

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hallmark::audit {

/// The members of one object, as views of its text.
class PlainObject {
 public:
  /// The member's JSON as it stands there, of several with one name the last; empty if there is
  /// none.
  std::string_view json(std::string_view name) const;
  /// The member's text; nothing if it is none or no string.
  std::optional<std::string> text(std::string_view name) const;

 private:
  friend std::optional<PlainObject> plain_object(std::string_view text);
  struct Member {
    std::string_view name;
    std::string_view json;
  };
  // An entry has eight members, an exported line five.
  std::array<Member, 16> members_;
  std::size_t size_ = 0;
};

/// An object without white space, with ASCII texts, whole numbers and few members. Whatever this
/// accepts parse_json accepts too, and says the same of it. Nothing: only parse_json can tell.
std::optional<PlainObject> plain_object(std::string_view text);

}  // namespace hallmark::audit
