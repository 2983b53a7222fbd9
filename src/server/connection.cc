#include "server/connection.h"

#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <limits>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "server/problem.h"

namespace hallmark::server {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kMiB = 1u << 20;
constexpr const char* kAlive = ": nothing new; the server is at work\n\n";

/// What a Reply needs of the connection, whichever stream it has.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void send(Response response) = 0;
  virtual void begin(Response head) = 0;
  virtual bool write(std::string text) = 0;
  virtual void end() = 0;
};

class ConnectionReply final : public Reply {
 public:
  explicit ConnectionReply(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}
  ~ConnectionReply() override {
    if (begun_ && !ended_) connection_->end();
    if (!begun_) {
      connection_->send(problem_response({ErrorKind::internal, "the request was not answered"}));
    }
  }
  void send(Response response) override {
    if (begun_.exchange(true)) return;
    ended_ = true;
    connection_->send(std::move(response));
  }
  void begin(Response head) override {
    if (!begun_.exchange(true)) connection_->begin(std::move(head));
  }
  bool write(std::string text) override { return !ended_ && connection_->write(std::move(text)); }
  void end() override {
    if (!ended_.exchange(true)) connection_->end();
  }

 private:
  std::shared_ptr<Connection> connection_;
  std::atomic<bool> begun_ = false;
  std::atomic<bool> ended_ = false;
};

