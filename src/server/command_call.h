#pragma once
/// One command, run for somebody who asked over HTTP.

#include <memory>

#include "server/api.h"
#include "server/target.h"

namespace hallmark::server {

struct CommandCall {
  const cli::Command& command;
  const cli::Access& access;
  Request request;
  Json query;
  Caller caller;
};

/// Runs it and answers. Whatever goes wrong is an answer.
void run_command_call(ApiParts& parts, const CommandCall& call, const std::shared_ptr<Reply>& reply,
                      std::stop_token stop);

/// Of which product the call is; nothing if of none, or of one that does not exist.
std::optional<std::string> product_of(cli::App& app, const cli::Access& access,
                                      const cli::Arguments& arguments);

/// Leaves only the rows of products that the caller may see.
void cut_rows(Json& record, const cli::Access& access, const Caller& caller);

/// Throws `denied` unless the caller may.
void require_right(const Caller& caller, const cli::Access& access,
                   const std::optional<std::string>& product);

}  // namespace hallmark::server
