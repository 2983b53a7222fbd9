#pragma once
/// One client's connection. Private to listener.cc.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <functional>
#include <map>
#include <mutex>

#include "server/listener.h"

namespace hallmark::server {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// What all connections of a listener share.
struct ConnectionsShared {
  ListenerOptions options;
  Handler& handler;
  std::atomic<bool> closing = false;
  std::atomic<std::size_t> count = 0;
  std::atomic<std::size_t> body_bytes = 0;  ///< of all bodies that are being read
  std::mutex mutex;
  std::map<const void*, std::function<void()>> idle = {};  ///< how to close those
};

/// Lives until its client or `shared.closing` ends it. `tls`: null for none.
void start_connection(ConnectionsShared& shared, tcp::socket socket, asio::ssl::context* tls,
                      std::string peer);

}  // namespace hallmark::server
