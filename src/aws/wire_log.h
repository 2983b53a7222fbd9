#pragma once
/// What goes over the wire, for --debug-wire: complete, except for secrets.

#include <set>
#include <string>
#include <string_view>

#include "aws/message.h"
#include "aws/model.h"

namespace hallmark::aws {

/// Names of members whose values nobody may see: those that the operation's model marks as
/// sensitive, and those that are secret whatever the model says (keys, tokens, passwords, values of
/// SecureString parameters).
std::set<std::string> secret_members(const Operation& operation);

/// "> POST https://..." with headers and body; secrets are "***", long or binary bodies are
/// counted.
std::string wire_text(const Request& request, const std::set<std::string>& secrets);
std::string wire_text(const Response& response, const std::set<std::string>& secrets);

/// `text` (a form, JSON or XML) with the values of these members blotted out.
std::string without_values(std::string_view text, const std::set<std::string>& names);

}  // namespace hallmark::aws
