/// Any sequence of what people do to images, with processes dying in between, leaves exactly what
/// the sequence means: the clouds are compared with a model after each action, and are empty once
/// everything is decommissioned. Sequences are random, and the same for the same seed: a failure
/// names it. HALLMARK_SEEDS=N tries more of them, HALLMARK_SEED=N that one alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "base/error.h"
#include "base/text.h"
#include "pipeline/channel.h"
#include "pipeline/fixture.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {
namespace {

using namespace std::chrono_literals;
using workflow::RunState;

constexpr int kSeeds = 6;
constexpr int kActions = 14;
/// A workflow passes fewer points than this; a later death does not happen.
constexpr int kLatestDeath = 150;
const std::vector<std::string> kRegions = {"eu-west-1", "us-east-1", "us-west-2"};
constexpr const char* kChannelName = "prod";
constexpr const char* kDeveloper = "role/developers";
/// Of one account, which joins and leaves.
constexpr const char* kUnit =
    "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-exam-webteams1";
constexpr const char* kMember = "555566667777";
constexpr const char* kByUnit = "unit";

/// What ends a process.
struct Crash {};

/// Dies at a chosen point from now, and at each after it until it is revived.
class Death {
 public:
  void arm(int points) { left_ = points; }
  void revive() {
    left_ = 0;
    dead_ = false;
  }
  void hit() {
    if (left_ > 0 && --left_ == 0) dead_ = true;
    if (dead_) throw Crash();
  }

 private:
  // Branches run in threads.
  std::atomic<int> left_ = 0;
  std::atomic<bool> dead_ = false;
};

/// What an image should be.
struct Expected {
  std::string product, version;
  GoldenState state = GoldenState::active;
  std::map<cloud::Place, std::string> places;  ///< and how it gets there
  std::set<std::string> wished_units;          ///< regions in which the unit is a target
  std::set<std::string> unit_shares;           ///< regions in which it is shared with the unit

  std::string key() const { return product + "/Debian-12/" + version; }
  bool is_offered() const {
    return state == GoldenState::active || state == GoldenState::deprecated;
  }
};

struct ExpectedChannel {
  std::string held;                            ///< image key
  std::map<cloud::Place, std::string> values;  ///< image keys
};

/// What each action means, in a few lines.
class Model {
 public:
  std::map<std::string, Expected> images;           ///< those that are not decommissioned
  std::map<std::string, ExpectedChannel> channels;  ///< by product
  /// Products of which nothing was built since a run brought their catalogs up to date.
  std::set<std::string> cataloged;
  bool is_member = true;  ///< kMember of kUnit

