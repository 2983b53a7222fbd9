#pragma once
/// HTTP/1.1 over TCP or TLS, by Boost.Beast: many connections on few threads, none of which a slow
/// client can hold.

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "server/message.h"

namespace hallmark::server {

struct ListenerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any that is free
  Path certificate;        ///< PEM, with its chain; empty: no TLS
  Path key;
  int threads = 2;
  std::size_t most_connections = 4096;
  std::size_t header_bytes = 16u << 10;
  /// For all bodies that are being read at once.
  std::size_t all_body_bytes = 256u << 20;
  Duration header_time{20'000};  ///< from the connection's being idle to the end of a header
  Duration body_time{30'000};    ///< and as long again for each MiB of it
  Duration write_time{30'000};   ///< for each piece of an answer to be taken
  Duration alive_every{15'000};  ///< a stream without news says that it lives
  std::size_t backlog_bytes = 4u << 20;  ///< of a stream that is read slowly; then it is cut off
};

class Listener {
 public:
  /// Listens from now on. `handler` must outlive it. Throws `conflict` (the port is taken),
  /// `usage` (an address, certificate or key that is none), `denied`.
  Listener(ListenerOptions options, Handler& handler);
  /// Ends all connections.
  ~Listener();
  std::uint16_t port() const;
  std::size_t connections() const;
  /// Accepts no more, closes what is idle, and waits until what was asked is answered, at most so
  /// long.
  void drain(Duration most);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hallmark::server
