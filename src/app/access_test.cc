/// The table of what a server lets whom do, against the list of commands.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "app/commands.h"
#include "cli/access.h"
#include "cli/remote_call.h"
#include "server/caller.h"
#include "server/target.h"

namespace hallmark::app {
namespace {

using cli::Access;
using cli::Command;
using cli::Reach;
using cli::Role;

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::set<std::string> words_of(const Command& command) {
  std::set<std::string> words;
  for (const auto& argument : command.arguments) words.insert(argument.name);
  for (const auto& option : command.options) words.insert(option.name);
  return words;
}

TEST(AccessTable, NamesEveryCommand) {
  for (const Command& command : commands().commands) {
    EXPECT_NE(cli::find_access(command.noun, command.verb), nullptr)
        << cli::title(command) << ": say in src/cli/access.cc who may call it at a server";
  }
  for (const Access& access : cli::access_table()) {
    EXPECT_NE(commands().find(access.noun, access.verb), nullptr)
        << access.noun << " " << access.verb;
  }
}

TEST(AccessTable, NamesWhatCommandsHave) {
  for (const Access& access : cli::access_table()) {
    const Command* command = commands().find(access.noun, access.verb);
    ASSERT_NE(command, nullptr);
    const std::set<std::string> words = words_of(*command);
    for (const auto& names : {access.files_in, access.files_out, access.stays, access.actors}) {
      for (const std::string& name : names) {
        EXPECT_TRUE(words.contains(name)) << cli::title(*command) << " " << name;
      }
    }
    if (!access.argument.empty() && access.about != cli::About::rows) {
      EXPECT_TRUE(words.contains(access.argument)) << cli::title(*command);
    }
  }
}

// What names a file must be declared: else a caller could have the server read or write its own.
TEST(AccessTable, DeclaresEveryFile) {
  const std::vector<std::string> words = {"FILE", "DIR", "SBOM"};
  for (const Command& command : commands().commands) {
    const Access* access = cli::find_access(command.noun, command.verb);
    if (access == nullptr || access->reach == Reach::local) continue;
    auto declared = [&](const std::string& name) {
      return has(access->files_in, name) || has(access->files_out, name) ||
             has(access->stays, name);
    };
    for (const auto& argument : command.arguments) {
      if (has(words, argument.name)) {
        EXPECT_TRUE(declared(argument.name)) << cli::title(command);
      }
    }
    for (const auto& option : command.options) {
      if (has(words, option.value)) {
        EXPECT_TRUE(declared(option.name)) << cli::title(command) << " " << option.name;
      }
    }
  }
}

TEST(AccessTable, GivesEachParameterANameOfItsOwn) {
  for (const Command& command : commands().commands) {
    std::set<std::string> names;
    for (const std::string& word : words_of(command)) {
      EXPECT_TRUE(names.insert(cli::parameter_name(word)).second)
          << cli::title(command) << " " << word;
    }
  }
}

TEST(Rights, AreOfARoleAndAProduct) {
  const server::Caller caller{"ada", {server::parse_right("builder:Web-*")}};
  EXPECT_TRUE(server::may(caller, Role::builder, "Web-1.0"));
  EXPECT_TRUE(server::may(caller, Role::viewer, "Web-1.0"));
  EXPECT_FALSE(server::may(caller, Role::approver, "Web-1.0"));
  EXPECT_FALSE(server::may(caller, Role::builder, "Db-1.0"));
  EXPECT_FALSE(server::may(caller, Role::viewer, std::nullopt));
  EXPECT_TRUE(server::may({"root", {server::parse_right("admin")}}, Role::approver, std::nullopt));
  EXPECT_THROW(server::parse_right("builder:"), Error);
  EXPECT_THROW(server::parse_right("bulder"), Error);
}

TEST(Target, IsTakenApart) {
  const server::Target target = server::parse_target("/api/v1/x?a=1&b=%C3%A9+f&a=2&c");
  EXPECT_EQ(target.path, "/api/v1/x");
  EXPECT_EQ(target.query, (Json{{"a", {"1", "2"}}, {"b", "\u00e9 f"}, {"c", ""}}));
  for (const char* bad : {"", "x", "/..", "/a/../b", "/%2e%2e/a", "/%", "/%4", "/%zz", "/%00",
                          "/%ff", "/a\\b", "/?x=%ff", "http://x/"}) {
    EXPECT_THROW(server::parse_target(bad), Error) << bad;
  }
}

TEST(RemoteCall, ArgumentsTravelThereAndBack) {
  const Command& command = *commands().find("run", "list");
  const Access& access = *cli::find_access("run", "list");
  cli::Arguments given;
  for (const cli::OptionSpec& option : command.options) given.declare(option.name);
  given.add("--only", "failed");
  given.add("--only", "waiting");
  const Json sent = sent_arguments(command, access, given);
  EXPECT_EQ(cli::query_of(sent), "?only=failed&only=waiting");
  std::vector<std::pair<std::string, std::string>> paths;
  EXPECT_EQ(received_arguments(command, access, sent, {}, paths).values("--only"),
            (std::vector<std::string>{"failed", "waiting"}));
  EXPECT_THROW(received_arguments(command, access, {{"only", "nothing"}}, {}, paths), Error);
  EXPECT_THROW(received_arguments(command, access, {{"onyl", "failed"}}, {}, paths), Error);
}

}  // namespace
}  // namespace hallmark::app
