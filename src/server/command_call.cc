#include "server/command_call.h"
#include "server/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/image_record.h"
#include "cli/paging.h"
#include "cli/remote_call.h"
#include "cli/run_record.h"
#include "cli/variables.h"
#include "model/pipeline_file.h"
#include "server/answers.h"
#include "server/problem.h"

namespace hallmark::server {

namespace {

constexpr std::size_t kLongestKey = 200;
constexpr std::size_t kLongestPrefix = 300;
/// A longer answer is not kept for the case that it is asked for again.
constexpr std::size_t kLargestKept = 1u << 20;

/// Each line that is written becomes one server-sent event.
class EventLines : public std::streambuf {
 public:
  explicit EventLines(std::shared_ptr<Reply> reply) : reply_(std::move(reply)) {}

 private:
  int overflow(int c) override {
    if (c != traits_type::eof()) put(static_cast<char>(c));
    return c;
  }
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    for (std::streamsize i = 0; i < count; ++i) put(text[i]);
    return count;
  }
  void put(char c) {
    if (c != '\n') {
      line_ += c;
      return;
    }
    reply_->write("data: " + line_ + "\n\n");
    line_.clear();
  }

  std::shared_ptr<Reply> reply_;
  std::string line_;
};

std::string product_in(const std::string& key) { return key.substr(0, key.find('/')); }

/// Texts that name a file of ours get the name that the caller has for it.
void call_by_name(Json& json, const std::vector<std::pair<std::string, std::string>>& paths) {
  if (json.is_string()) {
    std::string text = json;
    for (const auto& [path, called] : paths) text = replace_all(std::move(text), path, called);
    json = std::move(text);
  } else if (json.is_structured()) {
    for (Json& each : json) call_by_name(each, paths);
  }
}

/// Whether all that fits the pattern fits one of the others. Text for text a * of theirs takes what
/// is asked, a ? takes one character and so must not take a *.
bool is_within(const std::string& asked, const std::vector<std::string>& theirs) {
  return std::any_of(theirs.begin(), theirs.end(), [&](const std::string& pattern) {
    return asked == pattern ||
           (matches_pattern(asked, pattern) &&
            (asked.find('*') == std::string::npos || pattern.find('?') == std::string::npos));
  });
}

/// A list is answered by pages, and narrowed down in the database to what the caller may see:
/// cut_rows alone would leave pages empty, and "next" name rows of others.
void narrow(const CommandCall& call, cli::Arguments& arguments) {
  if (!cli::is_paged(call.command)) return;
  if (!arguments.has(cli::kLimit)) arguments.add(cli::kLimit, std::to_string(cli::kUsualPage));
  const cli::Access& access = call.access;
  if (access.about != cli::About::rows || may(call.caller, access.role, std::nullopt)) return;
  std::vector<std::string> theirs;
  for (const Right& right : call.caller.rights) {
    if (cli::includes(right.role, access.role)) theirs.push_back(right.product);
  }
  const std::vector<std::string> asked = arguments.values(cli::kProduct);
  arguments.clear(cli::kProduct);
  for (const std::string& pattern : asked.empty() ? theirs : asked) {
    if (is_within(pattern, theirs)) arguments.add(cli::kProduct, pattern);
  }
  // No product has no name.
  if (!arguments.has(cli::kProduct)) arguments.add(cli::kProduct, "");
}

std::string plain_prefix(const std::string& given) {
  const bool plain = std::all_of(given.begin(), given.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  });
  return given.empty() || given.size() > kLongestPrefix || !plain ? "hallmark" : given;
}

void require_self(const CommandCall& call, const cli::Arguments& arguments) {
  for (const std::string& option : call.access.actors) {
    for (const std::string& name : arguments.values(option)) {
      if (name == call.caller.name || may(call.caller, cli::Role::admin, std::nullopt)) continue;
      throw Error(ErrorKind::denied, "{} is {}, not {}", cli::parameter_name(option),
                  call.caller.name, name)
          .hint("leave it out");
    }
  }
}

/// What a call comes to: the record with its exit code, or an error.
struct Ending {
  cli::Outcome outcome;
  std::optional<Error> error;
};

class Running {
 public:
  Running(ApiParts& parts, const CommandCall& call, std::shared_ptr<Reply> reply,
          std::stop_token stop)
      : parts_(parts), call_(call), reply_(std::move(reply)), stop_(std::move(stop)) {
    streams_ = call.command.streams &&
               call.request.header("accept").find("text/event-stream") != std::string::npos;
  }

