#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "scan/openscap/assessment.h"
#include "scan/openscap/gzip.h"

namespace openscap = hallmark::scan::openscap;
using hallmark::Error;
using hallmark::ErrorKind;

namespace {

constexpr std::string_view kMark = "hallmark-openscap-1";

std::string say(const std::string& text) { return std::string(kMark) + " " + text + "\n"; }

/// The output of a command that brought these results.
std::string output_with(std::string_view xml) {
  std::string packed = openscap::pack_gzip(xml);
  return say("begin") + say("fact user 0") + say("fact exit 2") +
         say("part results " + std::to_string(packed.size()) + " " + hallmark::sha256_hex(packed)) +
         hallmark::base64_encode(packed) + "\n" + say("end results") + say("finished");
}

/// Nothing but an Error may come out, and none that blames us.
template <typename Read>
void read(Read read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) __builtin_trap();
  }
}

}  // namespace

/// The input is XCCDF results, content, gzip, or the output of a command.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  hallmark::scan::OpenscapConfig config;
  hallmark::scan::MachineCommand command;
  command.state = hallmark::scan::MachineCommand::State::finished;
  auto keep = [](const std::string&, const char*, std::string_view) {};
  read([&] { openscap::parse_content(bytes); });
  read([&] { openscap::unpack_gzip(bytes, 1u << 20); });
  bool is_xml = false;
  read([&] {
    openscap::parse_results(bytes);
    is_xml = true;
  });
  command.output = is_xml ? output_with(bytes) : std::string(bytes);
  openscap::assess(config, command, kMark, keep);
  return 0;
}
