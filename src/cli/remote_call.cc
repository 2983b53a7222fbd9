#include "cli/remote_call.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cli/variables.h"
#include "model/pipeline_file.h"

namespace hallmark::cli {

namespace {

/// Arguments and options alike.
struct Parameter {
  std::string name;
  bool flag = false;
  bool repeats = false;
  bool required = false;
  const std::vector<std::string>* choices = nullptr;
};

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// But for those that stay where the caller is.
std::vector<Parameter> parameters_of(const Command& command, const Access& access) {
  std::vector<Parameter> all;
  for (const ArgumentSpec& argument : command.arguments) {
    all.push_back(
        {.name = argument.name, .required = argument.required, .choices = &argument.choices});
  }
  for (const OptionSpec& option : command.options) {
    all.push_back({.name = option.name,
                   .flag = option.value.empty(),
                   .repeats = option.repeats,
                   .choices = &option.choices});
  }
  std::erase_if(all, [&](const Parameter& parameter) { return has(access.stays, parameter.name); });
  return all;
}

Json sent_pipeline(const Arguments& arguments, const std::string& file) {
  const Path path = file;
  const model::Variables variables = variables_of(arguments);
  model::load_pipeline(path, variables);  // its mistakes are told before anything is sent
  Json sent = sent_file(file, read_file(path));
  Json others = Json::array();
  const Path directory = path.has_parent_path() ? path.parent_path() : ".";
  for (const std::string& name : model::check_pipeline(path, variables).files) {
    if (!model::leads_below(name)) {
      throw Error(ErrorKind::usage, "{} names {}, which is not beside it", file, name)
          .hint("a server gets the pipeline file's directory and what is below: move it there");
    }
    others.push_back(sent_file(name, read_file(directory / name)));
  }
  sent["files"] = others;
  return sent;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    const bool plain = std::isalnum(c) || std::string_view("-._~/").find(static_cast<char>(c)) !=
                                              std::string_view::npos;
    out += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return out;
}

[[noreturn]] void throw_wrong(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::usage, "\"{}\" is to be {}", name, what);
}

std::string text_of(const std::string& name, const Json& value) {
  if (value.is_string()) return value;
  if (value.is_number()) return value.dump();
  throw_wrong(name, "a text");
}

bool flag_of(const std::string& name, const Json& value) {
  if (value.is_boolean()) return value;
  if (value == "true" || value == "" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  throw_wrong(name, "true or false");
}

const Path& require_plain(const Path& name) {
  if (!model::leads_below(name)) {
    throw Error(ErrorKind::usage, "\"{}\" is no name for a file", name.string());
  }
  return name;
}

/// The last part of what the caller calls it, or a name of our own where that is none.
std::string plain_name(const std::string& called) {
  std::string name = Path(called).filename();
  constexpr std::size_t kLongest = 200;
  const bool good = model::leads_below(name) && name.size() <= kLongest;
  return good ? name : "file";
}

Json sent_directory(const Path& directory) {
  Json files = Json::array();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    files.push_back(sent_file(entry.path().lexically_relative(directory), read_file(entry.path())));
  }
  return files;
}

}  // namespace

std::string parameter_name(const std::string& name) {
  std::string out = to_lower(name);
  out.erase(0, out.find_first_not_of('-'));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return out;
}

Json sent_file(const std::string& name, std::string_view bytes) {
  Json content = std::string(bytes);
  try {
    content.dump();  // throws for what is no UTF-8
    return {{"name", name}, {"content", content}};
  } catch (const Json::exception&) {
    return {{"name", name}, {"base64", base64_encode(bytes)}};
  }
}

std::string received_file(const Json& file) {
  if (file.is_object() && file.contains("name") && file["name"].is_string()) {
    if (file.contains("content") && file["content"].is_string()) return file["content"];
    if (file.contains("base64") && file["base64"].is_string()) {
      return base64_decode(file["base64"].get<std::string>());
    }
  }
  throw Error(ErrorKind::usage,
              "a file is sent as {{\"name\", \"content\"}} or, if it is no text, "
              "{{\"name\", \"base64\"}}");
}

Json sent_arguments(const Command& command, const Access& access, const Arguments& arguments) {
  Json sent = Json::object();
  for (const Parameter& parameter : parameters_of(command, access)) {
    if (!arguments.has(parameter.name)) continue;
    const std::string name = parameter_name(parameter.name);
    std::vector<Json> values;
    for (const std::string& value : arguments.values(parameter.name)) {
      if (!has(access.files_in, parameter.name)) {
        values.emplace_back(value);
      } else if (access.about == About::pipeline && access.argument == parameter.name) {
        values.push_back(sent_pipeline(arguments, value));
      } else {
        values.push_back(sent_file(value, read_file(value)));
      }
    }
    if (parameter.flag) {
      sent[name] = true;
    } else {
      sent[name] = parameter.repeats ? Json(values) : values.back();
    }
  }
  return sent;
}

