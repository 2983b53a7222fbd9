#include "cloud/libvirt/guest_agent.h"

#include <thread>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::cloud::libvirt {
namespace {

using namespace std::chrono_literals;

// A live agent answers a ping in milliseconds, under emulation on a busy host in a second or two.
constexpr Duration kPingLimit = 3s;
constexpr Duration kCallLimit = 20s;
constexpr Duration kExecPause = 20ms;

}  // namespace

Json GuestAgent::execute(const std::string& command, Json arguments, Duration time_limit) {
  Json request = {{"execute", command}};
  if (!arguments.is_null()) request["arguments"] = std::move(arguments);
  return call_(request, time_limit);
}

bool GuestAgent::answers() {
  try {
    execute("guest-ping", {}, kPingLimit);
    return true;
  } catch (const Error&) {
    return false;
  }
}

GuestAgent::Result GuestAgent::run(const std::vector<std::string>& argv, const std::string& input,
                                   Duration time_limit) {
  Json arguments = {{"path", argv.at(0)},
                    {"arg", std::vector<std::string>(argv.begin() + 1, argv.end())},
                    {"capture-output", true}};
  if (!input.empty()) arguments["input-data"] = base64_encode(input);
  int pid = member<int>(execute("guest-exec", std::move(arguments), kCallLimit), "pid");
  auto until = std::chrono::steady_clock::now() + time_limit;
  Duration pause = kExecPause;
  while (true) {
    Json status = execute("guest-exec-status", {{"pid", pid}}, kCallLimit);
    if (member<bool>(status, "exited")) {
      Result result;
      result.exit_code = status.contains("exitcode") ? member<int>(status, "exitcode")
                                                     : 128 + status.value("signal", 0);
      result.output =
          base64_decode(status.value("out-data", "")) + base64_decode(status.value("err-data", ""));
      return result;
    }
    if (std::chrono::steady_clock::now() > until) {
      throw Error(ErrorKind::unavailable, "{} does not end in the guest", argv[0]);
    }
    std::this_thread::sleep_for(pause);
    pause = std::min<Duration>(pause * 2, 500ms);
  }
}

std::string GuestAgent::check(const std::vector<std::string>& argv, const std::string& input,
                              Duration time_limit) {
  Result result = run(argv, input, time_limit);
  if (result.exit_code == 0) return result.output;
  throw Error(ErrorKind::failed, "{} failed in the guest with exit code {}: {}", argv[0],
              result.exit_code, trim(result.output));
}

std::optional<std::string> GuestAgent::read_file(const std::string& path, std::uint64_t offset,
                                                 std::uint64_t limit) {
  std::int64_t handle = 0;
  try {
    handle =
        execute("guest-file-open", {{"path", path}, {"mode", "r"}}, kCallLimit).get<std::int64_t>();
  } catch (const Error& e) {
    // The agent has one error class for everything; only its words tell a missing file.
    if (e.message().find("No such file") != std::string::npos) return std::nullopt;
    throw;
  }
  std::string content;
  try {
    if (offset > 0) {
      execute("guest-file-seek", {{"handle", handle}, {"offset", offset}, {"whence", 0}},
              kCallLimit);
    }
    bool at_end = false;
    while (!at_end && content.size() < limit) {
      Json piece = execute("guest-file-read",
                           {{"handle", handle}, {"count", limit - content.size()}}, kCallLimit);
      std::string bytes = base64_decode(piece.value("buf-b64", ""));
      content += bytes;
      at_end = bytes.empty() || piece.value("eof", false);
    }
  } catch (const Error&) {
    try {
      execute("guest-file-close", {{"handle", handle}}, kCallLimit);
    } catch (const Error&) {
      // The first error is the one to tell.
    }
    throw;
  }
  execute("guest-file-close", {{"handle", handle}}, kCallLimit);
  return content;
}

void GuestAgent::start(const std::vector<std::string>& argv) {
  execute("guest-exec",
          {{"path", argv.at(0)}, {"arg", std::vector<std::string>(argv.begin() + 1, argv.end())}},
          kCallLimit);
}

}  // namespace hallmark::cloud::libvirt
