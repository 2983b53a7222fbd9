#include "cloud/aws/archives.h"

#include "cloud/aws/buckets.h"
#include "cloud/aws/images.h"

namespace hallmark::cloud::on_aws {

namespace {

/// The newest task that stores or stored the image in the bucket; EC2 remembers it for a month.
std::optional<Value> store_task(const Session& session, const Place& place,
                                const std::string& image_id, const std::string& bucket) {
  try {
    const Value answer = session.call(place, "ec2", "DescribeStoreImageTasks",
                                      {{"ImageIds", Value::array({image_id})}});
    for (const Value& task : answer.value("StoreImageTaskResults", Value::array())) {
      if (text(task, "Bucket") == bucket) return task;
    }
  } catch (const ApiError& e) {
    if (e.kind() != ErrorKind::not_found) throw;
  }
  return std::nullopt;
}

std::string object_name(const std::string& image_id) { return image_id + ".bin"; }

ArchivedImage look(const Session& session, const Place& place, const std::optional<Value>& task,
                   const std::string& bucket, const std::string& object) {
  if (task && text(*task, "StoreTaskState") == "InProgress") {
    return {.state = ArchiveState::storing,
            .reason = "",
            .percent = task->value("ProgressPercentage", 0)};
  }
  // A task's word is about what was; the bucket's about what is.
  if (has_object(session, place, bucket, object)) {
    return {.state = ArchiveState::stored, .reason = "", .percent = 100};
  }
  if (task && text(*task, "StoreTaskState") == "Failed") {
    return {.state = ArchiveState::failed, .reason = text(*task, "StoreTaskFailureReason")};
  }
  return {};
}

}  // namespace

std::string archive_image(const Session& session, const Place& place, const std::string& image_id,
                          const std::string& bucket, const Tags& tags) {
  owned_image(session, place, image_id);
  const std::string object = object_name(image_id);
  const ArchiveState present =
      look(session, place, store_task(session, place, image_id, bucket), bucket, object).state;
  if (present == ArchiveState::storing || present == ArchiveState::stored) return object;
  try {
    const Value answer =
        session.call(place, "ec2", "CreateStoreImageTask",
                     {{"ImageId", image_id}, {"Bucket", bucket}, {"S3ObjectTags", tag_list(tags)}});
    return text(answer, "ObjectKey");
  } catch (const ApiError& e) {
    // So many gigabytes of an account may be stored at once.
    if (!e.code().ends_with("LimitExceeded")) throw;
    throw Error(ErrorKind::throttled, "{}", e.message());
  }
}

ArchivedImage find_archive(const Session& session, const Place& place, const std::string& image_id,
                           const std::string& bucket, const std::string& object) {
  return look(session, place, store_task(session, place, image_id, bucket), bucket, object);
}

std::string unarchive_image(const Session& session, const Place& place, const std::string& bucket,
                            const std::string& object, const ImageSpec& spec,
                            const std::string& token, std::stop_token stop) {
  return make_image(session, place, spec, token, [&] {
    try {
      const Value answer =
          session.call(place, "ec2", "CreateRestoreImageTask",
                       {{"Bucket", bucket},
                        {"ObjectKey", object},
                        {"Name", spec.name},
                        {"TagSpecifications", image_tag_specifications(spec, token)}},
                       stop);
      return text(answer, "ImageId");
    } catch (const ApiError& e) {
      if (!e.code().ends_with("LimitExceeded")) throw;
      throw Error(ErrorKind::throttled, "{}", e.message());
    }
  });
}

void remove_archive(const Session& session, const Place& place, const std::string& image_id,
                    const std::string& bucket, const std::string& object) {
  const auto task = store_task(session, place, image_id, bucket);
  if (task && text(*task, "StoreTaskState") == "InProgress") {
    throw Error(ErrorKind::unavailable, "{} is still being stored in {}", image_id, bucket);
  }
  remove_object(session, place, bucket, object.empty() ? object_name(image_id) : object);
}

}  // namespace hallmark::cloud::on_aws
