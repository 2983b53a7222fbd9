#include "scan/tenable/stand_in.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "net/exchange.h"

namespace hallmark::scan::tenable {

StandIn::StandIn() {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) {
    throw_errno(errno, "cannot create a pipe");
  }
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::execlp("python3", "python3", HALLMARK_SCANNER_FAKES, "tenable", nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  stdin_.reset(in[1]);
  FileDescriptor reader(out[0]);
  std::string line;
  char c = 0;
  while (::read(reader.get(), &c, 1) == 1 && c != '\n') line += c;
  const std::size_t at = line.find("http://");
  if (at == std::string::npos) {
    throw Error(ErrorKind::unavailable, "the stand-in does not start: {}", line);
  }
  url_ = line.substr(at);
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
  return parse_json(response.body, "the stand-in");
}

}  // namespace hallmark::scan::tenable
