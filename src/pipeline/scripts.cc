#include "pipeline/scripts.h"

#include "base/error.h"

namespace hallmark::pipeline {

model::Script embedded_script(std::string_view name) {
  for (const auto& [file, text] : embedded_scripts()) {
    if (file == name) return {.name = std::string(name), .text = std::string(text)};
  }
  throw Error(ErrorKind::internal, "no script {} is embedded", name);
}

}  // namespace hallmark::pipeline
