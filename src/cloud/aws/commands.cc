#include "cloud/aws/commands.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "cloud/aws/machines.h"
#include "cloud/aws/scripts.h"

namespace hallmark::cloud::on_aws {

namespace {

using namespace std::chrono_literals;

constexpr const char* kShellDocument = "AWS-RunShellScript";
constexpr const char* kPowerShellDocument = "AWS-RunPowerShellScript";
/// AWS Systems Manager API Reference, SendCommand and the document's executionTimeout, in seconds.
constexpr int kDeliverySeconds = 600;
constexpr std::int64_t kLongestSeconds = 172'800;
/// A document with its parameters must fit into 64 KiB; the rest is the document's own.
constexpr std::size_t kMostTextBytes = 60u << 10;
/// GetCommandInvocation, StandardOutputContent: "the first 24,000 characters".
constexpr std::size_t kKeptBytes = 24'000;
constexpr const char* kOutputPrefix = "hallmark/commands";
/// A machine fetches its script once, when the command reaches it, which is at the latest then.
constexpr std::chrono::seconds kScriptUrlLifetime{kDeliverySeconds + 300};
/// Of a long output, how much one look returns.
constexpr std::uint64_t kPieceBytes = 1u << 20;
/// The agent brings the output to the bucket before it reports the end; S3 or the agent may be
/// late.
constexpr Duration kOutputLag = 60s;
constexpr Duration kFirstCommandPause = 200ms;
constexpr Duration kLongestCommandPause = 3s;
/// Systems Manager may not know a command yet that it has just accepted.
constexpr Duration kCommandSettleLimit = 20s;
/// What run_command.sh says when it finds itself sent twice.
constexpr std::string_view kSentTwice = "hallmark: this command was sent twice\n";
/// As of a process that a signal ended (128 + SIGTERM): Systems Manager gives cancelled commands no
/// code.
constexpr int kCancelledCode = 143;

/// A command's comment: which call sent it, how much output it may have, what stands elsewhere for
/// it and has to go when it has ended.
struct Comment {
  std::string token;
  std::uint64_t output_limit_bytes = 0;
  bool secrets = false;
  bool script = false;  ///< in the bucket
};

std::string to_text(const Comment& comment) {
  return fmt::format("{} {}{}{}", comment.token, comment.output_limit_bytes,
                     comment.secrets ? " secrets" : "", comment.script ? " script" : "");
}

Comment comment_from(const std::string& text) {
  Comment comment;
  std::istringstream words(text);
  words >> comment.token >> comment.output_limit_bytes;
  for (std::string word; words >> word;) {
    if (word == "secrets") comment.secrets = true;
    if (word == "script") comment.script = true;
  }
  return comment;
}

bool is_command_id(std::string_view id) {
  // A UUID.
  return id.size() == 36 && id.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

std::string secrets_parameter(const std::string& machine_id, const std::string& token) {
  return kSecretsPath + machine_id + "/" + client_token(token);
}

std::string exports(const std::map<std::string, std::string>& variables) {
  std::string lines;
  for (const auto& [name, value] : variables) {
    lines += "export " + name + "=" + shell_quote(value) + "\n";
  }
  return lines;
}

/// The same for PowerShell, whose variables are not text to be run: JSON.
std::string variables(const CommandSpec& spec, const std::map<std::string, std::string>& these) {
  if (spec.platform != Platform::windows) return exports(these);
  try {
    return Value(these).dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::usage, "the value of a variable or secret is not UTF-8 text");
  }
}

std::string script_key(const std::string& machine_id, const std::string& token) {
  return kScriptsPrefix + machine_id + "/" + client_token(token);
}

/// The commands that were sent with this token, the oldest first.
std::vector<std::string> sent_commands(const Session& session, const Place& place,
                                       const std::string& machine_id, const std::string& token) {
  std::vector<std::pair<double, std::string>> found;
  try {
    session.each_page(
        place, "ssm", "ListCommands", {{"InstanceId", machine_id}}, [&](const Value& page) {
          for (const Value& command : page.value("Commands", Value::array())) {
            if (comment_from(text(command, "Comment")).token != token) continue;
            found.emplace_back(command.value("RequestedDateTime", 0.0), text(command, "CommandId"));
          }
        });
  } catch (const ApiError& e) {
    // Of a machine that never was; or one that Systems Manager has not met.
    if (e.code() != "InvalidInstanceId") throw;
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> ids;
  for (auto& [at, id] : found) ids.push_back(std::move(id));
  return ids;
}

Value invocation(const Session& session, const Place& place, const std::string& machine_id,
                 const std::string& command_id, std::stop_token stop) {
  const TimePoint until = session.clock.now() + kCommandSettleLimit;
  for (Duration pause = kFirstCommandPause;;
       pause = std::min<Duration>(pause * 2, kLongestCommandPause)) {
    try {
      return session.call(place, "ssm", "GetCommandInvocation",
                          {{"CommandId", command_id}, {"InstanceId", machine_id}}, stop);
    } catch (const ApiError& e) {
      if (e.code() != "InvocationDoesNotExist" && e.code() != "InvalidCommandId") throw;
      if (session.clock.now() >= until || e.code() == "InvalidCommandId") {
        throw Error(ErrorKind::not_found, "machine {} has no command {}", machine_id, command_id);
      }
    }
    if (!session.clock.sleep_until(session.clock.now() + pause, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while reading command {}", command_id);
    }
  }
}

/// AWS Systems Manager User Guide, "Understanding command statuses".
void take_state(const Value& invocation, CommandStatus& status) {
  const std::string word = text(invocation, "Status");
  const std::string details = text(invocation, "StatusDetails");
  if (word == "Pending" || word == "InProgress" || word == "Delayed" || word == "Cancelling")
    return;
  status.state = CommandState::finished;
  status.exit_code = invocation.value("ResponseCode", -1);
  if (word == "Cancelled") {
    status.exit_code = kCancelledCode;
  } else if (word == "TimedOut") {
    bool started = details.find("xecution") != std::string::npos;
    status.state = started ? CommandState::timed_out : CommandState::interrupted;
  } else if (details == "Undeliverable" || details == "Terminated") {
    status.state = CommandState::interrupted;
  }
}

struct StoredOutput {
  std::string key;
  std::uint64_t bytes = 0;
};

std::optional<StoredOutput> stored_output(const Session& session, const Place& place,
                                          const std::string& machine_id,
                                          const std::string& command_id) {
  Value page =
      session.call(place, "s3", "ListObjectsV2",
                   {{"Bucket", session.region(place).bucket},
                    {"Prefix", fmt::format("{}/{}/{}/", kOutputPrefix, command_id, machine_id)}});
  for (const Value& object : page.value("Contents", Value::array())) {
    std::string key = text(object, "Key");
    if (key.ends_with("/stdout")) return StoredOutput{key, object.value("Size", std::uint64_t{0})};
  }
  return std::nullopt;
}

/// Fills in the output from the offset on. A status that says the end while more is to come goes
/// back to running.
void take_output(const Session& session, const Place& place, const std::string& machine_id,
                 const std::string& command_id, const Value& invocation, std::uint64_t limit,
                 CommandStatus& status) {
  const std::uint64_t offset = status.output_offset;
  const std::string kept = text(invocation, "StandardOutputContent");
  std::optional<StoredOutput> stored;
  if (!session.region(place).bucket.empty()) {
    stored = stored_output(session, place, machine_id, command_id);
  }
  if (!stored) {
    TimePoint ended = session.clock.now();
    if (std::string end = text(invocation, "ExecutionEndDateTime"); !end.empty()) {
      ended = from_rfc3339(end);
    }
    bool may_come = !session.region(place).bucket.empty() && kept.size() >= kKeptBytes &&
                    session.clock.now() < ended + kOutputLag;
    if (may_come) {
      status.state = CommandState::running;
      return;
    }
    std::uint64_t whole = std::min<std::uint64_t>(kept.size(), limit);
    if (offset < whole) status.output = kept.substr(offset, whole - offset);
    status.output_offset = offset + status.output.size();
    status.output_truncated = kept.size() > limit || kept.size() >= kKeptBytes;
    return;
  }
  const std::uint64_t whole = std::min(stored->bytes, limit);
  status.output_truncated = stored->bytes > limit;
  if (offset >= whole) return;
  const std::uint64_t end = std::min(whole, offset + kPieceBytes);
  Value object = session.call(place, "s3", "GetObject",
                              {{"Bucket", session.region(place).bucket},
                               {"Key", stored->key},
                               {"Range", fmt::format("bytes={}-{}", offset, end - 1)}});
  const auto& bytes = object.at("Body").get_binary();
  status.output.assign(bytes.begin(), bytes.end());
  status.output_offset = offset + status.output.size();
  if (status.output_offset < whole) status.state = CommandState::running;
}

void check_known_machine(const Session& session, const Place& place,
                         const std::string& machine_id) {
  std::optional<Machine> machine = find_machine(session, place, machine_id);
  if (!machine) {
    throw Error(ErrorKind::not_found, "there is no machine {} in {}", machine_id, to_string(place));
  }
  if (!machine->reachable) {
    throw Error(ErrorKind::unavailable, "machine {} is {}, and its agent does not answer",
                machine_id, to_string(machine->state));
  }
}

}  // namespace

std::string command_text(const CommandSpec& spec, const Place& place, const std::string& token,
                         const std::string& secrets_parameter, const std::string& script_url) {
  bool windows = spec.platform == Platform::windows;
  auto set = [&](const char* name, const std::string& value) {
    if (windows) return fmt::format("${} = '{}'\n", name, replace_all(value, "'", "''"));
    return std::string(name) + "=" + shell_quote(value) + "\n";
  };
  return (windows ? "" : "#!/bin/sh\n") + set("id", client_token(token)) +
         set("script", script_url.empty() ? base64_encode(spec.script) : "") +
         set("url", script_url) + set("sha256", script_url.empty() ? "" : sha256_hex(spec.script)) +
         set("environment", base64_encode(variables(spec, spec.environment))) +
         set("secrets", secrets_parameter) + set("region", place.region) +
         set("suffix", place.region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com") +
         set("bytes", std::to_string(spec.output_limit_bytes)) +
         std::string(script(windows ? "run_command.ps1" : "run_command.sh"));
}

std::string start_command(const Session& session, const Place& place, const std::string& machine_id,
                          const CommandSpec& spec, const std::string& token) {
  check_command(spec);
  check_known_machine(session, place, machine_id);
  Comment comment{client_token(token), spec.output_limit_bytes, !spec.secrets.empty()};
  if (auto sent = sent_commands(session, place, machine_id, comment.token); !sent.empty()) {
    return sent.front();
  }
  std::string parameter = comment.secrets ? secrets_parameter(machine_id, token) : "";
  std::string text_sent = command_text(spec, place, token, parameter);
  const std::string& bucket = session.region(place).bucket;
  if (text_sent.size() > kMostTextBytes && !bucket.empty()) {
    Value object = {{"Bucket", bucket}, {"Key", script_key(machine_id, token)}};
    Value put = object;
    put["Body"] = spec.script;
    session.call(session.bucket_place(place), "s3", "PutObject", put);
    comment.script = true;
    text_sent = command_text(spec, place, token, parameter,
                             session.presigned_url(session.bucket_place(place), "s3", "GetObject",
                                                   object, kScriptUrlLifetime));
  }
  if (text_sent.size() > kMostTextBytes) {
    std::string what = comment.script ? "the environment" : "the script";
    throw Error(ErrorKind::usage, "{} is too long for Systems Manager: {} of at most {} bytes",
                what, text_sent.size(), kMostTextBytes)
        .hint(comment.script ? "let the scripts fetch what is that long"
                             : "name a bucket under cloud.aws.regions in config.yaml (hallmark aws "
                               "setup makes one), or let the script fetch its larger parts");
  }
  if (comment.secrets) {
    session.call(place, "ssm", "PutParameter",
                 {{"Name", parameter},
                  {"Value", base64_encode(variables(spec, spec.secrets))},
                  {"Type", "SecureString"},
                  {"Overwrite", true}});
  }
  std::int64_t seconds = (spec.time_limit.count() + 999) / 1000;
  if (seconds == 0 || seconds > kLongestSeconds) seconds = kLongestSeconds;
  Value input = {
      {"DocumentName", spec.platform == Platform::windows ? kPowerShellDocument : kShellDocument},
      {"InstanceIds", Value::array({machine_id})},
      {"Comment", to_text(comment)},
      {"TimeoutSeconds", kDeliverySeconds},
      {"Parameters",
       {{"commands", Value::array({text_sent})},
        {"executionTimeout", Value::array({std::to_string(seconds)})}}}};
  if (!bucket.empty()) {
    input["OutputS3BucketName"] = bucket;
    input["OutputS3KeyPrefix"] = kOutputPrefix;
  }
  try {
    return text(session.call(place, "ssm", "SendCommand", input).at("Command"), "CommandId");
  } catch (const ApiError& e) {
    if (e.code() != "InvalidInstanceId") throw;
    throw Error(ErrorKind::unavailable, "machine {} does not take commands: {}", machine_id,
                e.message());
  }
}

CommandStatus read_command(const Session& session, const Place& place,
                           const std::string& machine_id, const std::string& command_id,
                           std::uint64_t output_offset, Duration wait, std::stop_token stop) {
  if (!is_command_id(command_id) || !is_resource_id(machine_id, "i-")) {
    throw Error(ErrorKind::not_found, "there is no command \"{}\"", command_id.substr(0, 100));
  }
  CommandStatus status;
  status.output_offset = output_offset;
  Value seen;
  const TimePoint until = session.clock.now() + wait;
  for (Duration pause = kFirstCommandPause;;
       pause = std::min<Duration>(pause * 2, kLongestCommandPause)) {
    seen = invocation(session, place, machine_id, command_id, stop);
    take_state(seen, status);
    if (status.state != CommandState::running) break;
    TimePoint now = session.clock.now();
    if (now >= until) {
      // Systems Manager goes on waiting for a machine that is off.
      std::optional<Machine> machine = find_machine(session, place, machine_id);
      bool on = machine && (machine->state == MachineState::running ||
                            machine->state == MachineState::pending);
      if (!on) status.state = CommandState::interrupted;
      return status;
    }
    if (!session.clock.sleep_until(std::min(until, now + pause), stop)) {
      throw Error(ErrorKind::cancelled, "stopped while reading command {}", command_id);
    }
  }
  const Comment comment = comment_from(text(seen, "Comment"));
  if (text(seen, "StandardOutputContent") == kSentTwice) {
    for (const std::string& other : sent_commands(session, place, machine_id, comment.token)) {
      if (other == command_id) continue;
      return read_command(session, place, machine_id, other, output_offset, wait, stop);
    }
  }
  take_output(session, place, machine_id, command_id, seen, comment.output_limit_bytes, status);
  if (status.state != CommandState::running) {
    if (comment.secrets) remove_secrets(session, place, machine_id);
    if (comment.script) remove_scripts(session, place, machine_id);
  }
  return status;
}

void cancel_command(const Session& session, const Place& place, const std::string& machine_id,
                    const std::string& command_id) {
  if (!is_command_id(command_id)) {
    throw Error(ErrorKind::not_found, "there is no command \"{}\"", command_id.substr(0, 100));
  }
  session.call(place, "ssm", "CancelCommand",
               {{"CommandId", command_id}, {"InstanceIds", Value::array({machine_id})}});
}

void remove_scripts(const Session& session, const Place& place, const std::string& machine_id) {
  const std::string& bucket = session.region(place).bucket;
  if (bucket.empty()) return;
  const Place ours = session.bucket_place(place);
  try {
    Value page = session.call(ours, "s3", "ListObjectsV2",
                              {{"Bucket", bucket}, {"Prefix", kScriptsPrefix + machine_id + "/"}});
    for (const Value& object : page.value("Contents", Value::array())) {
      session.call(ours, "s3", "DeleteObject", {{"Bucket", bucket}, {"Key", text(object, "Key")}});
    }
  } catch (const ApiError& e) {
    // Where nothing may be done nothing was put. A machine must be removable without its bucket,
    // and the bucket forgets what is below the prefix by itself.
    if (e.kind() != ErrorKind::denied && e.kind() != ErrorKind::not_found) throw;
  }
}

void remove_secrets(const Session& session, const Place& place, const std::string& machine_id) {
  std::vector<std::string> names;
  session.each_page(place, "ssm", "GetParametersByPath", {{"Path", kSecretsPath + machine_id}},
                    [&](const Value& page) {
                      for (const Value& parameter : page.value("Parameters", Value::array())) {
                        names.push_back(text(parameter, "Name"));
                      }
                    });
  for (const std::string& name : names) {
    try {
      session.call(place, "ssm", "DeleteParameter", {{"Name", name}});
    } catch (const ApiError& e) {
      if (e.code() != "ParameterNotFound") throw;
    }
  }
}

}  // namespace hallmark::cloud::on_aws