std::string query_of(const Json& sent) {
  std::string query;
  auto add = [&](const std::string& name, const Json& value) {
    query += query.empty() ? "?" : "&";
    query +=
        name + "=" + percent_encoded(value.is_string() ? value.get<std::string>() : value.dump());
  };
  for (const auto& [name, value] : sent.items()) {
    if (value.is_array()) {
      for (const Json& each : value) add(name, each);
    } else {
      add(name, value);
    }
  }
  return query;
}

Arguments received_arguments(const Command& command, const Access& access, const Json& body,
                             const Path& directory,
                             std::vector<std::pair<std::string, std::string>>& paths) {
  if (!body.is_object()) throw Error(ErrorKind::usage, "the body is no JSON object");
  Arguments arguments;
  std::vector<std::string> known;
  auto receive = [&](const Parameter& parameter, const std::string& name, const Json& value) {
    const bool in = has(access.files_in, parameter.name);
    if (!in && !has(access.files_out, parameter.name)) {
      std::string text = text_of(name, value);
      check_choice(name, *parameter.choices, text);
      arguments.add(parameter.name, std::move(text));
      return;
    }
    const std::string called =
        in ? text_of("name", value.is_object() ? value.value("name", Json()) : Json())
           : text_of(name, value);
    const Path place = directory / fmt::format("{}-{}", name, paths.size());
    make_directories(place, 0700);
    const Path file = place / plain_name(called);
    if (in) write_file(file, received_file(value), 0600);
    if (in && value.contains("files")) {
      if (!value["files"].is_array()) throw_wrong("files", "a list of files");
      for (const Json& other : value["files"]) {
        const std::string bytes = received_file(other);
        write_file(place / require_plain(other["name"].get<std::string>()), bytes, 0600);
      }
    }
    paths.emplace_back(file, called);
    arguments.add(parameter.name, file);
  };
  for (const Parameter& parameter : parameters_of(command, access)) {
    arguments.declare(parameter.name);
    const std::string name = parameter_name(parameter.name);
    known.push_back(name);
    auto found = body.find(name);
    if (found == body.end() || found->is_null()) {
      if (parameter.required) throw Error(ErrorKind::usage, "\"{}\" is missing", name);
      continue;
    }
    if (parameter.flag) {
      if (flag_of(name, *found)) arguments.add(parameter.name, "yes");
    } else if (found->is_array()) {
      if (!parameter.repeats) throw_wrong(name, "given once");
      for (const Json& value : *found) receive(parameter, name, value);
    } else {
      receive(parameter, name, *found);
    }
  }
  for (const std::string& name : access.stays) arguments.declare(name);
  for (const auto& [name, value] : body.items()) {
    if (has(known, name)) continue;
    Error error(ErrorKind::usage, "{} has no parameter \"{}\"", route_of(command), name);
    auto close = suggestion(name, known);
    throw std::move(
        error.hint(close ? "did you mean \"" + *close + "\"?" : "there are: " + join(known, ", ")));
  }
  return arguments;
}

Json written_files(const Command&, const Access& access, const Arguments& arguments,
                   const Path& directory) {
  Json files = Json::object();
  for (const std::string& option : access.files_out) {
    auto path = arguments.value(option);
    if (!path || !std::filesystem::exists(*path)) continue;
    const Path place = Path(*path).parent_path();
    if (place.parent_path() != directory) {
      throw Error(ErrorKind::internal, "{} was not written where it should be", option);
    }
    // A command may write more beside what was asked for, such as the key of a bundle.
    files[parameter_name(option)] = sent_directory(place);
  }
  return files;
}

void keep_written_files(const Json& files, const Command&, const Access& access,
                        const Arguments& arguments) {
  for (const std::string& option : access.files_out) {
    auto given = arguments.value(option);
    const std::string name = parameter_name(option);
    if (!given || !files.contains(name)) continue;
    Path target = Path(*given).lexically_normal();
    if (!target.has_filename()) target = target.parent_path();
    const std::string plain = plain_name(*given);
    for (const Json& file : files.at(name)) {
      const std::string path = member<std::string>(file, "name");
      require_plain(path);
      if (!path.starts_with(plain)) {
        throw Error(ErrorKind::corrupt, "the server sent a file \"{}\" that was not asked for",
                    path);
      }
      const std::string rest = path.substr(plain.size());
      write_file(target.string() + rest, received_file(file));
    }
  }
}

}  // namespace hallmark::cli
