#include "db/news.h"

#include <libpq-fe.h>
#include <poll.h>

#include <memory>

namespace hallmark::db {

namespace {

using namespace std::chrono_literals;

/// So late is it noticed that the listener is to end.
constexpr int kLookMilliseconds = 200;
constexpr auto kAgain = 1s;

void pause(std::stop_token stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, stop, kAgain, [] { return false; });
}

/// Returns when the connection is of no more use, or at `stop`.
void listen(const std::string& connection_words, News& news, std::stop_token stop) {
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(connection_words.c_str()),
                                                          &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) return;
  std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQexec(connection.get(), "LISTEN hallmark"),
                                                       &PQclear);
  if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) return;
  // Nobody knows what was missed.
  news.tell();
  while (!stop.stop_requested()) {
    pollfd readable{PQsocket(connection.get()), POLLIN, 0};
    if (::poll(&readable, 1, kLookMilliseconds) <= 0) continue;
    if (PQconsumeInput(connection.get()) == 0) return;
    bool told = false;
    while (PGnotify* notice = PQnotifies(connection.get())) {
      PQfreemem(notice);
      told = true;
    }
    if (told) news.tell();
  }
}

}  // namespace

std::uint64_t News::count() {
  std::lock_guard lock(mutex_);
  return count_;
}

void News::tell() {
  std::lock_guard lock(mutex_);
  ++count_;
  told_.notify_all();
}

void News::wait(std::uint64_t seen, Duration at_most, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  told_.wait_for(lock, stop, at_most, [&] { return count_ > seen; });
}

Listener::Listener(const std::string& connection_words, News& news)
    : thread_([connection_words, &news](std::stop_token stop) {
        while (!stop.stop_requested()) {
          listen(connection_words, news, stop);
          pause(stop);
        }
      }) {}

}  // namespace hallmark::db
