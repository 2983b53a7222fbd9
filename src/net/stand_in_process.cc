#include "net/stand_in_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/process.h"
#include "net/exchange.h"

namespace hallmark::net {
namespace {

std::string read_line(int fd) {
  std::string line;
  char c = 0;
  while (::read(fd, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

}  // namespace

std::string why_not_started(const std::string& name, const std::vector<std::string>& command) {
  std::vector<std::string> argv = {"/usr/bin/env"};
  argv.insert(argv.end(), command.begin(), command.end());
  argv.push_back("--help");
  ProcessResult result = run_process({.argv = argv, .time_limit = std::chrono::seconds(30)});
  return result.exit_code == 0 ? "" : name + " does not start: " + result.err;
}

StandInProcess::StandInProcess(const std::vector<std::string>& command) {
  // Between fork and exec nothing may allocate.
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) {
    throw_errno(errno, "cannot create a pipe");
  }
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  stdin_.reset(in[1]);
  FileDescriptor reader(out[0]);
  hello_ = read_line(reader.get());
}

StandInProcess::~StandInProcess() {
  stdin_.reset();
  ::waitpid(pid_, nullptr, 0);
}

Json control_stand_in(const std::string& url, const std::string& name,
                      const std::optional<Json>& body) {
  ConnectionPool pool;
  ExchangeRequest request;
  request.method = body ? "POST" : "GET";
  request.url = url + "/_fake/" + name;
  if (body) request.body = compact(*body);
  ExchangeResponse response = pool.send(request);
  if (response.status != 200) {
    throw Error(ErrorKind::failed, "the stand-in refused {}: {}", name, response.body);
  }
  return parse_json(response.body, "the stand-in");
}

}  // namespace hallmark::net
