#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "cloud/libvirt/command_codec.h"
#include "cloud/libvirt/guard_socket.h"
#include "cloud/libvirt/guest_agent.h"
#include "cloud/libvirt/guest_commands.h"

namespace hallmark::cloud::libvirt {
namespace {

using namespace std::chrono_literals;

/// Runs the guest's own side of a command here: it is plain shell.
class CommandSupervisor : public ::testing::Test {
 protected:
  int run(const std::string& script, const std::string& environment = "", int limit = 0,
          std::uint64_t bytes = 1 << 20) {
    Path at = directory_.path();
    write_file(at / "script", script, 0700);
    ::chmod((at / "script").c_str(), 0700);
    write_file(at / "environment", environment, 0600);
    write_file(at / "supervisor", kCommandSupervisor);
    append_file(at / "out", "");
    check_process(
        {.argv = {"sh", (at / "supervisor").string(), at.string(), (at / "environment").string(),
                  std::to_string(limit), std::to_string(bytes), (at / "script").string()},
         .time_limit = 20s});
    return std::stoi(read_file(at / "exit"));
  }
  std::string out() { return read_file(directory_.path() / "out"); }
  bool exists(const std::string& name) { return std::filesystem::exists(directory_.path() / name); }

  TempDir directory_;
};

TEST_F(CommandSupervisor, KeepsOutputAndExitCode) {
  EXPECT_EQ(run("echo out; echo err >&2; exit 7"), 7);
  EXPECT_EQ(out(), "out\nerr\n");
  EXPECT_FALSE(exists("truncated"));
  EXPECT_FALSE(exists("timed_out"));
}

TEST_F(CommandSupervisor, RunsAScriptByItsOwnFirstLine) {
  EXPECT_EQ(run("#!/bin/cat\nas it is"), 0);
  EXPECT_EQ(out(), "#!/bin/cat\nas it is");
  EXPECT_EQ(run(""), 0);
}

TEST_F(CommandSupervisor, EnvironmentIsReadAndRemoved) {
  EXPECT_EQ(run("printf %s \"$SECRET\"", "export SECRET=" + shell_quote("a 'b' $c\n") + "\n"), 0);
  EXPECT_EQ(out(), "a 'b' $c\n");
  EXPECT_FALSE(exists("environment"));
  EXPECT_FALSE(exists("environment.pipe"));
}

TEST_F(CommandSupervisor, DropsOutputPastTheLimitAndSaysSo) {
  EXPECT_EQ(run("seq 1 100000; exit 3", "", 0, 1000), 3);
  EXPECT_EQ(out().size(), 1000u);
  EXPECT_TRUE(exists("truncated"));
}

TEST_F(CommandSupervisor, KillsTheWholeGroupAtItsTimeLimit) {
  run("echo begun; sleep 600 & sleep 600", "", 1);
  EXPECT_EQ(out(), "begun\n");
  EXPECT_TRUE(exists("timed_out"));
}

TEST(GuestAgentTest, ReadsAFileInPiecesAndTellsAMissingOne) {
  std::string content(10'000, 'x');
  std::uint64_t position = 0;
  int open = 0;
  GuestAgent agent([&](const Json& command, Duration) -> Json {
    std::string name = command["execute"];
    if (name == "guest-file-open") {
      if (command["arguments"]["path"] != "/there") {
        throw Error(ErrorKind::failed, "failed to open file: No such file or directory");
      }
      ++open;
      return 1000;
    }
    if (name == "guest-file-seek") {
      position = command["arguments"]["offset"];
      return {};
    }
    if (name == "guest-file-close") {
      --open;
      return {};
    }
    // An agent may give less than was asked for.
    std::string piece = content.substr(position, 4096);
    position += piece.size();
    return {{"count", piece.size()},
            {"buf-b64", base64_encode(piece)},
            {"eof", position == content.size()}};
  });
  EXPECT_EQ(agent.read_file("/there", 1, 1 << 20), content.substr(1));
  EXPECT_EQ(agent.read_file("/missing", 0, 10), std::nullopt);
  EXPECT_EQ(open, 0);
}

TEST(CommandCodec, KeepsAnyBytes) {
  CommandSpec spec{.script = "echo \xff",
                   .environment = {{"A", std::string("\x01\xfe", 2)}},
                   .time_limit = 1500ms,
                   .output_limit_bytes = 5};
  CommandSpec back = command_spec_from(to_json(spec));
  EXPECT_EQ(back.script, spec.script);
  EXPECT_EQ(back.environment, spec.environment);
  EXPECT_EQ(back.time_limit, spec.time_limit);
  EXPECT_EQ(back.output_limit_bytes, 5u);
  CommandStatus status{CommandState::timed_out, 3, std::string("\0\xff", 2), 9, true};
  CommandStatus seen = command_status_from(to_json(status));
  EXPECT_EQ(seen.state, CommandState::timed_out);
  EXPECT_EQ(seen.output, status.output);
  EXPECT_EQ(seen.output_offset, 9u);
  EXPECT_TRUE(seen.output_truncated);
  EXPECT_THROW(command_status_from(Json::object()), Error);
  EXPECT_THROW(check_command_id("../x"), Error);
}

TEST(GuardSocketTest, AnswersErrorsAndSilence) {
  TempDir directory;
  // Longer than a socket's address may be.
  Path deep = directory.path() / std::string(100, 'd') / std::string(100, 'e');
  make_directories(deep);
  EXPECT_EQ(ask_guard(deep, {}, 1s), std::nullopt);
  {
    GuardSocket socket(deep);
    std::jthread server([&](std::stop_token stop) {
      socket.serve(
          [](const Json& request) -> Json {
            if (request.value("fail", false)) throw Error(ErrorKind::denied, "no").hint("ask");
            return request;
          },
          stop);
    });
    EXPECT_EQ(ask_guard(deep, {{"a", 1}}, 5s)->at("a"), 1);
    try {
      ask_guard(deep, {{"fail", true}}, 5s);
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::denied);
      EXPECT_EQ(e.hint(), "ask");
    }
    struct stat status {};
    ASSERT_EQ(::stat((deep / "guard.sock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  }
  EXPECT_EQ(ask_guard(deep, {}, 1s), std::nullopt);
}

}  // namespace
}  // namespace hallmark::cloud::libvirt
