#pragma once
/// The API: routes made from the list of commands, who may call them, and how they are answered.

#include <functional>
#include <memory>
#include <string>

#include "cli/access.h"
#include "cli/command.h"
#include "server/caller.h"
#include "server/hub.h"
#include "server/message.h"
#include "server/oidc.h"
#include "server/workers.h"

namespace hallmark::server {

struct ApiParts {
  const cli::CommandTable& commands;
  cli::App& app;  ///< whose workplace, clock and scanner the commands get
  Hub& hub;
  std::string openapi;  ///< the document
  /// Who else may say who somebody is; may be null.
  std::shared_ptr<OidcProvider> provider = nullptr;
  bool allow_private = false;  ///< what callers name may be fetched from private networks
};

class Api final : public Handler {
 public:
  explicit Api(ApiParts parts);
  ~Api() override;
  Admission admit(const Request& head) override;
  void handle(Request request, std::shared_ptr<Reply> reply) override;
  /// Takes no more, and asks what runs to come to an end; its clients are answered.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hallmark::server
