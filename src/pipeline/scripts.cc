#include "pipeline/scripts.h"

#include "base/embedded.h"

namespace hallmark::pipeline {

model::Script embedded_script(std::string_view name) {
  return {.name = std::string(name), .text = std::string(embedded_file(embedded_scripts(), name))};
}

}  // namespace hallmark::pipeline
