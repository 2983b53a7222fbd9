#include "source/repositories.h"

#include "base/error.h"
#include "base/text.h"

namespace hallmark::source {

namespace {

const apt::Source* find_suite(const std::vector<apt::Source>& entries, const std::string& suite) {
  for (const apt::Source& entry : entries) {
    if (entry.suite == suite && apt::has_component(entry, "main")) return &entry;
  }
  return nullptr;
}

}  // namespace

Repositories choose_repositories(const std::vector<apt::Source>& entries,
                                 const std::string& release) {
  const apt::Source* main = find_suite(entries, release);
  if (main == nullptr) {
    std::vector<std::string> suites;
    for (const apt::Source& entry : entries) suites.push_back(entry.suite);
    throw Error(ErrorKind::not_found,
                "this machine's apt configuration has no mirror that carries {} main (it has: {})",
                release, suites.empty() ? "nothing" : join(suites, ", "))
        .hint("add \"deb <mirror> " + release + " main\" to a file in /etc/apt/sources.list.d");
  }
  Repositories chosen{*main, std::nullopt, std::nullopt};
  if (const apt::Source* updates = find_suite(entries, release + "-updates")) {
    chosen.updates = *updates;
  }
  if (const apt::Source* security = find_suite(entries, release + "-security")) {
    chosen.security = *security;
  }
  return chosen;
}

std::string image_sources_list(const Repositories& repositories) {
  std::string text;
  auto add = [&text](const apt::Source& entry) {
    text += fmt::format("deb {} {} main\n", entry.url, entry.suite);
  };
  add(repositories.release);
  if (repositories.updates) add(*repositories.updates);
  if (repositories.security) add(*repositories.security);
  return text;
}

}  // namespace hallmark::source
