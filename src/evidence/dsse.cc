#include "evidence/dsse.h"

#include <fmt/format.h>

#include "base/text.h"

namespace hallmark::evidence {
namespace {

std::string envelope_text(std::string_view payload_type, std::string_view payload,
                          const std::string& key_id, const std::string& signature) {
  const Json signatures = Json::array({{{"keyid", key_id}, {"sig", base64_encode(signature)}}});
  return pretty({{"payload", base64_encode(payload)},
                 {"payloadType", payload_type},
                 {"signatures", signatures}}) +
         "\n";
}

}  // namespace

std::string pre_authentication_encoding(std::string_view payload_type, std::string_view payload) {
  return fmt::format("DSSEv1 {} {} {} {}", payload_type.size(), payload_type, payload.size(),
                     payload);
}

std::string seal(std::string_view payload_type, std::string_view payload, const SigningKey& key) {
  return envelope_text(payload_type, payload, key.public_key().id(),
                       key.sign(pre_authentication_encoding(payload_type, payload)));
}

std::string open_sealed(std::string_view envelope, std::string_view payload_type,
                        const PublicKey& trusted, std::string_view origin) {
  const Json json = parse_json(envelope, origin);
  std::string payload;
  std::string key_id;
  std::string signature;
  try {
    const Json signatures = member<Json>(json, "signatures");
    if (!signatures.is_array() || signatures.size() != 1) {
      throw Error(ErrorKind::corrupt, "there is not exactly one signature");
    }
    payload = base64_decode(member<std::string>(json, "payload"));
    key_id = member<std::string>(signatures[0], "keyid");
    signature = base64_decode(member<std::string>(signatures[0], "sig"));
    if (const auto type = member<std::string>(json, "payloadType"); type != payload_type) {
      throw Error(ErrorKind::corrupt, "it holds {} instead of {}", type, payload_type);
    }
  } catch (Error& e) {
    e.note(fmt::format("while opening the envelope {}", origin));
    throw;
  }
  if (key_id != trusted.id()) {
    throw Error(ErrorKind::denied, "{} is signed by the key {}, not by {}", origin, key_id,
                trusted.id());
  }
  if (!verify(trusted, pre_authentication_encoding(payload_type, payload), signature)) {
    throw Error(ErrorKind::corrupt, "the signature of {} does not fit", origin);
  }
  // Members that no signature covers would be read by somebody.
  if (envelope_text(payload_type, payload, key_id, signature) != envelope) {
    throw Error(ErrorKind::corrupt, "{} holds more than its signature covers", origin);
  }
  return payload;
}

}  // namespace hallmark::evidence
