#include "aws/http_client.h"

#include <array>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "aws/api_error.h"
#include "aws/signing/sigv4.h"
#include "aws/url.h"
#include "aws/validate.h"
#include "aws/wire_log.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace hallmark::aws {

using namespace std::chrono_literals;

namespace {

// EC2 begins to fetch at once.
constexpr std::chrono::seconds kCopyUrlLifetime = 1h;
// AWS refuses five minutes and more; below that, skew is not why it refused.
constexpr Duration kSkewThatMatters = 4min;

std::string request_id_of(const Response& response) {
  for (const char* name : {"x-amzn-requestid", "x-amz-request-id", "x-amz-id-2"}) {
    if (auto id = header(response.headers, name)) return *id;
  }
  return "-";
}

std::string form_decode(std::string text) {
  return percent_decode(replace_all(std::move(text), "+", " "));
}

double thread_random() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace

/// A call on its way: all that stays the same from attempt to attempt, its token above all.
struct HttpClient::Prepared {
  std::shared_ptr<const Model> model;
  const Operation* operation = nullptr;
  Request request;  ///< unsigned, addressed
  SigningRules rules;
  std::shared_ptr<CredentialProvider> credentials;
  std::vector<Rate> rates;
  bool repeatable = false;
  std::set<std::string> secrets;
};

HttpClient::HttpClient(Clock& clock, ClientOptions options)
    : clock_(clock), options_(std::move(options)), limiter_(clock) {
  if (!options_.environment) options_.environment = process_environment();
  if (options_.home.empty()) options_.home = options_.environment("HOME").value_or("/");
  if (!options_.models) {
    options_.models =
        std::make_shared<ModelLibrary>(options_.environment(kModelsVariable).value_or(""));
  }
  if (!options_.token) options_.token = random_uuid;
  if (!options_.random) options_.random = thread_random;
  if (!options_.exchange) {
    options_.exchange = [this](const net::ExchangeRequest& request, std::stop_token stop) {
      return pool_.send(request, std::move(stop));
    };
  }
}

HttpClient::~HttpClient() = default;

void HttpClient::read_profiles() {
  std::call_once(profiles_once_, [this] {
    profiles_ = load_profiles(options_.environment, options_.home);
    profile_ = profiles_.choose(options_.profile, options_.environment);
    auto bundle = options_.environment("AWS_CA_BUNDLE");
    if (!bundle) bundle = profiles_.setting(profile_, "ca_bundle");
    if (bundle) ca_file_ = expand_home(*bundle, options_.home);
    attempts_ = attempts_setting(profiles_, profile_, options_.environment);
  });
}

std::string HttpClient::default_region() {
  read_profiles();
  std::string region = choose_region(options_.region, profiles_, profile_, options_.environment);
  check_region(region);
  return region;
}

std::shared_ptr<CredentialProvider> HttpClient::default_credentials() {
  std::lock_guard lock(credentials_mutex_);
  if (!options_.credentials) {
    options_.credentials = credential_chain({.environment = options_.environment,
                                             .home = options_.home,
                                             .clock = &clock_,
                                             .exchange = options_.exchange,
                                             .caller = this,
                                             .region = options_.region,
                                             .profile = options_.profile});
  }
  return options_.credentials;
}

/// EC2 fetches a snapshot from another region in our name, by a URL that we sign for that region.
Value HttpClient::with_presigned_url(const Prepared& prepared, Value input, std::stop_token stop) {
  auto found = input.find("SourceRegion");
  if (found == input.end() || !found->is_string() || input.contains("PresignedUrl")) return input;
  std::string source = found->get<std::string>();
  input["DestinationRegion"] = prepared.rules.region;
  Request form = make_request(*prepared.model, *prepared.operation, input, options_.token);
  Request request{.method = "GET", .path = "/"};
  for (const std::string& pair : split(form.body, '&')) {
    std::size_t at = pair.find('=');
    if (at == pair.npos) continue;
    request.query.emplace_back(pair.substr(0, at), form_decode(pair.substr(at + 1)));
  }
  const Metadata& metadata = prepared.model->metadata();
  EndpointSettings settings =
      endpoint_settings(metadata, options_.endpoint_url, profiles_, profile_, options_.environment);
  Endpoint endpoint = find_endpoint(metadata, source, settings);
  address(request, metadata, *prepared.operation, endpoint, settings);
  presign(request, prepared.credentials->get(std::move(stop)),
          signing_rules(metadata.signing_name, endpoint.signing_region),
          clock_.now() + clock_offset(request.host), kCopyUrlLifetime);
  input["PresignedUrl"] = request_url(request);
  return input;
}

HttpClient::Prepared HttpClient::make(const Call& call, const Value& input, std::stop_token stop) {
  read_profiles();
  Prepared out;
  out.model = options_.models->get(call.service);
  const Metadata& metadata = out.model->metadata();
  out.operation = &out.model->operation(call.operation);
  validate_input(*out.operation, input);
  EndpointSettings settings =
      endpoint_settings(metadata, options_.endpoint_url, profiles_, profile_, options_.environment);
  bool global = metadata.service == "iam" || metadata.service == "organizations";
  std::string region = call.region;
  if (region.empty()) {
    region = global ? choose_region(options_.region, profiles_, profile_, options_.environment)
                    : default_region();
  }
  Endpoint endpoint = find_endpoint(metadata, region, settings);
  out.rules = signing_rules(metadata.signing_name, endpoint.signing_region);
  out.credentials = call.credentials ? call.credentials : default_credentials();
  bool copies_snapshot = call.service == "ec2" && call.operation == "CopySnapshot";
  out.request = make_request(
      *out.model, *out.operation,
      copies_snapshot ? with_presigned_url(out, input, std::move(stop)) : input, options_.token);
  if (!out.request.sign) out.credentials = nullptr;
  address(out.request, metadata, *out.operation, endpoint, settings);
  if (options_.limit_rates) out.rates = rates_of(call.service, call.operation, input);
  out.repeatable = is_repeatable(*out.operation, input);
  if (options_.wire_log) out.secrets = secret_members(*out.operation);
  return out;
}

Duration HttpClient::clock_offset(const std::string& host) {
  auto offsets = clock_offsets_.lock();
  auto found = offsets->find(host);
  return found == offsets->end() ? Duration::zero() : found->second;
}

bool HttpClient::correct_clock(const std::string& host, const NamedValues& headers) {
  std::optional<TimePoint> theirs = parse_http_date(header(headers, "date").value_or(""));
  if (!theirs) return false;
  Duration offset = *theirs - clock_.now();
  if (std::chrono::abs(offset - clock_offset(host)) < kSkewThatMatters) return false;
  log_warning("the clock of {} differs from ours by {}; signing by theirs", host,
              format_duration(offset));
  (*clock_offsets_.lock())[host] = offset;
  return true;
}

Request HttpClient::signed_request(const Prepared& prepared, const Credentials& credentials) {
  Request request = prepared.request;
  TimePoint now = clock_.now() + clock_offset(request.host);
  if (request.sign) {
    sign(request, credentials, prepared.rules, now);
  } else if (!header(request.headers, "host")) {
    request.headers.emplace_back("Host", request.host);
  }
  return request;
}

Response HttpClient::exchange(const Prepared& prepared, Request request, std::stop_token stop) {
  if (options_.wire_log) options_.wire_log(wire_text(request, prepared.secrets));
  std::string url = request_url(request);
  net::ExchangeResponse answer = options_.exchange({.method = std::move(request.method),
                                                    .url = std::move(url),
                                                    .headers = std::move(request.headers),
                                                    .body = std::move(request.body),
                                                    .ca_file = ca_file_,
                                                    .repeatable = prepared.repeatable},
                                                   std::move(stop));
  Response response{answer.status, std::move(answer.headers), std::move(answer.body)};
  if (options_.wire_log) options_.wire_log(wire_text(response, prepared.secrets));
  return response;
}

/// The retry of one call: what has been tried, and whether to go on.
class HttpClient::Attempts {
 public:
  Attempts(HttpClient& client, const Call& call, const Prepared& prepared, std::stop_token stop)
      : client_(client), call_(call), prepared_(prepared), stop_(std::move(stop)) {}

