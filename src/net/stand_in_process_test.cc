#include "net/stand_in_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sync.h"
#include "base/testing.h"
#include "net/loopback_server.h"

namespace hallmark::net {
namespace {

using ::testing::HasSubstr;

TEST(StandInProcess, TellsItsFirstLineAndEndsWithTheObject) {
  TempDir directory;
  const Path ended = directory.path() / "ended";
  {
    StandInProcess process({"sh", "-c", "echo listening; cat; echo bye >\"$0\"", ended.string()});
    EXPECT_EQ(process.hello(), "listening");
    EXPECT_FALSE(std::filesystem::exists(ended));
  }
  EXPECT_EQ(read_file_if_exists(ended), "bye\n");
}

TEST(StandInProcess, ProgramThatIsNotThereSaysNothing) {
  EXPECT_EQ(StandInProcess({"/nonexistent/program"}).hello(), "");
  EXPECT_THAT(why_not_started("the stand-in", {"/nonexistent/program"}),
              HasSubstr("the stand-in does not start"));
  EXPECT_EQ(why_not_started("the stand-in", {"true"}), "");
}

TEST(StandInProcess, IsControlled) {
  Sync<std::string> last;
  LoopbackServer server([&](const std::string& request) {
    *last.lock() = request;
    return request.starts_with("GET /_fake/state ") ? http_answer("200 OK", R"({"runs": 2})")
                                                    : http_answer("400 Bad Request", "no");
  });
  EXPECT_EQ(control_stand_in(server.url(), "state").at("runs"), 2);
  Error error = error_of([&] { control_stand_in(server.url(), "faults", Json{{"kind", "drop"}}); });
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_THAT(error.message(), HasSubstr("refused faults: no"));
  EXPECT_THAT(*last.lock(), HasSubstr(R"({"kind":"drop"})"));
}

}  // namespace
}  // namespace hallmark::net
