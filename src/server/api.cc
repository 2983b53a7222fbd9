#include "server/api.h"

#include <atomic>
#include <map>

#include "base/log.h"
#include "cli/run_record.h"
#include "server/command_call.h"
#include "server/identify.h"
#include "server/metrics.h"
#include "server/page.h"
#include "server/problem.h"
#include "server/sign_in.h"
#include "server/target.h"
#include "server/webhook_call.h"

namespace hallmark::server {

namespace {

/// Looks at the database, and sometimes at the cloud.
constexpr std::size_t kReaders = 16;
/// More would wait longer than anybody does.
constexpr std::size_t kReadersQueue = 2'000;
/// What changes something may take as long as a build, and holds a thread for as long.
constexpr std::size_t kWriters = 256;
/// Nobody has shown yet who they are.
constexpr std::size_t kSignIns = 8;
constexpr std::size_t kSignInsQueue = 64;
/// So long a question waits for a database that is away: whoever asks had better ask again than
/// hold a thread that others need to be told the same.
constexpr Duration kPatience{2'000};
constexpr std::size_t kUnknownBody = 64u << 10;
constexpr std::string_view kTriggers = "/api/v1/triggers/";
constexpr std::size_t kLargestBody = 64u << 20;

const Headers& security_headers() {
  static const Headers headers = {
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
       "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
       "frame-ancestors 'none'"}};
  return headers;
}

void add_security(Response& response, bool secure) {
  const Headers& headers = security_headers();
  response.headers.insert(response.headers.end(), headers.begin(), headers.end());
  if (secure) {
    response.headers.emplace_back("Strict-Transport-Security", "max-age=31536000");
  }
}

/// Adds to every answer what browsers are to be told.
class SecuredReply final : public Reply {
 public:
  SecuredReply(std::shared_ptr<Reply> inner, bool secure)
      : inner_(std::move(inner)), secure_(secure) {}
  void send(Response response) override {
    add_security(response, secure_);
    inner_->send(std::move(response));
  }
  void begin(Response head) override {
    add_security(head, secure_);
    inner_->begin(std::move(head));
  }
  bool write(std::string text) override { return inner_->write(std::move(text)); }
  void end() override { inner_->end(); }

 private:
  std::shared_ptr<Reply> inner_;
  const bool secure_;
};

}  // namespace

struct Api::State {
  struct Route {
    const cli::Command* command;
    const cli::Access* access;
  };

  explicit State(ApiParts given)
      : parts(std::move(given)),
        readers(kReaders, kReadersQueue),
        writers(kWriters, 0),
        sign_ins(kSignIns, kSignInsQueue) {
    for (const cli::Command& command : parts.commands.commands) {
      if (!cli::is_remote(command)) continue;
      routes[cli::route_of(command)] = {&command, cli::find_access(command.noun, command.verb)};
    }
  }

  db::Database& database() { return parts.app.workplace().context.database; }

  TimePoint now() { return parts.app.clock.now(); }
  Caller caller_of(const Request& request) {
    const db::Patience brief(kPatience);
    return identify(database(), request, now());
  }

  /// Has `work` done by another thread, and its errors answered.
  void hand_over(Workers& workers, const std::shared_ptr<Reply>& reply,
                 std::function<void(std::stop_token)> work) {
    const bool brief = &workers == &readers;
    const bool taken = workers.take([reply, brief, work = std::move(work)](std::stop_token stop) {
      std::optional<db::Patience> patience;
      if (brief) patience.emplace(kPatience);
      try {
        work(std::move(stop));
      } catch (const NotKnown& error) {
        reply->send(problem_response(error));
      } catch (const Error& error) {
        reply->send(problem_response(error));
      } catch (const std::exception& error) {
        log_error("a request failed: {}", error.what());
        reply->send(problem_response({ErrorKind::internal, error.what()}));
      }
    });
    if (!taken) {
      reply->send(problem_response({ErrorKind::unavailable, "the server has too much to do"}));
    }
  }

