#include "net/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

namespace hallmark::net {

namespace {

struct Block4 {
  std::uint32_t first;
  int bits;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c) {
  return a << 24 | b << 16 | c << 8;
}

/// RFC 6890 and its successors in IANA's registry, multicast and what is reserved.
constexpr Block4 kNotPublic4[] = {
    {v4(0, 0, 0), 8},      {v4(10, 0, 0), 8},     {v4(100, 64, 0), 10}, {v4(127, 0, 0), 8},
    {v4(169, 254, 0), 16}, {v4(172, 16, 0), 12},  {v4(192, 0, 0), 24},  {v4(192, 0, 2), 24},
    {v4(192, 88, 99), 24}, {v4(192, 168, 0), 16}, {v4(198, 18, 0), 15}, {v4(198, 51, 100), 24},
    {v4(203, 0, 113), 24}, {v4(224, 0, 0), 4},    {v4(240, 0, 0), 4}};

bool is_public4(std::uint32_t address) {
  for (const Block4& block : kNotPublic4) {
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - block.bits);
    if ((address & mask) == block.first) return false;
  }
  return true;
}

using Bytes = std::array<unsigned char, 16>;

bool starts_with(const Bytes& address, std::initializer_list<unsigned> prefix) {
  std::size_t i = 0;
  for (unsigned byte : prefix) {
    if (address[i++] != byte) return false;
  }
  return true;
}

std::uint32_t v4_at(const Bytes& address, std::size_t at) {
  return std::uint32_t{address[at]} << 24 | std::uint32_t{address[at + 1]} << 16 |
         std::uint32_t{address[at + 2]} << 8 | std::uint32_t{address[at + 3]};
}

bool is_public6(const Bytes& address) {
  if (starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}))
    return is_public4(v4_at(address, 12));
  if (starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}))
    return is_public4(v4_at(address, 12));
  if (starts_with(address, {0x20, 0x02})) return is_public4(v4_at(address, 2));
  // Documentation, and Teredo with what else 2001::/23 holds.
  if (starts_with(address, {0x20, 0x01, 0x0d, 0xb8})) return false;
  if (starts_with(address, {0x20, 0x01}) && address[2] < 2) return false;
  // 2000::/3 is all that was ever given out: no loopback, local, unique local or multicast address.
  return (address[0] & 0xe0) == 0x20;
}

}  // namespace

bool is_public_address(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    return is_public4(ntohl(in.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    Bytes bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return is_public6(bytes);
  }
  return false;
}

bool is_public_address(std::string_view text) {
  const std::string address(text);
  sockaddr_in in{};
  if (inet_pton(AF_INET, address.c_str(), &in.sin_addr) == 1) {
    return is_public4(ntohl(in.sin_addr.s_addr));
  }
  Bytes bytes;
  return inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1 && is_public6(bytes);
}

}  // namespace hallmark::net
