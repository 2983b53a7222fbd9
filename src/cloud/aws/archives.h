#pragma once
/// Images as objects in S3. Amazon EC2 User Guide, "Store and restore an AMI using S3".

#include "cloud/aws/session.h"
#include "cloud/image_services.h"

namespace hallmark::cloud::on_aws {

/// The functions of cloud/image_services.h with the same names; see there.
std::string archive_image(const Session& session, const Place& place, const std::string& image_id,
                          const std::string& bucket, const Tags& tags);
ArchivedImage find_archive(const Session& session, const Place& place, const std::string& image_id,
                           const std::string& bucket, const std::string& object);
std::string unarchive_image(const Session& session, const Place& place, const std::string& bucket,
                            const std::string& object, const ImageSpec& spec,
                            const std::string& token, std::stop_token stop);
void remove_archive(const Session& session, const Place& place, const std::string& image_id,
                    const std::string& bucket, const std::string& object);

}  // namespace hallmark::cloud::on_aws
