/// Three worker processes on one PostgreSQL, and everything that can happen to them: calls that
/// fail, processes that are killed or frozen past their leases, a database that is restarted. In
/// the end every run must have ended once, nothing have been made twice, and the ledger be empty.
/// What happens when is drawn from HALLMARK_CHAOS_SEED, or a seed that is printed.

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "base/ids.h"
#include "base/log.h"
#include "base/process.h"
#include "base/sync.h"
#include "base/text.h"
#include "db/testing.h"
#include "workflow/engine.h"
#include "workflow/ledger.h"

namespace hallmark::workflow {
namespace {

using namespace std::chrono_literals;
using Random = std::mt19937;

constexpr int kRuns = 200, kWorkers = 3, kWidth = 4;
// Some fail by themselves, some are cancelled.
constexpr int kFailsEach = 10, kCancelledEach = 7;
constexpr Duration kLease = 2s;
constexpr auto kAtMost = 240s;
// Of a call of the cloud: it did not happen, or it did and the answer was lost.
constexpr int kFaultPercent = 4;
// What the script that starts PostgreSQL exits with.
constexpr int kNotInstalled = 77;

int below(Random& random, int limit) { return static_cast<int>(random() % unsigned(limit)); }

/// A cloud in a file of its own, which no restart of PostgreSQL touches. One thing for one token.
class FileCloud {
 public:
  FileCloud(const Path& file, unsigned seed)
      : database_(db::Database::open("sqlite://" + file.string() + "?synchronous=off")),
        random_(Random(seed)) {
    database_->transaction([](db::Connection& c) {
      c.execute(
          "CREATE TABLE IF NOT EXISTS things (token TEXT PRIMARY KEY, run_id TEXT, kind TEXT,"
          " removed BIGINT)",
          {});
    });
  }
  void make(const std::string& token, const std::string& run_id, const std::string& kind) {
    call([&](db::Connection& c) {
      c.execute(
          "INSERT INTO things (token, run_id, kind, removed) VALUES (:token, :run, :kind, 0)"
          " ON CONFLICT (token) DO NOTHING",
          {{"token", token}, {"run", run_id}, {"kind", kind}});
    });
  }
  void remove(const std::string& token) {
    call([&](db::Connection& c) {
      c.execute("UPDATE things SET removed = 1 WHERE token = :token", {{"token", token}});
    });
  }
  std::vector<db::Row> ask(const std::string& sql) {
    std::vector<db::Row> rows;
    database_->read([&](db::Connection& c) { rows = c.query(sql, {}); });
    return rows;
  }

 private:
  void call(const std::function<void(db::Connection&)>& fn) {
    int luck, time;
    {
      auto random = random_.lock();
      luck = below(*random, 100);
      time = below(*random, 20);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(time));
    if (luck < kFaultPercent) throw Error(ErrorKind::throttled, "too many calls");
    database_->transaction(fn);
    if (luck >= 100 - kFaultPercent) throw Error(ErrorKind::unavailable, "no answer");
  }
  std::unique_ptr<db::Database> database_;
  Sync<Random> random_;
};

/// As those of the product: a machine for as long as the run lasts, and two things that stay.
Json build(workflow::Run& run, FileCloud& cloud, Ledger& ledger) {
  // Often enough for kFaultPercent.
  const RetryPolicy retry{.max_attempts = 8, .base = 20ms, .cap = 300ms};
  auto make = [&](Step& step, const std::string& kind) {
    ledger.plan({.entry_id = step.token(), .run_id = run.id(), .kind = kind});
    cloud.make(step.token(), run.id(), kind);
    ledger.created(step.token(), step.token());
    // Another one in each attempt: a record that is overwritten shows.
    return Json{{"token", step.token()}, {"by", random_id("attempt")}};
  };
  run.on_exit("clean-up", ExitOn::always, [&](Step&) {
    for (const LedgerEntry& entry : ledger.open(run.id())) {
      cloud.remove(entry.entry_id);
      ledger.released(entry.entry_id);
    }
  });
  run.step(
      "machine", [&](Step& step) { return make(step, "machine"); }, retry);
  run.sleep("boot", 300ms);
  run.wait_for_signal("go", "go", 1h, "the word");
  auto copy = [&](const std::string& key) {
    auto fn = [&, key](workflow::Run& branch) -> Json {
      const Json made = branch.step(
          key, [&](Step& step) { return make(step, key); }, retry);
      branch.step(
          key + " stays", [&](Step&) { ledger.released(made.at("token")); }, retry);
      return made;
    };
    return workflow::Run::Branch{key, fn};
  };
  for (const BranchOutcome& outcome : run.branches({copy("east"), copy("west")}, 2)) {
    if (outcome.error) throw *outcome.error;
  }
  run.step("test", [&](Step&) {
    if (run.input().get<int>() % kFailsEach == 0) throw Error(ErrorKind::failed, "as wished");
  });
  return run.input();
}

std::vector<WorkflowDefinition> workflows(FileCloud& cloud, Ledger& ledger) {
  return {{"build", 1, [&](workflow::Run& run) { return build(run, cloud, ledger); }}};
}

EngineOptions options() { return {.lease = kLease, .hold_thread_below = 200ms}; }

struct Place {
  Path directory;
  std::string url;
  Path cloud() const { return directory / "cloud.db"; }
};

/// A worker process. Never returns.
[[noreturn]] void live(const Place& place, unsigned seed) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    db::Patience patience(1min);
    SystemClock clock;
    auto database = db::Database::open(place.url);
    FileCloud cloud(place.cloud(), seed);
    Ledger ledger(*database, clock);
    Engine engine(*database, clock, workflows(cloud, ledger), options());
    engine.work(kWidth, {});
  } catch (const Error& error) {
    std::cerr << "a worker died by itself: " << error.full_text() << std::endl;
  } catch (...) {
    std::cerr << "a worker died by itself" << std::endl;
  }
  ::_exit(1);
}

