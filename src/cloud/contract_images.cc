#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "cloud/contract.h"

namespace hallmark::cloud {

namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::UnorderedElementsAre;

// Ids that no cloud hands out, and that must not lead anywhere when they are part of a path.
const std::vector<std::string> kStrangeIds = {"",
                                              "ami-",
                                              "ami-0123456789abcdef0",
                                              "i-0123456789abcdef0",
                                              "nonsense",
                                              "..",
                                              "/",
                                              "ami-../../../../etc/passwd",
                                              "ami-0123\n456",
                                              "ami-' OR 1=1",
                                              "\xff",
                                              std::string("ami-\0x", 6),
                                              "ami-" + std::string(5000, 'a'),
                                              "ami-0123456789abcdefg"};

std::vector<std::string> ids(const std::vector<Image>& images) {
  std::vector<std::string> result;
  for (const Image& image : images) result.push_back(image.image_id);
  return result;
}

std::string bytes_of(disk::BlockReader& reader) {
  std::string bytes(reader.size_bytes(), '\0');
  // An odd step, so that reads do not end where blocks do.
  constexpr std::size_t kStep = 65'537;
  for (std::size_t at = 0; at < bytes.size(); at += kStep) {
    std::size_t length = std::min(kStep, bytes.size() - at);
    reader.read(at, std::as_writable_bytes(std::span(bytes.data() + at, length)));
  }
  return bytes;
}

bool absent(std::optional<ErrorKind> kind) {
  return kind == ErrorKind::not_found || kind == ErrorKind::denied || kind == ErrorKind::usage;
}

}  // namespace

TEST_P(CloudContract, SaysWhatItIs) {
  Properties properties = cloud_->properties();
  EXPECT_FALSE(properties.name.empty());
  EXPECT_EQ(properties.account_id, setup_.home.account_id);
  EXPECT_THAT(properties.regions, ::testing::Contains(setup_.home.region));
  EXPECT_THAT(properties.regions, ::testing::Contains(setup_.away.region));
}

TEST_P(CloudContract, ImportedImageBecomesAvailableWithAllItWasGiven) {
  std::string image_id = cloud_->import_image(
      setup_.home, setup_.disk_file, spec("golden (1.0)", {{"AMI-Type", "Golden"}, {"empty", ""}}),
      token(), stop_);
  EXPECT_TRUE(image_id.starts_with("ami-")) << image_id;
  Image image = wait_available(setup_.home, image_id);
  EXPECT_EQ(image.image_id, image_id);
  EXPECT_EQ(image.name, "golden (1.0)");
  EXPECT_EQ(image.description, "made by the contract suite");
  EXPECT_EQ(image.owner_id, setup_.home.account_id);
  EXPECT_EQ(image.region, setup_.home.region);
  EXPECT_FALSE(image.architecture.empty());
  EXPECT_EQ(image.source_image_id, "");
  EXPECT_GT(image.disk_size_bytes, 0u);
  EXPECT_EQ(image.tags, (Tags{{"AMI-Type", "Golden"}, {"empty", ""}}));
  EXPECT_LE(image.created_at, setup_.clock->now() + std::chrono::minutes(1));
  EXPECT_GE(image.created_at, setup_.clock->now() - std::chrono::hours(24));
}

TEST_P(CloudContract, ImageIsNeverSeenWithoutItsTags) {
  std::string image_id = cloud_->import_image(setup_.home, setup_.disk_file,
                                              spec("tagged", {{"run", "r1"}}), token(), stop_);
  EXPECT_TRUE(eventually([&] {
    std::optional<Image> image = cloud_->find_image(setup_.home, image_id);
    if (!image) return false;
    EXPECT_EQ(image->tags, (Tags{{"run", "r1"}}));
    return image->state == ImageState::available;
  }));
}

TEST_P(CloudContract, ImportTwiceWithOneTokenIsOneImage) {
  std::string once = token();
  std::string image_id =
      cloud_->import_image(setup_.home, setup_.disk_file, spec("once"), once, stop_);
  EXPECT_EQ(cloud_->import_image(setup_.home, setup_.disk_file, spec("once"), once, stop_),
            image_id);
  wait_available(setup_.home, image_id);
  // Another process after a crash, with the image long there.
  EXPECT_EQ(setup_.open()->import_image(setup_.home, setup_.disk_file, spec("once"), once, stop_),
            image_id);
  EXPECT_THAT(ids(cloud_->list_images(setup_.home, {.name = "once"})), ElementsAre(image_id));
}

