#pragma once
/// Images, shares and tags on EC2.

#include "cloud/aws/session.h"

namespace hallmark::cloud::on_aws {

/// The functions of cloud/cloud.h with the same names; see there.
std::string import_image(const Session& session, const Place& place, const Path& file,
                         const ImageSpec& spec, const std::string& token, std::stop_token stop);
std::string create_image(const Session& session, const Place& place, const std::string& machine_id,
                         const ImageSpec& spec, const std::string& token, std::stop_token stop);
std::string copy_image(const Session& session, const Place& place,
                       const std::string& source_image_id, const std::string& source_region,
                       const ImageSpec& spec, const std::string& token, std::stop_token stop);
std::optional<Image> find_image(const Session& session, const Place& place,
                                const std::string& image_id);
std::vector<Image> list_images(const Session& session, const Place& place,
                               const ImageFilter& filter);
void deprecate_image(const Session& session, const Place& place, const std::string& image_id,
                     std::optional<TimePoint> at);
void disable_image(const Session& session, const Place& place, const std::string& image_id);
void enable_image(const Session& session, const Place& place, const std::string& image_id);
void require_imds_v2(const Session& session, const Place& place, const std::string& image_id);
void protect_image(const Session& session, const Place& place, const std::string& image_id,
                   bool on);
void remove_image(const Session& session, const Place& place, const std::string& image_id);
std::unique_ptr<disk::BlockReader> open_image(std::shared_ptr<const Session> session,
                                              const Place& place, const std::string& image_id);

void share_image(const Session& session, const Place& place, const std::string& image_id,
                 const std::string& recipient);
void unshare_image(const Session& session, const Place& place, const std::string& image_id,
                   const std::string& recipient);
std::vector<std::string> list_shares(const Session& session, const Place& place,
                                     const std::string& image_id);

/// On images and machines.
void set_tags(const Session& session, const Place& place, const std::string& resource_id,
              const Tags& tags);
void remove_tags(const Session& session, const Place& place, const std::string& resource_id,
                 const TagKeys& keys);

/// The snapshots of an image in DescribeImages' words.
std::vector<std::string> snapshot_ids(const Value& image);
/// DescribeImages' own words for an image of place.account_id. Throws `not_found`, `denied`.
Value owned_image(const Session& session, const Place& place, const std::string& image_id);
/// DescribeImages' own words for an image that place.account_id may see; nothing if there is none.
std::optional<Value> describe_image(const Session& session, const Place& place,
                                    const std::string& image_id);
/// On a snapshot that was uploaded for an image which is not registered yet: the image's name. Such
/// a snapshot is listed as a pending image, so that whoever cleans up sees it.
inline constexpr const char* kImportingTag = "hallmark:importing";
/// For calls that make an image: the same tags on it and on its snapshots.
Value image_tag_specifications(const ImageSpec& spec, const std::string& token);
/// Makes the image by `create` unless the token made it already; adopts what an earlier attempt
/// made whose answer was lost.
std::string make_image(const Session& session, const Place& place, const ImageSpec& spec,
                       const std::string& token, const std::function<std::string()>& create);
/// The image that a call with this token made; throws `conflict` if another image has the name.
/// `name_taken`: the cloud has just said that the name is in use, so something must be found, if
/// not at once.
std::optional<std::string> image_made_by(const Session& session, const Place& place,
                                         const std::string& name, const std::string& token,
                                         bool name_taken = false);

}  // namespace hallmark::cloud::on_aws