/// Has the database itself write down what must never happen: a run that has ended, or a step whose
/// outcome is recorded, being changed.
void watch_for_breaches(db::Database& database) {
  database.transaction([](db::Connection& c) {
    c.execute("CREATE TABLE breaches (what TEXT)", {});
    c.execute(
        "CREATE FUNCTION note_breach() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF OLD.state IN ('succeeded', 'failed', 'cancelled') AND NEW IS DISTINCT FROM OLD THEN"
        " INSERT INTO breaches VALUES (concat(OLD, ' became ', NEW)); END IF; RETURN NEW; END $$",
        {});
    for (const char* table : {"runs", "steps"}) {
      c.execute(fmt::format("CREATE TRIGGER breach BEFORE UPDATE ON {} FOR EACH ROW EXECUTE"
                            " FUNCTION note_breach()",
                            table),
                {});
    }
  });
}

class Chaos : public testing::Test {
 protected:
  void SetUp() override {
    const char* given = std::getenv("HALLMARK_CHAOS_SEED");
    seed_ = given ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
    std::cout << "HALLMARK_CHAOS_SEED=" << seed_ << std::endl;
    random_.seed(seed_);
    const ProcessResult started = run_process(server_command("start"));
    if (started.exit_code == kNotInstalled) GTEST_SKIP() << started.out;
    ASSERT_EQ(0, started.exit_code) << started.err;
    place_.url = trim(read_file(server_directory() / "url"));
  }
  void TearDown() override {
    for (pid_t worker : workers_) end(worker);
    server("stop");
  }

  Path server_directory() const { return dir_.path() / "server"; }
  void server(const std::string& verb) { check_process(server_command(verb)); }
  ProcessSpec server_command(const std::string& verb) const {
    return {.argv = {HALLMARK_POSTGRESQL_SERVER, verb, server_directory().string()}};
  }
  pid_t spawn() {
    const unsigned seed = random_();
    const pid_t child = ::fork();
    if (child == 0) live(place_, seed);
    return child;
  }
  static void end(pid_t worker) {
    ::kill(worker, SIGKILL);
    ::waitpid(worker, nullptr, 0);
  }
  /// What befalls one of them. Frozen ones go on later.
  void strike() {
    pid_t& worker = workers_[static_cast<std::size_t>(below(random_, kWorkers))];
    int status = 0;
    if (::waitpid(worker, &status, WNOHANG) == worker) {
      ADD_FAILURE() << "a worker ended by itself: " << status;
    } else if (below(random_, 2) == 0) {
      end(worker);
      ++killed_;
    } else {
      ::kill(worker, SIGSTOP);
      std::this_thread::sleep_for(kLease + std::chrono::milliseconds(below(random_, 1500)));
      ::kill(worker, SIGCONT);
      ++frozen_;
      return;
    }
    worker = spawn();
  }

