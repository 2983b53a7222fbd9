#include <zlib.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "aws/model.h"
#include "aws/models/embedded.h"
#include "base/json.h"
#include "base/sync.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

constexpr std::string_view kMagic = "HMAWS1";

/// The largest model today is EC2's with 4 MB: more than this is no model.
constexpr std::size_t kMaxModelBytes = 64u << 20;

std::string inflate_stream(std::string_view packed, bool gzip, std::string_view origin) {
  z_stream stream{};
  // 15 is the largest window; 16 more asks for a gzip header.
  if (inflateInit2(&stream, gzip ? 15 + 16 : 15) != Z_OK) {
    throw Error(ErrorKind::internal, "zlib does not start");
  }
  std::string out;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  int result = Z_OK;
  while (result == Z_OK && out.size() <= kMaxModelBytes) {
    std::size_t size = out.size();
    out.resize(std::max<std::size_t>(size * 2, 256 << 10));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = static_cast<uInt>(out.size() - size);
    result = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (result == Z_BUF_ERROR) break;
  }
  inflateEnd(&stream);
  if (result != Z_STREAM_END) {
    throw Error(ErrorKind::corrupt, "{} is cut off, or not compressed as its name says", origin);
  }
  return out;
}

/// Empty if there is neither the file nor its compressed form.
std::string read_text(const Path& file) {
  if (auto content = read_file_if_exists(file)) return *content;
  Path packed = file;
  packed += ".gz";
  if (auto content = read_file_if_exists(packed)) {
    return inflate_stream(*content, true, packed.string());
  }
  return {};
}

std::shared_ptr<const Model> load_directory(const std::string& service, const Path& directory) {
  ModelTexts texts;
  texts.service = read_text(directory / "service-2.json");
  texts.service_extras = read_text(directory / "service-2.sdk-extras.json");
  texts.paginators = read_text(directory / "paginators-1.json");
  texts.paginator_extras = read_text(directory / "paginators-1.sdk-extras.json");
  texts.waiters = read_text(directory / "waiters-2.json");
  if (texts.service.empty()) {
    throw Error(ErrorKind::not_found, "there is no service-2.json in {}", directory.string());
  }
  return std::make_shared<Model>(service, texts, directory.string());
}

/// The newest API version of a service in a directory of botocore's layout; empty if there is none.
Path newest_version(const Path& root, std::string_view service) {
  Path newest;
  std::error_code ignored;
  // A service's name is one directory: no way up or down from here.
  if (root.empty() || service.empty() || service.find('/') != std::string_view::npos ||
      service.starts_with('.')) {
    return newest;
  }
  for (const auto& entry : std::filesystem::directory_iterator(root / service, ignored)) {
    if (entry.is_directory(ignored) && entry.path() > newest) newest = entry.path();
  }
  return newest;
}

struct Packed {
  std::string_view bytes;
  std::size_t sizes[3];
};

struct Contents {
  std::string version;
  std::map<std::string, Packed, std::less<>> services;
};

Contents read_contents() {
  std::string_view all = embedded_models();
  auto take = [&](std::size_t size) {
    if (all.size() < size) throw Error(ErrorKind::internal, "the program's AWS models are cut off");
    std::string_view part = all.substr(0, size);
    all.remove_prefix(size);
    return part;
  };
  if (take(kMagic.size()) != kMagic) {
    throw Error(ErrorKind::internal, "the program's AWS models are none");
  }
  std::uint64_t head_size = 0;
  int shift = 0;
  for (unsigned char c : take(8)) {
    head_size |= static_cast<std::uint64_t>(c) << shift;
    shift += 8;
  }
  Json head = parse_json(take(head_size), "the program's AWS models");
  Contents contents;
  contents.version = head.at("version");
  for (const Json& row : head.at("services")) {
    Packed packed{take(row.at("packed").get<std::size_t>()), {}};
    for (int i = 0; i < 3; ++i) packed.sizes[i] = row.at("sizes").at(i);
    contents.services.emplace(row.at("service").get<std::string>(), packed);
  }
  return contents;
}

const Contents& contents() {
  static const Contents made = read_contents();
  return made;
}

std::shared_ptr<const Model> load_embedded(const std::string& service, const Packed& packed) {
  std::string origin = "the program's model of " + service;
  std::string all = inflate_stream(packed.bytes, false, origin);
  ModelTexts texts;
  texts.service = all.substr(0, packed.sizes[0]);
  texts.paginators = all.substr(packed.sizes[0], packed.sizes[1]);
  texts.waiters = all.substr(packed.sizes[0] + packed.sizes[1]);
  return std::make_shared<Model>(service, texts, origin);
}

}  // namespace

std::shared_ptr<const Model> load_model_file(std::string service, const Path& file) {
  std::string content = read_file(file);
  ModelTexts texts;
  texts.service =
      file.extension() == ".gz" ? inflate_stream(content, true, file.string()) : content;
  Path directory = file.parent_path();
  texts.service_extras = read_text(directory / "service-2.sdk-extras.json");
  texts.paginators = read_text(directory / "paginators-1.json");
  texts.paginator_extras = read_text(directory / "paginators-1.sdk-extras.json");
  texts.waiters = read_text(directory / "waiters-2.json");
  return std::make_shared<Model>(std::move(service), texts, file.string());
}

struct ModelLibrary::Shelf {
  Path directory;
  Sync<std::map<std::string, std::shared_ptr<const Model>, std::less<>>> models;
};

ModelLibrary::ModelLibrary(Path directory) : shelf_(std::make_unique<Shelf>()) {
  shelf_->directory = std::move(directory);
}

ModelLibrary::~ModelLibrary() = default;

std::shared_ptr<const Model> ModelLibrary::get(std::string_view service) {
  // Reading under the lock: who asks for the same model at the same time waits for it.
  auto models = shelf_->models.lock();
  if (auto it = models->find(service); it != models->end()) return it->second;
  std::string name(service);
  std::shared_ptr<const Model> model;
  if (Path newer = newest_version(shelf_->directory, service); !newer.empty()) {
    model = load_directory(name, newer);
  } else if (auto it = contents().services.find(service); it != contents().services.end()) {
    model = load_embedded(name, it->second);
  } else {
    auto close = suggestion(service, services());
    throw Error(ErrorKind::usage, "there is no AWS service \"{}\"", service)
        .hint(close ? "did you mean \"" + *close + "\"?"
                    : fmt::format("known are {}; {} names a directory of more models",
                                  join(services(), ", "), kModelsVariable));
  }
  models->emplace(name, model);
  return model;
}

void ModelLibrary::put(std::shared_ptr<const Model> model) {
  std::string service = model->metadata().service;
  (*shelf_->models.lock())[service] = std::move(model);
}

std::vector<std::string> ModelLibrary::services() const {
  std::vector<std::string> names;
  for (const auto& [name, packed] : contents().services) names.push_back(name);
  std::error_code ignored;
  if (!shelf_->directory.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(shelf_->directory, ignored)) {
      std::string name = entry.path().filename().string();
      if (!newest_version(shelf_->directory, name).empty()) names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string_view ModelLibrary::version() { return contents().version; }

}  // namespace hallmark::aws