/// `Stream`: a tcp_stream, or TLS around one. Everything but what Connection declares runs on the
/// stream's strand.
template <typename Stream>
class StreamConnection final : public Connection,
                               public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
  template <typename... Args>
  StreamConnection(ConnectionsShared& shared, std::string peer, Args&&... args)
      : shared_(shared),
        peer_(std::move(peer)),
        stream_(std::forward<Args>(args)...),
        alive_(stream_.get_executor()) {
    ++shared_.count;
  }
  ~StreamConnection() override {
    leave_idle();
    release_body();
    --shared_.count;
  }

  void start() {
    asio::dispatch(stream_.get_executor(), [self = this->shared_from_this()] {
      if constexpr (kTls) {
        self->tcp_layer().expires_after(self->shared_.options.header_time);
        self->stream_.async_handshake(asio::ssl::stream_base::server, [self](error_code failure) {
          if (!failure) self->read_header();
        });
      } else {
        self->read_header();
      }
    });
  }

  void send(Response response) override {
    asio::post(stream_.get_executor(),
               [self = this->shared_from_this(), response = std::move(response)]() mutable {
                 self->write_response(std::move(response));
               });
  }

  void begin(Response head) override {
    asio::post(stream_.get_executor(),
               [self = this->shared_from_this(), head = std::move(head)]() mutable {
                 self->write_head(std::move(head));
               });
  }

  bool write(std::string text) override {
    if (gone_) return false;
    if (backlog_ += text.size(); backlog_ > shared_.options.backlog_bytes) {
      asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->give_up(); });
      return false;
    }
    asio::post(stream_.get_executor(),
               [self = this->shared_from_this(), text = std::move(text)]() mutable {
                 self->out_ += text;
                 self->pump();
               });
    return true;
  }

  void end() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
      self->ending_ = true;
      self->pump();
    });
  }

 private:
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

  beast::tcp_stream& tcp_layer() { return beast::get_lowest_layer(stream_); }

  void enter_idle() {
    std::lock_guard lock(shared_.mutex);
    std::weak_ptr<StreamConnection> weak = this->weak_from_this();
    shared_.idle[this] = [weak] {
      auto self = weak.lock();
      if (!self) return;
      asio::post(self->stream_.get_executor(), [self] {
        if (self->waiting_) self->close();
      });
    };
  }
  void leave_idle() {
    std::lock_guard lock(shared_.mutex);
    shared_.idle.erase(this);
  }

  void read_header() {
    if (shared_.closing) return close();
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_.options.header_bytes));
    // Its own length is looked at once the header is read. "None" refuses every length
    // (Boost 1.74).
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    tcp_layer().expires_after(shared_.options.header_time);
    waiting_ = true;
    enter_idle();
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = this->shared_from_this()](error_code failure, std::size_t) {
                              self->waiting_ = false;
                              self->leave_idle();
                              self->on_header(failure);
                            });
  }

  void on_header(const error_code& failure) {
    if (failure == http::error::header_limit || failure == http::error::buffer_overflow) {
      return refuse({431}, "the header is longer than the server reads");
    }
    if (failure.category() == make_error_code(http::error::bad_method).category() &&
        failure != http::error::end_of_stream && failure != http::error::partial_message) {
      return refuse({400}, "that is no HTTP request: " + failure.message());
    }
    if (failure) return close();
    request_ = {};
    const auto& message = parser_->get();
    request_.method = std::string(message.method_string());
    request_.target = std::string(message.target());
    request_.peer = peer_;
    request_.secure = kTls;
    keep_alive_ = message.keep_alive();
    for (const auto& field : message) {
      request_.headers.emplace_back(to_lower(std::string(field.name_string())),
                                    std::string(field.value()));
    }
    Admission admission = shared_.handler.admit(request_);
    if (admission.refusal) {
      keep_alive_ = false;  // its body was not read
      return write_response(std::move(*admission.refusal));
    }
    const auto length = parser_->content_length();
    const std::size_t most = admission.body_bytes;
    if (length && *length > most) return refuse({413}, "the body is longer than is allowed");
    // Of unknown length: as long as can be, within reason.
    body_bytes_ =
        length ? static_cast<std::size_t>(*length) : (message.chunked() ? std::min(most, kMiB) : 0);
    if ((shared_.body_bytes += body_bytes_) > shared_.options.all_body_bytes) {
      return refuse({503}, "too much is being sent to the server just now");
    }
    parser_->body_limit(body_bytes_);
    if (to_lower(request_.header("expect")) == "100-continue") return write_continue();
    read_body();
  }

  void write_continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    tcp_layer().expires_after(shared_.options.write_time);
    asio::async_write(stream_, asio::buffer(kContinue),
                      [self = this->shared_from_this()](error_code failure, std::size_t) {
                        if (!failure) self->read_body();
                      });
  }

  void read_body() {
    const auto pieces = static_cast<Duration::rep>(1 + body_bytes_ / kMiB);
    tcp_layer().expires_after(shared_.options.body_time * pieces);
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](error_code failure, std::size_t) {
                       self->on_body(failure);
                     });
  }

  void on_body(const error_code& failure) {
    if (failure == http::error::body_limit) {
      return refuse({413}, "the body is longer than is allowed");
    }
    if (failure == beast::error::timeout) return close();
    if (failure) return refuse({400}, "the body did not come whole: " + failure.message());
    request_.body = std::move(parser_->get().body());
    head_only_ = request_.method == "HEAD";
    if (head_only_) request_.method = "GET";
    tcp_layer().expires_never();
    shared_.handler.handle(std::move(request_),
                           std::make_shared<ConnectionReply>(this->shared_from_this()));
  }

  /// Answers what HTTP itself forbids, and closes.
  void refuse(Response response, const std::string& why) {
    keep_alive_ = false;
    Response full = problem_response(Error(ErrorKind::usage, why));
    full.status = response.status;
    write_response(std::move(full));
  }

  void release_body() {
    shared_.body_bytes -= body_bytes_;
    body_bytes_ = 0;
  }

  template <typename Message>
  void fill(Message& message, const Response& response) {
    message.version(11);
    message.result(static_cast<unsigned>(response.status));
    for (const auto& [name, value] : response.headers) message.insert(name, value);
  }

  void write_response(Response response) {
    release_body();
    if (gone_) return;
    keep_alive_ = keep_alive_ && !shared_.closing;
    auto message = std::make_shared<http::response<http::string_body>>();
    fill(*message, response);
    message->keep_alive(keep_alive_);
    if (response.status != 304) message->content_length(response.body.size());
    if (!head_only_ && response.status != 304) message->body() = std::move(response.body);
    head_only_ = false;
    tcp_layer().expires_after(shared_.options.write_time);
    http::async_write(stream_, *message,
                      [self = this->shared_from_this(), message](error_code failure, std::size_t) {
                        if (failure || !self->keep_alive_) return self->close();
                        self->read_header();
                      });
  }

  void write_head(Response head) {
    release_body();
    auto message = std::make_shared<http::response<http::empty_body>>();
    fill(*message, head);
    message->chunked(true);
    message->keep_alive(false);
    auto serializer = std::make_shared<http::response_serializer<http::empty_body>>(*message);
    tcp_layer().expires_after(shared_.options.write_time);
    writing_ = true;
    http::async_write_header(
        stream_, *serializer,
        [self = this->shared_from_this(), message, serializer](error_code failure, std::size_t) {
          self->writing_ = false;
          if (failure) return self->give_up();
          self->streaming_ = true;
          self->tcp_layer().expires_never();
          self->watch_for_end();
          self->pump();
          self->say_alive();
        });
  }

  /// Whoever reads a stream says nothing more: what comes is its end.
  void watch_for_end() {
    stream_.async_read_some(asio::buffer(scratch_),
                            [self = this->shared_from_this()](error_code failure, std::size_t) {
                              if (failure) return self->give_up();
                              self->watch_for_end();
                            });
  }

  void say_alive() {
    alive_.expires_after(shared_.options.alive_every);
    alive_.async_wait([weak = this->weak_from_this()](error_code stopped) {
      auto self = weak.lock();
      if (stopped || !self || self->gone_ || self->ending_) return;
      if (!self->writing_ && self->out_.empty()) self->write(kAlive);
      self->say_alive();
    });
  }

  void pump() {
    if (writing_ || !streaming_ || gone_) return;
    if (out_.empty()) {
      if (ending_) write_last();
      return;
    }
    writing_ = true;
    chunk_ = std::move(out_);
    out_.clear();
    tcp_layer().expires_after(shared_.options.write_time);
    asio::async_write(stream_, http::make_chunk(asio::buffer(chunk_)),
                      [self = this->shared_from_this()](error_code failure, std::size_t) {
                        self->writing_ = false;
                        self->backlog_ -= self->chunk_.size();
                        if (failure) return self->give_up();
                        self->pump();
                      });
  }

  void write_last() {
    writing_ = true;
    tcp_layer().expires_after(shared_.options.write_time);
    asio::async_write(
        stream_, http::make_chunk_last(),
        [self = this->shared_from_this()](error_code, std::size_t) { self->close(); });
  }

  void give_up() {
    if (gone_.exchange(true)) return;
    close();
  }

  void close() {
    gone_ = true;
    alive_.cancel();
    if constexpr (kTls) {
      if (!shut_) {
        shut_ = true;
        tcp_layer().expires_after(std::chrono::seconds(2));
        stream_.async_shutdown(
            [self = this->shared_from_this()](error_code) { self->tcp_layer().close(); });
      }
    } else {
      error_code ignored;
      tcp_layer().socket().shutdown(tcp::socket::shutdown_send, ignored);
      tcp_layer().close();
    }
  }

  ConnectionsShared& shared_;
  const std::string peer_;
  Stream stream_;
  asio::steady_timer alive_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  Request request_;
  std::size_t body_bytes_ = 0;
  bool waiting_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool streaming_ = false;
  bool writing_ = false;
  bool ending_ = false;
  bool shut_ = false;
  std::string out_, chunk_;
  std::array<char, 64> scratch_{};
  std::atomic<bool> gone_ = false;
  std::atomic<std::size_t> backlog_ = 0;
};

}  // namespace

void start_connection(ConnectionsShared& shared, tcp::socket socket, asio::ssl::context* tls,
                      std::string peer) {
  beast::tcp_stream stream(std::move(socket));
  if (tls == nullptr) {
    std::make_shared<StreamConnection<beast::tcp_stream>>(shared, std::move(peer),
                                                          std::move(stream))
        ->start();
  } else {
    using Tls = beast::ssl_stream<beast::tcp_stream>;
    std::make_shared<StreamConnection<Tls>>(shared, std::move(peer), std::move(stream), *tls)
        ->start();
  }
}

}  // namespace hallmark::server
