#include "cloud/aws/images.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cloud/aws/machines.h"
#include "cloud/aws/snapshots.h"
#include "cloud/organizations.h"

namespace hallmark::cloud::on_aws {

namespace {

using namespace std::chrono_literals;

/// EC2's own device name for a root volume of an image that was made from a disk.
constexpr const char* kRootDevice = "/dev/xvda";
/// The most that DescribeImages gives at a time (Amazon EC2 API Reference, DescribeImages,
/// MaxResults).
constexpr int kImagesPerPage = 1000;
/// How long a thing may stay invisible after EC2 has said that it exists.
constexpr Duration kImageSettleLimit = 60s;
constexpr Duration kImageSettlePause = 2s;

ImageState image_state_from(const std::string& word) {
  // Amazon EC2 API Reference, Image, "State".
  if (word == "available") return ImageState::available;
  if (word == "pending" || word == "transient") return ImageState::pending;
  if (word == "disabled") return ImageState::disabled;
  return ImageState::failed;
}

const Value* root_volume(const Value& image) {
  auto mappings = image.find("BlockDeviceMappings");
  if (mappings == image.end() || !mappings->is_array()) return nullptr;
  const Value* found = nullptr;
  for (const Value& mapping : *mappings) {
    auto ebs = mapping.find("Ebs");
    if (ebs == mapping.end()) continue;
    if (text(mapping, "DeviceName") == text(image, "RootDeviceName")) return &*ebs;
    if (found == nullptr) found = &*ebs;
  }
  return found;
}

std::string reason_of(const Value& thing) {
  auto reason = thing.find("StateReason");
  return reason == thing.end() ? "" : text(*reason, "Message");
}

/// "disabled", "enabled-with-cooldown", "enabled-without-cooldown", or nothing.
bool is_protected(const Value& image) {
  return text(image, "DeregistrationProtection").starts_with("enabled");
}

Image image_from(const Value& value, const Place& place) {
  Image image{.image_id = text(value, "ImageId"),
              .name = text(value, "Name"),
              .description = text(value, "Description"),
              .state = image_state_from(text(value, "State")),
              .state_reason = reason_of(value),
              .owner_id = text(value, "OwnerId"),
              .region = place.region,
              .architecture = text(value, "Architecture"),
              .source_image_id = text(value, "SourceImageId"),
              .source_region = text(value, "SourceImageRegion"),
              .tags = tags_from(value.value("Tags", Value::array())),
              .owner_alias = text(value, "ImageOwnerAlias")};
  image.imds_v2_only = text(value, "ImdsSupport") == "v2.0";
  image.is_protected = is_protected(value);
  // Amazon EC2 API Reference, Image: "windows" for Windows AMIs; otherwise, the value is blank.
  if (to_lower(text(value, "Platform")) == "windows") image.platform = Platform::windows;
  for (const Value& code : value.value("ProductCodes", Value::array())) {
    image.product_codes.push_back(text(code, "ProductCodeId"));
  }
  if (const Value* root = root_volume(value)) {
    image.disk_size_bytes = root->value("VolumeSize", std::uint64_t{0}) << 30;
  }
  for (const Value& mapping : value.value("BlockDeviceMappings", Value::array())) {
    image.is_encrypted |= mapping.value("Ebs", Value::object()).value("Encrypted", false);
  }
  if (std::string created = text(value, "CreationDate"); !created.empty()) {
    image.created_at = from_rfc3339(created);
  }
  for (const Value& mark : value.value("ImageWatermarks", Value::array())) {
    image.watermarks.push_back(text(mark, "WatermarkKey"));
  }
  std::sort(image.watermarks.begin(), image.watermarks.end());
  if (std::string deprecated = text(value, "DeprecationTime"); !deprecated.empty()) {
    image.deprecated_at = from_rfc3339(deprecated);
  }
  return image;
}

/// An import under way; see kImportingTag.
Image image_from_snapshot(const Value& snapshot, const Place& place) {
  const Value tags = snapshot.value("Tags", Value::array());
  Image image{.image_id = text(snapshot, "SnapshotId"),
              .name = tag_value(tags, kImportingTag),
              .description = text(snapshot, "Description"),
              .owner_id = place.account_id,
              .region = place.region,
              .disk_size_bytes = snapshot.value("VolumeSize", std::uint64_t{0}) << 30,
              .tags = tags_from(tags)};
  image.tags.erase(kImportingTag);
  return image;
}

Tags with_token(Tags tags, const std::string& token) {
  tags[kCallTokenTag] = client_token(token);
  return tags;
}

bool gone(const Error& e) {
  auto* api = dynamic_cast<const ApiError*>(&e);
  return api != nullptr &&
         (api->code() == "InvalidAMIID.NotFound" || api->code() == "InvalidAMIID.Unavailable" ||
          api->code() == "InvalidAMIID.Malformed");
}

bool says(const ApiError& e, std::string_view code) { return e.code() == code; }

}  // namespace

Value image_tag_specifications(const ImageSpec& spec, const std::string& token) {
  Tags tags = with_token(spec.tags, token);
  return Value::array({tag_specification("image", tags), tag_specification("snapshot", tags)});
}

std::string make_image(const Session& session, const Place& place, const ImageSpec& spec,
                       const std::string& token, const std::function<std::string()>& create) {
  check_image_name(spec.name);
  if (auto made = image_made_by(session, place, spec.name, token)) return *made;
  try {
    return create();
  } catch (const ApiError& e) {
    if (!says(e, "InvalidAMIName.Duplicate")) throw;
  }
  return *image_made_by(session, place, spec.name, token, true);
}

std::vector<std::string> snapshot_ids(const Value& image) {
  std::vector<std::string> ids;
  auto mappings = image.find("BlockDeviceMappings");
  if (mappings == image.end()) return ids;
  for (const Value& mapping : *mappings) {
    auto ebs = mapping.find("Ebs");
    if (ebs == mapping.end()) continue;
    if (std::string id = text(*ebs, "SnapshotId"); !id.empty()) ids.push_back(id);
  }
  return ids;
}

std::optional<Value> describe_image(const Session& session, const Place& place,
                                    const std::string& image_id) {
  if (!is_resource_id(image_id, "ami-")) return std::nullopt;
  try {
    Value answer =
        session.call(place, "ec2", "DescribeImages",
                     {{"ImageIds", Value::array({image_id})}, {"IncludeDisabled", true}});
    const Value& images = answer["Images"];
    if (!images.is_array() || images.empty()) return std::nullopt;
    if (text(images[0], "State") == "deregistered") return std::nullopt;
    return images[0];
  } catch (const ApiError& e) {
    if (gone(e)) return std::nullopt;
    throw;
  }
}

std::optional<std::string> image_made_by(const Session& session, const Place& place,
                                         const std::string& name, const std::string& token,
                                         bool name_taken) {
  const TimePoint until = session.clock.now() + kImageSettleLimit;
  while (true) {
    Value answer = session.call(place, "ec2", "DescribeImages",
                                {{"Owners", Value::array({"self"})},
                                 {"Filters", Value::array({filter("name", name)})},
                                 {"IncludeDisabled", true}});
    for (const Value& image : answer["Images"]) {
      // The filter takes * and ? as wildcards.
      if (text(image, "Name") != name || text(image, "State") == "deregistered") continue;
      if (tag_value(image.value("Tags", Value::array()), kCallTokenTag) == client_token(token)) {
        return text(image, "ImageId");
      }
      throw Error(ErrorKind::conflict, "the name \"{}\" is taken in {} by {}", name,
                  to_string(place), text(image, "ImageId"))
          .hint("names are unique per account and region: choose another, or remove that image");
    }
    if (!name_taken) return std::nullopt;
    if (session.clock.now() >= until) {
      throw Error(ErrorKind::unavailable,
                  "the name \"{}\" is taken in {} by an image that cannot be seen yet", name,
                  to_string(place));
    }
    session.clock.sleep_until(session.clock.now() + kImageSettlePause, {});
  }
}

std::string import_image(const Session& session, const Place& place, const Path& file,
                         const ImageSpec& spec, const std::string& token, std::stop_token stop) {
  return make_image(session, place, spec, token, [&]() -> std::string {
    std::unique_ptr<disk::BlockReader> disk = disk::open_disk(file, disk::BackingFiles::beside);
    Tags tags = with_token(spec.tags, token);
    tags[kImportingTag] = spec.name;
    std::string snapshot_id =
        upload_snapshot(session, place, *disk, spec.description, tags, token, stop);
    try {
      Value answer = session.call_about_new(
          place, "ec2", "RegisterImage",
          {{"Name", spec.name},
           {"Description", spec.description},
           {"Architecture", "x86_64"},
           {"RootDeviceName", kRootDevice},
           {"VirtualizationType", "hvm"},
           {"EnaSupport", true},
           {"ImdsSupport", "v2.0"},
           {"BlockDeviceMappings",
            Value::array(
                {{{"DeviceName", kRootDevice},
                  {"Ebs", {{"SnapshotId", snapshot_id}, {"DeleteOnTermination", true}}}}})},
           {"TagSpecifications",
            Value::array({tag_specification("image", with_token(spec.tags, token))})}},
          stop);
      session.call_about_new(place, "ec2", "DeleteTags",
                             {{"Resources", Value::array({snapshot_id})},
                              {"Tags", Value::array({{{"Key", kImportingTag}}})}});
      return text(answer, "ImageId");
    } catch (const ApiError& e) {
      if (!says(e, "InvalidAMIName.Duplicate")) throw;
      try {
        return *image_made_by(session, place, spec.name, token, true);
      } catch (const Error&) {
        // Somebody else has the name: nothing will ever be registered from this snapshot.
        remove_snapshot(session, place, snapshot_id);
        throw;
      }
    }
  });
}

std::string create_image(const Session& session, const Place& place, const std::string& machine_id,
                         const ImageSpec& spec, const std::string& token, std::stop_token stop) {
  return make_image(session, place, spec, token, [&] {
    std::optional<Machine> machine = find_machine(session, place, machine_id);
    if (!machine) {
      throw Error(ErrorKind::not_found, "there is no machine {} in {}", machine_id,
                  to_string(place));
    }
    if (machine->state != MachineState::stopped) {
      throw Error(ErrorKind::conflict, "machine {} is {}, not stopped", machine_id,
                  to_string(machine->state));
    }
    Value answer = session.call(place, "ec2", "CreateImage",
                                {{"InstanceId", machine_id},
                                 {"Name", spec.name},
                                 {"Description", spec.description},
                                 {"NoReboot", true},
                                 {"TagSpecifications", image_tag_specifications(spec, token)}},
                                stop);
    return text(answer, "ImageId");
  });
}

std::string copy_image(const Session& session, const Place& place,
                       const std::string& source_image_id, const std::string& source_region,
                       const ImageSpec& spec, const std::string& token, std::stop_token stop) {
  return make_image(session, place, spec, token, [&] {
    if (!describe_image(session, {place.account_id, source_region}, source_image_id)) {
      throw Error(ErrorKind::not_found, "account {} sees no image {} in {}", place.account_id,
                  source_image_id, source_region);
    }
    Value input = {{"Name", spec.name},
                   {"Description", spec.description},
                   {"SourceImageId", source_image_id},
                   {"SourceRegion", source_region},
                   {"ClientToken", client_token(token)},
                   {"TagSpecifications", image_tag_specifications(spec, token)}};
    // The key that the cloud is set up with is one of our own account.
    const bool is_ours = place.account_id == session.config.account_id;
    std::string key = spec.kms_key;
    if (key.empty() && is_ours) key = session.region(place).kms_key_id;
    if (!key.empty()) {
      input["Encrypted"] = true;
      input["KmsKeyId"] = key;
    }
    if (spec.copy_within) {
      check_copy_within(*spec.copy_within);
      input["SnapshotCopyCompletionDurationMinutes"] =
          std::chrono::duration_cast<std::chrono::minutes>(*spec.copy_within).count();
    }
    try {
      return text(session.call(place, "ec2", "CopyImage", input, stop), "ImageId");
    } catch (const ApiError& e) {
      // Amazon EC2 User Guide, "Copy an AMI": 100 copies at once into a region.
      if (!says(e, "ResourceLimitExceeded")) throw;
      throw Error(ErrorKind::throttled, "{}", e.message());
    }
  });
}

std::optional<Image> find_image(const Session& session, const Place& place,
                                const std::string& image_id) {
  std::optional<Value> image = describe_image(session, place, image_id);
  if (!image) return std::nullopt;
  return image_from(*image, place);
}

std::vector<Image> list_images(const Session& session, const Place& place,
                               const ImageFilter& wanted) {
  std::vector<Image> images;
  std::set<std::string> seen;
  check_image_filter(wanted);
  auto look = [&](const char* whose, const std::vector<std::string>& who) {
    Value input = {{whose, who}, {"IncludeDisabled", true}, {"MaxResults", kImagesPerPage}};
    Value filters = tag_filters(wanted.tags, wanted.tag_keys);
    if (wanted.name) filters.push_back(filter("name", *wanted.name));
    if (wanted.name_pattern) filters.push_back(filter("name", *wanted.name_pattern));
    if (!filters.empty()) input["Filters"] = filters;
    session.each_page(place, "ec2", "DescribeImages", input, [&](const Value& page) {
      for (const Value& value : page.value("Images", Value::array())) {
        Image image = image_from(value, place);
        if (text(value, "State") == "deregistered") continue;
        // EC2 takes * and ? in filters for wildcards, also where none are meant.
        ImageFilter named{.name = wanted.name, .owned_only = false};
        named.name_pattern = wanted.name_pattern;
        if (!matches_name_and_owner(image, named, place)) continue;
        if (!matches(image.tags, wanted.tags, wanted.tag_keys)) continue;
        if (seen.insert(image.image_id).second) images.push_back(std::move(image));
      }
    });
  };
  if (!wanted.owners.empty()) {
    look("Owners", wanted.owners);
    return images;
  }
  look("Owners", {"self"});
  // EC2 shows nobody else's tags, so a filter by tags can only match what is our own.
  bool by_tags = !wanted.tags.empty() || !wanted.tag_keys.empty();
  if (!wanted.owned_only && !by_tags) look("ExecutableUsers", {"self"});
  if (by_tags) {
    Value filters = tag_filters(wanted.tags, wanted.tag_keys);
    filters.push_back(filter("tag-key", kImportingTag));
    session.each_page(place, "ec2", "DescribeSnapshots",
                      {{"OwnerIds", Value::array({"self"})}, {"Filters", filters}},
                      [&](const Value& page) {
                        for (const Value& value : page.value("Snapshots", Value::array())) {
                          Image image = image_from_snapshot(value, place);
                          if (!matches_name_and_owner(image, wanted, place)) continue;
                          if (!matches(image.tags, wanted.tags, wanted.tag_keys)) continue;
                          images.push_back(std::move(image));
                        }
                      });
  }
  return images;
}

/// EC2 answers a stranger's change as if the image did not exist.
Value owned_image(const Session& session, const Place& place, const std::string& image_id) {
  std::optional<Value> image = describe_image(session, place, image_id);
  if (!image) {
    throw Error(ErrorKind::not_found, "there is no image {} in {}", image_id, to_string(place));
  }
  if (text(*image, "OwnerId") != place.account_id) {
    throw Error(ErrorKind::denied, "image {} belongs to account {}", image_id,
                text(*image, "OwnerId"));
  }
  return *image;
}

void deprecate_image(const Session& session, const Place& place, const std::string& image_id,
                     std::optional<TimePoint> at) {
  owned_image(session, place, image_id);
  if (!at) {
    session.call(place, "ec2", "DisableImageDeprecation", {{"ImageId", image_id}});
    return;
  }
  // Amazon EC2 API Reference, EnableImageDeprecation: not in the past, and seconds are rounded.
  const TimePoint soonest = std::chrono::ceil<std::chrono::minutes>(session.clock.now() + 1min);
  const TimePoint when =
      std::max<TimePoint>(std::chrono::floor<std::chrono::minutes>(*at), soonest);
  session.call(place, "ec2", "EnableImageDeprecation",
               {{"ImageId", image_id}, {"DeprecateAt", to_rfc3339(when)}});
}

void disable_image(const Session& session, const Place& place, const std::string& image_id) {
  const ImageState state = image_state_from(text(owned_image(session, place, image_id), "State"));
  if (state == ImageState::disabled) return;
  if (state == ImageState::pending) {
    throw Error(ErrorKind::unavailable, "image {} is pending", image_id);
  }
  session.call(place, "ec2", "DisableImage", {{"ImageId", image_id}});
}

void enable_image(const Session& session, const Place& place, const std::string& image_id) {
  const std::string state = text(owned_image(session, place, image_id), "State");
  if (image_state_from(state) != ImageState::disabled) return;
  session.call(place, "ec2", "EnableImage", {{"ImageId", image_id}});
}

void require_imds_v2(const Session& session, const Place& place, const std::string& image_id) {
  if (text(owned_image(session, place, image_id), "ImdsSupport") == "v2.0") return;
  session.call(place, "ec2", "ModifyImageAttribute",
               {{"ImageId", image_id}, {"ImdsSupport", {{"Value", "v2.0"}}}});
}

void protect_image(const Session& session, const Place& place, const std::string& image_id,
                   bool on) {
  const Value image = owned_image(session, place, image_id);
  if (is_protected(image) == on) return;
  // Without its cooldown, or decommissioning would have to wait for a day.
  session.call(place, "ec2",
               on ? "EnableImageDeregistrationProtection" : "DisableImageDeregistrationProtection",
               {{"ImageId", image_id}});
}

void remove_image(const Session& session, const Place& place, const std::string& image_id) {
  if (is_resource_id(image_id, "snap-")) return remove_snapshot(session, place, image_id);
  std::optional<Value> image = describe_image(session, place, image_id);
  if (!image) return;
  if (text(*image, "OwnerId") != place.account_id) {
    throw Error(ErrorKind::denied, "image {} belongs to account {}", image_id,
                text(*image, "OwnerId"));
  }
  if (is_protected(*image)) {
    throw Error(ErrorKind::conflict, "image {} is protected from being removed", image_id);
  }
  try {
    session.call(place, "ec2", "DeregisterImage",
                 {{"ImageId", image_id}, {"DeleteAssociatedSnapshots", true}});
  } catch (const ApiError& e) {
    if (!gone(e)) throw;
  }
  // Whatever of it EC2 did not delete by itself.
  for (const std::string& id : snapshot_ids(*image)) remove_snapshot(session, place, id);
}

std::unique_ptr<disk::BlockReader> open_image(std::shared_ptr<const Session> session,
                                              const Place& place, const std::string& image_id) {
  std::optional<Value> image = describe_image(*session, place, image_id);
  if (!image) {
    throw Error(ErrorKind::not_found, "there is no image {} in {}", image_id, to_string(place));
  }
  ImageState state = image_state_from(text(*image, "State"));
  if (state == ImageState::pending) {
    throw Error(ErrorKind::unavailable, "image {} is still pending", image_id);
  }
  const Value* root = root_volume(*image);
  if (root == nullptr || text(*root, "SnapshotId").empty()) {
    throw Error(ErrorKind::usage, "image {} has no EBS root volume ({})", image_id,
                text(*image, "RootDeviceType"))
        .hint(
            "copy its content to an EBS-backed image first: launch it, and create an image from a "
            "volume");
  }
  return open_snapshot(std::move(session), place, text(*root, "SnapshotId"));
}

namespace {

/// Amazon EC2 API Reference, LaunchPermission.
const char* member_for(const std::string& recipient) {
  if (!is_unit(recipient)) return "UserId";
  return unit_id(recipient).starts_with("ou-") ? "OrganizationalUnitArn" : "OrganizationArn";
}

void change_share(const Session& session, const Place& place, const std::string& image_id,
                  const std::string& recipient, const char* how) {
  check_recipient(recipient);
  if (!is_resource_id(image_id, "ami-")) {
    throw Error(ErrorKind::not_found, "there is no image {} in {}", image_id, to_string(place));
  }
  session.call(
      place, "ec2", "ModifyImageAttribute",
      {{"ImageId", image_id},
       {"LaunchPermission", {{how, Value::array({{{member_for(recipient), recipient}}})}}}});
  // Nobody copies what is shared with a unit: EBS shares snapshots with accounts only.
  if (is_unit(recipient)) return;
  // Launching takes the image's permission alone, copying it takes that of its snapshots too.
  std::optional<Value> image = describe_image(session, place, image_id);
  if (!image) return;
  for (const std::string& snapshot_id : snapshot_ids(*image)) {
    session.call(place, "ec2", "ModifySnapshotAttribute",
                 {{"SnapshotId", snapshot_id},
                  {"Attribute", "createVolumePermission"},
                  {"CreateVolumePermission", {{how, Value::array({{{"UserId", recipient}}})}}}});
  }
}

void check_taggable(const std::string& resource_id) {
  if (is_resource_id(resource_id, "ami-") || is_resource_id(resource_id, "i-")) return;
  throw Error(ErrorKind::not_found, "there is no image or machine \"{}\"",
              resource_id.substr(0, 100));
}

}  // namespace

void share_image(const Session& session, const Place& place, const std::string& image_id,
                 const std::string& recipient) {
  change_share(session, place, image_id, recipient, "Add");
}

void unshare_image(const Session& session, const Place& place, const std::string& image_id,
                   const std::string& recipient) {
  change_share(session, place, image_id, recipient, "Remove");
}

std::vector<std::string> list_shares(const Session& session, const Place& place,
                                     const std::string& image_id) {
  if (!is_resource_id(image_id, "ami-")) {
    throw Error(ErrorKind::not_found, "there is no image {} in {}", image_id, to_string(place));
  }
  Value answer = session.call(place, "ec2", "DescribeImageAttribute",
                              {{"ImageId", image_id}, {"Attribute", "launchPermission"}});
  std::vector<std::string> recipients;
  for (const Value& permission : answer.value("LaunchPermissions", Value::array())) {
    for (const char* member : {"UserId", "OrganizationArn", "OrganizationalUnitArn"}) {
      if (std::string id = text(permission, member); !id.empty()) recipients.push_back(id);
    }
  }
  std::sort(recipients.begin(), recipients.end());
  return recipients;
}

void set_tags(const Session& session, const Place& place, const std::string& resource_id,
              const Tags& tags) {
  check_taggable(resource_id);
  if (tags.empty()) return;
  session.call(place, "ec2", "CreateTags",
               {{"Resources", Value::array({resource_id})}, {"Tags", tag_list(tags)}});
}

void remove_tags(const Session& session, const Place& place, const std::string& resource_id,
                 const TagKeys& keys) {
  check_taggable(resource_id);
  if (keys.empty()) return;
  Value tags = Value::array();
  // Without a value, the tag goes whatever its value is.
  for (const std::string& key : keys) tags.push_back({{"Key", key}});
  session.call(place, "ec2", "DeleteTags",
               {{"Resources", Value::array({resource_id})}, {"Tags", tags}});
}

}  // namespace hallmark::cloud::on_aws
