/// How fast disks go to EBS snapshots and back, against the bare minimum of HTTP on the same
/// loopback server, and the memory that takes. JSON lines on stdout, a table on stderr.
/// Usage: bench_aws_blocks [GIB of the disk, default 20 [every Nth block has content, default 10]]

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "aws/credentials/renewing.h"
#include "aws/http_client.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/text.h"
#include "cloud/aws/snapshots.h"
#include "disk/block_reader.h"

namespace hallmark::cloud::on_aws {
namespace {

using Steady = std::chrono::steady_clock;

const Place kPlace{"111122223333", "us-east-1"};
/// As wide as Hallmark's own upload.
constexpr int kWide = 64;
/// The server looks at the content of so many blocks only: it is not what is measured.
constexpr int kCheckedEvery = 32;
constexpr int kPageOfBlocks = 10'000;

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

/// A block's content, the same everywhere: what it holds does not matter to whoever carries it.
const std::string& content() {
  static const std::string bytes = [] {
    std::string made(kBlockBytes, '\0');
    std::uint64_t state = 1;
    for (char& byte : made) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<char>(state >> 56);
    }
    return made;
  }();
  return bytes;
}

std::string checksum_of(std::string_view bytes) {
  return base64_encode(from_hex(sha256_hex(bytes)));
}

/// What the server counts, in memory that both processes see.
struct Counts {
  std::atomic<std::uint64_t> blocks;
  std::atomic<std::uint64_t> bytes;
  std::atomic<std::uint64_t> wrong;
};

// --- the server ---------------------------------------------------------------------------------

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string_view header_of(std::string_view head, std::string_view name) {
  std::size_t at = 0;
  while ((at = head.find("\r\n", at)) != std::string_view::npos) {
    at += 2;
    if (head.size() - at > name.size() && head[at + name.size()] == ':' &&
        ::strncasecmp(head.data() + at, name.data(), name.size()) == 0) {
      return trim(head.substr(at + name.size() + 1, head.find("\r\n", at) - at - name.size() - 1));
    }
  }
  return {};
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class Server {
 public:
  Server(std::uint64_t gib, std::uint64_t every, Counts& counts)
      : gib_(gib), every_(every), counts_(counts) {
    block_head_ = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {0}\r\n"
        "x-amz-Data-Length: {0}\r\nx-amz-Checksum: {1}\r\n"
        "x-amz-Checksum-Algorithm: SHA256\r\n\r\n",
        kBlockBytes, checksum_of(content()));
  }

  void serve(int fd) {
    std::string received;
    std::vector<char> piece(256 << 10);
    while (true) {
      std::size_t end = received.find("\r\n\r\n");
      std::size_t length = 0;
      if (end != std::string::npos) {
        std::string_view head(received.data(), end + 2);
        length = number_in(header_of(head, "content-length"));
      }
      if (end == std::string::npos || received.size() < end + 4 + length) {
        ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
        if (got <= 0) return;
        received.append(piece.data(), static_cast<std::size_t>(got));
        continue;
      }
      if (!answer(fd, std::string_view(received).substr(0, end + 2),
                  std::string_view(received).substr(end + 4, length))) {
        return;
      }
      received.erase(0, end + 4 + length);
    }
  }

 private:
  bool answer(int fd, std::string_view head, std::string_view body) {
    std::string_view target = head.substr(0, head.find(" HTTP/"));
    if (target.starts_with("PUT ")) {
      std::uint64_t number = counts_.blocks++;
      counts_.bytes += body.size();
      std::string_view checksum = header_of(head, "x-amz-checksum");
      bool wrong = body.size() != kBlockBytes || checksum.empty() ||
                   (number % kCheckedEvery == 0 && checksum != checksum_of(body));
      if (wrong) ++counts_.wrong;
      return send_all(fd, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    }
    if (target.starts_with("GET ") && target.find("/blocks/") != std::string_view::npos) {
      return send_all(fd, block_head_) && send_all(fd, content());
    }
    if (target.starts_with("GET ")) return send_text(fd, blocks_page(target));
    if (target.starts_with("POST /snapshots/completion")) {
      return send_text(fd, R"({"Status": "completed"})");
    }
    if (target.starts_with("POST /snapshots")) {
      return send_text(fd, R"({"SnapshotId": "snap-0123456789abcdef0", "Status": "pending"})");
    }
    return send_text(fd,
                     "<DescribeSnapshotsResponse><snapshotSet><item><status>completed</status>"
                     "</item></snapshotSet></DescribeSnapshotsResponse>");
  }

  bool send_text(int fd, const std::string& text) {
    return send_all(
        fd, fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", text.size(), text));
  }

  std::string blocks_page(std::string_view target) const {
    std::uint64_t all = gib_ * ((1u << 30) / kBlockBytes);
    std::uint64_t first = 0;
    if (std::size_t at = target.find("pageToken="); at != std::string_view::npos) {
      first = number_in(target.substr(at + 10));
    }
    std::string text =
        fmt::format(R"({{"VolumeSize": {}, "BlockSize": {}, "Blocks": [)", gib_, kBlockBytes);
    int count = 0;
    std::uint64_t index = first;
    for (; index < all && count < kPageOfBlocks; index += every_) {
      text += fmt::format(R"({}{{"BlockIndex": {}, "BlockToken": "token-of-block-{}"}})",
                          count++ ? "," : "", index, index);
    }
    text += "]";
    if (index < all) text += fmt::format(R"(, "NextToken": "{}")", index);
    return text + "}";
  }

  std::uint64_t gib_, every_;
  Counts& counts_;
  std::string block_head_;
};

struct Listener {
  FileDescriptor socket;
  int port = 0;
};

Listener listen_on_loopback() {
  Listener out;
  out.socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(out.socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(out.socket.get(), 256) != 0 ||
      ::getsockname(out.socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw_errno(errno, "cannot listen");
  }
  out.port = ntohs(address.sin_port);
  return out;
}

[[noreturn]] void serve_all(int listener, Server& server) {
  while (true) {
    int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) ::_exit(0);
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread([&server, fd] {
      server.serve(fd);
      ::close(fd);
    }).detach();
  }
}

// --- the bare minimum ---------------------------------------------------------------------------

/// Reads one answer whose body has `length` bytes, and throws it away.
bool skip_answer(int fd, std::size_t length, std::vector<char>& room) {
  std::size_t got = 0, wanted = 0;
  while (wanted == 0 || got < wanted) {
    ssize_t more = ::recv(fd, room.data() + got, room.size() - got, 0);
    if (more <= 0) return false;
    got += static_cast<std::size_t>(more);
    std::size_t end = std::string_view(room.data(), got).find("\r\n\r\n");
    if (wanted == 0 && end != std::string_view::npos) wanted = end + 4 + length;
  }
  return got == wanted;
}

/// `count` requests over `wide` connections.
double bare_megabytes_per_second(int port, bool put, int wide, int count) {
  std::atomic<int> next = 0;
  std::atomic<int> failed = 0;
  const std::string head =
      put ? fmt::format("PUT /b HTTP/1.1\r\nx-amz-Checksum: {}\r\nContent-Length: {}\r\n\r\n",
                        checksum_of(content()), kBlockBytes)
          : std::string("GET /snapshots/s/blocks/1 HTTP/1.1\r\n\r\n");
  const auto start = Steady::now();
  auto work = [&] {
    FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(static_cast<std::uint16_t>(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool good = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    std::vector<char> room(kBlockBytes + 4096);
    while (good && next++ < count) {
      good = send_all(fd.get(), head) && (!put || send_all(fd.get(), content())) &&
             skip_answer(fd.get(), put ? 0 : kBlockBytes, room);
    }
    if (!good) ++failed;
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < wide; ++i) threads.emplace_back(work);
  }
  if (failed != 0) throw Error(ErrorKind::failed, "the bare loop lost its connection");
  return count * static_cast<double>(kBlockBytes) / 1e6 / seconds_since(start);
}

// --- Hallmark -----------------------------------------------------------------------------------

/// The most memory that this process has had, in MiB.
double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

void report(const std::string& name, double value, const std::string& unit) {
  fmt::print(
      "{}\n",
      compact(Json{{"bench", "aws_blocks"}, {"name", name}, {"value", value}, {"unit", unit}}));
  fmt::print(stderr, "  {:<52} {:>10.1f} {}\n", name, value, unit);
}

Path make_disk(const Path& directory, std::uint64_t gib, std::uint64_t every) {
  Path file = directory / "disk.raw";
  FileDescriptor fd(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(gib << 30)) != 0) {
    throw_errno(errno, "cannot make " + file.string());
  }
  for (std::uint64_t at = 0; at < gib << 30; at += every * kBlockBytes) {
    if (::pwrite(fd.get(), content().data(), kBlockBytes, static_cast<off_t>(at)) !=
        static_cast<ssize_t>(kBlockBytes)) {
      throw_errno(errno, "cannot write " + file.string());
    }
  }
  return file;
}

void run(std::uint64_t gib, std::uint64_t every) {
  void* shared =
      ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw_errno(errno, "cannot share memory");
  Counts& counts = *new (shared) Counts{};
  Listener listener = listen_on_loopback();
  pid_t child = ::fork();
  if (child == 0) {
    Server server(gib, every, counts);
    serve_all(listener.socket.get(), server);
  }
  try {
    TempDir directory;
    Path file = make_disk(directory.path(), gib, every);
    const int blocks = static_cast<int>((gib * ((1u << 30) / kBlockBytes) + every - 1) / every);
    const double content_mb = blocks * static_cast<double>(kBlockBytes) / 1e6;
    const double disk_mb = static_cast<double>(gib << 30) / 1e6;
    SystemClock clock;
    auto session = std::make_shared<Session>(
        Session{.config = {.account_id = kPlace.account_id, .regions = {{.name = kPlace.region}}},
                .caller = std::make_shared<hallmark::aws::HttpClient>(
                    clock,
                    hallmark::aws::ClientOptions{
                        .endpoint_url = fmt::format("http://127.0.0.1:{}", listener.port),
                        .credentials = std::make_shared<hallmark::aws::FixedCredentials>(
                            hallmark::aws::Credentials{.access_key_id = "AKIDEXAMPLE",
                                                       .secret_access_key = "secret",
                                                       .source = "bench"}),
                        .limit_rates = false,
                        .environment = [](const std::string&) { return std::nullopt; },
                        .home = "/nonexistent"}),
                .credentials_of = {},
                .clock = clock});
    fmt::print(stderr, "EBS direct on loopback, a disk of {} GiB, {} blocks with content\n", gib,
               blocks);
    auto start = Steady::now();
    auto disk = disk::open_disk(file);
    upload_snapshot(*session, kPlace, *disk, "bench", {}, "bench", {});
    double taken = seconds_since(start);
    report("upload", content_mb / taken, "MB/s of content");
    report("upload, zeros counted too", disk_mb / taken, "MB/s of disk");
    report("bytes sent for each that is not zero",
           static_cast<double>(counts.bytes) / 1e6 / content_mb, "");
    report("peak memory after the upload", peak_mib(), "MiB");
    if (counts.wrong != 0 || counts.blocks != static_cast<std::uint64_t>(blocks)) {
      throw Error(ErrorKind::failed, "{} of {} blocks came, {} of them wrong", counts.blocks.load(),
                  blocks, counts.wrong.load());
    }
    start = Steady::now();
    auto reader = open_snapshot(session, kPlace, "snap-0123456789abcdef0");
    std::vector<std::byte> piece(1u << 20);
    for (std::uint64_t at = 0; at < reader->size_bytes(); at += piece.size()) {
      reader->read(at, piece);
    }
    taken = seconds_since(start);
    report("read", static_cast<double>(reader->fetched_bytes()) / 1e6 / taken, "MB/s of content");
    report("read, zeros counted too", disk_mb / taken, "MB/s of disk");
    report("bytes fetched for each that is not zero",
           static_cast<double>(reader->fetched_bytes()) / 1e6 / content_mb, "");
    report("peak memory after both", peak_mib(), "MiB");
    report("bare PUT, 64 wide", bare_megabytes_per_second(listener.port, true, kWide, blocks),
           "MB/s");
    report("bare GET, 1 wide", bare_megabytes_per_second(listener.port, false, 1, blocks), "MB/s");
    report("bare GET, 64 wide", bare_megabytes_per_second(listener.port, false, kWide, blocks),
           "MB/s");
  } catch (...) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    throw;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace hallmark::cloud::on_aws

int main(int argc, char** argv) {
  try {
    hallmark::cloud::on_aws::run(argc > 1 ? std::stoull(argv[1]) : 20,
                                 argc > 2 ? std::stoull(argv[2]) : 10);
  } catch (const hallmark::Error& error) {
    fmt::print(stderr, "{}\n", error.full_text());
    return hallmark::traits(error.kind()).exit_code;
  }
}
