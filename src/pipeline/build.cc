/// The build workflow: from a source image to an approved, registered golden image.

#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"
#include "pipeline/approval.h"
#include "pipeline/evidence.h"
#include "pipeline/finding_ages.h"
#include "pipeline/golden_parameters.h"
#include "pipeline/guest.h"
#include "pipeline/names.h"
#include "pipeline/outside_scan.h"
#include "pipeline/ownership.h"
#include "pipeline/scripts.h"
#include "pipeline/source.h"
#include "pipeline/wish.h"
#include "pipeline/workflows.h"

namespace hallmark::pipeline {

namespace {

/// A large image's snapshot takes an hour on AWS (features.md c2).
constexpr Duration kImageLimit{2 * 3600'000};
constexpr workflow::PollSchedule kImageSchedule{Duration{100}, Duration{15'000}};

/// Approvals may take until their own deadline; then a process that was down registers the image.
constexpr Duration kRegistrationLimit{24 * 3600'000};

/// What the parts of one build share.
struct Build {
  Context& context;
  workflow::Run& run;
  const model::Pipeline& pipeline;
  std::string requested_by;
  cloud::Place home;

  TimePoint deadline() const { return run.started_at() + pipeline.build.deadline; }
  /// Another installation in the same account takes a candidate for nobody's after this.
  TimePoint candidate_deadline() const {
    return deadline() + pipeline.approval.deadline + kRegistrationLimit;
  }
};

std::map<std::string, std::string> script_environment(const Build& build,
                                                      const std::string& phase) {
  std::map<std::string, std::string> environment = build.pipeline.environment;
  environment["HALLMARK_PRODUCT"] = build.pipeline.product;
  environment["HALLMARK_OS"] = build.pipeline.os;
  environment["HALLMARK_VERSION"] = build.pipeline.version;
  environment["HALLMARK_PHASE"] = phase;
  return environment;
}

void run_script(const Build& build, const Guest& guest, const std::string& name,
                const model::Script& script) {
  run_in_guest(build.context, build.run, guest, name, script, script_environment(build, name),
               build.pipeline.secrets);
}

void update_packages(const Build& build, const Guest& guest) {
  const model::Updates& updates = build.pipeline.updates;
  bool windows = guest.platform == cloud::Platform::windows;
  std::map<std::string, std::string> environment = script_environment(build, "update-packages");
  environment["HALLMARK_INCLUDE"] = updates.all ? "all" : join(updates.include, " ");
  environment["HALLMARK_EXCLUDE"] = join(updates.exclude, " ");
  if (windows) {
    // Names of categories have spaces in them.
    environment["HALLMARK_CATEGORIES"] = join(updates.categories, ";");
    environment["HALLMARK_SEVERITIES"] = join(updates.severities, ";");
  }
  model::Script script = embedded_script(windows ? "update_packages.ps1" : "update_packages.sh");
  script.time_limit = updates.time_limit;
  run_in_guest(build.context, build.run, guest, "update-packages", script, environment, {});
}

/// What belongs to one machine must not be in an image of many.
void generalize(const Build& build, const Guest& guest) {
  bool windows = guest.platform == cloud::Platform::windows;
  if (windows && !build.pipeline.build.sysprep) return;
  run_in_guest(build.context, build.run, guest, "generalize",
               embedded_script(windows ? "sysprep.ps1" : "generalize.sh"), {}, {});
}

cloud::MachineSpec builder_spec(const Build& build, const std::string& source_image_id) {
  return {.image_id = source_image_id,
          .kind = build.pipeline.build.mode == model::BuildMode::offline
                      ? cloud::MachineKind::offline
                      : cloud::MachineKind::boot,
          .machine_size = build.pipeline.build.machine_size,
          .name = "builder of " + model::image_key(build.pipeline),
          .deadline = build.deadline()};
}

/// Finds the source and makes sure, before anything is made or costs anything, that it can be built
/// on. What it came to stays the same for the whole run.
SourceImage resolve_source(const Build& build) {
  Json record = build.run.step("source", [&](workflow::Step& step) {
    SourceImage source = find_source(build.context, build.home, build.pipeline.source);
    check_platform(build.pipeline, source);
    build.context.cloud.check_launch(build.home, builder_spec(build, source.image_id), step.stop());
    step.log(fmt::format(
        "source image: {} ({}) of {}, {}, made {}\n", source.image_id,
        member<std::string>(source.record, "name"), member<std::string>(source.record, "owner_id"),
        cloud::to_string(source.platform), member<std::string>(source.record, "created_at")));
    change_image(build.context, build.run.id(), {.source_image_id = source.image_id});
    return source.record;
  });
  return {member<std::string>(record, "image_id"),
          cloud::platform_from(member<std::string>(record, "platform")), record};
}

void await_candidate(const Build& build, const std::string& image_id) {
  try {
    build.run.poll(
        "candidate-available", kImageLimit, kImageSchedule,
        [&](workflow::Step&) -> std::optional<bool> {
          auto image = build.context.cloud.find_image(build.home, image_id);
          if (!image || image->state == cloud::ImageState::pending) return std::nullopt;
          if (image->state == cloud::ImageState::available) return true;
          throw Error(ErrorKind::failed, "image {} is {}: {}", image_id,
                      cloud::to_string(image->state), image->state_reason)
              .hint("if the reason passes by itself: hallmark run retry " + build.run.id());
        });
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::timeout) throw;
    throw Error(ErrorKind::timeout, "image {} ({}) is still pending after {}", image_id,
                model::image_name(build.pipeline), format_duration(kImageLimit))
        .note(e.message())
        .hint("it is removed now; make another one with: hallmark run retry " + build.run.id());
  }
}

/// As it came from the builder, before anything else has looked at it or run from it.
std::string digest_of_candidate(const Build& build, const std::string& image_id,
                                const std::string& key) {
  return build.run.step(key, [&](workflow::Step& step) {
    step.progress(std::nullopt, "the digest of " + image_id + "'s disk");
    auto disk = build.context.cloud.open_image(build.home, image_id);
    return build.context.scanner.digest(*disk, step.stop());
  });
}

/// Source to candidate. The builder is gone when this returns.
std::string make_candidate(const Build& build, const SourceImage& source) {
  const model::Pipeline& pipeline = build.pipeline;
  Guest builder = launch_guest(build.context, build.run, "builder", build.home,
                               builder_spec(build, source.image_id), source.platform,
                               pipeline.build.boot_limit);
  if (pipeline.pre_update) run_script(build, builder, "pre-update", *pipeline.pre_update);
  if (pipeline.updates.enabled) update_packages(build, builder);
  if (pipeline.post_update) run_script(build, builder, "post-update", *pipeline.post_update);
  generalize(build, builder);
  stop_guest(build.context, build.run, builder);

  std::string image_id = build.run.step("create-candidate", [&](workflow::Step& step) {
    return make_owned(build.context, build.run, step.token(), kImageKind, build.home,
                      build.candidate_deadline(),
                      [&](const std::string& token, const cloud::Tags& tags) {
                        cloud::ImageSpec image{.name = model::image_name(pipeline),
                                               .description = pipeline.description,
                                               .tags = image_tags(pipeline, kCandidateType)};
                        image.tags.insert(tags.begin(), tags.end());
                        return build.context.cloud.create_image(build.home, builder.machine_id,
                                                                image, token, step.stop());
                      });
  });
  await_candidate(build, image_id);
  build.run.step("record-candidate", [&](workflow::Step&) {
    change_image(build.context, build.run.id(), {.image_id = image_id});
  });
  remove_guest(build.context, build.run, builder);
  return image_id;
}

/// Boots the candidate once, which alone proves something, runs the tests in it, and has outside
/// scanners look at it.
void test_candidate(const Build& build, const std::string& image_id, cloud::Platform platform) {
  cloud::MachineSpec spec{.image_id = image_id,
                          .kind = cloud::MachineKind::boot,
                          .machine_size = build.pipeline.build.machine_size,
                          .name = "test of " + model::image_key(build.pipeline),
                          .deadline = build.deadline()};
  Guest guest = launch_guest(build.context, build.run, "test", build.home, spec, platform,
                             build.pipeline.build.boot_limit);
  for (const model::ImageTest& test : build.pipeline.tests) {
    try {
      run_script(build, guest, test.name, test.script);
    } catch (Error& e) {
      throw std::move(e.note("the candidate did not pass its tests"));
    }
  }
  scan_guest(build.context, build.run, guest, image_id, build.pipeline);
  remove_guest(build.context, build.run, guest);
}

/// Reads both disks, writes the evidence, and puts the gate's verdict into the journal.
Json assess_candidate(const Build& build, const std::string& image_id,
                      const std::string& disk_sha256, const SourceImage& source) {
  Context& context = build.context;
  auto assess = [&](workflow::Step& step, const std::string& id, model::Inventory& inventory) {
    auto disk = context.cloud.open_image(build.home, id);
    inventory = context.scanner.take_inventory(*disk, build.pipeline.inventory);
    step.progress(std::nullopt, fmt::format("{} packages in {}", inventory.packages.size(), id));
    return context.scanner.assess(inventory, step.stop());
  };
  return build.run.step("assess", [&](workflow::Step& step) {
    Evidence evidence;
    evidence.image_id = image_id;
    evidence.source_image_id = source.image_id;
    evidence.source_image = source.record;
    evidence.assessments = {assess(step, image_id, evidence.inventory)};
    evidence.disk_sha256 = disk_sha256;
    for (auto& seen : read_scans(context, build.run.id(), build.pipeline.scanners)) {
      evidence.assessments.push_back(std::move(seen));
    }
    try {
      model::Inventory source_inventory;
      evidence.source = assess(step, source.image_id, source_inventory);
    } catch (const Error& e) {
      // A shared source may be launched but not read; the candidate's own assessment is what
      // counts.
      if (traits(e.kind()).retry || e.kind() == ErrorKind::cancelled) throw;
      step.log(fmt::format("the source image cannot be assessed: {}\n", e.full_text()));
    }
    if (context.scanner.annotate) {
      context.scanner.annotate(evidence.assessments, step.stop());
      if (evidence.source) context.scanner.annotate({&*evidence.source, 1}, step.stop());
    }
    evidence.gate = evaluate_gate(build.pipeline.gate, model::image_key(build.pipeline),
                                  evidence.assessments, context.clock.now());
    std::string digest = write_evidence(context, build.run.id(), build.pipeline, evidence);

    auto record = [&](const std::string& purpose, const std::string& scanner,
                      const model::Assessment& assessment) {
      record_assessment(
          context.database, build.run.id(),
          {.assessment_id = id_from_token("assessment", step.token() + purpose + scanner),
           .purpose = purpose,
           .assessed_at = assessment.assessed_at,
           .digest = sha256_hex(compact(assessment)),
           .assessment = assessment});
    };
    Json scanners = Json::array();
    for (const model::Assessment& assessment : evidence.assessments) {
      const bool own = &assessment == &evidence.assessments.front();
      record("candidate", own ? "" : assessment.scanner, assessment);
      scanners.push_back({{"scanner", assessment.scanner},
                          {"findings", assessment.findings.size()},
                          {"gaps", assessment.gaps.size()},
                          {"completeness", model::to_string(assessment.completeness)}});
    }
    if (evidence.source) record("source", "", *evidence.source);
    change_image(context, build.run.id(), {.evidence_digest = digest});
    // The journal keeps the verdict; what it says of each finding is in the evidence.
    evidence.gate.findings.clear();
    return Json{{"evidence_digest", digest},
                {"gate", evidence.gate},
                {"scanners", scanners},
                {"source_findings",
                 evidence.source ? Json(evidence.source->findings.size()) : Json(nullptr)}};
  });
}

/// What was approved is a disk and what was found on it: neither may have changed since, and the
/// gate may not have closed, however long it took until here.
void verify_candidate(const Build& build, const std::string& image_id) {
  Context& context = build.context;
  const std::string now = digest_of_candidate(build, image_id, "digest-approved");
  const std::string refused = build.run.step("verify-candidate", [&](workflow::Step&) {
    std::string approved;
    try {
      const GoldenImage image = get_golden_image(context.database, build.run.id());
      approved = check_evidence(context, image).evidence.disk_sha256;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::conflict) throw;
      return e.full_text();
    }
    // Evidence from before it was written down has none.
    if (approved.empty() || approved == now) return std::string();
    return "the disk of " + image_id + " was changed after it was assessed";
  });
  if (!refused.empty()) {
    reject(context, build.run,
           Error(ErrorKind::rejected, "{}", refused)
               .note("the approval does not hold any more")
               .hint("build a new version"));
  }
}

/// From candidate to golden image. Each step is owned by the run until the last one releases them
/// all, so that a failure in between leaves nothing half published.
void register_image(const Build& build, const std::string& image_id) {
  Context& context = build.context;
  const model::Pipeline& pipeline = build.pipeline;
  const std::string name = version_parameter(pipeline.product, pipeline.os, pipeline.version);
  build.run.step("tag-golden", [&](workflow::Step&) {
    context.cloud.set_tags(build.home, image_id, {{kTypeTag, kGoldenType}});
  });
  if (pipeline.image.watermark) {
    if (context.image_services.abilities().watermarks) {
      build.run.step("watermark", [&](workflow::Step&) {
        context.image_services.watermark_image(build.home, image_id, model::image_key(pipeline));
      });
    } else {
      build.run.note("no-watermark",
                     "it gets no watermark: this cloud, or the AWS models at hand, have none");
    }
  }
  build.run.step("publish-version", [&](workflow::Step& step) {
    make_owned_detail(context, build.run, step, kParameterKind, build.home,
                      {{"name", name}, {"value", image_id}},
                      [&] { publish_parameter(context.cloud, build.home, name, image_id); });
  });
  build.run.step("publish-latest", [&](workflow::Step& step) {
    const std::string key = model::image_key(pipeline);
    make_owned_detail(context, build.run, step, kLatestKind, build.home,
                      {{"image_id", image_id}, {"image_key", key}},
                      [&] { add_to_latest(context.cloud, build.home, image_id, key); });
  });
  build.run.step("activate", [&](workflow::Step&) {
    context.cloud.remove_tags(build.home, image_id, {kRunTag, kTokenTag, kDeadlineTag});
    record_target(context.database, build.run.id(),
                  {.place = build.home,
                   .image_id = image_id,
                   .delivery = "home",
                   .state = TargetState::available},
                  context.clock.now());
    change_image(context, build.run.id(), {.state = GoldenState::active});
    release_all_owned(context, build.run.id());
    observe_candidate(context, build.run.id());
  });
}

/// By a run of its own, which is there as soon as the step is: whoever approved may be gone by now.
/// Null: there are no targets.
Json start_distribution(const Build& build) {
  return build.run.step("distribute", [&](workflow::Step& step) {
    const GoldenImage image = get_golden_image(build.context.database, build.run.id());
    model::Pipeline pipeline = build.pipeline;
    pipeline.targets = wish_of(build.context.database, image).targets;
    if (pipeline.targets.empty()) return Json();
    const std::string run_id = id_from_token("run", step.token());
    step.start_run(run_id, "distribute", image.image_key,
                   {{"image_run_id", image.run_id},
                    {"pipeline", pipeline},
                    {"prune", false},
                    {"force", false}});
    return Json(run_id);
  });
}

}  // namespace

Json build(Context& context, workflow::Run& run) {
  const model::Pipeline pipeline = member<model::Pipeline>(run.input(), "pipeline");
  Build build{context, run, pipeline, member<std::string>(run.input(), "requested_by"),
              context.home(pipeline.build.region)};
  const std::string key = model::image_key(pipeline);

  // Clean-ups run in reverse order: first whatever the run still owns goes, then the record says
  // so.
  run.on_exit("record-failure", workflow::ExitOn::failure, [&](workflow::Step&) {
    auto image = find_golden_image(context.database, run.id());
    if (!image || image->state == GoldenState::active) return;
    bool rejected = !image->state_reason.empty();
    change_image(context, run.id(),
                 {.state = rejected ? GoldenState::rejected : GoldenState::failed});
  });
  run.on_exit("clean-up", workflow::ExitOn::always,
              [&](workflow::Step&) { remove_all_owned(context, run.id()); });

  run.step("reserve-version", [&](workflow::Step&) {
    reserve_version(context, {.run_id = run.id(),
                              .image_key = key,
                              .product = pipeline.product,
                              .os = pipeline.os,
                              .version = pipeline.version,
                              .home = build.home,
                              .requested_by = build.requested_by,
                              .pipeline = pipeline,
                              .created_at = to_rfc3339(run.started_at())});
  });
  SourceImage source = resolve_source(build);
  check_scanners(context, run, pipeline.scanners);
  std::string image_id = make_candidate(build, source);
  const std::string disk_sha256 = digest_of_candidate(build, image_id, "digest-candidate");
  test_candidate(build, image_id, source.platform);
  Json assessed = assess_candidate(build, image_id, disk_sha256, source);
  GateVerdict gate = member<GateVerdict>(assessed, "gate");
  if (!gate.passed) {
    reject(context, run,
           Error(ErrorKind::rejected, "the gate is closed for {}", key)
               .note(join(gate.failures, "\n  "))
               .hint("the evidence is kept: hallmark image report " + run.id()));
  }
  bool distribute = false;
  if (pipeline.approval.automatic && !gate.needs_review) {
    run.note("approved-by-policy", "approved by policy: approval.automatic is on");
  } else {
    distribute = await_approval(context, run, pipeline, build.requested_by,
                                member<std::string>(assessed, "evidence_digest"));
  }
  verify_candidate(build, image_id);
  register_image(build, image_id);
  Json result = {{"image_key", key},
                 {"image_id", image_id},
                 {"evidence_digest", member<std::string>(assessed, "evidence_digest")}};
  if (distribute) {
    if (Json run_id = start_distribution(build); !run_id.is_null()) result["distribution"] = run_id;
  }
  return result;
}

}  // namespace hallmark::pipeline
