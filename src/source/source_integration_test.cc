#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "source/source.h"

// Makes a real source image and boots it, without KVM: needs a Debian mirror and a few hundred MiB.

namespace hallmark::source {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

std::size_t files_in(const Path& directory) {
  auto files = std::filesystem::directory_iterator(directory);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

/// The guest agent's socket of a running machine.
class Agent {
 public:
  /// True once the agent answers on a connection of its own. What it still owed an earlier
  /// connection comes first, and is passed over until it repeats this connection's number.
  bool connect(const Path& socket) {
    if (!open(socket)) return false;
    wait_for_answers(2s);
    Json sync = {{"execute", "guest-sync"}, {"arguments", {{"id", ++connection_}}}};
    for (auto answer = call(sync); answer; answer = receive()) {
      if (*answer != Json(connection_)) continue;
      wait_for_answers(60s);
      return true;
    }
    return false;
  }

  std::string shell(const std::string& script) {
    auto started = call(
        {{"execute", "guest-exec"},
         {"arguments", {{"path", "/bin/sh"}, {"arg", {"-c", script}}, {"capture-output", true}}}});
    if (!started) return "no answer";
    Json status_of = {{"execute", "guest-exec-status"},
                      {"arguments", {{"pid", (*started)["pid"]}}}};
    for (auto begun = Steady::now(); seconds_since(begun) < 180;) {
      auto status = call(status_of);
      if (status && (*status)["exited"].get<bool>()) {
        return base64_decode(status->value("out-data", "")) +
               base64_decode(status->value("err-data", ""));
      }
      std::this_thread::sleep_for(200ms);
    }
    return "did not end";
  }

 private:
  bool open(const Path& socket) {
    fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
    return ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  void wait_for_answers(std::chrono::seconds wait) {
    timeval limit{wait.count(), 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }

  std::optional<Json> call(const Json& request) {
    std::string line = request.dump() + "\n";
    if (::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return std::nullopt;
    return receive();
  }

  std::optional<Json> receive() {
    std::string answer;
    char byte = 0;
    while (::recv(fd_.get(), &byte, 1, 0) == 1) {
      if (byte == '\n') {
        Json parsed = Json::parse(answer, nullptr, false);
        if (parsed.is_object() && parsed.contains("return")) return parsed["return"];
        answer.clear();
      } else if (static_cast<unsigned char>(byte) != 0xff) {
        answer += byte;
      }
    }
    return std::nullopt;
  }

  FileDescriptor fd_;
  int connection_ = 0;
};

/// Of the image that `hallmark source create` has made for all tests.
TEST(DebianSource, BootsAndAnswers) {
  const char* image = std::getenv("HALLMARK_TEST_IMAGE");
  if (image == nullptr || !std::filesystem::exists(image)) GTEST_SKIP() << "no HALLMARK_TEST_IMAGE";
  TempDir work;
  if (!find_program("qemu-system-x86_64")) GTEST_SKIP() << "no qemu-system-x86_64";

  Path socket = work.path() / "agent";
  auto boot = Steady::now();
  std::jthread machine([&](std::stop_token off) {
    try {
      ProcessSpec qemu;
      qemu.argv = {"qemu-system-x86_64",
                   "-accel",
                   "tcg,thread=multi",
                   "-cpu",
                   "max",
                   "-smp",
                   "2",
                   "-m",
                   "1024",
                   "-display",
                   "none",
                   "-snapshot",
                   "-serial",
                   "file:" + (work.path() / "console").string(),
                   "-drive",
                   "file=" + std::string(image) + ",if=virtio,cache=unsafe",
                   "-nic",
                   "user,model=virtio",
                   "-device",
                   "virtio-serial",
                   "-chardev",
                   "socket,path=" + socket.string() + ",server=on,wait=off,id=agent",
                   "-device",
                   "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
                   "-device",
                   "virtio-rng-pci"};
      run_process(qemu, off);
    } catch (const Error&) {
      // Being stopped is how it ends.
    }
  });
  Agent agent;
  bool answers = false;
  while (!answers && seconds_since(boot) < 300) {
    answers = agent.connect(socket);
    if (!answers) std::this_thread::sleep_for(200ms);
  }
  std::printf("guest agent answers after %.1f s\n", seconds_since(boot));
  EXPECT_TRUE(answers) << read_file_if_exists(work.path() / "console").value_or("no console");
  if (answers) {
    std::string state = agent.shell("systemctl is-system-running --wait");
    std::printf("booted after %.1f s: %s", seconds_since(boot), state.c_str());
    EXPECT_EQ(trim(state), "running") << agent.shell("systemctl --failed --no-legend");
    EXPECT_EQ(trim(agent.shell("wc -c < /etc/machine-id")), "33");
    EXPECT_EQ(trim(agent.shell("test -s /etc/ssh/ssh_host_ed25519_key && echo made")), "made");
    EXPECT_EQ(trim(agent.shell("ip -4 -br addr show scope global | wc -l")), "1");
    EXPECT_EQ(trim(agent.shell("passwd -S root | cut -d' ' -f2")), "L");
    EXPECT_EQ(trim(agent.shell("stat -c %U:%G /var/mail /usr/bin/ssh-agent | tr '\\n' ' '")),
              "root:mail root:_ssh");
    EXPECT_EQ(trim(agent.shell("find / -xdev -nouser -o -xdev -nogroup | head -3")), "");
    std::printf("%s\n", agent.shell("systemd-analyze; systemd-analyze blame | head -12").c_str());
  }
}

TEST(DebianSource, StoppedInTheMiddleItLeavesNothing) {
  TempDir work;
  DebianSourceSpec spec;
  spec.output = work.path() / "source.qcow2";
  std::stop_source stop;
  auto begun = Steady::now();
  double last = 0;
  try {
    make_debian_source(
        spec,
        [&](std::optional<double> fraction, const std::string& text) {
          EXPECT_GE(fraction.value_or(last), last);
          last = fraction.value_or(last);
          if (text.starts_with("unpacking")) stop.request_stop();
        },
        stop.get_token());
    FAIL() << "was not stopped";
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::cancelled) GTEST_SKIP() << e.full_text();
  }
  EXPECT_LT(seconds_since(begun), 120);
  EXPECT_EQ(files_in(work.path()), 0u);
}

TEST(DebianSource, UnknownPackageIsAUsageError) {
  TempDir work;
  DebianSourceSpec spec;
  spec.output = work.path() / "source.qcow2";
  spec.extra_packages = {"there-is-no-such-package"};
  try {
    make_debian_source(spec, {}, {});
    FAIL() << "was made";
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::unavailable || e.kind() == ErrorKind::denied) {
      GTEST_SKIP() << e.full_text();
    }
    EXPECT_EQ(e.kind(), ErrorKind::usage) << e.full_text();
    EXPECT_THAT(e.message(), testing::HasSubstr("there-is-no-such-package"));
  }
  EXPECT_EQ(files_in(work.path()), 0u);
}

TEST(DebianSource, MirrorDownIsUnavailable) {
  TempDir work;
  TempDir apt;
  // The discard port: nobody listens there.
  write_file(apt.path() / "sources.list", "deb http://127.0.0.1:9/debian bookworm main\n");
  DebianSourceSpec spec;
  spec.output = work.path() / "source.qcow2";
  spec.apt_directory = apt.path();
  std::vector<std::string> told;
  try {
    make_debian_source(
        spec, [&](std::optional<double>, const std::string& text) { told.push_back(text); }, {});
    FAIL() << "was made";
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::denied) GTEST_SKIP() << e.full_text();
    EXPECT_EQ(e.kind(), ErrorKind::unavailable) << e.full_text();
    EXPECT_THAT(e.message(), testing::HasSubstr("127.0.0.1:9"));
  }
  EXPECT_THAT(told.at(0), testing::HasSubstr("no bookworm-security"));
  EXPECT_EQ(files_in(work.path()), 0u);
}

}  // namespace
}  // namespace hallmark::source
