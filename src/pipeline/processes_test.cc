/// Several processes over one state directory and one cloud, at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {
namespace {

constexpr int kProcesses = 3;

/// What processes share: files, and nothing in memory.
struct Installation {
  explicit Installation(const Path& directory)
      : clock(from_rfc3339("2026-11-22T12:00:00Z")),
        world(std::make_shared<cloud::MemoryWorld>(
            clock, cloud::MemoryOptions{.state_file = directory / "world.json"})),
        product(clock, world, {.directory = directory}) {}

  ManualClock clock;
  std::shared_ptr<cloud::MemoryWorld> world;
  Product product;
};

/// A process that waits until `go` is closed, and then distributes. Its exit code is 0 if all went
/// well.
pid_t distribute_in_child(const Path& directory, const std::string& image_key, int go,
                          int keep_open) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::close(keep_open);
  int code = 1;
  try {
    Installation installation(directory);
    Product& product = installation.product;
    char unused;
    while (::read(go, &unused, 1) > 0) {
    }
    const auto run = product.drive(
        start_distribute(*product.engine, *product.context, product.image(image_key), {}));
    if (run.error) std::fprintf(stderr, "%s\n", run.error->full_text().c_str());
    code = run.state == workflow::RunState::succeeded ? 0 : 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
  ::_exit(code);
}

TEST(Processes, DistributeVersionsOfOneProductAtOnceAndLoseNothing) {
  TempDir directory;
  std::vector<std::string> keys;
  {
    Installation installation(directory.path());
    installation.product.import_source();
    for (int i = 1; i <= kProcesses; ++i) {
      model::Pipeline pipeline = sample_pipeline();
      pipeline.version = std::to_string(i);
      keys.push_back(installation.product.golden(pipeline).image_key);
    }
  }
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::vector<pid_t> children;
  for (const std::string& key : keys) {
    children.push_back(distribute_in_child(directory.path(), key, ends[0], ends[1]));
    ASSERT_GT(children.back(), 0);
  }
  ::close(ends[0]);
  ::close(ends[1]);
  for (pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }

  Installation installation(directory.path());
  Product& product = installation.product;
  std::map<cloud::Place, std::set<std::string>> expected;
  for (const std::string& key : keys) {
    const GoldenImage image = product.image(key);
    for (const ImageTarget& target : list_targets(*product.database, image.run_id)) {
      EXPECT_EQ(target.state, TargetState::available) << key;
      expected[target.place].insert(target.image_id);
      const auto version = product.cloud->get_parameter(
          target.place, version_parameter(image.product, image.os, image.version));
      ASSERT_TRUE(version) << key << " in " << cloud::to_string(target.place);
      EXPECT_EQ(version->value, target.image_id);
    }
  }
  EXPECT_EQ(expected.size(), 5u);
  for (const auto& [place, ids] : expected) {
    const std::vector<std::string> latest = read_latest(*product.cloud, place);
    EXPECT_EQ(latest.size(), static_cast<std::size_t>(kProcesses)) << cloud::to_string(place);
    EXPECT_EQ(std::set<std::string>(latest.begin(), latest.end()), ids) << cloud::to_string(place);
  }
  EXPECT_TRUE(product.ledger->open().empty());
}

}  // namespace
}  // namespace hallmark::pipeline
