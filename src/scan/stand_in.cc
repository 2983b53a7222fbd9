#include "scan/stand_in.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "net/exchange.h"

namespace hallmark::scan {
namespace {

using namespace std::chrono_literals;

std::string read_line(int fd) {
  std::string line;
  char c = 0;
  while (::read(fd, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

}  // namespace

std::string why_no_stand_in() {
  ProcessResult result = run_process(
      {.argv = {"/usr/bin/env", "python3", HALLMARK_SCANNER_FAKES, "--help"}, .time_limit = 30s});
  return result.exit_code == 0 ? "" : "the scanners' stand-in does not start: " + result.err;
}

StandIn::StandIn(const std::string& service) {
  ::setenv("no_proxy", "127.0.0.1", 1);  // the machine's proxy cannot reach us
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) {
    throw_errno(errno, "cannot create a pipe");
  }
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::execlp("python3", "python3", HALLMARK_SCANNER_FAKES, service.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  stdin_.reset(in[1]);
  FileDescriptor reader(out[0]);
  constexpr std::string_view kHello = "listening on ";
  std::string line = read_line(reader.get());
  if (!line.starts_with(kHello)) {
    throw Error(ErrorKind::failed, "the scanners' stand-in says \"{}\"", line);
  }
  url_ = line.substr(kHello.size());
}

StandIn::~StandIn() {
  stdin_.reset();  // it ends with its standard input
  ::waitpid(pid_, nullptr, 0);
}

Json StandIn::control(const std::string& name, const std::optional<Json>& body) const {
  net::ConnectionPool pool;
  net::ExchangeRequest request;
  request.method = body ? "POST" : "GET";
  request.url = url_ + "/_fake/" + name;
  if (body) request.body = compact(*body);
  net::ExchangeResponse response = pool.send(request);
  if (response.status != 200) {
    throw Error(ErrorKind::failed, "the stand-in refused {}: {}", name, response.body);
  }
  return parse_json(response.body, "the scanners' stand-in");
}

int StandIn::calls(const std::string& operation) const {
  return control("calls?operation=" + operation).at("counts").value(operation, 0);
}

}  // namespace hallmark::scan
