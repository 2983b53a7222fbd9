#include <gmock/gmock.h>

#include <barrier>
#include <thread>

#include "cloud/contract.h"

namespace hallmark::cloud {

namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;

// AWS Systems Manager's limit for a standard parameter's value.

std::vector<std::string> names(const std::vector<Parameter>& parameters) {
  std::vector<std::string> result;
  for (const Parameter& parameter : parameters) result.push_back(parameter.name);
  return result;
}

}  // namespace

TEST_P(CloudContract, ParameterCountsItsVersions) {
  const std::string name = "/GoldenAMI/latest";
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name), std::nullopt);
  EXPECT_EQ(cloud_->put_parameter(setup_.home, name, "ami-1", 0), 1);
  EXPECT_EQ(cloud_->put_parameter(setup_.home, name, "ami-1,ami-2", 1), 2);
  EXPECT_EQ(cloud_->put_parameter(setup_.home, name, "ami-2", 2), 3);
  std::optional<Parameter> read = setup_.open()->get_parameter(setup_.home, name);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, name);
  EXPECT_EQ(read->value, "ami-2");
  EXPECT_EQ(read->version, 3);
}

TEST_P(CloudContract, ParameterIsWrittenOnlyAtTheVersionThatWasRead) {
  const std::string name = "/contract/guarded";
  auto put = [&](std::int64_t expected) {
    return error_kind_of([&] { cloud_->put_parameter(setup_.home, name, "other", expected); });
  };
  EXPECT_THAT(put(1), Optional(ErrorKind::conflict));
  EXPECT_THAT(put(7), Optional(ErrorKind::conflict));
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name), std::nullopt);
  cloud_->put_parameter(setup_.home, name, "one", 0);
  cloud_->put_parameter(setup_.home, name, "two", 1);
  for (std::int64_t wrong : {0, 1, 3}) EXPECT_THAT(put(wrong), Optional(ErrorKind::conflict));
  EXPECT_THAT(put(-1), AnyOf(Optional(ErrorKind::conflict), Optional(ErrorKind::usage)));
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name)->value, "two");
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name)->version, 2);
}

TEST_P(CloudContract, ParameterIsRemovedOnlyAtTheVersionThatWasRead) {
  const std::string name = "/contract/removed";
  cloud_->put_parameter(setup_.home, name, "one", 0);
  cloud_->put_parameter(setup_.home, name, "two", 1);
  EXPECT_THAT(error_kind_of([&] { cloud_->remove_parameter(setup_.home, name, 1); }),
              Optional(ErrorKind::conflict));
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name)->value, "two");
  cloud_->remove_parameter(setup_.home, name, 2);
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name), std::nullopt);
  cloud_->remove_parameter(setup_.home, name, 2);
  cloud_->remove_parameter(setup_.home, "/contract/never", 1);
  EXPECT_EQ(cloud_->put_parameter(setup_.home, name, "again", 0), 1);
}

TEST_P(CloudContract, ParameterValuesHaveLimits) {
  const std::string name = "/contract/limits";
  auto put = [&](const std::string& value) {
    return error_kind_of([&] { cloud_->put_parameter(setup_.home, name, value, 0); });
  };
  EXPECT_THAT(put(""), Optional(ErrorKind::usage));
  EXPECT_THAT(put(std::string(kMaxParameterBytes + 1, 'x')), Optional(ErrorKind::usage));
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name), std::nullopt);
  EXPECT_EQ(put(std::string(kMaxParameterBytes, 'x')), std::nullopt);
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name)->value.size(), kMaxParameterBytes);
}

TEST_P(CloudContract, AnImageIdParameterHoldsAnImageThatCanBeUsed) {
  const std::string name = "/contract/image";
  const std::string image_id = available_image(setup_.home, "named by a parameter");
  const ParameterKind kind = ParameterKind::image_id;
  EXPECT_EQ(cloud_->put_parameter(setup_.home, name, image_id, 0, kind), 1);
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name)->value, image_id);
  EXPECT_THAT(error_kind_of([&] { cloud_->put_parameter(setup_.guest, name, image_id, 0, kind); }),
              ::testing::Ne(std::nullopt))
      << "it is not shared with that account";
  EXPECT_EQ(cloud_->get_parameter(setup_.guest, name), std::nullopt);
}

TEST_P(CloudContract, ParameterValuesComeBackAsTheyWere) {
  int count = 0;
  for (const std::string value :
       {"a\n", "\n", " ", "two\nlines\n\n", "{\"us-east-1\":\"ami-1\"}", "'\"\\$`", "\xc3\xbc"}) {
    std::string name = "/contract/value" + std::to_string(++count);
    cloud_->put_parameter(setup_.home, name, value, 0);
    EXPECT_EQ(cloud_->get_parameter(setup_.home, name)->value, value);
  }
}

TEST_P(CloudContract, ParametersBelongToTheirPlace) {
  const std::string name = "/GoldenAMI/os/product/1";
  cloud_->put_parameter(setup_.home, name, "home", 0);
  cloud_->put_parameter(setup_.away, name, "away", 0);
  cloud_->put_parameter(setup_.guest, name, "guest", 0);
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name)->value, "home");
  EXPECT_EQ(cloud_->get_parameter(setup_.away, name)->value, "away");
  EXPECT_EQ(cloud_->get_parameter(setup_.guest, name)->value, "guest");
  cloud_->remove_parameter(setup_.away, name, 1);
  EXPECT_EQ(cloud_->get_parameter(setup_.away, name), std::nullopt);
  EXPECT_EQ(cloud_->get_parameter(setup_.home, name)->value, "home");
}

