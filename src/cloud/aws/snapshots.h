#pragma once
/// EBS snapshots as disks: bytes go in and come out without any machine.
/// Amazon EBS User Guide, "Use EBS direct APIs": blocks of 512 KiB, each with its SHA-256; a block
/// that was never written reads as zeros and costs nothing.

#include "cloud/aws/session.h"

namespace hallmark::cloud::on_aws {

inline constexpr std::uint64_t kBlockBytes = 512u << 10;

/// A completed snapshot with the content of the disk. The same token gives the same snapshot; a
/// call that is made again goes on where the first one ended. Cancels and unreadable disks leave a
/// pending snapshot with the tags, which the same token takes up again.
std::string upload_snapshot(const Session& session, const Place& place, disk::BlockReader& disk,
                            const std::string& description, const Tags& tags,
                            const std::string& token, std::stop_token stop);

/// Reads a completed snapshot block by block; keeps what it read last. Throws what
/// BlockReader::read does.
std::unique_ptr<disk::BlockReader> open_snapshot(std::shared_ptr<const Session> session,
                                                 const Place& place,
                                                 const std::string& snapshot_id);

/// Fine if it is gone. One that another image still uses stays.
void remove_snapshot(const Session& session, const Place& place, const std::string& snapshot_id);

}  // namespace hallmark::cloud::on_aws
