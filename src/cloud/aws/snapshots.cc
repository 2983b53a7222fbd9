#include "cloud/aws/snapshots.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/ids.h"
#include "base/text.h"
#include "disk/lru_cache.h"

namespace hallmark::cloud::on_aws {

namespace {

using namespace std::chrono_literals;

/// Blocks under way at once. EBS allows 1,000 a second for an account; 64 of half a MiB keep a fast
/// line full.
constexpr int kWide = 64;
/// A snapshot that nothing was written to for this long is given up by EBS, in minutes.
constexpr int kUploadTimeoutMinutes = 60;
constexpr int kBlocksPerPage = 10'000;
/// 32 MiB: a file system's metadata is read again and again.
constexpr std::size_t kCachedBlocks = 64;
constexpr Duration kCompletionPause = 5s;
constexpr Duration kCompletionLimit = 4h;
/// What another process that has sent the last block may still need.
constexpr Duration kOtherLimit = 2min;

std::string sha256_base64(std::string_view bytes) {
  return base64_encode(from_hex(sha256_hex(bytes)));
}

/// Most of a disk is zeros, so this is most of the work: a block is compared with itself one byte
/// further on, which memcmp does many bytes at a time.
bool all_zero(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::string state_of(const Session& session, const Place& place, const std::string& snapshot_id,
                     std::stop_token stop) {
  Value answer = session.call(place, "ec2", "DescribeSnapshots",
                              {{"SnapshotIds", Value::array({snapshot_id})}}, stop);
  const Value& snapshots = answer["Snapshots"];
  if (!snapshots.is_array() || snapshots.empty()) return "";
  std::string state = text(snapshots[0], "State");
  if (state == "error") {
    throw Error(ErrorKind::failed, "snapshot {} failed: {}", snapshot_id,
                text(snapshots[0], "StateMessage"));
  }
  return state;
}

void wait_completed(const Session& session, const Place& place, const std::string& snapshot_id,
                    Duration limit, std::stop_token stop) {
  const TimePoint until = session.clock.now() + limit;
  for (Duration pause = 200ms;; pause = std::min<Duration>(pause * 2, kCompletionPause)) {
    std::string state;
    try {
      state = state_of(session, place, snapshot_id, stop);
    } catch (const ApiError& e) {
      // It was made a moment ago; EC2 may not know it yet.
      if (e.kind() != ErrorKind::not_found) throw;
    }
    if (state == "completed") return;
    if (session.clock.now() >= until) {
      throw Error(ErrorKind::timeout, "snapshot {} is {} after {}", snapshot_id, state,
                  format_duration(limit));
    }
    if (!session.clock.sleep_until(session.clock.now() + pause, stop)) {
      throw Error(ErrorKind::cancelled, "stopped while waiting for snapshot {}", snapshot_id);
    }
  }
}

/// Sends the disk's blocks from many threads; the disk itself is read by one at a time.
class Upload {
 public:
  Upload(const Session& session, const Place& place, std::string snapshot_id,
         disk::BlockReader& disk, std::stop_token stop)
      : session_(session),
        place_(place),
        snapshot_id_(std::move(snapshot_id)),
        disk_(disk),
        stop_(stop) {}

  /// How many blocks were not zero.
  int run() {
    {
      std::vector<std::jthread> threads;
      int count =
          static_cast<int>(std::min<std::uint64_t>(kWide, disk_.size_bytes() / kBlockBytes + 1));
      for (int i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    }
    if (failure_) std::rethrow_exception(failure_);
    if (stop_.stop_requested()) {
      throw Error(ErrorKind::cancelled, "stopped while uploading to snapshot {}", snapshot_id_);
    }
    return sent_;
  }

 private:
  void work() {
    std::string block;
    try {
      while (std::optional<std::uint64_t> index = next_block(block)) {
        session_.call_about_new(place_, "ebs", "PutSnapshotBlock",
                                {{"SnapshotId", snapshot_id_},
                                 {"BlockIndex", *index},
                                 {"BlockData", Value::binary({block.begin(), block.end()})},
                                 {"DataLength", kBlockBytes},
                                 {"Checksum", sha256_base64(block)},
                                 {"ChecksumAlgorithm", "SHA256"}},
                                stop_);
        ++sent_;
      }
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  /// Reads the next block that is not all zeros; nothing at the end of the disk.
  std::optional<std::uint64_t> next_block(std::string& block) {
    std::lock_guard lock(mutex_);
    while (!failure_ && !stop_.stop_requested()) {
      std::uint64_t offset = next_ * kBlockBytes;
      if (offset >= disk_.size_bytes()) return std::nullopt;
      std::size_t length = std::min<std::uint64_t>(kBlockBytes, disk_.size_bytes() - offset);
      block.resize(kBlockBytes);
      disk_.read(offset, std::as_writable_bytes(std::span(block.data(), length)));
      std::fill(block.begin() + static_cast<std::ptrdiff_t>(length), block.end(), '\0');
      std::uint64_t index = next_++;
      if (!all_zero(block)) return index;
    }
    return std::nullopt;
  }

  const Session& session_;
  const Place place_;
  const std::string snapshot_id_;
  disk::BlockReader& disk_;
  const std::stop_token stop_;
  std::mutex mutex_;
  std::uint64_t next_ = 0;
  std::atomic<int> sent_ = 0;
  std::exception_ptr failure_;
};

class SnapshotReader : public disk::BlockReader {
 public:
  SnapshotReader(std::shared_ptr<const Session> session, const Place& place,
                 std::string snapshot_id)
      : session_(std::move(session)),
        place_(place),
        snapshot_id_(std::move(snapshot_id)),
        cache_(kCachedBlocks) {
    list_blocks();
  }

  std::uint64_t size_bytes() const override { return size_; }
  std::uint64_t fetched_bytes() const override { return fetched_; }

  void read(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset > size_ || out.size() > size_ - offset) {
      throw Error(ErrorKind::corrupt, "snapshot {} ends at {}, {} bytes at {} were asked for",
                  snapshot_id_, size_, out.size(), offset);
    }
    while (!out.empty()) {
      std::uint64_t index = offset / kBlockBytes;
      std::size_t within = offset % kBlockBytes;
      std::size_t length = std::min<std::size_t>(out.size(), kBlockBytes - within);
      if (const std::string* bytes = block(index)) {
        std::copy_n(reinterpret_cast<const std::byte*>(bytes->data()) + within, length,
                    out.begin());
      } else {
        std::fill_n(out.begin(), length, std::byte{0});
      }
      out = out.subspan(length);
      offset += length;
    }
  }

 private:
  void list_blocks() {
    tokens_.clear();
    session_->each_page_about_new(
        place_, "ebs", "ListSnapshotBlocks",
        {{"SnapshotId", snapshot_id_}, {"MaxResults", kBlocksPerPage}}, [&](const Value& page) {
          size_ = page.value("VolumeSize", std::uint64_t{0}) << 30;
          if (page.value("BlockSize", kBlockBytes) != kBlockBytes) {
            throw Error(ErrorKind::corrupt, "snapshot {} has blocks of {} bytes", snapshot_id_,
                        page.value("BlockSize", std::uint64_t{0}));
          }
          for (const Value& block : page.value("Blocks", Value::array())) {
            tokens_[block.at("BlockIndex").get<std::uint64_t>()] = text(block, "BlockToken");
          }
        });
  }

  /// Null for a block that was never written.
  const std::string* block(std::uint64_t index) {
    if (!tokens_.contains(index)) return nullptr;
    if (const std::string* cached = cache_.find(index)) return cached;
    return &cache_.put(index, fetch(index));
  }

  std::string fetch(std::uint64_t index) {
    Value answer;
    try {
      answer = get(index);
    } catch (const ApiError& e) {
      // Tokens live for some days; a reader that lives longer asks for new ones.
      if (e.kind() != ErrorKind::usage) throw;
      list_blocks();
      answer = get(index);
    }
    const auto& bytes = answer.at("BlockData").get_binary();
    std::string data(bytes.begin(), bytes.end());
    fetched_ += data.size();
    if (data.size() != kBlockBytes || sha256_base64(data) != text(answer, "Checksum")) {
      throw Error(ErrorKind::unavailable, "block {} of snapshot {} came damaged", index,
                  snapshot_id_);
    }
    return data;
  }

  Value get(std::uint64_t index) {
    return session_->call(
        place_, "ebs", "GetSnapshotBlock",
        {{"SnapshotId", snapshot_id_}, {"BlockIndex", index}, {"BlockToken", tokens_.at(index)}});
  }

  const std::shared_ptr<const Session> session_;
  const Place place_;
  const std::string snapshot_id_;
  std::uint64_t size_ = 0;
  std::uint64_t fetched_ = 0;
  std::unordered_map<std::uint64_t, std::string> tokens_;
  disk::LruCache<std::uint64_t, std::string> cache_;
};

}  // namespace

std::string upload_snapshot(const Session& session, const Place& place, disk::BlockReader& disk,
                            const std::string& description, const Tags& tags,
                            const std::string& token, std::stop_token stop) {
  constexpr std::uint64_t kGib = 1u << 30;
  Value input = {{"VolumeSize", std::max<std::uint64_t>(1, (disk.size_bytes() + kGib - 1) / kGib)},
                 {"Description", description},
                 {"Tags", tag_list(tags)},
                 {"ClientToken", client_token(token)},
                 {"Timeout", kUploadTimeoutMinutes}};
  if (const std::string& key = session.region(place).kms_key_id; !key.empty()) {
    input["Encrypted"] = true;
    input["KmsKeyArn"] = key;
  }
  Value started = session.call(place, "ebs", "StartSnapshot", input, stop);
  std::string snapshot_id = text(started, "SnapshotId");
  if (text(started, "Status") == "pending") {
    try {
      int sent = Upload(session, place, snapshot_id, disk, stop).run();
      session.call_about_new(place, "ebs", "CompleteSnapshot",
                             {{"SnapshotId", snapshot_id}, {"ChangedBlocksCount", sent}}, stop);
    } catch (const ApiError& e) {
      // Another process with the same token may have completed it under us; EBS then takes no more
      // blocks.
      if (e.kind() != ErrorKind::usage && e.kind() != ErrorKind::conflict) throw;
      try {
        wait_completed(session, place, snapshot_id, kOtherLimit, stop);
      } catch (const Error& waiting) {
        if (waiting.kind() != ErrorKind::timeout) throw;
        throw e;
      }
    }
  }
  wait_completed(session, place, snapshot_id, kCompletionLimit, stop);
  return snapshot_id;
}

std::unique_ptr<disk::BlockReader> open_snapshot(std::shared_ptr<const Session> session,
                                                 const Place& place,
                                                 const std::string& snapshot_id) {
  return std::make_unique<SnapshotReader>(std::move(session), place, snapshot_id);
}

void remove_snapshot(const Session& session, const Place& place, const std::string& snapshot_id) {
  try {
    session.call(place, "ec2", "DeleteSnapshot", {{"SnapshotId", snapshot_id}});
  } catch (const ApiError& e) {
    if (e.code() != "InvalidSnapshot.NotFound" && e.code() != "InvalidSnapshot.InUse") throw;
  }
}

}  // namespace hallmark::cloud::on_aws
