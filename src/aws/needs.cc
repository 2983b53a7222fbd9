#include "aws/needs.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

bool knows(ModelLibrary& models, const Need& need) {
  std::vector<std::string> services = models.services();
  if (std::find(services.begin(), services.end(), need.service) == services.end()) return false;
  std::shared_ptr<const Model> model = models.get(need.service);
  const std::vector<Operation>& all = model->operations();
  auto found = std::find_if(all.begin(), all.end(), [&](const Operation& operation) {
    return operation.name == need.operation;
  });
  if (found == all.end()) return false;
  if (need.member.empty()) return true;
  return found->input != nullptr && found->input->member(need.member) != nullptr;
}

void require(ModelLibrary& models, std::span<const Need> needs) {
  std::vector<std::string> missing;
  for (const Need& need : needs) {
    if (knows(models, need)) continue;
    std::string name = std::string(need.service) + " " + std::string(need.operation);
    if (!need.member.empty()) name += "." + std::string(need.member);
    missing.push_back(std::move(name));
  }
  if (missing.empty()) return;
  throw Error(ErrorKind::usage, "the AWS service models at hand are too old: no {}",
              join(missing, ", "))
      .note(fmt::format("those in the program are botocore {}'s", ModelLibrary::version()))
      .hint(fmt::format("set {} to the data directory of a newer botocore, or run scripts/models "
                        "where PyPI can be reached and build again",
                        kModelsVariable));
}

}  // namespace hallmark::aws
