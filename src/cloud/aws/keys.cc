#include "cloud/aws/keys.h"

#include <algorithm>
#include <set>

#include "aws/endpoint.h"
#include "base/text.h"
#include "cloud/aws/images.h"

namespace hallmark::cloud::on_aws {

namespace {

/// What EC2 does with a key in the account's name to launch from an image and to copy it (Amazon
/// EBS User Guide, "Required permissions for Amazon EBS encryption").
const std::vector<std::string> kOperations = {
    "Decrypt",     "DescribeKey",   "CreateGrant", "GenerateDataKeyWithoutPlaintext",
    "ReEncryptTo", "ReEncryptFrom",
};

std::string grant_name(const std::string& image_id) { return "hallmark-" + image_id; }

std::string root_of(const Place& place, const std::string& account_id) {
  return fmt::format("arn:{}:iam::{}:root", hallmark::aws::partition_of(place.region).name,
                     account_id);
}

bool is_gone(const ApiError& e) {
  return e.code() == "NotFoundException" || e.code() == "InvalidGrantIdException" ||
         e.code() == "KMSInvalidStateException";
}

/// Calls `see` with each grant for the image.
void each_grant(const Session& session, const Place& place, const std::string& key_id,
                const std::string& image_id, const std::function<void(const Value&)>& see) {
  session.each_page(place, "kms", "ListGrants", {{"KeyId", key_id}}, [&](const Value& page) {
    for (const Value& grant : page.value("Grants", Value::array())) {
      if (text(grant, "Name") == grant_name(image_id)) see(grant);
    }
  });
}

}  // namespace

std::vector<ImageKey> find_image_keys(const Session& session, const Place& place,
                                      const std::string& image_id) {
  const std::vector<std::string> snapshots = snapshot_ids(owned_image(session, place, image_id));
  if (snapshots.empty()) return {};
  const Value answer =
      session.call(place, "ec2", "DescribeSnapshots", {{"SnapshotIds", snapshots}});
  std::set<std::string> key_ids;
  for (const Value& snapshot : answer.value("Snapshots", Value::array())) {
    if (std::string id = text(snapshot, "KmsKeyId"); !id.empty()) key_ids.insert(std::move(id));
  }
  std::vector<ImageKey> keys;
  for (const std::string& key_id : key_ids) {
    const Value key = session.call(place, "kms", "DescribeKey", {{"KeyId", key_id}});
    const Value metadata = key.value("KeyMetadata", Value::object());
    keys.push_back({key_id, text(metadata, "KeyManager") != "AWS"});
  }
  return keys;
}

void grant_key(const Session& session, const Place& place, const std::string& key_id,
               const std::string& image_id, const std::string& account_id) {
  check_account_id(account_id);
  try {
    session.call(place, "kms", "CreateGrant",
                 {{"KeyId", key_id},
                  {"Name", grant_name(image_id)},
                  {"GranteePrincipal", root_of(place, account_id)},
                  {"Operations", kOperations}});
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::denied) throw;
    throw Error(ErrorKind::denied, "{}", e.message())
        .hint("the policy of the key " + key_id + " lacks a statement that lets " +
              place.account_id + " do kms:CreateGrant, kms:ListGrants, kms:RevokeGrant and " +
              "kms:DescribeKey on it");
  }
}

void revoke_key(const Session& session, const Place& place, const std::string& key_id,
                const std::string& image_id, const std::string& account_id) {
  std::vector<std::string> ids;
  try {
    each_grant(session, place, key_id, image_id, [&](const Value& grant) {
      const bool is_theirs = text(grant, "GranteePrincipal") == root_of(place, account_id);
      if (is_theirs) ids.push_back(text(grant, "GrantId"));
    });
    for (const std::string& id : ids) {
      session.call(place, "kms", "RevokeGrant", {{"KeyId", key_id}, {"GrantId", id}});
    }
  } catch (const ApiError& e) {
    if (!is_gone(e)) throw;
  }
}

std::vector<std::string> list_key_grants(const Session& session, const Place& place,
                                         const std::string& key_id, const std::string& image_id) {
  std::set<std::string> accounts;
  each_grant(session, place, key_id, image_id, [&](const Value& grant) {
    const std::vector<std::string> parts = split(text(grant, "GranteePrincipal"), ':');
    // arn:aws:iam::111122223333:root
    if (parts.size() == 6 && parts[5] == "root") accounts.insert(parts[4]);
  });
  return {accounts.begin(), accounts.end()};
}

}  // namespace hallmark::cloud::on_aws