TEST_P(CloudContract, ImportsRacingWithOneTokenAreOneImage) {
  std::string once = token();
  std::vector<std::string> made(3);
  {
    std::vector<std::jthread> threads;
    for (std::string& id : made) {
      threads.emplace_back([&] {
        insist([&] {
          id = setup_.open()->import_image(setup_.home, setup_.disk_file, spec("raced"), once,
                                           stop_);
        });
      });
    }
  }
  EXPECT_THAT(made, ::testing::Each(made[0]));
  wait_available(setup_.home, made[0]);
  EXPECT_THAT(ids(cloud_->list_images(setup_.home, {.name = "raced"})), ElementsAre(made[0]));
}

TEST_P(CloudContract, NameIsUniquePerOwnerAndRegion) {
  std::string first = available_image(setup_.home, "the name");
  auto import_at = [&](const Place& place) {
    return error_kind_of(
        [&] { cloud_->import_image(place, setup_.disk_file, spec("the name"), token(), stop_); });
  };
  EXPECT_THAT(import_at(setup_.home), Optional(ErrorKind::conflict));
  EXPECT_EQ(import_at(setup_.away), std::nullopt);
  EXPECT_EQ(import_at(setup_.guest), std::nullopt);
  EXPECT_THAT(ids(cloud_->list_images(setup_.home, {.name = "the name"})), ElementsAre(first));
  cloud_->remove_image(setup_.home, first);
  EXPECT_TRUE(eventually([&] { return import_at(setup_.home) == std::nullopt; }));
}

TEST_P(CloudContract, TwoImportsRacingForANameHaveOneWinner) {
  std::atomic<int> won = 0, lost = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, own = token()] {
        std::optional<ErrorKind> kind;
        insist([&] {
          kind = error_kind_of([&] {
            setup_.open()->import_image(setup_.home, setup_.disk_file, spec("wanted"), own, stop_);
          });
          if (kind && *kind != ErrorKind::conflict) throw Error(*kind, "import");
        });
        ++(kind ? lost : won);
      });
    }
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 2);
}

TEST_P(CloudContract, BadImageNamesAreRefused) {
  for (const std::string& name :
       {std::string(), std::string("ab"), std::string(129, 'x'), std::string("semi;colon"),
        std::string("new\nline"), std::string("sl\\ash"), std::string("z\xc3\xbcrich"),
        std::string("nul\0byte", 8)}) {
    EXPECT_THAT(error_kind_of([&] {
                  cloud_->import_image(setup_.home, setup_.disk_file, spec(name), token(), stop_);
                }),
                Optional(ErrorKind::usage))
        << name;
  }
  EXPECT_THAT(cloud_->list_images(setup_.home, {}), IsEmpty());
  std::string id = available_image(setup_.home, "../../(a) [b] c.d/e-f'@_");
  EXPECT_EQ(wait_available(setup_.home, id).name, "../../(a) [b] c.d/e-f'@_");
}

TEST_P(CloudContract, FilesThatAreNoDisksAreRefused) {
  TempDir dir;
  Path broken = dir.path() / "broken.qcow2";
  std::ofstream(broken) << "QFI\xfb" << std::string(60, '\x7f');
  EXPECT_THAT(error_kind_of([&] {
                cloud_->import_image(setup_.home, broken, spec("broken"), token(), stop_);
              }),
              Optional(ErrorKind::corrupt));
  EXPECT_THAT(error_kind_of([&] {
                cloud_->import_image(setup_.home, dir.path() / "none", spec("none"), token(),
                                     stop_);
              }),
              Optional(ErrorKind::not_found));
  EXPECT_THAT(cloud_->list_images(setup_.home, {}), IsEmpty());
}