  void run() {
    try {
      prepare();
      if (key_) {
        if (auto kept = begin_answer(database(), *key_, parts_.app.clock.now())) {
          return answer_kept(*kept);
        }
      }
    } catch (const Error& error) {
      return reply_->send(problem_of(error));
    } catch (const std::exception& error) {
      return reply_->send(problem_response({ErrorKind::internal, error.what()}));
    }
    if (streams_) {
      reply_->begin({.headers = {{"Content-Type", "text/event-stream"},
                                 {"Cache-Control", "no-store"},
                                 {"X-Accel-Buffering", "no"}}});
    }
    answer(outcome());
  }

 private:
  db::Database& database() { return parts_.app.workplace().context.database; }

  /// Arguments, and whether the caller may.
  void prepare() {
    const cli::Access& access = call_.access;
    if (!may_for_some(call_.caller, access.role)) require_right(call_.caller, access, {});
    Json body = call_.query;
    if (access.reach == cli::Reach::write) {
      try {
        body = call_.request.body.empty() ? Json::object()
                                          : parse_json(call_.request.body, "the body");
      } catch (const Error& error) {
        throw Error(ErrorKind::usage, "{}", error.message());
      }
    }
    const bool files = !access.files_in.empty() || !access.files_out.empty();
    if (files) directory_.emplace();
    arguments_ = cli::received_arguments(call_.command, access, body,
                                         files ? directory_->path() : Path(), paths_);
    require_right(call_.caller, access, product_of(parts_.app, access, arguments_));
    require_self(call_, arguments_);
    narrow(call_, arguments_);
    const std::string key = call_.request.header("idempotency-key");
    if (key.empty() || access.reach != cli::Reach::write) return;
    if (key.size() > kLongestKey) {
      throw Error(ErrorKind::usage, "the Idempotency-Key is longer than {} bytes", kLongestKey);
    }
    key_ = AnswerKey{call_.caller.name, key,
                     sha256_hex(call_.request.target + "\n" + call_.request.body)};
  }

  Ending outcome() {
    std::ostringstream plain;
    EventLines lines(reply_);
    std::ostream events(&lines);
    std::ostringstream err;
    const cli::Service service{.await_news = [this](Duration most) { parts_.hub.await_news(most); },
                               .proof = {{"kind", call_.caller.known_by},
                                         {"id", call_.caller.known_id},
                                         {"name", call_.caller.name}}};
    std::shared_ptr<void> heard;
    const cli::Workplace& whole = parts_.app.workplace();
    pipeline::Context context = whole.context;
    context.fetch = [this](const std::string& url, std::stop_token stop) {
      return fetch_for_caller(url, parts_.allow_private, std::move(stop));
    };
    cli::Workplace workplace{whole.engine,    context,           {},
                             whole.schedules, whole.enforcement, whole.triggers};
    workplace.observe = [&](workflow::Observer observer) {
      heard.reset();
      if (observer.run_changed) heard = parts_.hub.hear(std::move(observer));
    };
    cli::App app{.out = {.stream = streams_ ? events : plain},
                 .err = {.stream = err},
                 .clock = parts_.app.clock,
                 .stop = stop_,
                 .state_directory = parts_.app.state_directory,
                 .user = call_.caller.name,
                 .command_prefix = plain_prefix(call_.request.header("hallmark-command")),
                 .json = true,
                 .workplace = [&]() -> cli::Workplace& { return workplace; },
                 .scanner = parts_.app.scanner,
                 .examine_machine = parts_.app.examine_machine,
                 .aws = parts_.app.aws,
                 .advisories = parts_.app.advisories,
                 .service = &service};
    try {
      cli::Outcome outcome = call_.command.run(app, arguments_);
      if (call_.access.about == cli::About::rows)
        cut_rows(outcome.record, call_.access, call_.caller);
      if (directory_) {
        Json files =
            cli::written_files(call_.command, call_.access, arguments_, directory_->path());
        call_by_name(outcome.record, paths_);
        if (!files.empty()) outcome.record["written_files"] = std::move(files);
      }
      return {std::move(outcome), {}};
    } catch (const Error& error) {
      return {{}, error};
    } catch (const std::exception& error) {
      log_error("{}: {}", cli::route_of(call_.command), error.what());
      return {{}, Error(ErrorKind::internal, error.what())};
    }
  }

  Response problem_of(const Error& error) {
    Json problem = problem_json(error);
    call_by_name(problem, paths_);
    Response response = problem_response(error);
    response.body = compact(problem) + "\n";
    return response;
  }