  void handle(Request request, std::shared_ptr<Reply> reply) {
    const Target target = parse_target(request.target);
    if (auto found = routes.find(target.path); found != routes.end()) {
      return call(found->second, std::move(request), target.query, reply);
    }
    const bool get = request.method == "GET";
    if (get && target.path == "/healthz") return reply->send({200, {}, "ok\n"});
    if (get && target.path == "/readyz") return ready(reply);
    if (get && target.path == "/api/v1/openapi.json") {
      return reply->send({200, {{"Content-Type", "application/json"}}, parts.openapi});
    }
    if (get && target.path == "/api/v1/events") return events(std::move(request), target, reply);
    if (get && target.path == "/api/v1/me") return me(std::move(request), reply);
    if (target.path == "/api/v1/session") return session(std::move(request), reply);
    if (get && target.path == "/api/v1/sign-in") {
      return reply->send(show_provider(parts.provider.get()));
    }
    if (get && target.path.starts_with("/api/v1/sign-in/") && parts.provider) {
      return sign_in(std::move(request), target, reply);
    }
    if (get && target.path == "/metrics") return metrics(std::move(request), reply);
    if (target.path.starts_with(kTriggers)) return trigger(std::move(request), target, reply);
    if (get && !target.path.starts_with("/api/")) {
      if (auto file = page_file(target.path)) return reply->send(std::move(*file));
    }
    throw Error(ErrorKind::not_found, "there is nothing at {}", target.path)
        .hint("what there is says /api/v1/openapi.json");
  }

  void call(const Route& route, Request request, const Json& query,
            const std::shared_ptr<Reply>& reply) {
    const bool reads = route.access->reach == cli::Reach::read;
    const std::string wanted = reads ? "GET" : "POST";
    if (request.method != wanted) {
      Response response = problem_response(
          Error(ErrorKind::usage, "{} takes {}", cli::route_of(*route.command), wanted));
      response.status = 405;
      response.headers.emplace_back("Allow", wanted);
      return reply->send(std::move(response));
    }
    if (!reads && !request.body.empty() &&
        !request.header("content-type").starts_with("application/json")) {
      Response response =
          problem_response(Error(ErrorKind::usage, "the body is to be application/json"));
      response.status = 415;
      return reply->send(std::move(response));
    }
    const bool quick = reads && !route.command->streams;
    hand_over(quick ? readers : writers, reply,
              [this, route, request = std::move(request), query, reply](std::stop_token stop) {
                const Caller caller = caller_of(request);
                run_command_call(parts, {*route.command, *route.access, request, query, caller},
                                 reply, std::move(stop));
              });
  }

  void ready(const std::shared_ptr<Reply>& reply) {
    hand_over(readers, reply, [this, reply](std::stop_token) {
      database().read([](db::Connection& connection) { connection.query("select 1 as one", {}); });
      reply->send({stopping ? 503 : 200, {}, stopping ? "ending\n" : "ready\n"});
    });
  }

  void me(Request request, const std::shared_ptr<Reply>& reply) {
    hand_over(readers, reply, [this, request = std::move(request), reply](std::stop_token) {
      const Caller caller = caller_of(request);
      reply->send(json_response({{"name", caller.name}, {"rights", caller.rights}}));
    });
  }

  void session(Request request, const std::shared_ptr<Reply>& reply) {
    hand_over(readers, reply, [this, request = std::move(request), reply](std::stop_token) {
      if (request.method == "POST") {
        reply->send(
            log_in(database(), parts.app.workplace().context.audit, throttle, request, now()));
      } else if (request.method == "DELETE") {
        reply->send(log_out(database(), request, now()));
      } else {
        reply->send(show_session(database(), request, now()));
      }
    });
  }

  /// By threads of their own: a provider may take its time, and anybody may ask.
  void sign_in(Request request, const Target& target, const std::shared_ptr<Reply>& reply) {
    hand_over(sign_ins, reply,
              [this, request = std::move(request), target, reply](std::stop_token stop) {
                const db::Patience brief(kPatience);
                try {
                  if (target.path == "/api/v1/sign-in/begin") {
                    return reply->send(begin_sign_in(*parts.provider, now(), stop));
                  }
                  if (target.path != "/api/v1/sign-in/callback") {
                    throw Error(ErrorKind::not_found, "there is nothing at {}", target.path);
                  }
                  reply->send(end_sign_in(*parts.provider, database(),
                                          parts.app.workplace().context.audit, request, target,
                                          now(), stop));
                } catch (const Error& error) {
                  reply->send(sign_in_problem(error));
                }
              });
  }

