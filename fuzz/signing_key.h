#pragma once
/// A key that everybody knows: RFC 8410, 10.3.

#include "base/signing.h"

namespace hallmark {

inline SigningKey well_known_key() {
  return SigningKey::from_pem(
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
      "-----END PRIVATE KEY-----\n",
      "RFC 8410");
}

}  // namespace hallmark