TEST_P(CloudContract, UnknownRegionIsRefused) {
  Place nowhere{setup_.home.account_id, "atlantis-1"};
  auto kind = error_kind_of(
      [&] { cloud_->import_image(nowhere, setup_.disk_file, spec("lost"), token(), stop_); });
  EXPECT_TRUE(absent(kind));
  Place escaping{"../../..", setup_.home.region};
  kind = error_kind_of(
      [&] { cloud_->import_image(escaping, setup_.disk_file, spec("lost"), token(), stop_); });
  EXPECT_TRUE(absent(kind));
}

TEST_P(CloudContract, ListsByNameTagsAndTagKeys) {
  std::string a = available_image(setup_.home, "image a", {{"type", "golden"}, {"run", "1"}});
  std::string b = available_image(setup_.home, "image b", {{"type", "golden"}, {"run", "2"}});
  std::string elsewhere = available_image(setup_.away, "image a", {{"type", "golden"}});
  auto listed = [&](const ImageFilter& filter) {
    std::vector<std::string> found = ids(cloud_->list_images(setup_.home, filter));
    std::sort(found.begin(), found.end());
    return found;
  };
  std::vector<std::string> both = {a, b};
  std::sort(both.begin(), both.end());
  EXPECT_EQ(listed({}), both);
  EXPECT_EQ(listed({.tags = {{"type", "golden"}}}), both);
  EXPECT_EQ(listed({.tag_keys = {"run", "type"}}), both);
  EXPECT_THAT(listed({.tags = {{"type", "golden"}, {"run", "2"}}}), ElementsAre(b));
  EXPECT_THAT(listed({.name = "image a", .tag_keys = {"run"}}), ElementsAre(a));
  EXPECT_THAT(listed({.name = "image"}), IsEmpty());
  EXPECT_THAT(listed({.tags = {{"type", "golde"}}}), IsEmpty());
  EXPECT_THAT(listed({.tag_keys = {"type", "owner"}}), IsEmpty());
  EXPECT_THAT(cloud_->list_images(setup_.guest, {.owned_only = false}), IsEmpty());
  EXPECT_THAT(cloud_->find_image(setup_.home, elsewhere), Eq(std::nullopt));
}

TEST_P(CloudContract, ListsByPatternOfNamesAndByOwner) {
  std::string first = available_image(setup_.home, "base-1.0-x");
  std::string second = available_image(setup_.home, "base-2.0-x");
  available_image(setup_.home, "other");
  std::string theirs = available_image(setup_.guest, "base-3.0-x");
  cloud_->share_image(setup_.guest, theirs, setup_.home.account_id);
  auto found = [&](const std::string& pattern, std::vector<std::string> owners, bool owned_only) {
    ImageFilter filter{.owned_only = owned_only};
    filter.name_pattern = pattern;
    filter.owners = std::move(owners);
    return ids(cloud_->list_images(setup_.home, filter));
  };
  EXPECT_THAT(found("base-*", {}, true), UnorderedElementsAre(first, second));
  EXPECT_THAT(found("base-*", {}, false), UnorderedElementsAre(first, second, theirs));
  EXPECT_THAT(found("*-?.0-x", {"self"}, false), UnorderedElementsAre(first, second));
  EXPECT_THAT(found("base-*", {setup_.guest.account_id}, true), ElementsAre(theirs));
  EXPECT_THAT(found("base-2*", {"self", setup_.guest.account_id}, true), ElementsAre(second));
  EXPECT_THAT(found("base", {}, false), IsEmpty());
  EXPECT_THAT(error_kind_of([&] { found("base-*", {"somebody"}, true); }),
              Optional(ErrorKind::usage));
}

TEST_P(CloudContract, LaunchOfWhatIsNotThereIsRefusedBeforehandIfItIsChecked) {
  std::string id = available_image(setup_.home, "launchable");
  EXPECT_EQ(error_kind_of([&] { cloud_->check_launch(setup_.home, {.image_id = id}, stop_); }),
            std::nullopt);
  auto kind = error_kind_of(
      [&] { cloud_->check_launch(setup_.home, {.image_id = "ami-0123456789abcdef0"}, stop_); });
  if (kind) {
    EXPECT_EQ(*kind, ErrorKind::not_found);
  }
  EXPECT_THAT(cloud_->list_machines(setup_.home, {.include_terminated = true}), IsEmpty());
}

