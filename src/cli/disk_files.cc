/// hallmark disk ls, disk cat: single files of a disk, without booting or mounting it.

#include <array>

#include "base/clock.h"
#include "base/text.h"
#include "cli/disk_source.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "model/finding.h"

namespace hallmark::cli {

namespace {

fs::FileSystem& root_of(fs::System& system, const Arguments& arguments) {
  if (system.files) return *system.files;
  Error error(ErrorKind::not_found, "{} holds no root file system that can be read",
              arguments.value_or("FILE", ""));
  for (const fs::Gap& gap : system.gaps) error.note(gap.what + ": " + gap.reason);
  throw error;
}

std::string absolute(const std::string& path) { return path.starts_with('/') ? path : "/" + path; }

const char* type_name(fs::FileType type) {
  switch (type) {
    case fs::FileType::regular:
      return "file";
    case fs::FileType::directory:
      return "directory";
    case fs::FileType::symlink:
      return "symlink";
    default:
      return "other";
  }
}

/// Who made the image chose its names: they must not speak to the terminal.
std::string shown(const std::string& name) {
  return replace_all(model::safe_text(name), "\n", "?");
}

Json entry(const std::string& name, const fs::FileInfo& info) {
  return {{"name", shown(name)},
          {"type", type_name(info.type)},
          {"mode", fmt::format("{:04o}", info.mode)},
          {"uid", info.uid},
          {"gid", info.gid},
          {"size_bytes", info.size_bytes},
          {"modified_at", info.modified_at},
          {"link_target", shown(info.link_target)}};
}

Outcome list(App& app, const Arguments& arguments) {
  fs::System system = open_source(app, arguments);
  fs::FileSystem& files = root_of(system, arguments);
  std::string path = absolute(arguments.value_or("PATH", "/"));
  auto info = files.stat(path);
  if (!info) throw Error(ErrorKind::not_found, "{} does not exist in the image", path);
  Json entries = Json::array();
  if (info->type == fs::FileType::directory) {
    for (const std::string& name : files.list(path)) {
      if (auto found = files.stat(path + "/" + name, false)) entries.push_back(entry(name, *found));
    }
  } else {
    entries.push_back(entry(path, files.stat(path, false).value_or(*info)));
  }
  return {{{"path", path}, {"entries", entries}}};
}

/// "-rwsr-xr-x", as ls writes it.
std::string mode_text(const std::string& type, const std::string& octal) {
  auto mode = static_cast<unsigned>(std::stoul(octal, nullptr, 8));
  std::string text = type == "directory" ? "d"
                     : type == "symlink" ? "l"
                     : type == "file"    ? "-"
                                         : "?";
  for (int shift = 6; shift >= 0; shift -= 3) {
    unsigned bits = mode >> shift & 7;
    unsigned special = mode >> (9 + shift / 3) & 1;
    text += bits & 4 ? 'r' : '-';
    text += bits & 2 ? 'w' : '-';
    const char* letters = shift == 0 ? "tT" : "sS";
    text += special ? letters[bits & 1 ? 0 : 1] : bits & 1 ? 'x' : '-';
  }
  return text;
}

void render_list(const Json& record, App& app) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& each : record.at("entries")) {
    std::string name = each.at("name").get<std::string>();
    if (std::string target = each.at("link_target"); !target.empty()) name += " -> " + target;
    rows.push_back({mode_text(each.at("type"), each.at("mode")),
                    std::to_string(each.at("uid").get<std::uint32_t>()),
                    std::to_string(each.at("gid").get<std::uint32_t>()),
                    std::to_string(each.at("size_bytes").get<std::uint64_t>()), name});
  }
  if (!rows.empty()) print_table(app.out, {"MODE", "UID", "GID", "SIZE", "NAME"}, rows);
}

Outcome cat(App& app, const Arguments& arguments) {
  fs::System system = open_source(app, arguments);
  std::string path = absolute(arguments.value_or("PATH", ""));
  std::string content = root_of(system, arguments).read_file(path);
  return {
      {{"path", path}, {"size_bytes", content.size()}, {"content_base64", base64_encode(content)}}};
}

void render_content(const Json& record, App& app) {
  app.out.stream << base64_decode(record.at("content_base64").get<std::string>());
}

}  // namespace

std::vector<Command> disk_file_commands() {
  return {
      {.noun = "disk",
       .verb = "ls",
       .summary = "List a directory of a disk.",
       .examples = {{"hallmark disk ls debian.qcow2 /etc", "With modes, owners and sizes."},
                    {"hallmark disk ls snap:snap-0123456789abcdef0 /boot --region us-east-1",
                     "A snapshot, of which only a few blocks are read."}},
       .arguments = {source_argument(), {"PATH", "in the image; / if not given", false}},
       .options = source_options(),
       .description =
           "Partitions, logical volumes and what /etc/fstab mounts are put together as one tree.",
       .exits = {{ErrorKind::not_found, ""}, {ErrorKind::corrupt, "the file is damaged"}},
       .run = list,
       .render = render_list},
      {.noun = "disk",
       .verb = "cat",
       .summary = "Write out a file of a disk.",
       .examples = {{"hallmark disk cat debian.qcow2 /etc/os-release",
                     "Its bytes as they are; with --json in base64."}},
       .arguments = {source_argument(), {"PATH", "in the image; links are followed inside it"}},
       .options = source_options(),
       .exits = {{ErrorKind::not_found, ""}, {ErrorKind::corrupt, "the file is damaged"}},
       .run = cat,
       .render = render_content},
  };
}

}  // namespace hallmark::cli
