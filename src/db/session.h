#pragma once
/// One SOCI connection with its prepared statements, and a pool of them. Private to db/.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "db/database.h"

namespace hallmark::db {

/// The database asked to try the whole transaction again. Not a std::exception, so that code
/// inside a transaction does not swallow it.
struct Busy {
  std::string message;
};

/// The server cannot be reached, or the connection to it broke. Not a std::exception, as Busy.
struct Away {
  std::string message;
};

enum class Backend { sqlite, postgresql };

class Session final : public Connection {
 public:
  /// Connects; throws Error, or Away. `name` is what messages call the database.
  Session(Backend backend, const std::string& connect, std::string name);
  ~Session() override;
  std::vector<Row> query(std::string_view sql, const std::vector<Parameter>& parameters) override;
  std::int64_t execute(std::string_view sql, const std::vector<Parameter>& parameters) override;
  std::optional<ServerTime> server_time() override;
  std::string_view skip_locked() const override;
  void notify() override;
  /// Whether notify() was called since the last call of this.
  bool take_notified();
  /// Several statements without parameters, separated by semicolons.
  void execute_script(std::string_view sql);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The statements of a script, without comments and separators.
std::vector<std::string> split_statements(std::string_view sql);

/// Lends sessions, making up to `most` of them; a borrower waits if all are out.
class SessionPool {
 public:
  SessionPool(std::size_t most, std::function<std::unique_ptr<Session>()> make);
  std::unique_ptr<Session> take();
  /// `session` may be null: then it was broken, and another may be made in its stead.
  void give_back(std::unique_ptr<Session> session);
  /// Closes those that nobody has: the server that they were connected to is gone.
  void forget_idle();

 private:
  const std::size_t most_;
  const std::function<std::unique_ptr<Session>()> make_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Session>> idle_;
  std::size_t made_ = 0;
};

}  // namespace hallmark::db