TEST_P(CloudContract, TagsAreSetOverwrittenAndRemoved) {
  std::string image_id = available_image(setup_.home, "tagging", {{"a", "1"}, {"b", "2"}});
  auto tags_become = [&](const Tags& wanted) {
    return eventually([&] { return cloud_->find_image(setup_.home, image_id)->tags == wanted; });
  };
  cloud_->set_tags(setup_.home, image_id, {{"b", "two"}, {"c", "x = 'y' \"z\" \xc3\xbc"}});
  EXPECT_TRUE(tags_become({{"a", "1"}, {"b", "two"}, {"c", "x = 'y' \"z\" \xc3\xbc"}}));
  cloud_->remove_tags(setup_.home, image_id, {"a", "never there"});
  EXPECT_TRUE(tags_become({{"b", "two"}, {"c", "x = 'y' \"z\" \xc3\xbc"}}));
  cloud_->remove_tags(setup_.home, image_id, {"a"});
  EXPECT_TRUE(tags_become({{"b", "two"}, {"c", "x = 'y' \"z\" \xc3\xbc"}}));
}

TEST_P(CloudContract, OpenedImageHasTheBytesOfItsDisk) {
  std::string image_id = available_image(setup_.home, "bytes");
  Image image = wait_available(setup_.home, image_id);
  auto reader = cloud_->open_image(setup_.home, image_id);
  ASSERT_EQ(reader->size_bytes(), image.disk_size_bytes);
  std::byte past{};
  EXPECT_THAT(error_kind_of([&] { reader->read(reader->size_bytes(), std::span(&past, 1)); }),
              Optional(ErrorKind::corrupt));
  std::string copy_id = cloud_->copy_image(setup_.away, image_id, setup_.home.region,
                                           spec("bytes copied"), token(), stop_);
  wait_available(setup_.away, copy_id);
  // Disks that boot are too large to compare byte for byte here; their start must do.
  constexpr std::uint64_t kCompared = 4u << 20;
  if (reader->size_bytes() <= kCompared) {
    EXPECT_EQ(bytes_of(*reader), bytes_of(*cloud_->open_image(setup_.away, copy_id)));
  } else {
    std::vector<std::byte> here(kCompared), there(kCompared);
    reader->read(0, here);
    cloud_->open_image(setup_.away, copy_id)->read(0, there);
    EXPECT_EQ(here, there);
  }
}

TEST_P(CloudContract, CopyGoesToAnotherRegion) {
  std::string source = available_image(setup_.home, "original", {{"only", "here"}});
  std::string once = token();
  ImageSpec wanted = spec("copied from original", {{"version", "1"}});
  std::string copy =
      cloud_->copy_image(setup_.away, source, setup_.home.region, wanted, once, stop_);
  EXPECT_NE(copy, source);
  EXPECT_EQ(cloud_->copy_image(setup_.away, source, setup_.home.region, wanted, once, stop_), copy);
  Image image = wait_available(setup_.away, copy);
  Image original = wait_available(setup_.home, source);
  EXPECT_EQ(image.name, "copied from original");
  EXPECT_EQ(image.tags, (Tags{{"version", "1"}}));
  EXPECT_EQ(image.owner_id, setup_.away.account_id);
  EXPECT_EQ(image.region, setup_.away.region);
  EXPECT_EQ(image.source_image_id, source);
  EXPECT_EQ(image.source_region, setup_.home.region);
  EXPECT_EQ(image.architecture, original.architecture);
  EXPECT_EQ(image.disk_size_bytes, original.disk_size_bytes);
  EXPECT_EQ(setup_.open()->copy_image(setup_.away, source, setup_.home.region, wanted, once, stop_),
            copy);
  EXPECT_EQ(cloud_->list_images(setup_.away, {}).size(), 1u);
  EXPECT_THAT(error_kind_of([&] {
                cloud_->copy_image(setup_.away, source, setup_.home.region, wanted, token(), stop_);
              }),
              Optional(ErrorKind::conflict));
  // A copy stands on its own.
  cloud_->remove_image(setup_.home, source);
  EXPECT_TRUE(eventually([&] { return !cloud_->find_image(setup_.home, source); }));
  EXPECT_GT(cloud_->open_image(setup_.away, copy)->size_bytes(), 0u);
}

