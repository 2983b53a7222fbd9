#pragma once
/// What the commands of the noun "disk" look into.

#include <string>
#include <vector>

#include "cli/command.h"
#include "fs/system.h"
#include "model/inventory.h"

namespace hallmark::cli {

ArgumentSpec source_argument();
/// --any-backing-file of files, --account and --region of images and snapshots.
std::vector<OptionSpec> source_options();
/// The same with more.
std::vector<OptionSpec> source_options(std::vector<OptionSpec> more);

/// A disk file, a directory or an archive; an image of the cloud as "ami:ID", a snapshot as
/// "snap:ID": only the blocks that are asked for are read of those. Throws what opening it throws.
fs::System open_source(App& app, const Arguments& arguments);

/// "10.0 GiB, of which 12.1 MiB were read".
std::string what_was_read(const model::Inventory& inventory);

/// What to call it in documents: the file's name, or the id.
std::string source_name(const Arguments& arguments);

}  // namespace hallmark::cli