  void distribute(Expected& image, const std::map<cloud::Place, std::string>& wanted,
                  const std::set<std::string>& units, bool prune) {
    std::map<cloud::Place, std::string> places = {{kHome, "home"}};
    for (const auto& [place, delivery] : wanted) {
      const cloud::Place regional{kHomeAccount, place.region};
      if (regional != kHome) places[regional] = "regional";
      if (place.account_id != kHomeAccount) places[place] = delivery;
    }
    for (const std::string& region : units) {
      const cloud::Place regional{kHomeAccount, region};
      if (regional != kHome) places[regional] = "regional";
      if (is_member) places[{kMember, region}] = kByUnit;
    }
    image.unit_shares = prune ? units : union_of(image.unit_shares, units);
    for (const auto& [place, delivery] : image.places) {
      if (places.contains(place)) continue;
      if (prune || (delivery == kByUnit && units.contains(place.region))) {
        leave(image, place);
      } else {
        places[place] = delivery;
      }
    }
    image.places = places;
    // A channel comes along to where its version is brought.
    if (channels[image.product].held == image.key()) promote(image);
  }
  /// Wherever it was, but to who is in the unit now.
  void restore(Expected& image) {
    std::set<std::string> units = image.wished_units;
    std::map<cloud::Place, std::string> others;
    for (const auto& [place, delivery] : image.places) {
      if (delivery == kByUnit) units.insert(place.region);
      if (delivery == "share") others[place] = delivery;
    }
    if (image.state == GoldenState::disabled) image.unit_shares.clear();
    image.state = GoldenState::active;
    distribute(image, others, units, false);
  }
  void promote(const Expected& image) {
    ExpectedChannel& channel = channels[image.product];
    channel.held = image.key();
    for (const auto& [place, delivery] : image.places) channel.values[place] = image.key();
  }
  /// Out of every channel, and of what it left in their parameters.
  void withdraw(const Expected& image) {
    ExpectedChannel& channel = channels[image.product];
    if (channel.held == image.key()) channel.held.clear();
    for (const auto& [place, delivery] : image.places) leave(image, place);
  }
  /// "7 active" for each version of the product that can be launched there, oldest first.
  std::vector<std::string> offered(const std::string& product, const cloud::Place& place) const {
    std::vector<const Expected*> there;
    bool granted = false;
    for (const auto& [key, image] : images) {
      if (image.product != product) continue;
      granted |= image.places.contains(place);
      if (image.places.contains({kHomeAccount, place.region})) there.push_back(&image);
    }
    std::sort(there.begin(), there.end(), [](const Expected* a, const Expected* b) {
      return std::stoi(a->version) > std::stoi(b->version);
    });
    std::vector<std::string> lines;
    bool newest = true;
    for (const Expected* image : there) {
      if (!granted || !image->is_offered()) continue;
      const bool active = image->state == GoldenState::active && newest;
      newest &= !active;
      lines.push_back(image->version + (active ? " active" : " deprecated"));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  bool is_in_a_channel(const Expected& image) {
    const ExpectedChannel& channel = channels[image.product];
    return channel.held == image.key() ||
           std::any_of(channel.values.begin(), channel.values.end(),
                       [&](const auto& value) { return value.second == image.key(); });
  }

 private:
  static std::set<std::string> union_of(std::set<std::string> one,
                                        const std::set<std::string>& other) {
    one.insert(other.begin(), other.end());
    return one;
  }
  void leave(const Expected& image, const cloud::Place& place) {
    auto& values = channels[image.product].values;
    if (auto value = values.find(place); value != values.end() && value->second == image.key()) {
      values.erase(value);
    }
  }
};

class Sequence {
 public:
  explicit Sequence(unsigned seed)
      : random_(seed),
        fixture_({.crash_point = [this](const std::string&) { death_.hit(); },
                  .cloud_point = [this](const std::string&) { death_.hit(); }}) {
    set_member(true);
    next_process();
  }

  int deaths() const { return deaths_; }

  void play() {
    for (int i = 0; i < kActions && !testing::Test::HasFatalFailure(); ++i) {
      fixture_.clock.advance(1h);
      told_.push_back(act());
      SCOPED_TRACE(join(told_, "\n  "));
      compare();
    }
    while (!model_.images.empty() && !testing::Test::HasFatalFailure()) {
      fixture_.clock.advance(1h);
      told_.push_back(decommission(model_.images.begin()->second, true));
      SCOPED_TRACE(join(told_, "\n  "));
      compare();
    }
    SCOPED_TRACE(join(told_, "\n  "));
    const std::vector<std::string> left = fixture_.world->leftovers();
    ASSERT_EQ(left.size(), 1u) << join(left, "\n");
    EXPECT_THAT(left[0], testing::HasSubstr("debian-source"));
    EXPECT_THAT(process_->catalog_world->leftovers(), testing::IsEmpty());
  }

 private:
  int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }
  Context& context() { return *process_->context; }
  workflow::Engine& engine() { return *process_->engine; }
  GoldenImage recorded(const Expected& image) { return process_->image(image.key()); }

  /// What died takes nothing with it but its memory.
  void next_process() {
    process_.reset();
    process_ = std::make_unique<Product>(
        fixture_.clock, fixture_.world,
        ProductOptions{.crash_point = [this](const std::string&) { death_.hit(); },
                       .cloud_point = [this](const std::string&) { death_.hit(); },
                       .directory = fixture_.product.directory});
  }

  Expected* any(const std::vector<GoldenState>& states) {
    std::vector<Expected*> fitting;
    for (auto& [key, image] : model_.images) {
      if (std::find(states.begin(), states.end(), image.state) != states.end()) {
        fitting.push_back(&image);
      }
    }
    return fitting.empty()
               ? nullptr
               : fitting[static_cast<std::size_t>(roll(static_cast<int>(fitting.size())))];
  }

  /// Does one thing, and returns what, in words.
  std::string act() {
    const int what = roll(11);
    if (what == 10) {
      set_member(!model_.is_member);
      return model_.is_member ? "the account joins the unit" : "the account leaves the unit";
    }
    if (what < 2 || model_.images.empty()) return build();
    if (what < 5) {
      if (Expected* image = any({GoldenState::active})) return distribute(*image);
    } else if (what < 6) {
      if (Expected* image = any({GoldenState::active})) return promote(*image);
    } else if (what < 8) {
      if (Expected* image = any({GoldenState::active, GoldenState::deprecated})) {
        return retire(*image);
      }
    } else if (what < 9) {
      if (Expected* image = any({GoldenState::deprecated, GoldenState::disabled})) {
        return restore(*image);
      }
    } else if (Expected* image =
                   any({GoldenState::active, GoldenState::deprecated, GoldenState::disabled})) {
      return decommission(*image, roll(2) == 0);
    }
    return build();
  }

  void set_member(bool is_member) {
    model_.is_member = is_member;
    fixture_.world->change_units([&](cloud::UnitList& units) {
      units.accounts[kUnit].clear();
      if (is_member) units.accounts[kUnit].insert(kMember);
    });
  }

  std::string build() {
    Expected image{.product = roll(2) == 0 ? "Web-1.0" : "Db-2.1",
                   .version = std::to_string(++last_version_),
                   .places = {{kHome, "home"}}};
    model::Pipeline pipeline = sample_pipeline();
    pipeline.product = image.product;
    pipeline.version = image.version;
    model::CatalogOffer& offer = pipeline.catalog.emplace();
    offer.template_text = model::default_product_template();
    offer.principals = {kDeveloper};
    const std::string end =
        finish(start_build(engine(), context(), pipeline, "grace", {}), RunState::succeeded);
    model_.images[image.key()] = image;
    model_.cataloged.erase(image.product);
    return "build " + image.key() + end;
  }

  std::string distribute(Expected& image) {
    std::map<cloud::Place, std::string> wanted;
    std::vector<model::Target> targets;
    std::string said;
    for (int i = roll(3); i >= 0; --i) {
      const cloud::Place place{roll(2) == 0 ? kHomeAccount : kChildAccount,
                               kRegions[static_cast<std::size_t>(roll(3))]};
      if (wanted.contains(place)) continue;
      wanted[place] = "share";
      targets.push_back({.account_id = place.account_id, .regions = {place.region}});
      said += " " + cloud::to_string(place);
    }
    std::set<std::string> units;
    if (roll(2) == 0) {
      model::Target unit;
      unit.unit = kUnit;
      unit.regions = {kRegions[static_cast<std::size_t>(roll(3))]};
      units.insert(unit.regions[0]);
      said += " the unit in " + unit.regions[0];
      targets.push_back(std::move(unit));
    }
    const bool prune = roll(3) == 0;
    const std::string end =
        finish(start_distribute(engine(), context(), recorded(image), targets, {.prune = prune}),
               RunState::succeeded);
    model_.distribute(image, wanted, units, prune);
    image.wished_units = units;
    model_.cataloged.insert(image.product);
    return (prune ? "re-target " : "distribute ") + image.key() + " to" + said + end;
  }

  std::string promote(Expected& image) {
    const std::string end =
        finish(start_promote(engine(), context(), recorded(image), kChannelName, "grace", false),
               RunState::succeeded);
    model_.promote(image);
    return "promote " + image.key() + end;
  }

  std::string retire(Expected& image) {
    const bool deprecating = image.state == GoldenState::active && roll(2) == 0;
    if (deprecating) {
      const std::string end = finish(start_retire(engine(), context(), recorded(image),
                                                  RetirementStage::deprecate, "old", false),
                                     RunState::succeeded);
      image.state = GoldenState::deprecated;
      model_.cataloged.insert(image.product);
      return "deprecate " + image.key() + end;
    }
    const bool force = roll(2) == 0;
    if (!force && model_.is_in_a_channel(image)) {
      return refused("disable " + image.key(), [&] {
        start_retire(engine(), context(), recorded(image), RetirementStage::disable, "old", false);
      });
    }
    const std::string end = finish(
        start_retire(engine(), context(), recorded(image), RetirementStage::disable, "old", force),
        RunState::succeeded);
    model_.withdraw(image);
    model_.cataloged.insert(image.product);
    image.state = GoldenState::disabled;
    return "disable " + image.key() + end;
  }

  std::string restore(Expected& image) {
    const std::string end =
        finish(start_restore(engine(), context(), recorded(image), 24h), RunState::succeeded);
    model_.restore(image);
    model_.cataloged.insert(image.product);
    return "restore " + image.key() + end;
  }

  std::string decommission(Expected& image, bool force) {
    const std::string key = image.key();
    if (!force && model_.is_in_a_channel(image)) {
      return refused("decommission " + key,
                     [&] { start_decommission(engine(), context(), recorded(image), false); });
    }
    const std::string end = finish(start_decommission(engine(), context(), recorded(image), force),
                                   RunState::succeeded);
    model_.withdraw(image);
    model_.cataloged.insert(image.product);
    model_.images.erase(key);
    return "decommission " + key + end;
  }

  static std::string refused(const std::string& what, const std::function<void()>& start) {
    try {
      start();
      ADD_FAILURE() << what << " was not refused, though a channel has it";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::conflict) << e.full_text();
    }
    return what + ": refused";
  }