  Value run() {
    while (true) {
      ++attempt_;
      Credentials credentials;
      if (prepared_.credentials) credentials = prepared_.credentials->get(stop_);
      RateScope scope{
          credentials.account_id.empty() ? credentials.access_key_id : credentials.account_id,
          prepared_.rules.region, call_.service};
      client_.limiter_.wait(scope, prepared_.rates, stop_);
      Request request = client_.signed_request(prepared_, credentials);
      Response response;
      TimePoint started = client_.clock_.now();
      try {
        response = client_.exchange(prepared_, std::move(request), stop_);
        Value answer = read_answer(*prepared_.model, *prepared_.operation, response);
        log(started, "ok", request_id_of(response));
        client_.quota_.succeeded(last_);
        return answer;
      } catch (ApiError& error) {
        log(started, error.code(), error.request_id());
        Trouble trouble = trouble_of(call_.service, error);
        if (trouble == Trouble::throttled) client_.limiter_.empty(scope, prepared_.rates);
        if (!goes_on(trouble, credentials, response.headers)) {
          if (trouble == Trouble::transient) note_doubt(error);
          explain(error, trouble);
          throw;
        }
      } catch (net::NotSent& error) {
        log(started, error.message(), "-");
        if (!waits(Trouble::transient, {})) throw;
      } catch (Error& error) {
        log(started, error.message(), request_id_of(response));
        bool lost = error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::timeout ||
                    response.status >= 500;
        if (!lost) throw;
        if (!goes_on(Trouble::transient, credentials, response.headers)) {
          note_doubt(error);
          throw;
        }
      }
    }
  }

