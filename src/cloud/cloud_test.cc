#include "cloud/cloud.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/testing.h"

namespace hallmark::cloud {
namespace {

TEST(Cloud, WordsAndValuesAreInverse) {
  for (ImageState state :
       {ImageState::pending, ImageState::available, ImageState::failed, ImageState::disabled}) {
    EXPECT_EQ(image_state_from(to_string(state)), state);
  }
  for (MachineState state :
       {MachineState::pending, MachineState::running, MachineState::stopping, MachineState::stopped,
        MachineState::terminated, MachineState::failed}) {
    EXPECT_EQ(machine_state_from(to_string(state)), state);
  }
  for (MachineKind kind : {MachineKind::boot, MachineKind::offline}) {
    EXPECT_EQ(machine_kind_from(to_string(kind)), kind);
  }
  EXPECT_EQ(to_string(CommandState::timed_out), "timed_out");
  EXPECT_EQ(to_string(Place{"111122223333", "us-east-1"}), "111122223333/us-east-1");
  EXPECT_EQ(kind_of([] { image_state_from("Available"); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([] { machine_state_from(""); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([] { machine_kind_from("boots"); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([] { to_string(static_cast<ImageState>(77)); }), ErrorKind::internal);
}

TEST(Cloud, ImageNamesFollowEc2) {
  check_image_name("abc");
  check_image_name("ProductName-ProductVersion-AmazonLinux-2018.03-1");
  check_image_name("a(b)[c] d./-'@_" + std::string(113, 'z'));
  for (std::string bad : {"", "ab", "a,b", "a:b", "tab\tbed", "line\n", "caf\xc3\xa9"}) {
    EXPECT_EQ(kind_of([&] { check_image_name(bad); }), ErrorKind::usage) << bad;
  }
  EXPECT_EQ(kind_of([] { check_image_name(std::string(129, 'z')); }), ErrorKind::usage);
}

TEST(Cloud, ParameterNamesFollowSystemsManager) {
  check_parameter_name("/GoldenAMI/Debian-12/Web-1.0/1/temp");
  check_parameter_name("/a.b_c-d");
  check_parameter_name("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15");
  for (std::string bad : {"", "/", "a", "a/b", "/a/", "//a", "/a//b", "/a b", "/a*", "/\xc3\xa9",
                          "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"}) {
    EXPECT_EQ(kind_of([&] { check_parameter_name(bad); }), ErrorKind::usage) << bad;
  }
  EXPECT_EQ(kind_of([] { check_parameter_name("/" + std::string(1011, 'n')); }), ErrorKind::usage);
  check_parameter_value("/a", std::string(kMaxParameterBytes, 'v'));
  EXPECT_EQ(kind_of([] { check_parameter_value("/a", ""); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([] { check_parameter_value("/a", std::string(kMaxParameterBytes + 1, 'v')); }),
            ErrorKind::usage);
}

TEST(Cloud, AccountIdsHaveTwelveDigits) {
  check_account_id("000000000001");
  for (std::string bad : {"", "11112222333", "1111222233334", "11112222333a", "-11122223333"}) {
    EXPECT_EQ(kind_of([&] { check_account_id(bad); }), ErrorKind::usage) << bad;
  }
}

TEST(Cloud, CommandsAreChecked) {
  check_command({.script = "true", .environment = {{"_A1", "any\nthing"}}});
  for (std::string name : {"", "1A", "A B", "A=B", "A-B", "\xc3\xa9"}) {
    EXPECT_EQ(kind_of([&] {
                check_command({.environment = {{name, "x"}}});
              }),
              ErrorKind::usage)
        << name;
  }
  EXPECT_EQ(kind_of([] { check_command({.script = std::string("a\0b", 3)}); }), ErrorKind::usage);
  EXPECT_EQ(kind_of([] { check_command({.time_limit = Duration(-1)}); }), ErrorKind::usage);
  try {
    check_command({.environment = {{"A", std::string("secret\0", 7)}}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.full_text().find("secret"), std::string::npos);
  }
}

TEST(Cloud, OwnersAreOurselvesAccountsOrAliases) {
  Place place{"111122223333", "us-east-1"};
  Image ours{.owner_id = "111122223333"};
  Image amazons{.owner_id = "137112412989"};
  amazons.owner_alias = "amazon";
  auto fits = [&](const Image& image, std::vector<std::string> owners) {
    ImageFilter filter;
    filter.owners = std::move(owners);
    return matches_name_and_owner(image, filter, place);
  };
  EXPECT_TRUE(fits(ours, {}));
  EXPECT_FALSE(fits(amazons, {}));
  EXPECT_TRUE(fits(ours, {"self"}));
  EXPECT_FALSE(fits(amazons, {"self"}));
  EXPECT_TRUE(fits(amazons, {"self", "amazon"}));
  EXPECT_TRUE(fits(amazons, {"137112412989"}));
  ImageFilter both{.name = "a"};
  both.name_pattern = "a*";
  EXPECT_EQ(kind_of([&] { check_image_filter(both); }), ErrorKind::usage);
}

TEST(Cloud, TagsMatchOnlyIfAllDo) {
  Tags tags = {{"a", "1"}, {"b", ""}};
  EXPECT_TRUE(matches(tags, {}, {}));
  EXPECT_TRUE(matches(tags, {{"a", "1"}, {"b", ""}}, {"a", "b"}));
  EXPECT_FALSE(matches(tags, {{"a", "2"}}, {}));
  EXPECT_FALSE(matches(tags, {{"c", ""}}, {}));
  EXPECT_FALSE(matches(tags, {{"a", "1"}}, {"c"}));
  EXPECT_FALSE(matches({}, {{"a", "1"}}, {}));
}

}  // namespace
}  // namespace hallmark::cloud
