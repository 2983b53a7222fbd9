#include "cli/server_client.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/access.h"
#include "cli/paging.h"
#include "cli/progress_view.h"
#include "cli/remote_call.h"
#include "net/exchange.h"

namespace hallmark::cli {

namespace {

/// Long commands tell their news all the time, and the server says every few seconds that it lives.
constexpr Duration kLongest = std::chrono::hours(24 * 7);
constexpr int kExitCodeUnknown = -1;

std::string header_of(const net::ExchangeResponse& response, const std::string& name) {
  for (const auto& [known, value] : response.headers) {
    if (to_lower(known) == name) return value;
  }
  return "";
}

Error error_of(const net::ExchangeResponse& response, const std::string& url) {
  try {
    Json problem = parse_json(response.body, url);
    if (problem.contains("kind")) {
      problem["message"] = problem.value("detail", "");
      return error_from_json(problem);
    }
  } catch (const std::exception&) {
    // Whoever answered is no Hallmark; its status says what can be said.
  }
  ErrorKind kind = response.status == 404   ? ErrorKind::not_found
                   : response.status == 429 ? ErrorKind::throttled
                   : response.status >= 500 ? ErrorKind::unavailable
                                            : ErrorKind::denied;
  return Error(kind, "{} answered with HTTP status {}", url, response.status)
      .hint("is that a Hallmark server?");
}

workflow::StepState step_state(const std::string& name) {
  if (name == "succeeded") return workflow::StepState::succeeded;
  if (name == "failed") return workflow::StepState::failed;
  return name == "waiting" ? workflow::StepState::waiting : workflow::StepState::running;
}

workflow::StepInfo step_of(const Json& json) {
  workflow::StepInfo step;
  step.key = member<std::string>(json, "key");
  step.kind = member<std::string>(json, "kind");
  step.state = step_state(member<std::string>(json, "state"));
  step.attempts = member<int>(json, "attempts");
  step.result = json.value("result", Json());
  if (json.value("error", Json()).is_object()) step.error = error_from_json(json["error"]);
  step.started_at = from_rfc3339(member<std::string>(json, "started_at"));
  if (json.value("ended_at", Json()).is_string()) {
    step.ended_at = from_rfc3339(json["ended_at"].get<std::string>());
  }
  return step;
}

/// Shows news as they are shown where the command runs.
class NewsView {
 public:
  NewsView(App& app, bool logs) : app_(app), view_(app, logs) {}

  void show(const Json& news, const std::string& line) {
    const std::string type = news.value("type", "");
    if (app_.json) {
      app_.out.stream << line << '\n';
      app_.out.stream.flush();
    } else if (type == "step") {
      view_.step_changed(news.value("run_id", ""), step_of(news));
    } else if (type == "progress") {
      const Json fraction = news.value("fraction", Json());
      view_.progressed(news.value("run_id", ""), member<std::string>(news, "key"),
                       fraction.is_number() ? std::optional(fraction.get<double>()) : std::nullopt,
                       news.value("text", ""));
    } else if (type == "log") {
      view_.logged(news.value("run_id", ""), member<std::string>(news, "key"),
                   news.value("text", ""));
    } else if (type == "message") {
      view_.say(news.value("text", ""));
    }
  }

 private:
  App& app_;
  ProgressView view_;
};

/// Takes a stream of server-sent events apart.
class EventReader {
 public:
  explicit EventReader(std::function<void(const std::string& event, const std::string& data)> tell)
      : tell_(std::move(tell)) {}

  void add(std::string_view bytes) {
    pending_ += bytes;
    std::size_t at = 0;
    for (std::size_t end; (end = pending_.find('\n', at)) != std::string::npos; at = end + 1) {
      line(std::string_view(pending_).substr(at, end - at));
    }
    pending_.erase(0, at);
  }

 private:
  void line(std::string_view text) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) {
      if (!data_.empty()) tell_(event_, data_);
      event_.clear();
      data_.clear();
    } else if (text.starts_with("event:")) {
      event_ = trim(text.substr(6));
    } else if (text.starts_with("data:")) {
      if (!data_.empty()) data_ += '\n';
      text.remove_prefix(5);
      data_ += text.starts_with(' ') ? text.substr(1) : text;
    }
  }

  std::function<void(const std::string&, const std::string&)> tell_;
  std::string pending_, event_, data_;
};

class Client {
 public:
  Client(App& app, const ServerAddress& server) : app_(app), server_(server) {
    while (server_.url.ends_with('/')) server_.url.pop_back();
    const bool loopback = server_.url.starts_with("http://127.") ||
                          server_.url.starts_with("http://[::1]") ||
                          server_.url.starts_with("http://localhost");
    if (server_.url.starts_with("http://") && !loopback) {
      throw Error(ErrorKind::usage, "{} would send the API token unprotected", server_.url)
          .hint("use https://");
    }
    redact(server_.token);
  }

