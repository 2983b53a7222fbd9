/// The prevent workflow: keeps what places may launch in step with their lists, as a schedule
/// starts it.

#include "base/error.h"
#include "base/text.h"
#include "pipeline/compliance.h"
#include "pipeline/prevention.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

std::string start_prevention(workflow::Engine& engine, Context& context,
                             const PreventionRequest& request, std::optional<std::string> run_id) {
  if (context.enforcement == nullptr) {
    throw Error(ErrorKind::usage, "the {} cloud refuses no launches",
                context.cloud.properties().name);
  }
  Json places = Json::array();
  const std::string home = context.cloud.properties().account_id;
  for (const cloud::Place& place : known_places(context)) {
    // Its sources are not golden, and no build would begin any more.
    if (place.account_id != home) places.push_back({place.account_id, place.region});
  }
  return engine.start("prevent", "all places",
                      {{"mode", request.mode ? Json(to_string(*request.mode)) : Json()},
                       {"also", request.also},
                       {"derived", request.derived},
                       {"places", places}},
                      std::move(run_id));
}

Json prevent(Context& context, workflow::Run& run) {
  const Json& input = run.input();
  std::vector<cloud::Place> places;
  for (const Json& place : input.at("places")) places.push_back({place[0], place[1]});
  PreventionRequest request{.also = input.at("also").get<std::vector<std::string>>(),
                            .derived = input.at("derived").get<bool>()};
  if (!input.at("mode").is_null()) {
    request.mode = cloud::launch_mode_from(input.at("mode").get<std::string>());
  }
  // Rules are replaced as a whole: doing it again ends in the same.
  const Json done = run.step("prevent", [&](workflow::Step& step) {
    if (context.enforcement == nullptr) {
      throw Error(ErrorKind::usage, "the {} cloud refuses no launches",
                  context.cloud.properties().name);
    }
    auto plan = plan_prevention(context, *context.enforcement, places, request, step.stop());
    apply_prevention(*context.enforcement, plan, step.stop());
    return Json(plan);
  });
  std::vector<std::string> problems;
  for (const Json& place : done) {
    const auto problem = place.at("problem").get<std::string>();
    if (problem.empty()) continue;
    problems.push_back(place.at("account_id").get<std::string>() + "/" +
                       place.at("region").get<std::string>() + ": " + problem);
  }
  if (!problems.empty()) {
    throw Error(ErrorKind::failed, "{} of {} places could not be changed", problems.size(),
                places.size())
        .note(join(problems, "\n  "))
        .hint("all others were; the next time they are tried again");
  }
  return {{"places", done}};
}

}  // namespace hallmark::pipeline
