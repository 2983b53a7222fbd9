#include <cstddef>
#include <cstdint>
#include <sstream>

#include "audit/plain_json.h"
#include "audit/verify.h"
#include "base/ids.h"
#include "base/text.h"
#include "fuzz/only_errors.h"
#include "fuzz/signing_key.h"

namespace audit = hallmark::audit;
using hallmark::Json;

namespace {

/// Whatever the fast reader takes, the thorough one takes and says the same of.
void compare(std::string_view line) {
  const auto plain = audit::plain_object(line);
  if (!plain) return;
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) __builtin_trap();
  for (const auto& [name, value] : json.items()) {
    if (Json::parse(plain->json(name), nullptr, false) != value) __builtin_trap();
    const auto text = plain->text(name);
    if (text.has_value() != value.is_string() || (text && *text != value)) __builtin_trap();
  }
  if (!plain->json("no such member").empty()) __builtin_trap();
}

void verify(const std::string& exported, const hallmark::PublicKey& key) {
  std::istringstream in(exported);
  audit::verify_export(in, key, "export");
}

}  // namespace

/// The input is an exported file, or its first byte is even: then each line is an entry's text,
/// which is given its digest and, like the end, a good signature.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const hallmark::SigningKey kKey = hallmark::well_known_key();
  static const hallmark::PublicKey kPublic = kKey.public_key();
  const auto [choice, text] = hallmark::chosen(data, size);
  const std::vector<std::string> lines = hallmark::split(text, '\n');
  for (const std::string& line : lines) compare(line);
  hallmark::only_errors([&, &input = text] { verify(std::string(input), kPublic); });
  if (choice % 2 == 1) return 0;
  audit::Verifier verifier(kPublic, std::nullopt);
  audit::Head head{.key_id = kPublic.id()};
  for (const std::string& line : lines) {
    head.digest = hallmark::sha256_hex(line);
    verifier.add(
        {.sequence = ++head.sequence,
         .text = line,
         .digest = head.digest,
         .key_id = kPublic.id(),
         .signature = hallmark::base64_encode(kKey.sign(audit::entry_message(head.digest)))});
  }
  head.signature =
      hallmark::base64_encode(kKey.sign(audit::head_message(head.sequence, head.digest)));
  verifier.finish(head);
  return 0;
}