  /// Drives the run to its end, through as many deaths as the dice say.
  std::string finish(const std::string& run_id, RunState expected) {
    std::string deaths;
    if (roll(3) == 0) death_.arm(1 + roll(kLatestDeath));
    while (true) {
      try {
        workflow::RunInfo run = process_->drive(run_id);
        if (run.state == RunState::waiting) {
          process_->decide(run_id, true);
          continue;
        }
        death_.revive();
        EXPECT_EQ(run.state, expected) << (run.error ? run.error->full_text() : "");
        return deaths;
      } catch (const Crash&) {
        deaths += ", died";
        ++deaths_;
      }
      death_.revive();
      next_process();
      if (roll(4) == 0) death_.arm(1 + roll(kLatestDeath));
    }
  }

  /// The ids of the images that an account owns in a region, by their keys.
  std::map<std::string, std::string> owned_at(const cloud::Place& place) {
    std::map<std::string, std::string> owned;
    for (const cloud::Image& image :
         process_->cloud->list_images(place, {.tag_keys = {kImageKeyTag}})) {
      if (image.owner_id != place.account_id) continue;
      const std::string key = image.tags.at(kImageKeyTag);
      EXPECT_TRUE(owned.emplace(key, image.image_id).second) << key << " twice";
    }
    return owned;
  }

