#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace distill::core {

/// Names and values, e.g. "val/accuracy" -> 0.81. Fractions lie in [0, 1], losses are in nats.
using Metrics = std::map<std::string, double>;

/// Where a run stands; sent about once a second.
struct StepReport {
  int epoch = 0;     // epochs done
  int64_t step = 0;  // steps done in the epoch (or pass) under way
  int64_t steps_per_epoch = 0;
  double images_per_second = 0;  // since the last report
  std::string phase;             // "train", "val", "test"
  Metrics metrics;               // running means of the epoch so far
};

struct EpochReport {
  int epoch = 0;     // epochs done, from 1
  int64_t step = 0;  // steps done since the start of the run
  Metrics metrics;
  bool is_best = false;
  double images_per_second = 0;  // of training
};

/// A file that the run has written, durable when this is sent.
struct ArtifactReport {
  std::filesystem::path path;  // inside the run directory
  std::string kind;            // "checkpoint", "model", "report", "graph", "lineage"
  int epoch = 0;
};

struct StartReport {
  int resumed_from_epoch = 0;  // 0 = from the start
  int num_epochs = 0;
  int64_t steps_per_epoch = 0;
  std::string device_name;
};

/// How much a notice matters: what is as it should be, or what its reader should look at.
enum class NoticeLevel { kInformation, kWarning };

/// What a run tells its owner while it goes on. All calls come from the thread that runs it, and
/// hold it up while they last.
class RunListener {
 public:
  virtual ~RunListener() = default;

  virtual void OnStart(const StartReport& report) = 0;
  virtual void OnStep(const StepReport& report) = 0;
  virtual void OnEpoch(const EpochReport& report) = 0;
  virtual void OnArtifact(const ArtifactReport& report) = 0;
  /// Something worth telling the user that stops nothing.
  virtual void OnNotice(NoticeLevel level, const std::string& message) = 0;

  /// Returns whether the run has been asked to stop. Polled at each step: must be quick.
  virtual bool ShouldStop() const = 0;
};

}  // namespace distill::core
