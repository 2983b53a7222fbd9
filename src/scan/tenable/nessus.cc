#include "scan/tenable/nessus.h"

#include <expat.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "scan/tenable/nessus_item.h"
#include "scan/tenable/xml_text.h"

namespace hallmark::scan::tenable {
namespace {

/// Real files go eight deep.
constexpr int kDepthLimit = 64;
/// A tag with its attributes, or a comment, must be held until it ends.
constexpr XML_Index kTokenLimit = 4 << 20;
/// Of one text; what is kept of it is shorter still. Room for a finding's worth of packages.
constexpr std::size_t kElementLimit = 256u << 10;
/// Of an item, however many elements it has; the largest real ones hold a few 100 KiB.
constexpr std::size_t kItemLimit = 4u << 20;
constexpr std::size_t kPropertiesOfAHost = 2'000;
constexpr std::size_t kNameLimit = 512;
/// Bytes given to the XML reader at once; it counts them as an int.
constexpr std::size_t kPiece = 1 << 20;
constexpr std::string_view kRoot = "NessusClientData_v2";

std::string_view without_prefix(std::string_view name) {
  std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string_view attribute(const char** attributes, std::string_view name) {
  for (; attributes[0]; attributes += 2) {
    if (name == attributes[0]) return attributes[1];
  }
  return {};
}

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

}  // namespace

std::string_view NessusHost::property(const std::string& key) const {
  auto found = properties.find(key);
  return found == properties.end() ? std::string_view() : found->second;
}

/// Callbacks of a C library: none may throw, so that they leave an error behind and stop it.
class NessusReader::State {
 public:
  explicit State(NessusLimits limits) : limits_(limits), parser_(XML_ParserCreate("UTF-8")) {
    if (!parser_) throw Error(ErrorKind::internal, "no memory for an XML reader");
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(
        parser_.get(),
        [](void* self, const char* name, const char** attributes) {
          guarded(self, [&](State& state) { state.start(name, attributes); });
        },
        [](void* self, const char*) { guarded(self, [](State& state) { state.end(); }); });
    XML_SetCharacterDataHandler(parser_.get(), [](void* self, const char* text, int size) {
      guarded(self, [&](State& state) {
        state.characters({text, static_cast<std::size_t>(size)});
      });
    });
    XML_SetStartDoctypeDeclHandler(
        parser_.get(), [](void* self, const char*, const char* system, const char* publicly, int) {
          if (system || publicly) refuse(self, "it names a document type outside of itself");
        });
    XML_SetEntityDeclHandler(
        parser_.get(), [](void* self, const char*, int, const char*, int, const char*, const char*,
                          const char*, const char*) { refuse(self, "it declares entities"); });
  }

  void read(std::string_view piece) {
    while (!piece.empty()) {
      const std::size_t size = std::min(piece.size(), kPiece);
      parse(text_.repair(piece.substr(0, size)), false);
      piece.remove_prefix(size);
    }
  }

  NessusReport finish() {
    parse(text_.finish(), true);
    if (!root_seen_) {
      throw Error(ErrorKind::corrupt, "this is no .nessus file of version 2");
    }
    if (host_) end_host(false);
    report_.replaced_bytes = text_.replaced();
    return std::move(report_);
  }

 private:
  template <typename Function>
  static void guarded(void* self, Function function) {
    auto& state = *static_cast<State*>(self);
    if (state.refusal_) return;  // stopping still delivers what is at hand
    try {
      function(state);
    } catch (const std::exception& e) {
      refuse(self, e.what());
    }
  }

  static void refuse(void* self, std::string why) {
    auto& state = *static_cast<State*>(self);
    if (!state.refusal_) state.refusal_ = std::move(why);
    XML_StopParser(state.parser_.get(), XML_FALSE);
  }

  void parse(std::string_view text, bool last) {
    if (done_ || (text.empty() && !last)) return;
    const auto status =
        XML_Parse(parser_.get(), text.data(), static_cast<int>(text.size()), last ? 1 : 0);
    fed_ += static_cast<XML_Index>(text.size());
    if (refusal_) throw Error(ErrorKind::corrupt, "a .nessus file is refused: {}", *refusal_);
    if (status == XML_STATUS_ERROR) {
      done_ = true;
      std::string damage =
          fmt::format("{} at line {}", XML_ErrorString(XML_GetErrorCode(parser_.get())),
                      XML_GetCurrentLineNumber(parser_.get()));
      if (!root_seen_) throw Error(ErrorKind::corrupt, "this is no .nessus file: {}", damage);
      // Whatever follows the report's last tag is none of ours.
      if (!root_ended_) report_.damage = std::move(damage);
    } else if (!last && fed_ - XML_GetCurrentByteIndex(parser_.get()) > kTokenLimit) {
      throw Error(ErrorKind::corrupt, "a .nessus file is refused: a tag of it does not end");
    }
  }

