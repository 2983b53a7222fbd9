#include "cloud/aws/organizations.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "cloud/aws/preflight_key.h"
#include "cloud/aws/session.h"

namespace hallmark::cloud {

namespace {

using on_aws::ApiError;
using on_aws::Session;
using on_aws::text;
using on_aws::Value;

constexpr const char* kWayIn =
    "ask from the organization's management account, or let it delegate reading to this account; "
    "what is needed: hallmark aws policy --targets";

/// AWS Organizations API Reference, Account. What lacks a state is of models older than that
/// member: there a closed account is a suspended one.
AccountState account_state_in(const Value& account) {
  std::string word = text(account, "State");
  if (word.empty()) word = text(account, "Status");
  if (word == "ACTIVE") return AccountState::active;
  if (word == "PENDING_ACTIVATION") return AccountState::pending;
  if (word == "SUSPENDED") return AccountState::suspended;
  if (word == "PENDING_CLOSURE") return AccountState::closing;
  if (word == "CLOSED") return AccountState::closed;
  throw Error(ErrorKind::corrupt, "AWS Organizations says \"{}\" of account {}", word,
              text(account, "Id"));
}

MemberAccount member_from(const Value& account) {
  return {.account_id = text(account, "Id"),
          .name = text(account, "Name"),
          .state = account_state_in(account)};
}

class AwsOrganizations : public Organizations {
 public:
  explicit AwsOrganizations(Session session) : session_(std::move(session)) {}

  std::vector<MemberAccount> list_members(const std::string& unit, std::stop_token stop) override {
    check_unit(unit);
    std::vector<MemberAccount> members;
    explained([&] {
      if (unit_id(unit).starts_with("o-")) {
        require_organization(unit, stop);
        each("ListAccounts", Value::object(), "Accounts", stop,
             [&](const Value& account) { members.push_back(member_from(account)); });
      } else {
        add_members(unit_id(unit), members, stop);
      }
    });
    std::sort(members.begin(), members.end());
    return members;
  }

  std::optional<MemberAccount> find_account(const std::string& account_id,
                                            std::stop_token stop) override {
    check_account_id(account_id);
    std::optional<MemberAccount> found;
    explained([&] {
      try {
        found = member_from(
            session_
                .call(home(), "organizations", "DescribeAccount", {{"AccountId", account_id}}, stop)
                .at("Account"));
      } catch (const ApiError& e) {
        if (e.code() != "AccountNotFoundException") throw;
      }
    });
    return found;
  }

  void check_key(const Place& place, const std::string& key_id, const std::string& unit,
                 std::stop_token stop) override {
    check_unit(unit);
    const Value answer = session_.call(place, "kms", "GetKeyPolicy",
                                       {{"KeyId", key_id}, {"PolicyName", "default"}}, stop);
    const auto missing = on_aws::unit_actions_missing(text(answer, "Policy"), unit);
    if (missing.empty()) return;
    throw Error(ErrorKind::denied, "the policy of the key {} does not let the accounts of {} do {}",
                key_id, unit, join(missing, ", "))
        .hint("add to it: " + on_aws::unit_statement(unit) +
              "; hallmark aws setup --apply --organization " + organization_id(unit) +
              " does so for the key that it made");
  }

 private:
  Place home() const { return {session_.config.account_id, session_.config.regions.front().name}; }

  /// With the way out where our account may not ask.
  static void explained(const std::function<void()>& ask) {
    try {
      ask();
    } catch (const ApiError& e) {
      if (e.kind() == ErrorKind::denied || e.code() == "AWSOrganizationsNotInUseException") {
        throw Error(ErrorKind::denied, "{}", e.message()).hint(kWayIn);
      }
      throw;
    }
  }

  void each(const char* operation, const Value& input, const char* list, std::stop_token stop,
            const std::function<void(const Value&)>& use) {
    session_.each_page(
        home(), "organizations", operation, input,
        [&](const Value& page) {
          for (const Value& one : page.value(list, Value::array())) use(one);
        },
        stop);
  }

  void add_members(const std::string& parent, std::vector<MemberAccount>& members,
                   std::stop_token stop) {
    each("ListAccountsForParent", {{"ParentId", parent}}, "Accounts", stop,
         [&](const Value& account) { members.push_back(member_from(account)); });
    std::vector<std::string> units;
    each("ListOrganizationalUnitsForParent", {{"ParentId", parent}}, "OrganizationalUnits", stop,
         [&](const Value& inner) { units.push_back(text(inner, "Id")); });
    for (const std::string& inner : units) add_members(inner, members, stop);
  }

  /// ListAccounts knows no other organization than ours.
  void require_organization(const std::string& unit, std::stop_token stop) {
    const Value ours =
        session_.call(home(), "organizations", "DescribeOrganization", Value::object(), stop)
            .at("Organization");
    if (text(ours, "Arn") == unit) return;
    throw Error(ErrorKind::not_found, "{} is not our organization, which is {}", unit,
                text(ours, "Arn"));
  }

  Session session_;
};

}  // namespace

std::unique_ptr<Organizations> make_aws_organizations(AwsCloudConfig config,
                                                      std::shared_ptr<hallmark::aws::Caller> caller,
                                                      CredentialsOf credentials_of, Clock& clock) {
  return std::make_unique<AwsOrganizations>(
      Session{std::move(config), std::move(caller), std::move(credentials_of), clock});
}

}  // namespace hallmark::cloud
