#pragma once
/// People who log in with a password or are known to another party, and their sessions.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/sync.h"
#include "db/database.h"
#include "server/caller.h"

namespace hallmark::server {

struct Login {
  std::string name;
  std::vector<Right> rights;
  std::string created_by;
  std::string created_at;
};
void to_json(Json& json, const Login& value);

/// Throws `conflict` if the name is taken, `usage` for a name or password that is none.
void create_login(db::Database& database, const Login& login, const std::string& password);
/// Its sessions end. Throws `not_found`.
void remove_login(db::Database& database, const std::string& name);
std::vector<Login> list_logins(db::Database& database);  ///< by name

/// How long a session holds, used or not.
inline constexpr Duration kSessionLife{12 * 3600'000};

struct Session {
  Caller caller;
  std::string csrf;
};
struct NewSession {
  Session session;
  std::string cookie;  ///< its value, which is kept nowhere
};
/// Nothing if the name and the password do not fit; takes as long for a name that there is not.
std::optional<NewSession> begin_session(db::Database& database, const std::string& name,
                                        const std::string& password, TimePoint now);
/// Of somebody whom another party knows, as `created_by` says. The login is made, or gets these
/// rights. Throws `denied` if it is one with a password or somebody else's, or if they have another
/// name here: they may be two people.
NewSession begin_outside_session(db::Database& database, const Login& login, TimePoint now);
/// Ends the sessions of the login if it is that of `created_by`.
void end_outside_sessions(db::Database& database, const std::string& name,
                          const std::string& created_by);
std::optional<Session> find_session(db::Database& database, const std::string& cookie,
                                    TimePoint now);
void end_session(db::Database& database, const std::string& cookie);

/// Whoever guesses passwords waits: after five that do not fit, ever longer. Thread-safe.
class LoginThrottle {
 public:
  /// Throws `throttled` if it is too early for another try by `who`.
  void check(const std::string& who, TimePoint now);
  void failed(const std::string& who, TimePoint now);
  void succeeded(const std::string& who);

 private:
  struct Failures {
    int count = 0;
    TimePoint until{};
  };
  Sync<std::map<std::string, Failures>> failures_;
};

}  // namespace hallmark::server