TEST_P(CloudContract, CopyOfWhatIsNotThereIsRefused) {
  std::string there = available_image(setup_.away, "in the other region");
  auto copy_kind = [&](const std::string& id, const std::string& region) {
    return error_kind_of(
        [&] { cloud_->copy_image(setup_.home, id, region, spec("a copy"), token(), stop_); });
  };
  EXPECT_TRUE(absent(copy_kind("ami-0123456789abcdef0", setup_.home.region)));
  EXPECT_TRUE(absent(copy_kind(there, setup_.home.region)));
  EXPECT_TRUE(absent(copy_kind(there, "atlantis-1")));
  EXPECT_TRUE(absent(copy_kind("../" + there, setup_.away.region)));
  EXPECT_THAT(cloud_->list_images(setup_.home, {}), IsEmpty());
}

TEST_P(CloudContract, SharedImageIsSeenByTheGuestUntilItIsUnshared) {
  std::string image_id = available_image(setup_.home, "shared");
  const std::string& guest = setup_.guest.account_id;
  EXPECT_THAT(cloud_->find_image(setup_.guest, image_id), Eq(std::nullopt));
  EXPECT_THAT(cloud_->list_shares(setup_.home, image_id), IsEmpty());

  cloud_->share_image(setup_.home, image_id, guest);
  cloud_->share_image(setup_.home, image_id, guest);
  cloud_->share_image(setup_.home, image_id, "000000000001");
  EXPECT_TRUE(
      eventually([&] { return cloud_->find_image(setup_.guest, image_id) != std::nullopt; }));
  EXPECT_TRUE(eventually([&] {
    return cloud_->list_shares(setup_.home, image_id) ==
           std::vector<std::string>{"000000000001", guest};
  }));
  EXPECT_EQ(cloud_->find_image(setup_.guest, image_id)->owner_id, setup_.home.account_id);
  EXPECT_THAT(cloud_->list_images(setup_.guest, {}), IsEmpty());
  EXPECT_THAT(ids(cloud_->list_images(setup_.guest, {.owned_only = false})), ElementsAre(image_id));
  EXPECT_THAT(ids(cloud_->list_images(setup_.guest, {.name = "shared", .owned_only = false})),
              ElementsAre(image_id));

  cloud_->unshare_image(setup_.home, image_id, guest);
  cloud_->unshare_image(setup_.home, image_id, guest);
  EXPECT_TRUE(eventually([&] { return !cloud_->find_image(setup_.guest, image_id); }));
  EXPECT_THAT(cloud_->list_images(setup_.guest, {.owned_only = false}), IsEmpty());
  EXPECT_THAT(cloud_->list_shares(setup_.home, image_id), ElementsAre("000000000001"));
}

TEST_P(CloudContract, CopyOfASharedImageBelongsToTheGuest) {
  std::string source = available_image(setup_.home, "lent");
  auto copy = [&](const std::string& own) {
    return cloud_->copy_image(setup_.guest, source, setup_.home.region, spec("own copy"), own,
                              stop_);
  };
  EXPECT_TRUE(absent(error_kind_of([&] { copy(token()); })));
  cloud_->share_image(setup_.home, source, setup_.guest.account_id);
  std::string copied;
  std::string once = token();
  insist([&] { copied = copy(once); });
  Image image = wait_available(setup_.guest, copied);
  EXPECT_EQ(image.owner_id, setup_.guest.account_id);
  EXPECT_EQ(image.source_image_id, source);
  EXPECT_THAT(ids(cloud_->list_images(setup_.guest, {})), ElementsAre(copied));
  EXPECT_THAT(cloud_->find_image(setup_.home, copied), Eq(std::nullopt));
  cloud_->unshare_image(setup_.home, source, setup_.guest.account_id);
  EXPECT_GT(cloud_->open_image(setup_.guest, copied)->size_bytes(), 0u);
}