TEST_P(CloudContract, ParametersAreListedByTheStartOfTheirName) {
  // A parameter may also be the path of others, as with /GoldenAMI/{OS}/{product}/{version}.
  for (const std::string name :
       {"/GoldenAMI/os/p/1/temp", "/GoldenAMI/os/p/1", "/GoldenAMI/os/p/10", "/GoldenAMI/latest",
        "/Other/latest", "/GoldenAMI/os/p/1.x_y-z"}) {
    cloud_->put_parameter(setup_.home, name, "value of " + name, 0);
  }
  EXPECT_THAT(names(cloud_->list_parameters(setup_.home, "/GoldenAMI/os/p/1")),
              ElementsAre("/GoldenAMI/os/p/1", "/GoldenAMI/os/p/1.x_y-z", "/GoldenAMI/os/p/1/temp",
                          "/GoldenAMI/os/p/10"));
  EXPECT_THAT(names(cloud_->list_parameters(setup_.home, "/GoldenAMI/os/p/1/")),
              ElementsAre("/GoldenAMI/os/p/1/temp"));
  EXPECT_EQ(cloud_->list_parameters(setup_.home, "/").size(), 6u);
  EXPECT_THAT(cloud_->list_parameters(setup_.away, "/"), IsEmpty());
  std::vector<Parameter> latest = cloud_->list_parameters(setup_.home, "/Other");
  ASSERT_EQ(latest.size(), 1u);
  EXPECT_EQ(latest[0].value, "value of /Other/latest");
  EXPECT_EQ(latest[0].version, 1);
}

TEST_P(CloudContract, BadParameterNamesAreRefused) {
  for (const std::string& name :
       {std::string(), std::string("/"), std::string("/a b"), std::string("/new\nline"),
        std::string("/nul\0x", 6), std::string("/z\xc3\xbcrich"), std::string("/a//b"),
        std::string("/end/"), "/" + std::string(3000, 'n')}) {
    SCOPED_TRACE(::testing::PrintToString(name.substr(0, 40)));
    EXPECT_THAT(error_kind_of([&] { cloud_->put_parameter(setup_.home, name, "x", 0); }),
                Optional(ErrorKind::usage));
    auto get_kind = error_kind_of(
        [&] { EXPECT_THAT(cloud_->get_parameter(setup_.home, name), Eq(std::nullopt)); });
    EXPECT_THAT(get_kind, AnyOf(Eq(std::nullopt), Optional(ErrorKind::usage)));
  }
  // Names that mean something to a file system either name a parameter like any other or are
  // refused.
  for (const std::string name : {"/..", "/a/../../b", "/./a", "/a/.hidden"}) {
    SCOPED_TRACE(name);
    auto kind = error_kind_of([&] { cloud_->put_parameter(setup_.home, name, "dots", 0); });
    if (kind) {
      EXPECT_EQ(*kind, ErrorKind::usage);
    } else {
      EXPECT_EQ(cloud_->get_parameter(setup_.home, name)->value, "dots");
      EXPECT_EQ(cloud_->list_parameters(setup_.home, name).size(), 1u);
      EXPECT_EQ(cloud_->get_parameter(setup_.away, name), std::nullopt);
      cloud_->remove_parameter(setup_.home, name, 1);
    }
  }
}

TEST_P(CloudContract, RacingWritersLoseNoUpdate) {
  const std::string name = "/GoldenAMI/latest";
  constexpr int kWriters = 4;
  constexpr int kValuesEach = 5;
  // All read before anyone writes, so that each round has one winner and losers.
  std::barrier all_have_read(kWriters);
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer] {
        std::unique_ptr<Cloud> own = setup_.open();
        for (int i = 0; i < kValuesEach; ++i) {
          std::string entry = std::to_string(writer) + "." + std::to_string(i) + ",";
          for (int attempt = 0;; ++attempt) {
            std::optional<Parameter> now = own->get_parameter(setup_.home, name);
            if (attempt == 0) all_have_read.arrive_and_wait();
            auto kind = error_kind_of([&] {
              own->put_parameter(setup_.home, name, (now ? now->value : "") + entry,
                                 now ? now->version : 0);
            });
            if (!kind) break;
            EXPECT_EQ(*kind, ErrorKind::conflict);
            if (*kind != ErrorKind::conflict) return all_have_read.arrive_and_drop();
          }
        }
      });
    }
  }
  std::optional<Parameter> end = cloud_->get_parameter(setup_.home, name);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->version, kWriters * kValuesEach);
  for (int writer = 0; writer < kWriters; ++writer) {
    for (int i = 0; i < kValuesEach; ++i) {
      std::string entry = std::to_string(writer) + "." + std::to_string(i) + ",";
      EXPECT_NE(end->value.find(entry), std::string::npos) << entry;
    }
  }
}

}  // namespace hallmark::cloud
