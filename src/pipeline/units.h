#pragma once
/// Targets that are units, and how accounts stand that cannot be used. Membership changes behind
/// our back, so it is read anew by whoever needs it.

#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "cloud/organizations.h"
#include "model/pipeline.h"
#include "pipeline/context.h"
#include "pipeline/image_store.h"

namespace hallmark::pipeline {

/// What units come to, as one look saw it.
struct Membership {
  std::map<std::string, std::vector<cloud::MemberAccount>> members;  ///< by unit
  std::map<std::string, std::string> unread;  ///< units that could not be looked at, and why
};
/// Empty if no target is a unit.
Membership look_at_units(const Context& context, const std::vector<model::Target>& targets,
                         std::stop_token stop);

/// Throws `usage` if the cloud does not have what a target is or asks for: units, launch templates.
void require_means(const Context& context, const std::vector<model::Target>& targets);

/// An account of a wished unit that is not served, and why.
struct LeftOut {
  std::string account_id;  ///< empty: of the unit as a whole
  std::string unit;
  std::string why;  ///< "is suspended"
};
std::vector<LeftOut> left_out(const Membership& membership);

/// Recorded places of accounts that have the image through a unit which is wished still, whether
/// they should have it or not: those that stay, because nobody knows or the account cannot be used
/// now; and those whose account left, or is closed.
struct UnitPlaces {
  std::set<cloud::Place> kept;
  std::vector<ImageTarget> left;
};
UnitPlaces unit_places(const Context& context, const GoldenImage& image,
                       const std::vector<model::Target>& targets, const Membership& membership);

/// Whose accounts changed since they were served: places by "account/region".
struct MembershipChange {
  std::vector<std::string> joined;
  std::vector<std::string> left;
};
MembershipChange membership_change(const Context& context, const GoldenImage& image,
                                   const std::vector<model::Target>& targets,
                                   const Membership& membership);

/// How an account stands that refuses us.
struct Standing {
  std::string text;     ///< "account 444455556666 is closed"
  bool closed = false;  ///< or let go by somebody: nothing can be done there
  bool left = false;    ///< it is no member of the organization
};
/// Never throws: what cannot be asked is unknown, and said.
Standing standing_of(const Context& context, const std::string& account_id, std::stop_token stop);

/// What failed at a place, with how its account stands if it refused us.
std::string with_standing(const Context& context, const cloud::Place& place, const Error& error,
                          std::stop_token stop);

/// Whether an error at the target's place is the end of that place: its account is closed, or was
/// reached through a unit that it left, and lets us do nothing.
bool is_beyond_reach(const Context& context, const GoldenImage& image, const ImageTarget& target,
                     const Error& error, std::stop_token stop);

/// Records the target as removed although nothing could be removed there, and tells the audit log.
/// `token`: of the step.
void let_go(const Context& context, const GoldenImage& image, const ImageTarget& target,
            const std::string& why, const std::string& token);
/// Whether that was done.
bool was_let_go(const ImageTarget& target);

void to_json(Json& json, const Membership& value);
void from_json(const Json& json, Membership& value);
void to_json(Json& json, const LeftOut& value);

}  // namespace hallmark::pipeline