TEST_P(CloudContract, OnlyTheOwnerMayShareOrRemove) {
  std::string image_id = available_image(setup_.home, "guarded");
  cloud_->share_image(setup_.home, image_id, setup_.guest.account_id);
  ASSERT_TRUE(
      eventually([&] { return cloud_->find_image(setup_.guest, image_id) != std::nullopt; }));
  EXPECT_THAT(error_kind_of([&] { cloud_->remove_image(setup_.guest, image_id); }),
              Optional(ErrorKind::denied));
  EXPECT_THAT(error_kind_of([&] { cloud_->share_image(setup_.guest, image_id, "000000000001"); }),
              Optional(ErrorKind::denied));
  EXPECT_THAT(error_kind_of(
                  [&] { cloud_->unshare_image(setup_.guest, image_id, setup_.guest.account_id); }),
              Optional(ErrorKind::denied));
  EXPECT_THAT(error_kind_of([&] { cloud_->list_shares(setup_.guest, image_id); }),
              Optional(ErrorKind::denied));
  EXPECT_EQ(wait_available(setup_.home, image_id).image_id, image_id);
}

TEST_P(CloudContract, DeprecationIsKeptAndTakenBack) {
  std::string image_id = available_image(setup_.home, "ageing");
  TimePoint at = setup_.clock->now() + std::chrono::hours(24 * 30);
  auto shows = [&](std::optional<TimePoint> expected) {
    return eventually([&] {
      return cloud_->find_image(setup_.home, image_id).value().deprecated_at == expected;
    });
  };
  EXPECT_TRUE(shows(std::nullopt));
  for (int time = 0; time < 2; ++time) cloud_->deprecate_image(setup_.home, image_id, at);
  EXPECT_TRUE(shows(std::chrono::floor<std::chrono::minutes>(at)));
  // Who looks for it by name still sees that it is there: it is ours.
  EXPECT_THAT(ids(cloud_->list_images(setup_.home, {.name = "ageing"})), ElementsAre(image_id));
  for (int time = 0; time < 2; ++time) cloud_->deprecate_image(setup_.home, image_id, {});
  EXPECT_TRUE(shows(std::nullopt));
  cloud_->deprecate_image(setup_.home, image_id, setup_.clock->now() - std::chrono::hours(1));
  EXPECT_TRUE(eventually(
      [&] { return cloud_->find_image(setup_.home, image_id).value().deprecated_at.has_value(); }));
}

TEST_P(CloudContract, DisabledImageCannotBeUsedUntilItIsEnabled) {
  std::string image_id = available_image(setup_.home, "resting");
  cloud_->share_image(setup_.home, image_id, setup_.guest.account_id);
  auto state = [&] { return cloud_->find_image(setup_.home, image_id).value().state; };
  for (int time = 0; time < 2; ++time) cloud_->disable_image(setup_.home, image_id);
  EXPECT_TRUE(eventually([&] { return state() == ImageState::disabled; }));
  EXPECT_TRUE(eventually([&] { return !cloud_->find_image(setup_.guest, image_id); }));
  EXPECT_THAT(cloud_->list_shares(setup_.home, image_id), ::testing::IsEmpty());
  EXPECT_THAT(ids(cloud_->list_images(setup_.home, {.name = "resting"})), ElementsAre(image_id));
  for (int time = 0; time < 2; ++time) cloud_->enable_image(setup_.home, image_id);
  EXPECT_TRUE(eventually([&] { return state() == ImageState::available; }));
  EXPECT_THAT(cloud_->list_shares(setup_.home, image_id), ::testing::IsEmpty())
      << "shares do not come back";
  cloud_->disable_image(setup_.home, image_id);
  cloud_->remove_image(setup_.home, image_id);
  EXPECT_TRUE(eventually([&] { return !cloud_->find_image(setup_.home, image_id); }));
}

TEST_P(CloudContract, OnlyTheOwnerMayRetire) {
  std::string image_id = available_image(setup_.home, "not yours");
  cloud_->share_image(setup_.home, image_id, setup_.guest.account_id);
  EXPECT_TRUE(eventually([&] { return cloud_->find_image(setup_.guest, image_id).has_value(); }));
  const Place& guest = setup_.guest;
  EXPECT_THAT(error_kind_of([&] { cloud_->disable_image(guest, image_id); }),
              Optional(ErrorKind::denied));
  EXPECT_THAT(error_kind_of([&] { cloud_->enable_image(guest, image_id); }),
              Optional(ErrorKind::denied));
  EXPECT_THAT(error_kind_of([&] { cloud_->deprecate_image(guest, image_id, {}); }),
              Optional(ErrorKind::denied));
  EXPECT_THAT(error_kind_of([&] { cloud_->disable_image(setup_.home, "ami-00000000000000000"); }),
              Optional(ErrorKind::not_found));
}

