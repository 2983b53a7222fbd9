#include "cloud/aws/stand_in.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/credentials/renewing.h"
#include "base/error.h"
#include "base/process.h"
#include "net/exchange.h"

namespace hallmark::cloud {

namespace {

using namespace std::chrono_literals;

std::string read_line(int fd) {
  std::string line;
  char c = 0;
  while (::read(fd, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

}  // namespace

namespace {

std::string look_for_stand_in() {
  ProcessResult result = run_process(
      {.argv = {"/usr/bin/env", "python3", HALLMARK_STAND_IN, "--help"}, .time_limit = 30s});
  if (result.exit_code != 0) return "the AWS stand-in does not start: " + result.err;
  // A build from Debian's packages alone has models too old for this cloud; it refuses to start
  // too.
  try {
    hallmark::aws::ModelLibrary models;
    hallmark::aws::require(models, aws_model_needs());
  } catch (const Error& e) {
    return e.full_text();
  }
  return "";
}

}  // namespace

std::string why_no_stand_in() {
  static const std::string kWhy = look_for_stand_in();
  return kWhy;
}

StandIn::StandIn(const std::vector<std::string>& accounts) {
  std::string joined;
  for (const std::string& account : accounts) joined += (joined.empty() ? "" : ",") + account;
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) {
    throw_errno(errno, "cannot create a pipe");
  }
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::execlp("python3", "python3", HALLMARK_STAND_IN, "--accounts", joined.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  stdin_.reset(in[1]);
  FileDescriptor reader(out[0]);
  Json hello = parse_json(read_line(reader.get()), "the AWS stand-in");
  endpoint_ = member<std::string>(hello, "endpoint");
  for (const Json& account : hello.at("accounts")) {
    keys_[member<std::string>(account, "account")] = {
        .access_key_id = member<std::string>(account, "access_key_id"),
        .secret_access_key = member<std::string>(account, "secret_access_key"),
        .source = "the stand-in"};
  }
}

StandIn::~StandIn() {
  stdin_.reset();  // it ends with its standard input
  ::waitpid(pid_, nullptr, 0);
}

Json StandIn::control(const std::string& name, const std::optional<Json>& body) const {
  net::ConnectionPool pool;
  net::ExchangeRequest request;
  request.method = body ? "POST" : "GET";
  request.url = endpoint_ + "/_fake/" + name;
  if (body) request.body = compact(*body);
  net::ExchangeResponse response = pool.send(request);
  if (response.status != 200) {
    throw Error(ErrorKind::failed, "the stand-in refused {}: {}", name, response.body);
  }
  return parse_json(response.body, "the AWS stand-in");
}

std::shared_ptr<hallmark::aws::CredentialProvider> StandIn::credentials(
    const std::string& account) const {
  auto found = keys_.find(account);
  if (found == keys_.end()) {
    throw Error(ErrorKind::denied, "the stand-in has no account {}", account);
  }
  return std::make_shared<hallmark::aws::FixedCredentials>(found->second);
}

namespace {

std::shared_ptr<hallmark::aws::HttpClient> client_at(
    const std::string& endpoint, std::shared_ptr<hallmark::aws::CredentialProvider> credentials,
    Clock& clock) {
  return std::make_shared<hallmark::aws::HttpClient>(
      clock,
      hallmark::aws::ClientOptions{.endpoint_url = endpoint,
                                   .credentials = std::move(credentials),
                                   .limit_rates = false,
                                   .environment = [](const std::string&) { return std::nullopt; },
                                   .home = "/nonexistent"});
}

}  // namespace

std::shared_ptr<hallmark::aws::HttpClient> StandIn::client(const std::string& account,
                                                           Clock& clock) const {
  return client_at(endpoint_, credentials(account), clock);
}

std::shared_ptr<hallmark::aws::HttpClient> StandIn::client(const hallmark::aws::Credentials& keys,
                                                           Clock& clock) const {
  return client_at(endpoint_, std::make_shared<hallmark::aws::FixedCredentials>(keys), clock);
}

std::unique_ptr<Cloud> StandIn::open(const AwsCloudConfig& config, Clock& clock) const {
  return make_aws_cloud(
      config, client(config.account_id, clock),
      [this](const std::string& account) { return credentials(account); }, clock);
}

}  // namespace hallmark::cloud
