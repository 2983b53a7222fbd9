#include "disk/digest.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/process.h"
#include "disk/readers.h"

namespace hallmark::disk {
namespace {

std::string digest_of(const std::string& bytes) { return disk_sha256(*memory_disk(bytes), {}); }

TEST(DiskDigest, IsThatOfTheBytes) {
  constexpr std::size_t kStep = 1 << 20;
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, kStep - 1, kStep, 2 * kStep + 5}) {
    std::string bytes(size, 'x');
    if (!bytes.empty()) bytes.back() = 'y';
    EXPECT_EQ(digest_of(bytes), sha256_hex(bytes)) << size;
  }
}

TEST(DiskDigest, CountsHolesWithoutReadingThem) {
  TempDir directory;
  const Path file = directory.path() / "disk";
  constexpr std::size_t kSize = 16 << 20;
  std::string bytes(kSize, '\0');
  bytes.replace(5 << 20, 4, "data");
  FileDescriptor fd(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(fd.get(), kSize), 0);
  ASSERT_EQ(::pwrite(fd.get(), "data", 4, 5 << 20), 4);
  auto disk = open_raw(file);
  EXPECT_EQ(disk_sha256(*disk, {}), sha256_hex(bytes));
  // Some file systems know no holes.
  if (::lseek(fd.get(), 0, SEEK_DATA) > 0) {
    EXPECT_EQ(disk->fetched_bytes(), 1u << 20);
  }
}

TEST(DiskDigest, IsTheSameOfQcow2AndRaw) {
  TempDir directory;
  const Path raw = directory.path() / "disk.raw";
  const Path packed = directory.path() / "disk.qcow2";
  std::string bytes(3 << 20, '\0');
  bytes.replace(1 << 20, 4, "data");
  write_file(raw, bytes);
  const ProcessResult made =
      run_process({.argv = {"qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, packed},
                   .time_limit = std::chrono::seconds(30)});
  if (made.exit_code != 0) GTEST_SKIP() << "qemu-img says: " << made.err;
  EXPECT_EQ(disk_sha256(*open_disk(packed), {}), sha256_hex(bytes));
}

TEST(DiskDigest, Stops) {
  std::stop_source stop;
  stop.request_stop();
  try {
    disk_sha256(*memory_disk(std::string("x")), stop.get_token());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::cancelled);
  }
}

}  // namespace
}  // namespace hallmark::disk