TEST_P(CloudContract, ProtectedImageCannotBeRemovedUntilItIsLetGo) {
  std::string image_id = available_image(setup_.home, "kept");
  EXPECT_FALSE(cloud_->find_image(setup_.home, image_id).value().is_protected);
  auto is_protected = [&] { return cloud_->find_image(setup_.home, image_id)->is_protected; };
  for (int time = 0; time < 2; ++time) cloud_->protect_image(setup_.home, image_id, true);
  EXPECT_TRUE(eventually(is_protected));
  EXPECT_THAT(error_kind_of([&] { cloud_->remove_image(setup_.home, image_id); }),
              Optional(ErrorKind::conflict));
  EXPECT_TRUE(is_protected());
  for (int time = 0; time < 2; ++time) cloud_->protect_image(setup_.home, image_id, false);
  EXPECT_TRUE(eventually([&] { return !is_protected(); }));
  cloud_->remove_image(setup_.home, image_id);
  EXPECT_TRUE(eventually([&] { return !cloud_->find_image(setup_.home, image_id); }));
}

TEST_P(CloudContract, RequiringImdsV2IsKeptOnCopies) {
  std::string image_id = available_image(setup_.home, "strict");
  for (int time = 0; time < 2; ++time) cloud_->require_imds_v2(setup_.home, image_id);
  EXPECT_TRUE(eventually([&] { return cloud_->find_image(setup_.home, image_id)->imds_v2_only; }));
  std::string copy = cloud_->copy_image(setup_.away, image_id, setup_.home.region,
                                        spec("strict too"), token(), stop_);
  EXPECT_TRUE(wait_available(setup_.away, copy).imds_v2_only);
}

TEST_P(CloudContract, OnlyTheOwnerMaySet) {
  std::string image_id = available_image(setup_.home, "mine");
  cloud_->share_image(setup_.home, image_id, setup_.guest.account_id);
  EXPECT_TRUE(eventually([&] { return cloud_->find_image(setup_.guest, image_id).has_value(); }));
  const Place& guest = setup_.guest;
  EXPECT_THAT(error_kind_of([&] { cloud_->protect_image(guest, image_id, true); }),
              Optional(ErrorKind::denied));
  EXPECT_THAT(error_kind_of([&] { cloud_->require_imds_v2(guest, image_id); }),
              Optional(ErrorKind::denied));
  EXPECT_THAT(error_kind_of([&] { cloud_->find_image_keys(guest, image_id); }),
              Optional(ErrorKind::denied));
}

TEST_P(CloudContract, WhatIsNotEncryptedHasNoKey) {
  std::string image_id = available_image(setup_.home, "open");
  EXPECT_FALSE(cloud_->find_image(setup_.home, image_id).value().is_encrypted);
  EXPECT_TRUE(cloud_->find_image_keys(setup_.home, image_id).empty());
  const std::string no_key = "00000000-0000-0000-0000-000000000000";
  EXPECT_TRUE(absent(error_kind_of(
      [&] { cloud_->grant_key(setup_.home, no_key, image_id, setup_.guest.account_id); })));
  cloud_->revoke_key(setup_.home, no_key, image_id, setup_.guest.account_id);
}

TEST_P(CloudContract, RemovingIsSuccessHoweverOften) {
  std::string image_id = available_image(setup_.home, "short-lived");
  cloud_->remove_image(setup_.home, image_id);
  cloud_->remove_image(setup_.home, image_id);
  EXPECT_TRUE(eventually([&] { return !cloud_->find_image(setup_.home, image_id); }));
  EXPECT_THAT(cloud_->list_images(setup_.home, {}), IsEmpty());
  setup_.open()->remove_image(setup_.home, image_id);
  EXPECT_TRUE(absent(error_kind_of([&] { cloud_->open_image(setup_.home, image_id); })));
  EXPECT_TRUE(absent(
      error_kind_of([&] { cloud_->share_image(setup_.home, image_id, setup_.guest.account_id); })));
  EXPECT_TRUE(absent(error_kind_of([&] {
    cloud_->set_tags(setup_.home, image_id, {{"late", "tag"}});
  })));
}

