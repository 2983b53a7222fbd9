#pragma once
/// The KMS keys of images, and grants on them.

#include "cloud/aws/session.h"

namespace hallmark::cloud::on_aws {

/// The functions of cloud/cloud.h with the same names; see there. A grant is named after its image,
/// by which it is found again.
std::vector<ImageKey> find_image_keys(const Session& session, const Place& place,
                                      const std::string& image_id);
void grant_key(const Session& session, const Place& place, const std::string& key_id,
               const std::string& image_id, const std::string& account_id);
void revoke_key(const Session& session, const Place& place, const std::string& key_id,
                const std::string& image_id, const std::string& account_id);
std::vector<std::string> list_key_grants(const Session& session, const Place& place,
                                         const std::string& key_id, const std::string& image_id);

}  // namespace hallmark::cloud::on_aws
