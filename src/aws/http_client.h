#pragma once
/// The real caller: from a name and an input to the service and back.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "aws/client.h"
#include "aws/codec.h"
#include "aws/credentials/chain.h"
#include "aws/endpoint.h"
#include "aws/message.h"
#include "aws/model.h"
#include "aws/rate_limit.h"
#include "aws/retry.h"

namespace hallmark::aws {

struct ClientOptions {
  std::shared_ptr<ModelLibrary> models;  ///< null: those in the program
  std::string profile;                   ///< empty: the environment's
  std::string endpoint_url;              ///< empty: the user's settings, else AWS's
  std::string region;                    ///< for calls that name none
  /// Empty: the chain (aws/credentials/chain.h).
  std::shared_ptr<CredentialProvider> credentials;
  /// Gets each request and answer as text without secrets; called from several threads.
  std::function<void(std::string_view)> wire_log;
  /// Waits for AWS's documented rates. Off where nobody has such rates, as on a stand-in.
  bool limit_rates = true;

  // What tests replace.
  Environment environment;         ///< empty: the process's
  Path home;                       ///< empty: $HOME
  HttpExchange exchange;           ///< empty: connections of its own
  TokenSource token;               ///< empty: random UUIDs
  std::function<double()> random;  ///< in [0, 1); empty: random
};

class HttpClient : public Caller {
 public:
  /// `clock` must outlive the client.
  HttpClient(Clock& clock, ClientOptions options);
  ~HttpClient() override;

  Value call(const Call& call, const Value& input, std::stop_token stop) override;

  /// The request that call() would send first, signed, without sending it. Credentials may have to
  /// be fetched for it. Throws as call() does.
  Request prepare(const Call& call, const Value& input, std::stop_token stop = {});

  std::string presigned_url(const Call& call, const Value& input, std::chrono::seconds lifetime,
                            std::stop_token stop = {}) override;

  /// The region for calls that name none; throws `usage` if there is none.
  std::string default_region();
  /// Whose calls they are that name nobody.
  std::shared_ptr<CredentialProvider> default_credentials();
  ModelLibrary& models() { return *options_.models; }

 private:
  struct Prepared;
  class Attempts;
  Prepared make(const Call& call, const Value& input, std::stop_token stop);
  Value with_presigned_url(const Prepared& prepared, Value input, std::stop_token stop);
  Request signed_request(const Prepared& prepared, const Credentials& credentials);
  Response exchange(const Prepared& prepared, Request request, std::stop_token stop);
  Duration clock_offset(const std::string& host);
  bool correct_clock(const std::string& host, const NamedValues& headers);

  Clock& clock_;
  ClientOptions options_;
  net::ConnectionPool pool_;
  RateLimiter limiter_;
  RetryQuota quota_;
  std::once_flag profiles_once_;
  Profiles profiles_;
  std::string profile_;
  std::string ca_file_;
  std::optional<int> attempts_;  // the user's own limit
  void read_profiles();
  std::mutex credentials_mutex_;
  /// Per host: what to add to our clock to get the service's.
  Sync<std::map<std::string, Duration>> clock_offsets_;
};

}  // namespace hallmark::aws