TEST_P(CloudContract, PendingImageCanBeRemoved) {
  std::string image_id =
      cloud_->import_image(setup_.home, setup_.disk_file, spec("premature"), token(), stop_);
  cloud_->remove_image(setup_.home, image_id);
  EXPECT_TRUE(eventually([&] {
    cloud_->remove_image(setup_.home, image_id);
    return cloud_->list_images(setup_.home, {}).empty();
  }));
}

TEST_P(CloudContract, StrangeIdsNameNothing) {
  for (const std::string& id : kStrangeIds) {
    SCOPED_TRACE(::testing::PrintToString(id.substr(0, 40)));
    auto find_kind =
        error_kind_of([&] { EXPECT_THAT(cloud_->find_image(setup_.home, id), Eq(std::nullopt)); });
    EXPECT_THAT(find_kind, AnyOf(Eq(std::nullopt), Optional(ErrorKind::usage)));
    auto remove_kind = error_kind_of([&] { cloud_->remove_image(setup_.home, id); });
    EXPECT_THAT(remove_kind, AnyOf(Eq(std::nullopt), Optional(ErrorKind::usage)));
    EXPECT_TRUE(absent(error_kind_of([&] { cloud_->open_image(setup_.home, id); })));
    EXPECT_TRUE(absent(
        error_kind_of([&] { cloud_->share_image(setup_.home, id, setup_.guest.account_id); })));
    EXPECT_TRUE(absent(
        error_kind_of([&] { cloud_->unshare_image(setup_.home, id, setup_.guest.account_id); })));
    EXPECT_TRUE(absent(error_kind_of([&] { cloud_->list_shares(setup_.home, id); })));
    EXPECT_TRUE(absent(error_kind_of([&] { cloud_->set_tags(setup_.home, id, {{"a", "b"}}); })));
    EXPECT_TRUE(absent(error_kind_of([&] { cloud_->remove_tags(setup_.home, id, {"a"}); })));
    auto machine_kind = error_kind_of(
        [&] { EXPECT_THAT(cloud_->find_machine(setup_.home, id), Eq(std::nullopt)); });
    EXPECT_THAT(machine_kind, AnyOf(Eq(std::nullopt), Optional(ErrorKind::usage)));
    auto gone_kind = error_kind_of([&] { cloud_->remove_machine(setup_.home, id); });
    EXPECT_THAT(gone_kind, AnyOf(Eq(std::nullopt), Optional(ErrorKind::usage)));
    EXPECT_TRUE(absent(error_kind_of([&] { cloud_->stop_machine(setup_.home, id); })));
    EXPECT_TRUE(absent(error_kind_of(
        [&] { cloud_->create_image(setup_.home, id, spec("from nothing"), token(), stop_); })));
    EXPECT_TRUE(absent(error_kind_of(
        [&] { cloud_->launch_machine(setup_.home, {.image_id = id}, token(), stop_); })));
    EXPECT_TRUE(absent(error_kind_of(
        [&] { cloud_->start_command(setup_.home, id, {.script = "true"}, token()); })));
    EXPECT_TRUE(absent(
        error_kind_of([&] { cloud_->read_command(setup_.home, id, id, 0, Duration(0), stop_); })));
  }
}

TEST_P(CloudContract, SharingWithNonsenseIsRefused) {
  std::string image_id = available_image(setup_.home, "not for all");
  for (const std::string account : {"", "12345", "all", "../../../x", "11112222333344"}) {
    EXPECT_THAT(error_kind_of([&] { cloud_->share_image(setup_.home, image_id, account); }),
                Optional(ErrorKind::usage))
        << account;
  }
  EXPECT_THAT(cloud_->list_shares(setup_.home, image_id), IsEmpty());
}

TEST_P(CloudContract, StoppedBeforeItStartedMakesNothing) {
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_THAT(error_kind_of([&] {
                cloud_->import_image(setup_.home, setup_.disk_file, spec("unwanted"), token(),
                                     stopped.get_token());
              }),
              Optional(ErrorKind::cancelled));
  EXPECT_THAT(cloud_->list_images(setup_.home, {}), IsEmpty());
}

}  // namespace hallmark::cloud
