#pragma once
/// Accounts that belong together. A unit is an organization or an organizational unit of one, by
/// its ARN. Images are shared with units as with accounts (Sharing in cloud/cloud.h); everything
/// else is done in each of the accounts. A cloud without organizations has no Organizations.

#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/cloud.h"

namespace hallmark::cloud {

/// "arn:aws:organizations::111122223333:organization/o-exampleorgid" or
/// "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-examplerootid-exampleouid". Never a
/// bare id, which images cannot be shared with (Amazon EC2 User Guide, "Share an AMI with
/// organizations or organizational units").
bool is_unit(std::string_view text);
/// Throws `usage` unless it is a unit.
void check_unit(const std::string& unit);
/// Throws `usage` unless it is an account id or a unit: whom an image may be shared with.
void check_recipient(const std::string& recipient);
/// "ou-examplerootid-exampleouid", or "o-exampleorgid" of an organization.
std::string unit_id(std::string_view unit);
/// "o-exampleorgid".
std::string organization_id(std::string_view unit);

enum class AccountState {
  active,
  pending,    ///< not usable yet
  suspended,  ///< by the cloud's operator; may come back
  closing,    ///< its owner asked for it
  closed,     ///< nothing runs or can be done there any more
};
std::string_view to_string(AccountState state);

struct MemberAccount {
  std::string account_id;
  std::string name;
  AccountState state = AccountState::active;
  auto operator<=>(const MemberAccount&) const = default;
};

/// Safe from several threads. Calls throw what the cloud's calls throw; `denied` where our account
/// neither manages the organization nor acts for it.
class Organizations {
 public:
  virtual ~Organizations() = default;
  /// All accounts of the unit and of the units in it, in whatever state, sorted. Throws
  /// `not_found`.
  virtual std::vector<MemberAccount> list_members(const std::string& unit,
                                                  std::stop_token stop) = 0;
  /// Nothing: it is no member. It left, or was never one, or was closed so long ago that it is
  /// forgotten.
  virtual std::optional<MemberAccount> find_account(const std::string& account_id,
                                                    std::stop_token stop) = 0;
  /// An image's key cannot be granted to a unit: its policy must allow it. Throws `denied` that
  /// names the statement that it lacks.
  virtual void check_key(const Place& place, const std::string& key_id, const std::string& unit,
                         std::stop_token stop) = 0;
};

/// An organization as a list, for clouds that keep no other.
struct UnitList {
  std::map<std::string, std::set<std::string>>
      accounts;                                ///< by unit; those of its units too or not
  std::map<std::string, AccountState> states;  ///< of those that are not active
};
/// Also by the id of the unit. An organization has whatever its units have.
bool has_member(const UnitList& list, const std::string& unit, const std::string& account_id);
/// Whether an account is among those that `recipients` name, itself or by a unit.
bool is_recipient(const UnitList& list, const std::set<std::string>& recipients,
                  const std::string& account_id);
/// As Organizations::list_members and find_account.
std::vector<MemberAccount> members_of(const UnitList& list, const std::string& unit);
std::optional<MemberAccount> member_of(const UnitList& list, const std::string& account_id);

}  // namespace hallmark::cloud
