#include "aws/paginate.h"

#include <nlohmann/json.hpp>

#include "aws/jmespath.h"
#include "base/error.h"

namespace hallmark::aws {

void for_each_page(Caller& caller, const Model& model, const Call& call, Value input,
                   std::stop_token stop, const std::function<bool(const Value& page)>& page) {
  const Paginator* paginator = model.paginator(call.operation);
  if (input.is_null()) input = Value::object();
  Value before;
  while (true) {
    Value answer = caller.call(call, input, stop);
    if (!page(answer) || !paginator) return;
    if (!paginator->more_results.empty() &&
        !is_truth(find_by_path(paginator->more_results, answer))) {
      return;
    }
    Value tokens = Value::array();
    bool more = false;
    for (const std::string& path : paginator->output_tokens) {
      tokens.push_back(find_by_path(path, answer));
      more = more || is_truth(tokens.back());
    }
    if (!more) return;
    if (tokens == before) {
      throw Error(ErrorKind::corrupt, "{} of {} gave the same page token twice", call.operation,
                  call.service);
    }
    for (std::size_t i = 0; i < tokens.size() && i < paginator->input_tokens.size(); ++i) {
      const std::string& name = paginator->input_tokens[i];
      if (is_truth(tokens[i])) {
        input[name] = tokens[i];
      } else {
        input.erase(name);
      }
    }
    before = std::move(tokens);
  }
}

Value collect(Caller& caller, const Model& model, const Call& call, Value input,
              std::stop_token stop, const std::string& key) {
  const Paginator* paginator = model.paginator(call.operation);
  std::string path = key;
  if (path.empty() && paginator && !paginator->result_keys.empty()) {
    path = paginator->result_keys.front();
  }
  if (path.empty()) {
    throw Error(ErrorKind::usage, "{} of {} does not answer in pages", call.operation,
                call.service);
  }
  Value all = Value::array();
  for_each_page(caller, model, call, std::move(input), std::move(stop), [&](const Value& page) {
    Value items = find_by_path(path, page);
    for (Value& item : items) all.push_back(std::move(item));
    return true;
  });
  return all;
}

}  // namespace hallmark::aws
