#include "rule/lambda/answer.h"

#include <algorithm>

#include "aws/api_error.h"
#include "aws/value.h"
#include "rule/golden_list.h"

namespace hallmark::rule::lambda {

namespace {

using aws::Value;

/// AWS Config API Reference, PutEvaluations, Evaluations.
constexpr std::size_t kMostEvaluations = 100;
/// Amazon EC2 API Reference, DescribeInstances, MaxResults.
constexpr int kMachinesPerPage = 1000;

Value call(const Surroundings& here, const char* service, const char* operation, const Value& input,
           std::stop_token stop) {
  return here.caller.call({service, operation, here.region, nullptr}, input, std::move(stop));
}

std::string text(const Value& value, const char* key) {
  auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Config keeps what an event was too small for. Gives why it could not be read; empty: it was.
std::string complete(const Surroundings& here, Item& item, std::stop_token stop) {
  try {
    Value input = {
        {"resourceType", item.resource_type}, {"resourceId", item.resource_id}, {"limit", 1}};
    if (!item.captured_at.empty()) input["laterTime"] = item.captured_at;
    const Value found = call(here, "config", "GetResourceConfigHistory", input, stop);
    const Value items = found.value("configurationItems", Value::array());
    if (items.empty()) return "Config has no record of it";
    Item whole = read_item(Json(items.front()));
    item.image_id = whole.image_id;
    item.state = whole.state;
    return "";
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    return error.message();
  }
}

std::vector<Evaluation> evaluate_all(const Surroundings& here, const Event& event,
                                     std::stop_token stop) {
  const GoldenList list = read_list(here, event.parameter, stop);
  std::vector<Evaluation> evaluations;
  Value input = {{"MaxResults", kMachinesPerPage}};
  while (true) {
    const Value page = call(here, "ec2", "DescribeInstances", input, stop);
    for (const Value& reservation : page.value("Reservations", Value::array())) {
      for (const Value& machine : reservation.value("Instances", Value::array())) {
        const Item item{.resource_type = kMachineType,
                        .resource_id = text(machine, "InstanceId"),
                        .status = "OK",
                        .image_id = text(machine, "ImageId"),
                        .state = text(machine.value("State", Value::object()), "Name")};
        evaluations.push_back(evaluate(item, false, list));
      }
    }
    const std::string token = text(page, "NextToken");
    if (token.empty()) return evaluations;
    input["NextToken"] = token;
  }
}

std::vector<Evaluation> evaluate_one(const Surroundings& here, const Event& event,
                                     std::stop_token stop) {
  Item item = event.item;
  if (!is_applicable(item, event.left_scope)) return {evaluate(item, event.left_scope, {})};
  std::string problem;
  if (event.kind == Event::Kind::oversized) problem = complete(here, item, stop);
  return {evaluate(item, event.left_scope, read_list(here, event.parameter, stop), problem)};
}

/// What Config does not take keeps nothing else from it.
void put(const Surroundings& here, const std::vector<Evaluation>& evaluations, const Event& event,
         std::stop_token stop) {
  std::size_t next = 0;
  std::size_t refused = 0;
  std::string first_refused;
  // Also where there is nothing to say: Config waits to hear that the rule has run.
  do {
    Value rows = Value::array();
    for (; next < evaluations.size() && rows.size() < kMostEvaluations; ++next) {
      const Evaluation& one = evaluations[next];
      rows.push_back({{"ComplianceResourceType", one.resource_type},
                      {"ComplianceResourceId", one.resource_id},
                      {"ComplianceType", std::string(to_string(one.compliance))},
                      {"Annotation", one.annotation},
                      // Config keeps the newest.
                      {"OrderingTimestamp", event.sent_at}});
    }
    const Value answer = call(here, "config", "PutEvaluations",
                              {{"Evaluations", rows}, {"ResultToken", event.result_token}}, stop);
    const Value failed = answer.value("FailedEvaluations", Value::array());
    if (refused == 0 && !failed.empty())
      first_refused = text(failed.front(), "ComplianceResourceId");
    refused += failed.size();
  } while (next < evaluations.size());
  if (refused > 0) {
    throw Error(ErrorKind::failed, "Config did not take {} of {} evaluations, that of {} first",
                refused, evaluations.size(), first_refused);
  }
}

Json start_again(const Surroundings& here, std::stop_token stop) {
  call(here, "config", "StartConfigRulesEvaluation",
       {{"ConfigRuleNames", Value::array({here.rule_name})}}, stop);
  return {{"started", here.rule_name}};
}

}  // namespace

GoldenList read_list(const Surroundings& here, const std::string& parameter, std::stop_token stop) {
  GoldenList list{.parameter = parameter};
  try {
    const Value found = call(here, "ssm", "GetParameter", {{"Name", parameter}}, stop);
    for (std::string& id : listed_ids(text(found.value("Parameter", Value::object()), "Value"))) {
      list.ids.insert(std::move(id));
    }
  } catch (const aws::ApiError& error) {
    if (error.code() != "ParameterNotFound") list.problem = error.message();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    list.problem = error.message();
  }
  return list;
}

Json answer(const Surroundings& here, const Json& json, std::stop_token stop) {
  const Event event = read_event(json);
  if (event.kind == Event::Kind::list_changed) return start_again(here, stop);
  const std::vector<Evaluation> evaluations = event.kind == Event::Kind::schedule
                                                  ? evaluate_all(here, event, stop)
                                                  : evaluate_one(here, event, stop);
  put(here, evaluations, event, stop);
  return {{"evaluated", evaluations.size()},
          {"non_compliant",
           std::count_if(evaluations.begin(), evaluations.end(), [](const Evaluation& one) {
             return one.compliance == Compliance::non_compliant;
           })}};
}

}  // namespace hallmark::rule::lambda
