#include "scan/stand_in.h"

#include <stdlib.h>

#include "base/error.h"

namespace hallmark::scan {
namespace {

std::vector<std::string> command(const std::string& service) {
  ::setenv("no_proxy", "127.0.0.1", 1);  // the machine's proxy cannot reach us
  return {"python3", HALLMARK_SCANNER_FAKES, service};
}

}  // namespace

std::string why_no_stand_in() {
  return net::why_not_started("the scanners' stand-in", {"python3", HALLMARK_SCANNER_FAKES});
}

StandIn::StandIn(const std::string& service) : process_(command(service)) {
  constexpr std::string_view kHello = "listening on ";
  const std::string& line = process_.hello();
  if (!line.starts_with(kHello)) {
    throw Error(ErrorKind::failed, "the scanners' stand-in says \"{}\"", line);
  }
  url_ = line.substr(kHello.size());
}

Json StandIn::control(const std::string& name, const std::optional<Json>& body) const {
  return net::control_stand_in(url_, name, body);
}

int StandIn::calls(const std::string& operation) const {
  return control("calls?operation=" + operation).at("counts").value(operation, 0);
}

}  // namespace hallmark::scan