  void start(std::string_view name, const char** attributes) {
    if (++depth_ > kDepthLimit) {
      throw Error(ErrorKind::corrupt, "it nests deeper than {}", kDepthLimit);
    }
    if (depth_ == 1) {
      if (name != kRoot) throw Error(ErrorKind::corrupt, "its root is <{}>", name);
      root_seen_ = true;
    } else if (depth_ == 2 && name == "Report") {
      report_.name = model::safe_text(attribute(attributes, "name"), kNameLimit);
      in_report_ = true;
    } else if (depth_ == 3 && name == "policyName") {
      begin_text();
    } else if (in_report_ && depth_ == 3 && name == "ReportHost") {
      host_.emplace();
      host_->name = model::safe_text(attribute(attributes, "name"), kNameLimit);
    } else if (host_ && depth_ == 4 && name == "ReportItem") {
      item_.emplace();
      item_bytes_ = 0;
      for (; attributes[0]; attributes += 2) {
        if (item_->attributes.size() < 64) {
          item_->attributes.emplace_back(attributes[0],
                                         std::string_view(attributes[1]).substr(0, kNameLimit * 4));
        }
      }
    } else if (item_ && depth_ == 5) {
      element_ = without_prefix(name);
      begin_text();
    } else if (host_ && !item_ && depth_ == 5 && name == "tag") {
      element_ = attribute(attributes, "name").substr(0, kNameLimit);
      begin_text();
    }
  }

  void begin_text() {
    collecting_ = depth_;
    collected_.clear();
  }

  void characters(std::string_view text) {
    if (collecting_ == 0 || collected_.size() >= kElementLimit) return;
    collected_.append(text.substr(0, kElementLimit - collected_.size()));
  }

  void end() {
    const int depth = depth_--;
    if (collecting_ == depth) {
      collecting_ = 0;
      if (item_) {
        // Each costs memory even if it is empty.
        item_bytes_ += collected_.size() + sizeof(item_->elements.front());
        if (item_bytes_ <= kItemLimit) {
          item_->elements.emplace_back(std::move(element_), std::move(collected_));
        }
      } else if (host_) {
        if (host_->properties.size() < kPropertiesOfAHost) {
          host_->properties[element_] = model::safe_text(collected_, kNameLimit);
        }
      } else {
        report_.policy = model::safe_text(collected_, kNameLimit);
      }
      collected_.clear();
    } else if (item_ && depth == 4) {
      end_item();
    } else if (host_ && depth == 3) {
      end_host(true);
    } else if (depth == 2) {
      in_report_ = false;
    } else if (depth == 1) {
      root_ended_ = true;
    }
  }

  void end_item() {
    NessusItem item = std::move(*item_);
    item_.reset();
    ++host_->item_count;
    switch (rule_result(item)) {
      case RuleResult::none:
        break;
      case RuleResult::passed:
        ++host_->rules.passed;
        break;
      case RuleResult::failed:
        ++host_->rules.failed;
        break;
      case RuleResult::undecided:
        ++host_->rules.not_checked;
        break;
    }
    read_own_report(item);
    for (model::Finding& finding : findings_of(item)) {
      if (finding_count_ == limits_.findings) {
        ++report_.findings_left_out;
        continue;
      }
      ++finding_count_;
      text_bytes_ += finding.description.size() + finding.evidence.size();
      if (text_bytes_ > limits_.text_bytes) {
        finding.description = {};
        finding.evidence = {};
      }
      host_->findings.push_back(std::move(finding));
    }
  }

  /// What Nessus reports of the scan itself, on every host, in the form of findings.
  void read_own_report(const NessusItem& item) {
    std::string_view name = item.attribute("pluginName");
    std::string_view output = item.element("plugin_output");
    if (name == "Nessus Scan Information") {
      auto value = [&](std::string_view key) {
        return model::safe_text(line_value(output, key), kNameLimit);
      };
      host_->scanner_version = value("Nessus version");
      host_->plugin_feed = value("Plugin feed version");
      host_->credential_word = value("Credentialed checks");
    } else if (name.starts_with("Target Credential") &&
               name.find("Insufficient Privilege") != std::string_view::npos) {
      host_->lacked_rights = true;
    }
  }

  void end_host(bool whole) {
    host_->whole = whole;
    if (report_.hosts.size() < limits_.hosts) {
      report_.hosts.push_back(std::move(*host_));
    } else {
      report_.findings_left_out += host_->findings.size();
    }
    host_.reset();
  }

  NessusLimits limits_;
  std::unique_ptr<XML_ParserStruct, FreeParser> parser_;
  XmlText text_;
  XML_Index fed_ = 0;
  std::optional<std::string> refusal_;
  bool done_ = false;
  bool root_seen_ = false;
  bool root_ended_ = false;
  bool in_report_ = false;
  int depth_ = 0;
  int collecting_ = 0;  ///< depth of the element whose text is kept; 0: none
  std::string element_;
  std::string collected_;
  std::optional<NessusItem> item_;
  std::size_t item_bytes_ = 0;
  std::optional<NessusHost> host_;
  std::size_t finding_count_ = 0;
  std::size_t text_bytes_ = 0;
  NessusReport report_;
};

NessusReader::NessusReader(NessusLimits limits) : state_(std::make_unique<State>(limits)) {}
NessusReader::~NessusReader() = default;
void NessusReader::read(std::string_view piece) { state_->read(piece); }
NessusReport NessusReader::finish() { return state_->finish(); }

NessusReport read_nessus(std::string_view file, NessusLimits limits) {
  NessusReader reader(limits);
  reader.read(file);
  return reader.finish();
}

}  // namespace hallmark::scan::tenable