 private:
  bool goes_on(Trouble trouble, const Credentials& credentials, const NamedValues& headers) {
    switch (trouble) {
      case Trouble::final:
        return false;
      case Trouble::transient:
        return prepared_.repeatable && waits(trouble, headers);
      case Trouble::throttled:
        return waits(trouble, headers);
      case Trouble::expired:
      case Trouble::skewed:
        break;
    }
    // EC2 says "expired" also to a request from a clock that is behind.
    if (!corrected_clock_ && client_.correct_clock(prepared_.request.host, headers)) {
      corrected_clock_ = true;
      return true;
    }
    if (trouble != Trouble::expired || renewed_ || !prepared_.credentials) return false;
    renewed_ = true;
    return prepared_.credentials->renew(credentials);
  }

  /// Sleeps before the next attempt; false if there is to be none.
  bool waits(Trouble trouble, const NamedValues& headers) {
    int limit = trouble == Trouble::throttled ? kAttemptsWhenThrottled : kAttempts;
    if (client_.attempts_) limit = *client_.attempts_;
    if (attempt_ >= limit || !client_.quota_.take(trouble)) return false;
    last_ = trouble;
    Duration delay = retry_delay(trouble, attempt_, client_.options_.random(), headers);
    if (!client_.clock_.sleep_until(client_.clock_.now() + delay, stop_)) {
      throw Error(ErrorKind::cancelled, "stopped while {} of {} waited to be tried again",
                  call_.operation, call_.service);
    }
    return true;
  }

  void note_doubt(Error& error) const {
    if (prepared_.repeatable) return;
    error.note(call_.operation + " may have been carried out all the same");
  }

  void explain(ApiError& error, Trouble trouble) const {
    if (attempt_ > 1) error.note("tried " + std::to_string(attempt_) + " times");
    if (!error.hint().empty()) return;
    if (trouble == Trouble::expired) {
      error.hint("sign in again, or renew the keys in the environment or the credentials file");
    } else if (trouble == Trouble::skewed) {
      error.hint(
          "are the access key and its secret right, do they belong to this partition, and is the "
          "region switched on for the account?");
    }
  }

  void log(TimePoint started, const std::string& outcome, const std::string& request_id) const {
    log_debug("aws {} {} {}: {} in {} (attempt {}, request {})", call_.service, call_.operation,
              prepared_.rules.region, outcome, format_duration(client_.clock_.now() - started),
              attempt_, request_id);
  }

  HttpClient& client_;
  const Call& call_;
  const Prepared& prepared_;
  std::stop_token stop_;
  int attempt_ = 0;
  std::optional<Trouble> last_;
  bool corrected_clock_ = false;
  bool renewed_ = false;
};

Value HttpClient::call(const Call& call, const Value& input, std::stop_token stop) {
  Prepared prepared = make(call, input, stop);
  return Attempts(*this, call, prepared, std::move(stop)).run();
}

Request HttpClient::prepare(const Call& call, const Value& input, std::stop_token stop) {
  Prepared prepared = make(call, input, stop);
  Credentials credentials;
  if (prepared.credentials) credentials = prepared.credentials->get(std::move(stop));
  return signed_request(prepared, credentials);
}

std::string Caller::presigned_url(const Call& call, const Value&, std::chrono::seconds,
                                  std::stop_token) {
  throw Error(ErrorKind::usage, "{} {} cannot be made a URL here", call.service, call.operation);
}

std::string HttpClient::presigned_url(const Call& call, const Value& input,
                                      std::chrono::seconds lifetime, std::stop_token stop) {
  Prepared prepared = make(call, input, stop);
  if (!prepared.credentials) return request_url(prepared.request);
  Request request = prepared.request;
  TimePoint now = clock_.now() + clock_offset(request.host);
  presign(request, prepared.credentials->get(std::move(stop)), prepared.rules, now, lifetime);
  return request_url(request);
}

}  // namespace hallmark::aws