  void answer(const Ending& ending) {
    const Json& record = ending.outcome.record;
    if (cli::is_paged(call_.command) && record.is_object()) {
      next_ = record.value(cli::kNext, "");
    }
    const Response response =
        ending.error ? problem_of(*ending.error) : json_response(ending.outcome.record);
    // What comes later may find the thing undone, or done by half: only ends are kept.
    const bool again = response.status >= 500 || response.status == 429;
    try {
      if (key_ && again) forget_answer(database(), *key_);
      if (key_ && !again && response.body.size() <= kLargestKept) {
        keep_answer(database(), *key_, {response.status, ending.outcome.exit_code, response.body});
      }
    } catch (const Error& error) {
      log_warning("an answer could not be kept: {}", error.full_text());
    }
    send(response, ending.outcome.exit_code);
  }

  void answer_kept(const KeptAnswer& kept) {
    if (streams_) {
      reply_->begin(
          {.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}}});
    }
    Response response{.status = kept.status,
                      .headers = {{"Content-Type", kept.status == 200 ? "application/json"
                                                                      : "application/problem+json"},
                                  {"Idempotency-Replayed", "true"}},
                      .body = kept.body};
    send(response, kept.exit_code);
  }

  void send(Response response, int exit_code) {
    if (streams_) {
      const std::string body(trim(response.body));
      reply_->write(response.status == 200
                        ? fmt::format("event: result\ndata: {{\"exit_code\":{},\"record\":{}}}\n\n",
                                      exit_code, body)
                        : fmt::format("event: error\ndata: {}\n\n", body));
      reply_->end();
      return;
    }
    if (response.status == 200) {
      response.headers.emplace_back("Hallmark-Exit-Code", std::to_string(exit_code));
      if (!next_.empty()) {
        Json query = call_.query;
        query["after"] = next_;
        response.headers.emplace_back(
            "Link", fmt::format("<{}{}>; rel=\"next\"", cli::route_of(call_.command),
                                cli::query_of(query)));
      }
      if (call_.access.reach == cli::Reach::read) {
        const std::string tag = "\"" + sha256_hex(response.body).substr(0, 32) + "\"";
        response.headers.emplace_back("ETag", tag);
        if (call_.request.header("if-none-match") == tag) {
          response.status = 304;
          response.body.clear();
        }
      }
    }
    reply_->send(std::move(response));
  }

  ApiParts& parts_;
  const CommandCall& call_;
  std::shared_ptr<Reply> reply_;
  std::stop_token stop_;
  bool streams_ = false;
  std::optional<TempDir> directory_;
  std::vector<std::pair<std::string, std::string>> paths_;
  cli::Arguments arguments_;
  std::string next_;  ///< of a list: where its next page begins
  std::optional<AnswerKey> key_;
};

}  // namespace

void run_command_call(ApiParts& parts, const CommandCall& call, const std::shared_ptr<Reply>& reply,
                      std::stop_token stop) {
  Running(parts, call, reply, std::move(stop)).run();
}

std::optional<std::string> product_of(cli::App& app, const cli::Access& access,
                                      const cli::Arguments& arguments) {
  if (access.argument.empty() || access.about == cli::About::rows ||
      !arguments.has(access.argument)) {
    return std::nullopt;
  }
  const std::string value = arguments.value_or(access.argument, "");
  try {
    switch (access.about) {
      case cli::About::image:
        if (access.argument == "REF") return cli::image_named(app, arguments).product;
        return pipeline::get_golden_image(app.workplace().context.database, value).product;
      case cli::About::run: {
        workflow::Engine& engine = app.workplace().engine;
        return product_in(engine.show(cli::find_run(engine, value)).subject);
      }
      case cli::About::key:
        return product_in(value);
      case cli::About::pipeline:
        return model::load_pipeline(value, cli::variables_of(arguments), model::OtherFiles::below)
            .product;
      default:
        return std::nullopt;
    }
  } catch (const Error& error) {
    // Who may see everything is told so by the command; others need not know what there is.
    if (error.kind() == ErrorKind::not_found) return std::nullopt;
    throw;
  }
}

void cut_rows(Json& record, const cli::Access& access, const Caller& caller) {
  if (may(caller, access.role, std::nullopt)) return;
  Json kept = Json::array();
  for (Json& row : record.at(access.argument)) {
    if (may(caller, access.role, product_in(row.at(access.member).get<std::string>()))) {
      kept.push_back(std::move(row));
    }
  }
  record[access.argument] = std::move(kept);
}

void require_right(const Caller& caller, const cli::Access& access,
                   const std::optional<std::string>& product) {
  const bool rows = access.about == cli::About::rows;
  if (rows ? may_for_some(caller, access.role) : may(caller, access.role, product)) return;
  std::string what = access.noun + (access.verb.empty() ? "" : " " + access.verb);
  throw Error(ErrorKind::denied, "{} may not {}{}", caller.name, what,
              product ? " of " + *product : "")
      .hint(fmt::format("it takes the role {}{}", cli::to_string(access.role),
                        product ? " for that product" : " for all products"));
}

}  // namespace hallmark::server
