#pragma once
/// What a server lets whom do: for each command whether it can be called at a server, which role
/// that takes, and of which product it speaks. A command that is not in the table runs in its
/// user's own process only.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace hallmark::cli {

/// Each lets its holder look too; admin is all of them. Who builds does not approve by that.
enum class Role { viewer, builder, approver, operate, admin };
std::string_view to_string(Role role);
/// Throws `usage` with a suggestion.
Role role_named(const std::string& name);
const std::vector<std::string>& role_names();
/// Whether who has `role` may do what takes `needed`.
bool includes(Role role, Role needed);

enum class Reach {
  local,  ///< works on this machine, its files or its credentials
  read,   ///< GET
  write,  ///< POST
};

/// What says of which product a call is.
enum class About {
  everything,  ///< nothing: it takes a right to all products
  image,       ///< an argument that names an image
  run,         ///< an argument that names a run
  key,         ///< an argument that begins with "product/"
  pipeline,    ///< an argument that is a pipeline file
  rows,        ///< what it answers is cut down to the products that the caller may see
};

struct Access {
  std::string noun, verb;
  Reach reach = Reach::local;
  Role role = Role::viewer;
  About about = About::everything;
  std::string argument = {};  ///< of image, run, key and pipeline: which; not given: everything.
                              ///< Of rows: the list in the record
  std::string member = {};    ///< of rows: what begins with the product
  std::vector<std::string> files_in = {};   ///< arguments and options whose files are sent
  std::vector<std::string> files_out = {};  ///< those whose files come back
  std::vector<std::string> stays = {};      ///< options that are done with before anything is sent
  /// Options that name who acts: but for an admin that is the caller.
  std::vector<std::string> actors = {};
};

const std::vector<Access>& access_table();
/// Null if there is none.
const Access* find_access(const std::string& noun, const std::string& verb);
/// Whether it can be called at a server.
bool is_remote(const Command& command);

/// "/api/v1/image/show".
std::string route_of(const Command& command);
inline constexpr std::string_view kApiRoot = "/api/v1";

}  // namespace hallmark::cli
