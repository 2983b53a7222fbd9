#pragma once
/// Which addresses belong to the internet, and not to a machine, a private network or a cloud's
/// metadata service.

#include <string_view>

struct sockaddr;

namespace hallmark::net {

/// By IANA's registries of special-purpose addresses. An IPv6 address that carries an IPv4 address
/// (mapped, NAT64, 6to4) is judged by that as well. Anything else than IPv4 and IPv6 is not public.
bool is_public_address(const sockaddr* address);
/// The same of "10.0.0.1" or "fe80::1"; false for what is no address.
bool is_public_address(std::string_view text);

}  // namespace hallmark::net
