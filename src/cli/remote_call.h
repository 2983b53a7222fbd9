#pragma once
/// A command's arguments as they travel: names in snake case, flags as true, what repeats as a
/// list, files as {"name", "content" or "base64"}.

#include <string>
#include <utility>
#include <vector>

#include "cli/access.h"
#include "cli/command.h"

namespace hallmark::cli {

/// "--no-distribute" -> "no_distribute", "PRODUCT/OS" -> "product_os".
std::string parameter_name(const std::string& name);

/// What is sent. Files of `files_in` are read; with a pipeline file go those that it names. Throws
/// what reading throws.
Json sent_arguments(const Command& command, const Access& access, const Arguments& arguments);

/// {"name", "content"}, or "base64" in place of the content that is no UTF-8.
Json sent_file(const std::string& name, std::string_view bytes);
/// The bytes of one. Throws `usage`.
std::string received_file(const Json& file);

/// The query of a GET: flags as "true", what repeats as often as it is given. Percent-encoded,
/// with its question mark; empty if nothing was given.
std::string query_of(const Json& sent);

/// The inverse of sent_arguments. Texts instead of JSON values are fine, as a query has them. Files
/// are kept in `directory` and their paths given to the command; `paths` gets each such path with
/// what the caller called it. Throws `usage` for what the command does not declare.
Arguments received_arguments(const Command& command, const Access& access, const Json& body,
                             const Path& directory,
                             std::vector<std::pair<std::string, std::string>>& paths);

/// Files that the command wrote, by the name of the parameter: a file as sent_file makes it, or a
/// list of such, of all files of a directory.
Json written_files(const Command& command, const Access& access, const Arguments& arguments,
                   const Path& directory);
/// Puts them where the arguments say. Throws `conflict` for a directory that is not empty.
void keep_written_files(const Json& files, const Command& command, const Access& access,
                        const Arguments& arguments);

}  // namespace hallmark::cli
