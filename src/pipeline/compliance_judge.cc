#include "pipeline/compliance_judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "model/checked_document.h"
#include "model/policy.h"
#include "pipeline/day.h"
#include "pipeline/names.h"

namespace hallmark::pipeline {

namespace {

constexpr std::array<std::string_view, kVerdicts> kVerdictNames = {
    "non-compliant", "unknown", "superseded", "derived", "exempt", "compliant"};

constexpr std::string_view kImageIdPrefix = "ami-";

/// "Team" of "Team=forensics-*".
std::string tag_key(const std::string& tag) { return tag.substr(0, tag.find('=')); }

/// Whether the value fits "Team=forensics-*"; the key is not looked at.
bool has_tag(const std::string& tag, const std::string& value) {
  const std::size_t equals = tag.find('=');
  return equals == std::string::npos ||
         matches_pattern(value, std::string_view(tag).substr(equals + 1));
}

/// Days, where they are whole: nobody counts a month in hours.
std::string span_text(Duration span) {
  constexpr Duration kDay{24 * 3600'000LL};
  if (span >= kDay && span % kDay == Duration{0}) return fmt::format("{} days", span / kDay);
  return format_duration(span);
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  return kVerdictNames.at(static_cast<std::size_t>(verdict));
}

bool covers(const model::Exemption& exemption, const cloud::Place& place,
            const Resource& resource) {
  if (!exemption.machine_id.empty() && exemption.machine_id != resource.id) return false;
  if (!exemption.image_id.empty() && exemption.image_id != resource.image_id) return false;
  if (!exemption.account_id.empty() && exemption.account_id != place.account_id) return false;
  if (exemption.tag.empty()) return true;
  auto tag = resource.tags.find(tag_key(exemption.tag));
  if (tag == resource.tags.end()) return false;
  return has_tag(exemption.tag, tag->second);
}

Judge::Judge(const Facts& facts) : facts_(facts), concerned_(facts.exemptions.size()) {
  for (std::size_t i = 0; i < facts.exemptions.size(); ++i) {
    const model::Exemption& exemption = facts.exemptions[i];
    if (!exemption.machine_id.empty()) {
      by_machine_.of[exemption.machine_id].push_back(i);
    } else if (!exemption.image_id.empty()) {
      by_image_.of[exemption.image_id].push_back(i);
    } else if (!exemption.tag.empty()) {
      by_tag_.of[tag_key(exemption.tag)].push_back(i);
    } else {
      by_account_.of[exemption.account_id].push_back(i);
    }
  }
}

PlaceRulings Judge::judge(const PlaceFacts& place) {
  PlaceRulings judged;
  judged.of.reserve(place.resources.size());
  for (const Resource& resource : place.resources) {
    auto [image, is_new] = judged.images.try_emplace(resource.image_id);
    if (is_new) image->second = rule(place, resource.image_id);
    const PlaceRulings::ImageRuling& known = *image->second;
    Ruling ruling = {known.verdict, &known.reason, &known.image_key};
    if (!is_fine(ruling.verdict)) {
      if (const model::Exemption* exemption = exemption_for(place, resource)) {
        std::string& reason = judged.exempt_reasons[exemption];
        if (reason.empty()) {
          reason = fmt::format("exempt by {} until {}: {}", exemption->by,
                               model::last_day_of(exemption->expires_at), exemption->reason);
        }
        ruling.verdict = Verdict::exempt;
        ruling.reason = &reason;
      }
    }
    ++judged.counts[static_cast<std::size_t>(ruling.verdict)];
    judged.of.push_back(ruling);
  }
  return judged;
}

std::shared_ptr<const PlaceRulings::ImageRuling> Judge::rule(const PlaceFacts& place,
                                                             const std::string& image_id) {
  if (place.golden.contains(image_id) && image_id.starts_with(kImageIdPrefix)) {
    auto& known = listed_[image_id];
    if (!known) known = std::make_shared<PlaceRulings::ImageRuling>(rule_listed(image_id));
    return known;
  }
  return std::make_shared<PlaceRulings::ImageRuling>(rule_here(place, image_id));
}

PlaceRulings::ImageRuling Judge::rule_here(const PlaceFacts& place,
                                           const std::string& image_id) const {
  if (image_id.empty()) {
    return {Verdict::unknown, "nothing says which image it comes from", ""};
  }
  if (!image_id.starts_with(kImageIdPrefix)) {
    return {Verdict::unknown, fmt::format("its image is {}, which is no image id", image_id), ""};
  }
  if (!place.list_problem.empty()) {
    return {Verdict::unknown,
            fmt::format("{} could not be read: {}", kLatestParameter, place.list_problem), ""};
  }
  if (place.golden.empty()) {
    return {Verdict::non_compliant,
            fmt::format("there is no {} here, so no image is golden", kLatestParameter), ""};
  }
  return rule_unlisted(place, image_id);
}

PlaceRulings::ImageRuling Judge::rule_listed(const std::string& image_id) const {
  auto own = facts_.own_images.find(image_id);
  if (own == facts_.own_images.end()) {
    return {Verdict::compliant, fmt::format("its image {} is in the list", image_id), ""};
  }
  const OwnImage& image = own->second;
  const bool is_withdrawn =
      image.state == GoldenState::disabled || image.state == GoldenState::rejected ||
      image.state == GoldenState::failed || image.state == GoldenState::decommissioned;
  if (is_withdrawn) {
    return {Verdict::non_compliant,
            fmt::format("its image {} is in the list, but {} is {}", image_id, image.image_key,
                        to_string(image.state)),
            image.image_key};
  }
  if (image.superseded_by.empty()) {
    return {
        Verdict::compliant,
        fmt::format("its image {} is {}, {}", image_id, image.image_key, to_string(image.state)),
        image.image_key};
  }
  const TimePoint end = image.superseded_at + facts_.grace;
  if (facts_.now <= end) {
    return {Verdict::superseded,
            fmt::format("its image {} is {}, superseded by {}: fine until {}", image_id,
                        image.image_key, image.superseded_by, day_of(end)),
            image.image_key};
  }
  return {Verdict::non_compliant,
          fmt::format("its image {} is {}, superseded since {}, longer than {}: use {}", image_id,
                      image.image_key, day_of(image.superseded_at), span_text(facts_.grace),
                      image.superseded_by),
          image.image_key};
}

PlaceRulings::ImageRuling Judge::rule_unlisted(const PlaceFacts& place,
                                               const std::string& image_id) const {
  if (auto own = facts_.own_images.find(image_id); own != facts_.own_images.end()) {
    const bool is_active = own->second.state == GoldenState::active;
    return {Verdict::non_compliant,
            fmt::format("its image {} is {}, which is {}{}", image_id, own->second.image_key,
                        to_string(own->second.state),
                        is_active ? fmt::format(" but not in {}", kLatestParameter) : ""),
            own->second.image_key};
  }
  const std::string not_listed =
      fmt::format("its image {} is not in {}", image_id, kLatestParameter);
  auto known = place.descent.find(image_id);
  if (known == place.descent.end()) return {Verdict::non_compliant, not_listed, ""};
  const Descent& descent = known->second;
  if (!descent.problem.empty()) {
    return {
        facts_.accept_derived ? Verdict::unknown : Verdict::non_compliant,
        fmt::format("{}, and what it was made from is not known: {}", not_listed, descent.problem),
        ""};
  }
  if (descent.golden_id.empty()) return {Verdict::non_compliant, not_listed, ""};
  std::string key;
  std::string golden = descent.golden_id;
  bool is_old = false;
  if (auto own = facts_.own_images.find(golden); own != facts_.own_images.end()) {
    key = own->second.image_key;
    golden = fmt::format("{} ({})", key, golden);
    is_old =
        !own->second.superseded_by.empty() && facts_.now > own->second.superseded_at + facts_.grace;
  }
  std::string reason = fmt::format("its image {} was made from {}", image_id, golden);
  if (is_old) {
    return {Verdict::non_compliant, reason + ", which is superseded for too long", key};
  }
  if (facts_.accept_derived) return {Verdict::derived, reason, key};
  return {Verdict::non_compliant, reason + ", but is not golden itself", key};
}

const std::vector<std::size_t>& Judge::with_tag(const std::string& key, const std::string& value) {
  static const std::vector<std::size_t> kNone;
  auto bucket = by_tag_.of.find(key);
  if (bucket == by_tag_.of.end()) return kNone;
  auto [known, is_new] = by_tag_value_.of.try_emplace(key + "=" + value);
  if (is_new) {
    for (std::size_t i : bucket->second) {
      if (has_tag(facts_.exemptions[i].tag, value)) known->second.push_back(i);
    }
  }
  return known->second;
}

const model::Exemption* Judge::exemption_for(const PlaceFacts& place, const Resource& resource) {
  if (facts_.exemptions.empty()) return nullptr;
  const model::Exemption* longest = nullptr;
  auto look = [&](const std::vector<std::size_t>& candidates) {
    for (std::size_t i : candidates) {
      const model::Exemption& exemption = facts_.exemptions[i];
      if (!covers(exemption, place.place, resource)) continue;
      concerned_[i] = true;
      if (exemption.expires_at <= facts_.now) continue;
      if (longest == nullptr || exemption.expires_at > longest->expires_at) longest = &exemption;
    }
  };
  auto look_in = [&](const Bucket& bucket, const std::string& name) {
    if (auto found = bucket.of.find(name); found != bucket.of.end()) look(found->second);
  };
  look_in(by_machine_, resource.id);
  look_in(by_image_, resource.image_id);
  look_in(by_account_, place.place.account_id);
  if (!by_tag_.of.empty()) {
    for (const auto& [key, value] : resource.tags) look(with_tag(key, value));
  }
  return longest;
}

std::vector<std::string> Judge::warnings() const {
  std::vector<std::string> warnings;
  for (std::size_t i = 0; i < facts_.exemptions.size(); ++i) {
    const model::Exemption& exemption = facts_.exemptions[i];
    const bool is_over = exemption.expires_at <= facts_.now;
    if (!concerned_[i]) continue;
    if (!is_over && exemption.expires_at - facts_.now > model::kWaiverWarning) continue;
    warnings.push_back(fmt::format("the exemption of {} for {} {} on {}", exemption.by,
                                   subject_of(exemption), is_over ? "ended" : "ends",
                                   model::last_day_of(exemption.expires_at)));
  }
  return warnings;
}

}  // namespace hallmark::pipeline