  TempDir dir_;
  Place place_{dir_.path(), ""};
  unsigned seed_ = 0;
  Random random_;
  std::vector<pid_t> workers_;
  int killed_ = 0, frozen_ = 0;
};

TEST_F(Chaos, EveryRunEndsOnceAndNothingIsMadeTwice) {
  const auto began = std::chrono::steady_clock::now();
  SystemClock clock;
  auto database = db::Database::open(place_.url);
  FileCloud cloud(place_.cloud(), seed_);
  Ledger ledger(*database, clock);
  Engine engine(*database, clock, workflows(cloud, ledger), options());
  watch_for_breaches(*database);
  std::vector<std::string> runs;
  for (int i = 0; i < kRuns; ++i) runs.push_back(engine.start("build", "s", i));
  for (int i = 0; i < kWorkers; ++i) workers_.push_back(spawn());

  auto ended_runs = [&] {
    return engine.list({.states = {RunState::succeeded, RunState::failed, RunState::cancelled}})
        .size();
  };
  std::size_t told = 0;
  int restarts = 0;
  for (std::size_t done = 0; done < runs.size(); done = ended_runs()) {
    if (std::chrono::steady_clock::now() - began > kAtMost) {
      for (const RunInfo& run : engine.list({})) {
        if (ended(run.state)) continue;
        ADD_FAILURE() << run.run_id << " " << to_string(run.state) << " " << run.waiting_for << " "
                      << run.lease_owner;
      }
      FAIL() << "not all ended in time";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + below(random_, 400)));
    // Words come by and by, so that runs are in all stages at once.
    for (int i = 0; i < 12 && told < runs.size(); ++i, ++told) {
      const int number = static_cast<int>(told);
      if (number % kCancelledEach == 0) {
        try {
          engine.cancel(runs[told]);
        } catch (const Error& error) {
          EXPECT_EQ(ErrorKind::conflict, error.kind()) << error.full_text();
        }
      } else {
        engine.signal(runs[told], "go", 1);
      }
    }
    strike();
    if (restarts < 2 && done > runs.size() * std::size_t(restarts + 1) / 3) {
      server(restarts++ == 0 ? "restart" : "crash");
    }
  }
  for (pid_t worker : workers_) end(worker);
  workers_.clear();

  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RunInfo run = engine.show(runs[i]);
    const int number = static_cast<int>(i);
    if (number % kCancelledEach == 0) {
      EXPECT_EQ(RunState::cancelled, run.state) << number;
    } else if (number % kFailsEach == 0) {
      EXPECT_EQ(RunState::failed, run.state) << number;
      EXPECT_EQ("as wished", run.error ? run.error->message() : "") << number;
    } else {
      EXPECT_EQ(RunState::succeeded, run.state)
          << number << (run.error ? run.error->full_text() : "");
    }
  }
  database->read([](db::Connection& c) {
    for (const db::Row& row : c.query("SELECT what FROM breaches LIMIT 10", {})) {
      ADD_FAILURE() << row.text("what");
    }
  });
  // Of who thawed after its run had ended; the reaper's work.
  std::size_t reaped = 0;
  for (const LedgerEntry& entry : ledger.open()) {
    EXPECT_TRUE(ended(engine.show(entry.run_id).state));
    for (bool removed = false; !removed;) {
      try {
        cloud.remove(entry.entry_id);
        removed = true;
      } catch (const Error&) {
        // A fault; again.
      }
    }
    ledger.released(entry.entry_id);
    ++reaped;
  }
  EXPECT_TRUE(ledger.open().empty());
  for (const db::Row& row :
       cloud.ask("SELECT run_id, kind, COUNT(*) AS made FROM things GROUP BY run_id, kind HAVING"
                 " COUNT(*) > 1")) {
    ADD_FAILURE() << row.text("run_id") << " made " << row.text("kind") << " twice";
  }
  for (const db::Row& row :
       cloud.ask("SELECT run_id FROM things WHERE kind = 'machine' AND removed = 0")) {
    ADD_FAILURE() << "the machine of " << row.text("run_id") << " was left";
  }
  std::cout << runs.size() << " runs in "
            << std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                                began)
                   .count()
            << " s; " << killed_ << " workers killed, " << frozen_ << " frozen, " << restarts
            << " restarts of the database, " << reaped << " left for the reaper" << std::endl;
  EXPECT_EQ(2, restarts);
}

}  // namespace
}  // namespace hallmark::workflow
