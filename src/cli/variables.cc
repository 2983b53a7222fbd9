#include "cli/variables.h"

namespace hallmark::cli {

OptionSpec variable_option() {
  return {"--var", "NAME=VALUE", "the value of a variable that the file declares", true};
}

model::Variables variables_of(const Arguments& arguments) {
  model::Variables variables;
  for (const std::string& given : arguments.values("--var")) {
    std::size_t equals = given.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::usage, "--var \"{}\" has no value", given)
          .hint("write --var NAME=VALUE");
    }
    variables[given.substr(0, equals)] = given.substr(equals + 1);
  }
  return variables;
}

}  // namespace hallmark::cli
