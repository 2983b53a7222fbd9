#include "aws/protocol/checksum.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

std::string big_endian(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16),
          static_cast<char>(number >> 8), static_cast<char>(number)};
}

/// CRC-32C (Castagnoli), RFC 3720 appendix B.4: the polynomial 1EDC6F41, bits reversed.
std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78 : 0);
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = ~0u;
  for (unsigned char c : bytes) crc = kTable[(crc ^ c) & 255] ^ (crc >> 8);
  return ~crc;
}

std::uint32_t crc32_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string digest(const std::string& algorithm, std::string_view body) {
  if (algorithm == "CRC32") return big_endian(crc32_of(body));
  if (algorithm == "CRC32C") return big_endian(crc32c(body));
  if (algorithm == "SHA1") return from_hex(sha1_hex(body));
  if (algorithm == "SHA256") return from_hex(sha256_hex(body));
  throw Error(ErrorKind::usage, "the checksum {} is not supported", algorithm)
      .hint("use CRC32, CRC32C, SHA1 or SHA256");
}

bool has_checksum(const Request& request) {
  return std::any_of(request.headers.begin(), request.headers.end(), [](const auto& row) {
    std::string name = to_lower(row.first);
    return name == "content-md5" ||
           (name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-algorithm" &&
            name != "x-amz-checksum-type");
  });
}

}  // namespace

void add_checksum(const Operation& operation, const Value& input, Request& request) {
  const Checksum& checksum = operation.checksum;
  if (has_checksum(request)) return;
  auto it = input.find(checksum.algorithm_member);
  if (!checksum.algorithm_member.empty() && it != input.end() && it->is_string()) {
    std::string algorithm = it->get<std::string>();
    request.headers.emplace_back("X-Amz-Checksum-" + to_lower(algorithm),
                                 base64_encode(digest(algorithm, request.body)));
    return;
  }
  if (!checksum.required) return;
  request.headers.emplace_back("Content-MD5", base64_encode(md5(request.body)));
}

}  // namespace hallmark::aws
