#include "fs/testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <random>

#include "base/error.h"
#include "base/process.h"
#include "disk/readers.h"
#include "fs/open.h"

namespace hallmark::fs {
namespace {

std::vector<std::string> names_in(const Path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().filename() != "lost+found") names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void compare(FileSystem& files, const Path& root, const std::string& path, Compared compared) {
  SCOPED_TRACE(path);
  struct stat real {};
  ASSERT_EQ(::lstat((root.string() + path).c_str(), &real), 0);
  auto found = files.stat(path.empty() ? "/" : path, false);
  ASSERT_TRUE(found);
  if (!path.empty()) {  // the root has what its maker gave it
    EXPECT_EQ(found->mode, real.st_mode & 07777u);
    EXPECT_EQ(found->modified_at, compared.times ? real.st_mtime : found->modified_at);
    EXPECT_EQ(found->uid, compared.owners ? real.st_uid : found->uid);
    EXPECT_EQ(found->gid, compared.owners ? real.st_gid : found->gid);
  }
  if (S_ISLNK(real.st_mode)) {
    ASSERT_EQ(found->type, FileType::symlink);
    EXPECT_EQ(found->link_target, std::filesystem::read_symlink(root.string() + path));
  } else if (S_ISREG(real.st_mode)) {
    ASSERT_EQ(found->type, FileType::regular);
    EXPECT_EQ(found->size_bytes, static_cast<std::uint64_t>(real.st_size));
    EXPECT_TRUE(files.read_file(path) == hallmark::read_file(root.string() + path));
  } else if (S_ISDIR(real.st_mode)) {
    ASSERT_EQ(found->type, FileType::directory);
    std::vector<std::string> names = files.list(path.empty() ? "/" : path);
    std::erase(names, "lost+found");
    ASSERT_EQ(names, names_in(root.string() + path));
    for (const std::string& name : names) compare(files, root, path + "/" + name, compared);
  } else {
    EXPECT_EQ(found->type, FileType::other);
  }
}

/// An image of which some bytes are others.
class Damaged final : public disk::BlockReader {
 public:
  Damaged(const std::string& image, std::map<std::uint64_t, std::byte> damage)
      : image_(image), damage_(std::move(damage)) {}
  std::uint64_t size_bytes() const override { return image_.size(); }
  std::uint64_t fetched_bytes() const override { return 0; }
  void read(std::uint64_t offset, std::span<std::byte> out) override {
    disk::check_range(offset, out.size(), image_.size(), "the disk");
    std::memcpy(out.data(), image_.data() + offset, out.size());
    for (auto at = damage_.lower_bound(offset);
         at != damage_.end() && at->first < offset + out.size(); ++at) {
      out[at->first - offset] = at->second;
    }
  }

 private:
  const std::string& image_;
  std::map<std::uint64_t, std::byte> damage_;
};

void read_all(FileSystem& files, const std::string& path, int depth, int& left) {
  auto attempt = [](auto function) {
    try {
      function();
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::internal) << error.full_text();
    }
  };
  std::vector<std::string> names;
  attempt([&] { names = files.list(path.empty() ? "/" : path); });
  for (const std::string& name : names) {
    if (--left < 0) return;
    std::string below = path + "/" + name;
    attempt([&] {
      auto info = files.stat(below, false);
      if (info && info->type == FileType::regular) files.read_file(below, 4 << 20);
      if (info && info->type == FileType::directory && depth > 0) {
        read_all(files, below, depth - 1, left);
      }
    });
    attempt([&] { files.stat(below, true); });
  }
}

}  // namespace

void put_file(const Path& path, const std::string& content) {
  make_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

void make_sample(const Path& root, SampleOptions options) {
  auto file = [&](const std::string& name, const std::string& content, mode_t mode = 0644) {
    put_file(root / name, content);
    ::chmod((root / name).c_str(), mode);
  };
  auto link = [&](const std::string& target, const std::string& name) {
    make_directories((root / name).parent_path());
    std::filesystem::create_symlink(target, root / name);
  };
  file("usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n");
  link("../usr/lib/os-release", "etc/os-release");
  link("usr/lib", "lib");
  file("etc/shadow", "root:*:1::::::\n", 0640);
  file("usr/bin/su", "#!", 04755);
  file("tiny", "t");
  file("empty", "", 0600);
  file("large", random_bytes(options.large_bytes));
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += fmt::format("line {} of golden text\n", i % 997);
  file("usr/share/text", text);
  std::string holes = random_bytes(5000, 2) + std::string(400'000, '\0') + random_bytes(7, 3);
  file("holes", holes);
  std::filesystem::resize_file(root / "holes", holes.size() + 100'000);
  for (int i = 0; i < options.many; ++i) {
    file(fmt::format("many/a_rather_long_file_name,_number_{}", i), std::to_string(i));
  }
  for (int i = 0; i < 5; ++i) file(fmt::format("few/{}", i), random_bytes(4096, 10 + i));
  std::string deep = "deep";
  for (int i = 0; i < 30; ++i) deep += "/d" + std::to_string(i);
  file(deep + "/leaf", "leaf");
  link("/" + deep, "short_link");
  for (std::size_t length : {59, 60, 255, 600, 1023}) {
    if (length > options.longest_link) break;
    link("/" + std::string(length - 1, 'l'), fmt::format("link{}", length));
  }
  link("loop", "loop");
  file(std::string(255, 'n'), "longest name");
}

std::string unpacked(const Path& file) {
  return check_process({.argv = {"xz", "-dc", file.string()}, .keep_bytes = 64 << 20}).out;
}

void expect_same(FileSystem& files, const Path& root, Compared compared) {
  compare(files, root, "", compared);
}

void expect_only_errors(const std::string& image, std::size_t reach, int rounds, int places) {
  std::mt19937 random(3);
  for (int round = 0; round < rounds; ++round) {
    std::map<std::uint64_t, std::byte> damage;
    for (int i = 0; i < places; ++i) {
      damage[random() % std::min(reach, image.size())] = static_cast<std::byte>(random());
    }
    Damaged disk(image, std::move(damage));
    try {
      auto files = open_file_system(disk);
      int left = 60;
      if (files) read_all(*files, "", 3, left);
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::internal) << error.full_text();
    }
  }
}

}  // namespace hallmark::fs