  void compare() {
    for (const std::string& region : kRegions) {
      const auto ours = owned_at({kHomeAccount, region});
      for (const char* account : {kHomeAccount, kChildAccount, kMember}) {
        compare_place({account, region}, ours);
      }
    }
    for (const auto& [key, image] : model_.images) {
      EXPECT_EQ(to_string(process_->image(key).state), to_string(image.state)) << key;
    }
    EXPECT_TRUE(process_->ledger->open().empty());
    for (const std::string& line : fixture_.world->leftovers()) {
      EXPECT_THAT(line, testing::Not(testing::HasSubstr("machine"))) << "nothing is built now";
    }
  }

  void compare_place(const cloud::Place& place, const std::map<std::string, std::string>& ours) {
    SCOPED_TRACE(cloud::to_string(place));
    const bool home_account = place.account_id == kHomeAccount;
    std::set<std::string> owned;
    std::map<std::string, std::string> parameters;
    std::set<std::string> latest;
    auto id_of = [&](const std::string& key) {
      auto found = ours.find(key);
      return found == ours.end() ? "no image of " + key : found->second;
    };
    for (const auto& [key, image] : model_.images) {
      if (!image.places.contains(place)) continue;
      const bool is_offered = image.is_offered();
      if (home_account) owned.insert(key);
      compare_image(place, image, id_of(key));
      if (!is_offered) continue;
      latest.insert(id_of(key));
      parameters[version_parameter(image.product, "Debian-12", image.version)] = id_of(key);
      parameters[id_parameter(id_of(key))] = key;
    }
    for (const auto& [product, channel] : model_.channels) {
      auto value = channel.values.find(place);
      if (value == channel.values.end()) continue;
      parameters[channel_parameter(product, "Debian-12", kChannelName)] = id_of(value->second);
    }
    std::set<std::string> owned_there;
    for (const auto& [key, id] : owned_at(place)) owned_there.insert(key);
    EXPECT_EQ(owned_there, owned);
    const std::vector<std::string> listed = read_latest(*process_->cloud, place);
    EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), latest);
    std::map<std::string, std::string> there;
    for (const cloud::Parameter& each : process_->cloud->list_parameters(place, kParameterRoot)) {
      if (each.name != kLatestParameter) there[each.name] = each.value;
    }
    EXPECT_EQ(there, parameters);
    for (const std::string& product : model_.cataloged) compare_catalog(place, product);
  }

  void compare_catalog(const cloud::Place& place, const std::string& product) {
    const std::string developer =
        "arn:aws:iam::" + place.account_id + ":" + std::string(kDeveloper);
    std::vector<std::string> offered;
    for (const cloud::Offer& offer : process_->catalog->list_offers(place, developer)) {
      if (offer.product.key.product != product) continue;
      for (const cloud::ProductVersion& version : offer.versions) {
        offered.push_back(version.name + " " + std::string(cloud::to_string(version.state)));
      }
    }
    std::sort(offered.begin(), offered.end());
    EXPECT_EQ(offered, model_.offered(product, place)) << product;
  }

  /// What an image of ours in a region is, and with whom it is shared.
  void compare_image(const cloud::Place& place, const Expected& image, const std::string& id) {
    if (place.account_id != kHomeAccount) return;
    const auto found = process_->cloud->find_image(place, id);
    if (!found) return;  // Told by what is owned.
    EXPECT_EQ(found->state == cloud::ImageState::disabled, image.state == GoldenState::disabled)
        << image.key();
    std::vector<std::string> shares;
    if (image.is_offered() && image.places.contains({kChildAccount, place.region})) {
      shares.push_back(kChildAccount);
    }
    if (image.is_offered() && image.unit_shares.contains(place.region)) shares.push_back(kUnit);
    EXPECT_EQ(process_->cloud->list_shares(place, id), shares) << image.key();
  }

  std::mt19937 random_;
  Death death_;
  Fixture fixture_;
  std::unique_ptr<Product> process_;
  Model model_;
  int last_version_ = 0;
  int deaths_ = 0;
  std::vector<std::string> told_;
};

int number_from(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

TEST(Property, EverySequenceLeavesWhatItMeans) {
  const int only = number_from("HALLMARK_SEED", 0);
  const int last = only > 0 ? only : number_from("HALLMARK_SEEDS", kSeeds);
  int deaths = 0;
  for (int seed = only > 0 ? only : 1; seed <= last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sequence sequence(static_cast<unsigned>(seed));
    sequence.play();
    if (HasFailure()) return;
    deaths += sequence.deaths();
  }
  RecordProperty("deaths", deaths);
  EXPECT_TRUE(only > 0 || deaths > last) << "processes hardly die: " << deaths;
}

}  // namespace
}  // namespace hallmark::pipeline
