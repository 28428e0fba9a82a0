#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/eval/run_listener.h"

namespace distill::testing {

/// Remembers what a run tells. Orders it to stop once ShouldStop() has been asked `stop_after`
/// times.
class RecordingListener final : public core::RunListener {
 public:
  explicit RecordingListener(int64_t stop_after = std::numeric_limits<int64_t>::max())
      : stop_after_(stop_after) {}

  void OnStart(const core::StartReport& report) override { start = report; }
  void OnStep(const core::StepReport& report) override { steps.push_back(report); }
  void OnEpoch(const core::EpochReport& report) override { epochs.push_back(report); }
  void OnArtifact(const core::ArtifactReport& report) override { artifacts.push_back(report); }
  void OnNotice(core::NoticeLevel level, const std::string& message) override {
    notices.push_back(message);
    if (level == core::NoticeLevel::kWarning) warnings.push_back(message);
  }
  bool ShouldStop() const override { return ++num_asked_ > stop_after_; }

  core::StartReport start;
  std::vector<core::StepReport> steps;
  std::vector<core::EpochReport> epochs;
  std::vector<core::ArtifactReport> artifacts;
  std::vector<std::string> notices;
  std::vector<std::string> warnings;  // those of the notices that are

 private:
  const int64_t stop_after_;
  mutable int64_t num_asked_ = 0;
};

}  // namespace distill::testing
