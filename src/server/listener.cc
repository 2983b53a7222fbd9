#include "server/listener.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <list>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "server/connection.h"

namespace hallmark::server {

namespace {

constexpr auto kAfterFailedAccept = std::chrono::milliseconds(100);
constexpr auto kDrainLook = std::chrono::milliseconds(5);

asio::ssl::context tls_context(const ListenerOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression);
  boost::system::error_code failure;
  context.use_certificate_chain_file(options.certificate.string(), failure);
  if (failure) {
    throw Error(ErrorKind::usage, "{} is no certificate: {}", options.certificate.string(),
                failure.message());
  }
  context.use_private_key_file(options.key.string(), asio::ssl::context::pem, failure);
  if (failure) {
    throw Error(ErrorKind::usage, "{} is not the certificate's private key: {}",
                options.key.string(), failure.message());
  }
  return context;
}

}  // namespace

struct Listener::State {
  State(ListenerOptions given, Handler& handler)
      : shared{std::move(given), handler},
        context(shared.options.threads),
        acceptor(context),
        retry(context) {
    if (!shared.options.certificate.empty()) tls.emplace(tls_context(shared.options));
    listen();
    accept();
    for (int i = 0; i < shared.options.threads; ++i) {
      threads.emplace_back([this] { context.run(); });
    }
  }

  ~State() {
    context.stop();
    threads.clear();  // joins
    shared.closing = true;
  }

  void listen() {
    const ListenerOptions& options = shared.options;
    boost::system::error_code failure;
    const auto address = asio::ip::make_address(options.address, failure);
    if (failure) throw Error(ErrorKind::usage, "\"{}\" is no address", options.address);
    const tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol(), failure);
    if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor.bind(endpoint, failure);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (failure) {
      const bool taken = failure == asio::error::address_in_use;
      throw Error(taken ? ErrorKind::conflict : ErrorKind::denied, "cannot listen on {}:{}: {}",
                  options.address, options.port, failure.message());
    }
  }

  void accept() {
    acceptor.async_accept(asio::make_strand(context),
                          [this](boost::system::error_code failure, tcp::socket socket) {
                            if (shared.closing) return;
                            if (failure) return accept_later(failure);
                            take(std::move(socket));
                            accept();
                          });
  }

  /// No more files, perhaps: in a while there are some again.
  void accept_later(const boost::system::error_code& failure) {
    if (failure == asio::error::operation_aborted) return;
    log_warning("a connection could not be accepted: {}", failure.message());
    retry.expires_after(kAfterFailedAccept);
    retry.async_wait([this](boost::system::error_code stopped) {
      if (!stopped && !shared.closing) accept();
    });
  }

  void take(tcp::socket socket) {
    if (shared.count >= shared.options.most_connections) return;  // closed as it goes
    boost::system::error_code gone;
    const auto peer = socket.remote_endpoint(gone);
    if (gone) return;
    socket.set_option(tcp::no_delay(true), gone);
    start_connection(shared, std::move(socket), tls ? &*tls : nullptr, peer.address().to_string());
  }

  ConnectionsShared shared;
  asio::io_context context;
  tcp::acceptor acceptor;
  asio::steady_timer retry;
  std::optional<asio::ssl::context> tls;
  std::list<std::jthread> threads;
};

Listener::Listener(ListenerOptions options, Handler& handler)
    : state_(std::make_unique<State>(std::move(options), handler)) {}

Listener::~Listener() = default;

std::uint16_t Listener::port() const { return state_->acceptor.local_endpoint().port(); }

std::size_t Listener::connections() const { return state_->shared.count; }

void Listener::drain(Duration most) {
  state_->shared.closing = true;
  asio::post(state_->context, [this] {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
    state_->retry.cancel();
  });
  {
    std::lock_guard lock(state_->shared.mutex);
    for (const auto& [id, close] : state_->shared.idle) close();
  }
  const auto until = std::chrono::steady_clock::now() + most;
  while (state_->shared.count > 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kDrainLook);
  }
}

}  // namespace hallmark::server