  /// Who asks shows it by a signature; whether there is such a trigger only they learn.
  void trigger(Request request, const Target& target, const std::shared_ptr<Reply>& reply) {
    if (request.method != "POST") {
      Response response = problem_response(Error(ErrorKind::usage, "{} takes POST", target.path));
      response.status = 405;
      response.headers.emplace_back("Allow", "POST");
      return reply->send(std::move(response));
    }
    const std::string name = target.path.substr(kTriggers.size());
    hand_over(readers, reply,
              [this, request = std::move(request), name, reply](std::stop_token stop) {
                reply->send(answer_webhook(parts.app, name, request, stop));
              });
  }

  void metrics(Request request, const std::shared_ptr<Reply>& reply) {
    hand_over(readers, reply, [this, request = std::move(request), reply](std::stop_token) {
      const Caller caller = caller_of(request);
      if (!may(caller, cli::Role::viewer, std::nullopt)) {
        throw Error(ErrorKind::denied, "{} may not see the figures of all products", caller.name);
      }
      reply->send({200,
                   {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                   metrics_text(parts.app.workplace().context, parts.hub, now())});
    });
  }

  void events(Request request, const Target& target, const std::shared_ptr<Reply>& reply) {
    hand_over(readers, reply,
              [this, request = std::move(request), query = target.query, reply](std::stop_token) {
                const Caller caller = caller_of(request);
                if (!may_for_some(caller, cli::Role::viewer)) {
                  throw Error(ErrorKind::denied, "{} may see nothing", caller.name);
                }
                std::string run_id = query.value("id", "");
                if (!run_id.empty()) run_id = cli::find_run(engine(), run_id);
                parts.hub.stream(reply, wanted(caller, run_id), request.header("last-event-id"));
              });
  }

  workflow::Engine& engine() { return parts.app.workplace().engine; }

  /// Of which runs a stream tells. What it may tell is looked up once for each run.
  Hub::Wanted wanted(const Caller& caller, const std::string& run_id) {
    const bool all = may(caller, cli::Role::viewer, std::nullopt);
    auto known = std::make_shared<std::map<std::string, bool>>();
    return [this, caller, run_id, all, known](const std::string& of) {
      if (!run_id.empty() && of != run_id) return false;
      if (all) return true;
      auto [found, fresh] = known->try_emplace(of, false);
      if (fresh) {
        try {
          const std::string subject = engine().show(of).subject;
          found->second = may(caller, cli::Role::viewer, subject.substr(0, subject.find('/')));
        } catch (const Error& error) {
          // Who tells the news must not suffer from who hears them.
          log_debug("run {} is not told of: {}", of, error.message());
        }
      }
      return found->second;
    };
  }

  ApiParts parts;
  std::map<std::string, Route> routes;
  std::atomic<bool> stopping = false;
  LoginThrottle throttle;
  Workers readers;
  Workers writers;
  Workers sign_ins;
};

Api::Api(ApiParts parts) : state_(std::make_unique<State>(std::move(parts))) {}
Api::~Api() = default;

Admission Api::admit(const Request& head) {
  // Whether the token is good is found out by a thread that may wait.
  return {.body_bytes = names_somebody(head) ? kLargestBody : kUnknownBody};
}

void Api::handle(Request request, std::shared_ptr<Reply> reply) {
  auto secured = std::make_shared<SecuredReply>(std::move(reply), request.secure);
  try {
    state_->handle(std::move(request), secured);
  } catch (const Error& error) {
    secured->send(problem_response(error));
  } catch (const std::exception& error) {
    secured->send(problem_response({ErrorKind::internal, error.what()}));
  }
}

void Api::stop() {
  state_->stopping = true;
  state_->writers.request_stop();
  state_->sign_ins.request_stop();
  state_->parts.hub.close();
}

}  // namespace hallmark::server
