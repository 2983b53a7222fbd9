#include "cloud/organizations.h"

#include <algorithm>
#include <regex>

#include "base/error.h"

namespace hallmark::cloud {

bool is_unit(std::string_view text) {
  // AWS Organizations API Reference, OrganizationArn, OrganizationalUnitArn.
  static const std::regex kUnit(
      "arn:aws[a-z-]*:organizations::[0-9]{12}:(organization/o-[a-z0-9]{10,32}|"
      "ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})");
  // The longest there is has far fewer; std::regex recurses by length.
  constexpr std::size_t kMost = 200;
  return text.size() <= kMost && std::regex_match(text.begin(), text.end(), kUnit);
}

void check_unit(const std::string& unit) {
  if (is_unit(unit)) return;
  throw Error(ErrorKind::usage, "\"{}\" is no organization or organizational unit",
              unit.substr(0, 200))
      .hint(
          "give its ARN, such as arn:aws:organizations::111122223333:ou/o-exampleorgid/"
          "ou-exampleroot-exampleouid: hallmark aws call organizations DescribeOrganization");
}

void check_recipient(const std::string& recipient) {
  // What begins like a unit is told as one that is malformed.
  const bool is_meant = recipient.starts_with("arn:") || recipient.starts_with("o-") ||
                        recipient.starts_with("ou-") || recipient.starts_with("r-");
  is_meant ? check_unit(recipient) : check_account_id(recipient);
}

std::string unit_id(std::string_view unit) { return std::string(unit.substr(unit.rfind('/') + 1)); }

std::string organization_id(std::string_view unit) {
  const std::size_t begin = unit.find("/o-") + 1;
  return std::string(unit.substr(begin, unit.find('/', begin) - begin));
}

std::string_view to_string(AccountState state) {
  switch (state) {
    case AccountState::active:
      return "active";
    case AccountState::pending:
      return "pending";
    case AccountState::suspended:
      return "suspended";
    case AccountState::closing:
      return "closing";
    case AccountState::closed:
      return "closed";
  }
  return "active";
}

namespace {

/// `outer`: a unit or its id.
bool is_in(std::string_view unit, std::string_view outer) {
  const std::string id = unit_id(outer);
  return unit_id(unit) == id || (id.starts_with("o-") && organization_id(unit) == id);
}

MemberAccount account_of(const UnitList& list, const std::string& account_id) {
  const auto state = list.states.find(account_id);
  return {.account_id = account_id,
          .name = "",
          .state = state == list.states.end() ? AccountState::active : state->second};
}

}  // namespace

bool has_member(const UnitList& list, const std::string& unit, const std::string& account_id) {
  return std::any_of(list.accounts.begin(), list.accounts.end(), [&](const auto& entry) {
    return is_in(entry.first, unit) && entry.second.contains(account_id);
  });
}

bool is_recipient(const UnitList& list, const std::set<std::string>& recipients,
                  const std::string& account_id) {
  return std::any_of(recipients.begin(), recipients.end(), [&](const std::string& recipient) {
    return recipient == account_id || has_member(list, recipient, account_id);
  });
}

std::vector<MemberAccount> members_of(const UnitList& list, const std::string& unit) {
  check_unit(unit);
  std::set<std::string> ids;
  bool is_known = false;
  for (const auto& [each, accounts] : list.accounts) {
    if (!is_in(each, unit)) continue;
    is_known = true;
    ids.insert(accounts.begin(), accounts.end());
  }
  if (!is_known) throw Error(ErrorKind::not_found, "there is no unit {}", unit);
  std::vector<MemberAccount> members;
  for (const std::string& id : ids) members.push_back(account_of(list, id));
  return members;
}

std::optional<MemberAccount> member_of(const UnitList& list, const std::string& account_id) {
  for (const auto& [unit, accounts] : list.accounts) {
    if (accounts.contains(account_id)) return account_of(list, account_id);
  }
  return std::nullopt;
}

}  // namespace hallmark::cloud
