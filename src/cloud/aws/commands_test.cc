#include "cloud/aws/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "cloud/aws/machines.h"
#include "cloud/aws/scripts.h"

namespace hallmark::cloud::on_aws {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const Place kHome{"111122223333", "us-east-1"};

TEST(CommandText, OfPowerShellSaysAllInQuotesThatNothingLeaves) {
  CommandSpec spec{.script = "Write-Output \"it's\"\r\n",
                   .environment = {{"B", "2"}, {"A", "'; Remove-Item C:\\ #"}},
                   .output_limit_bytes = 100,
                   .platform = Platform::windows};
  std::string text = command_text(spec, kHome, "token", "/hallmark/commands/i-1/it's");
  std::string expected = "$id = '" + client_token("token") +
                         "'\n"
                         "$script = 'V3JpdGUtT3V0cHV0ICJpdCdzIg0K'\n"
                         "$url = ''\n"
                         "$sha256 = ''\n"
                         "$environment = '" +
                         base64_encode(R"({"A":"'; Remove-Item C:\\ #","B":"2"})") +
                         "'\n"
                         "$secrets = '/hallmark/commands/i-1/it''s'\n"
                         "$region = 'us-east-1'\n"
                         "$suffix = 'amazonaws.com'\n"
                         "$bytes = '100'\n";
  EXPECT_EQ(text, expected + std::string(script("run_command.ps1")));
}

TEST(CommandText, WithAUrlHoldsTheDigestInsteadOfTheScript) {
  for (Platform platform : {Platform::linux, Platform::windows}) {
    CommandSpec spec{.script = "echo a-long-script", .platform = platform};
    std::string text = command_text(spec, kHome, "token", "", "https://bucket/key?a=b&c=d");
    EXPECT_THAT(text, AllOf(HasSubstr("'https://bucket/key?a=b&c=d'"),
                            HasSubstr("'" + sha256_hex(spec.script) + "'"),
                            Not(HasSubstr(base64_encode(spec.script)))));
  }
}

TEST(CommandText, VariableThatIsNoTextIsRefusedWithoutBeingShown) {
  CommandSpec spec{
      .script = "x", .environment = {{"A", "\xff\xfe"}}, .platform = Platform::windows};
  try {
    command_text(spec, kHome, "token", "");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_THAT(e.full_text(), Not(HasSubstr("\xff")));
  }
}

TEST(UserData, OfWindowsHasTheDeadlineAtEachBoot) {
  std::string text =
      user_data(Platform::windows, "cn-north-1", TimePoint(Duration{1'700'000'000'500}));
  EXPECT_THAT(text, AllOf(StartsWith("<powershell>\n"), EndsWith("<persist>true</persist>\n"),
                          HasSubstr("$end = '1700000001'"), HasSubstr("$region = 'cn-north-1'"),
                          Not(HasSubstr("@END@"))));
  EXPECT_THAT(user_data(Platform::windows, "us-east-1", std::nullopt), HasSubstr("$end = ''"));
  // Amazon EC2 User Guide: user data is limited to 16 KB.
  EXPECT_LT(text.size(), 16'000u);
}

/// Not PowerShell's own parser, but what a slip of the hand would break: brackets and quotes pair
/// up outside of comments and texts.
std::string unpaired(std::string_view text) {
  std::string open;
  int line = 1;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\n') ++line;
    if (quote != 0) {
      if (c == '`' && quote == '"') {
        ++i;
      } else if (c == quote) {
        quote = 0;
      }
      continue;
    }
    if (c == '#' && (i == 0 || text[i - 1] == '\n' || text[i - 1] == ' ')) {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(' || c == '{' || c == '[') {
      open += c == '(' ? ')' : c == '{' ? '}' : ']';
    } else if (c == ')' || c == '}' || c == ']') {
      if (open.empty() || open.back() != c) return "line " + std::to_string(line);
      open.pop_back();
    }
  }
  return open.empty() && quote == 0 ? "" : "the end, missing " + open + quote;
}

TEST(PowerShell, PairsUp) {
  for (const auto& [name, text] : scripts()) {
    if (!name.ends_with(".ps1")) continue;
    EXPECT_EQ(unpaired(text), "") << name;
    EXPECT_EQ(text.find('\t'), std::string_view::npos) << name;
  }
  EXPECT_NE(unpaired("if ($a) { 'b' "), "");
  EXPECT_NE(unpaired("$a = 'b"), "");
}

}  // namespace
}  // namespace hallmark::cloud::on_aws
