#include "cloud/aws/machines.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "cloud/aws/commands.h"
#include "cloud/aws/images.h"
#include "cloud/aws/scripts.h"

namespace hallmark::cloud::on_aws {

namespace {

/// The most that DescribeInstances gives at a time (Amazon EC2 API Reference, MaxResults).
constexpr int kMachinesPerPage = 1000;
/// The most that one call of DescribeInstanceInformation takes in a filter's values.
constexpr std::size_t kInformationBatch = 50;

MachineState state_from(const std::string& word) {
  // Amazon EC2 API Reference, InstanceState.
  if (word == "pending") return MachineState::pending;
  if (word == "running") return MachineState::running;
  if (word == "stopping") return MachineState::stopping;
  if (word == "stopped") return MachineState::stopped;
  return MachineState::terminated;
}

Machine machine_from(const Value& value, const Place& place) {
  const Value tags = value.value("Tags", Value::array());
  Machine machine{.machine_id = text(value, "InstanceId"),
                  .state = state_from(text(value.value("State", Value::object()), "Name")),
                  .image_id = text(value, "ImageId"),
                  .name = tag_value(tags, kNameTag),
                  .account_id = place.account_id,
                  .region = place.region,
                  .ip = text(value, "PrivateIpAddress"),
                  .tags = tags_from(tags)};
  if (auto reason = value.find("StateReason"); reason != value.end()) {
    machine.state_reason = text(*reason, "Message");
  }
  machine.launched_at = time_of(value, "LaunchTime");
  return machine;
}

std::vector<Machine> machines_in(const Value& page, const Place& place) {
  std::vector<Machine> machines;
  for (const Value& reservation : page.value("Reservations", Value::array())) {
    for (const Value& instance : reservation.value("Instances", Value::array())) {
      machines.push_back(machine_from(instance, place));
    }
  }
  return machines;
}

bool gone(const ApiError& e) {
  return e.code() == "InvalidInstanceID.NotFound" || e.code() == "InvalidInstanceID.Malformed";
}

/// There is nothing of this kind here now; there may be of another kind, or in another zone.
bool no_room(const ApiError& e) {
  // Amazon EC2 API Reference, "Error codes": these concern the instance type or the zone.
  static const std::set<std::string> kCodes = {"InsufficientInstanceCapacity",
                                               "InsufficientHostCapacity",
                                               "InsufficientFreeAddressesInSubnet",
                                               "InsufficientAddressCapacity",
                                               "Unsupported",
                                               "VcpuLimitExceeded",
                                               "InstanceLimitExceeded"};
  return kCodes.contains(e.code());
}

/// Marks those that take commands: the agent in them has reported and still does.
void mark_reachable(const Session& session, const Place& place, std::vector<Machine>& machines) {
  std::vector<std::string> running;
  for (const Machine& machine : machines) {
    if (machine.state == MachineState::running) running.push_back(machine.machine_id);
  }
  std::set<std::string> online;
  for (std::size_t at = 0; at < running.size(); at += kInformationBatch) {
    std::size_t count = std::min(kInformationBatch, running.size() - at);
    std::vector<std::string> ids(running.begin() + static_cast<std::ptrdiff_t>(at),
                                 running.begin() + static_cast<std::ptrdiff_t>(at + count));
    session.each_page(
        place, "ssm", "DescribeInstanceInformation",
        {{"Filters", Value::array({{{"Key", "InstanceIds"}, {"Values", ids}}})},
         {"MaxResults", kInformationBatch}},
        [&](const Value& page) {
          for (const Value& known : page.value("InstanceInformationList", Value::array())) {
            if (text(known, "PingStatus") == "Online") {
              online.insert(text(known, "InstanceId"));
            }
          }
        });
  }
  for (Machine& machine : machines) machine.reachable = online.contains(machine.machine_id);
}

/// All volumes of the image, encrypted and ending with the machine, whatever the image says.
Value volumes(const Value& image, const std::string& kms_key_id) {
  const std::string root = text(image, "RootDeviceName");
  Value mappings = Value::array();
  auto add = [&](const std::string& device, Value ebs) {
    ebs["DeleteOnTermination"] = true;
    ebs["Encrypted"] = true;
    if (!kms_key_id.empty()) ebs["KmsKeyId"] = kms_key_id;
    mappings.push_back({{"DeviceName", device}, {"Ebs", std::move(ebs)}});
  };
  add(root, Value::object());
  for (const Value& mapping : image.value("BlockDeviceMappings", Value::array())) {
    if (!mapping.contains("Ebs") || text(mapping, "DeviceName") == root) continue;
    // Amazon EC2 API Reference, EbsBlockDevice: "You must specify either a snapshot ID or a volume
    // size." Only the root volume's cannot be anything else.
    const char* content = mapping["Ebs"].contains("SnapshotId") ? "SnapshotId" : "VolumeSize";
    Value ebs = Value::object();
    if (mapping["Ebs"].contains(content)) ebs[content] = mapping["Ebs"][content];
    add(text(mapping, "DeviceName"), std::move(ebs));
  }
  return mappings;
}

/// What all attempts of a launch have in common.
Value launch_input(const Session& session, const Place& place, const MachineSpec& spec,
                   const Value& image, const std::string& token) {
  const AwsRegion& region = session.region(place);
  Tags tags = spec.tags;
  tags[kCallTokenTag] = client_token(token);
  if (!spec.name.empty()) tags[kNameTag] = spec.name;
  Value input = {
      {"ImageId", spec.image_id},
      {"MinCount", 1},
      {"MaxCount", 1},
      {"UserData", user_data(to_lower(text(image, "Platform")) == "windows" ? Platform::windows
                                                                            : Platform::linux,
                             place.region, spec.deadline)},
      {"InstanceInitiatedShutdownBehavior", "terminate"},
      {"MetadataOptions", {{"HttpTokens", "required"}, {"HttpEndpoint", "enabled"}}},
      {"BlockDeviceMappings", volumes(image, region.kms_key_id)},
      {"TagSpecifications",
       Value::array({tag_specification("instance", tags), tag_specification("volume", tags)})}};
  if (!session.config.instance_profile.empty()) {
    input["IamInstanceProfile"] = {{"Name", session.config.instance_profile}};
  }
  if (!region.security_group_ids.empty()) input["SecurityGroupIds"] = region.security_group_ids;
  return input;
}

std::optional<std::string> machine_made_by(const Session& session, const Place& place,
                                           const std::string& token) {
  std::optional<std::string> found;
  session.each_page(
      place, "ec2", "DescribeInstances",
      {{"Filters",
        Value::array({filter(std::string("tag:") + kCallTokenTag, client_token(token))})}},
      [&](const Value& page) {
        for (const Machine& machine : machines_in(page, place)) {
          found = machine.machine_id;
        }
      });
  return found;
}

}  // namespace

std::string user_data(Platform platform, const std::string& region,
                      std::optional<TimePoint> deadline) {
  std::string end =
      deadline ? std::to_string(
                     std::chrono::ceil<std::chrono::seconds>(deadline->time_since_epoch()).count())
               : "";
  if (platform == Platform::windows) {
    return replace_all(replace_all(std::string(script("user_data.ps1")), "@END@", end), "@REGION@",
                       region);
  }
  // cloud-init documentation, "User data formats": a boothook runs at every boot, a script once;
  // several parts travel as MIME.
  return fmt::format(
      "MIME-Version: 1.0\n"
      "Content-Type: multipart/mixed; boundary=\"=hallmark=\"\n\n"
      "--=hallmark=\n"
      "Content-Type: text/cloud-boothook; charset=\"utf-8\"\n\n{}\n"
      "--=hallmark=\n"
      "Content-Type: text/x-shellscript; charset=\"utf-8\"\n\n{}\n"
      "--=hallmark=--\n",
      replace_all(std::string(script("deadline.sh")), "@END@", end),
      replace_all(std::string(script("install_agent.sh")), "@REGION@", region));
}

namespace {

/// The image in EC2's words, if a machine of it can be captured later.
Value launchable_image(const Session& session, const Place& place, const MachineSpec& spec) {
  if (spec.kind != MachineKind::boot) {
    throw Error(ErrorKind::usage, "AWS has no machines that are {}", to_string(spec.kind))
        .hint("use mode: boot, or build offline on the local cloud and import the image");
  }
  std::optional<Value> image = describe_image(session, place, spec.image_id);
  if (!image) {
    throw Error(ErrorKind::not_found, "account {} sees no image {} in {}", place.account_id,
                spec.image_id, place.region);
  }
  if (text(*image, "RootDeviceType") == "instance-store") {
    throw Error(ErrorKind::usage,
                "image {} has an instance-store root device, which cannot be stopped and captured",
                spec.image_id)
        .hint("choose the EBS-backed variant of this image");
  }
  return *image;
}

[[noreturn]] void not_subscribed(const Value& image, const Place& place, const ApiError& e) {
  std::string codes;
  for (const Value& code : image.value("ProductCodes", Value::array())) {
    codes += (codes.empty() ? "" : ", ") + text(code, "ProductCodeId");
  }
  throw Error(ErrorKind::denied,
              "account {} is not subscribed to the marketplace product {} of image {} ({})",
              place.account_id, codes, text(image, "ImageId"), text(image, "Name"))
      .note("EC2 says: " + e.message())
      .hint("open the address in EC2's answer as somebody who may subscribe for account " +
            place.account_id + ", accept the terms, then: hallmark run retry");
}

/// Amazon EC2 Instance Types guide, "Instance type naming conventions": a g after the generation
/// stands for AWS's own processors; before there was that rule there was a1.
bool is_arm64(const std::string& type) {
  const std::string family = type.substr(0, type.find('.'));
  if (family == "a1") return true;
  const auto generation = family.find_first_of("0123456789");
  return generation != std::string::npos && family.find('g', generation) != std::string::npos;
}

/// Those of the configuration that run images of this architecture; if there are none, others like
/// its defaults that do.
std::vector<std::string> types_for(const AwsCloudConfig& config, const std::string& architecture) {
  const bool wants_arm64 = architecture == "arm64";
  std::vector<std::string> types = config.instance_types;
  std::erase_if(types, [&](const std::string& type) { return is_arm64(type) != wants_arm64; });
  if (!types.empty()) return types;
  if (wants_arm64) return {"t4g.medium", "m7g.large", "m6g.large"};
  return AwsCloudConfig{}.instance_types;
}

/// Calls RunInstances for one instance type and subnet after the other while there is no room.
/// Nothing if there is none for any; `refusals` then says why.
std::optional<Value> run_instances(const Session& session, const Place& place,
                                   const MachineSpec& spec, const Value& image, Value input,
                                   const std::string& token, std::string& refusals,
                                   std::stop_token stop) {
  std::vector<std::string> types = types_for(session.config, text(image, "Architecture"));
  if (!spec.machine_size.empty()) types = {spec.machine_size};
  std::vector<std::string> subnets = session.region(place).subnet_ids;
  if (subnets.empty()) subnets = {""};
  for (const std::string& type : types) {
    for (const std::string& subnet : subnets) {
      input["InstanceType"] = type;
      if (!subnet.empty()) input["SubnetId"] = subnet;
      // A token stands for one set of parameters.
      if (!token.empty()) input["ClientToken"] = client_token(token, type + "/" + subnet);
      try {
        return session.call(place, "ec2", "RunInstances", input, stop);
      } catch (const ApiError& e) {
        if (e.code() == "OptInRequired") not_subscribed(image, place, e);
        if (!no_room(e)) throw;
        refusals += fmt::format("{}{}{}: {}", refusals.empty() ? "" : "\n", type,
                                subnet.empty() ? "" : " in " + subnet, e.message());
      }
    }
  }
  return std::nullopt;
}

}  // namespace

void check_launch(const Session& session, const Place& place, const MachineSpec& spec,
                  std::stop_token stop) {
  Value image = launchable_image(session, place, spec);
  // Permissions may depend on the tags, so they are those of the real launch.
  Value input = launch_input(session, place, spec, image, "check");
  input["DryRun"] = true;
  std::string refusals;
  try {
    run_instances(session, place, spec, image, std::move(input), "", refusals, stop);
  } catch (const ApiError& e) {
    // Amazon EC2 API Reference, RunInstances, DryRun: this "error" is the good answer.
    if (e.code() == "DryRunOperation") return;
    if (e.code() != "UnauthorizedOperation") throw;
    throw Error(ErrorKind::denied, "machines of image {} may not be launched in {}", spec.image_id,
                to_string(place))
        .note("EC2 says: " + e.message())
        .hint("see what is missing: hallmark aws preflight");
  }
}

std::string launch_machine(const Session& session, const Place& place, const MachineSpec& spec,
                           const std::string& token, std::stop_token stop) {
  if (auto made = machine_made_by(session, place, token)) return *made;
  Value image = launchable_image(session, place, spec);
  Value input = launch_input(session, place, spec, image, token);
  std::string refusals;
  if (auto answer =
          run_instances(session, place, spec, image, std::move(input), token, refusals, stop)) {
    return text(answer->at("Instances").at(0), "InstanceId");
  }
  throw Error(ErrorKind::unavailable, "there is no room for a machine in {}", to_string(place))
      .note(refusals)
      .hint(
          "give more instance types or subnets under cloud in config.yaml, ask Service Quotas for "
          "more if a limit is named, or wait");
}

std::optional<Machine> find_machine(const Session& session, const Place& place,
                                    const std::string& machine_id) {
  if (!is_resource_id(machine_id, "i-")) return std::nullopt;
  try {
    Value answer = session.call(place, "ec2", "DescribeInstances",
                                {{"InstanceIds", Value::array({machine_id})}});
    std::vector<Machine> machines = machines_in(answer, place);
    if (machines.empty()) return std::nullopt;
    mark_reachable(session, place, machines);
    return machines.front();
  } catch (const ApiError& e) {
    if (gone(e)) return std::nullopt;
    throw;
  }
}

std::vector<Machine> list_machines(const Session& session, const Place& place,
                                   const MachineFilter& wanted) {
  Value input = {{"MaxResults", kMachinesPerPage}};
  Value filters = tag_filters(wanted.tags, wanted.tag_keys);
  if (!wanted.include_terminated) {
    filters.push_back({{"Name", "instance-state-name"},
                       {"Values", {"pending", "running", "stopping", "stopped"}}});
  }
  if (!filters.empty()) input["Filters"] = filters;
  std::vector<Machine> machines;
  session.each_page(place, "ec2", "DescribeInstances", input, [&](const Value& page) {
    for (Machine& machine : machines_in(page, place)) {
      // EC2 takes * and ? in filters for wildcards.
      if (matches(machine.tags, wanted.tags, wanted.tag_keys))
        machines.push_back(std::move(machine));
    }
  });
  if (wanted.reachability) mark_reachable(session, place, machines);
  return machines;
}

void stop_machine(const Session& session, const Place& place, const std::string& machine_id) {
  if (!is_resource_id(machine_id, "i-")) {
    throw Error(ErrorKind::not_found, "there is no machine {} in {}", machine_id, to_string(place));
  }
  session.call(place, "ec2", "StopInstances", {{"InstanceIds", Value::array({machine_id})}});
}

void remove_machine(const Session& session, const Place& place, const std::string& machine_id) {
  if (!is_resource_id(machine_id, "i-")) return;
  try {
    session.call(place, "ec2", "TerminateInstances", {{"InstanceIds", Value::array({machine_id})}});
  } catch (const ApiError& e) {
    if (!gone(e)) throw;
    return;
  }
  remove_secrets(session, place, machine_id);
  remove_scripts(session, place, machine_id);
}

}  // namespace hallmark::cloud::on_aws