  Outcome call(const Command& command, const Arguments& arguments) {
    const Access& access = *find_access(command.noun, command.verb);
    if (is_paged(command) && !arguments.has(kLimit)) return ask_all(command, access, arguments);
    net::ExchangeRequest request = request_of(command, access, arguments);
    Outcome outcome = command.streams ? stream(request, arguments) : ask(request);
    if (outcome.record.is_object() && outcome.record.contains("written_files") &&
        !access.files_out.empty()) {
      keep_written_files(outcome.record["written_files"], command, access, arguments);
      outcome.record.erase("written_files");
    }
    return outcome;
  }

 private:
  net::ExchangeRequest request_of(const Command& command, const Access& access,
                                  const Arguments& arguments) {
    const Json sent = sent_arguments(command, access, arguments);
    net::ExchangeRequest request;
    request.url = server_.url + route_of(command);
    request.ca_file = server_.ca_file;
    request.use_proxy = !server_.url.starts_with("http://");
    request.time_limit = kLongest;
    request.headers = {{"Accept", command.streams ? "text/event-stream" : "application/json"},
                       {"Hallmark-Command", app_.command_prefix}};
    if (!server_.token.empty()) {
      request.headers.emplace_back("Authorization", "Bearer " + server_.token);
    }
    if (access.reach == Reach::read) {
      request.method = "GET";
      request.url += query_of(sent);
    } else {
      request.method = "POST";
      request.body = compact(sent);
      request.headers.emplace_back("Content-Type", "application/json");
      // An answer that was lost is asked for again without doing the thing twice.
      request.headers.emplace_back("Idempotency-Key", random_id("call"));
    }
    return request;
  }

  /// A server answers a list by pages; who asks for all of it is shown all of it.
  Outcome ask_all(const Command& command, const Access& access, Arguments arguments) {
    arguments.add(kLimit, std::to_string(kLongestPage));
    Outcome all;
    for (;;) {
      net::ExchangeRequest request = request_of(command, access, arguments);
      Outcome page = ask(request);
      const std::string next = page.record.value(kNext, "");
      page.record.erase(kNext);
      if (all.record.is_null()) {
        all = std::move(page);
      } else {
        for (auto& [name, rows] : page.record.items()) {
          if (!rows.is_array()) continue;
          for (Json& row : rows) all.record[name].push_back(std::move(row));
        }
      }
      if (next.empty()) return all;
      arguments.clear(kAfter);
      arguments.add(kAfter, next);
    }
  }

  Outcome ask(net::ExchangeRequest& request) {
    const net::ExchangeResponse response = pool_.send(request, app_.stop);
    if (response.status / 100 != 2) throw error_of(response, server_.url);
    const std::string code = header_of(response, "hallmark-exit-code");
    return {parse_json(response.body, server_.url), code.empty() ? 0 : std::stoi(code)};
  }

  Outcome stream(net::ExchangeRequest& request, const Arguments& arguments) {
    Outcome outcome{.record = {}, .exit_code = kExitCodeUnknown};
    std::optional<Error> error;
    {
      bool logs = false;
      try {
        logs = arguments.has("--logs");
      } catch (const Error&) {
        // A command without logs.
      }
      NewsView view(app_, logs);
      EventReader reader([&](const std::string& event, const std::string& data) {
        Json json = parse_json(data, server_.url);
        if (event == "result") {
          outcome = {json.at("record"), json.at("exit_code")};
        } else if (event == "error") {
          error = error_of({.status = 500, .body = data}, server_.url);
        } else {
          view.show(json, data);
        }
      });
      request.on_body = [&](std::string_view bytes) { reader.add(bytes); };
      const net::ExchangeResponse response = pool_.send(request, app_.stop);
      if (response.status / 100 != 2) throw error_of(response, server_.url);
    }
    if (error) throw *error;
    if (outcome.exit_code == kExitCodeUnknown) {
      throw Error(ErrorKind::unavailable, "{} broke off in the middle", server_.url)
          .hint("what was begun goes on there; see: " + app_.command_prefix + " run list");
    }
    return outcome;
  }

  App& app_;
  ServerAddress server_;
  net::ConnectionPool pool_;
};

}  // namespace

Outcome run_at_server(App& app, const Call& call, const ServerAddress& server) {
  const Command& command = *call.command;
  if (!is_remote(command)) {
    throw Error(ErrorKind::usage, "{} works on this machine only", title(command))
        .hint("leave --server out");
  }
  Client client(app, server);
  if (!command.before_sending) return client.call(command, call.arguments);
  const AskServer ask = [&](const std::string& noun, const std::string& verb,
                            const Arguments& arguments) {
    const Command* other = call.table->find(noun, verb);
    if (other == nullptr) throw Error(ErrorKind::internal, "no command {} {}", noun, verb);
    return client.call(*other, arguments).record;
  };
  return client.call(command, command.before_sending(app, call.arguments, ask));
}

}  // namespace hallmark::cli
