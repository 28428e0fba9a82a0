#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/base/clock.h"
#include "core/base/journal.h"
#include "core/base/status.h"
#include "core/eval/run_listener.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Writes what a run tells into its journal. Owned by one thread.
///
/// A run goes on when its journal cannot be written for a while (a full disk): events are then
/// lost, which `status()` remembers, and a run that lost more than its progress does not succeed.
/// Bytes of texts that are not UTF-8 (names of files) are written as \xHH.
class JournalWriter final : public RunListener {
 public:
  struct Options {
    std::filesystem::path run_directory;
    int attempt = 1;
    /// Polled by ShouldStop().
    std::function<bool()> should_stop;
  };

  /// Opens the journal in the run directory. `clock` must outlive the writer.
  static Result<JournalWriter> Open(const Options& options, const Clock& clock);

  void OnStart(const StartReport& report) override;
  void OnStep(const StepReport& report) override;
  /// Durable on return, as are the three below.
  void OnEpoch(const EpochReport& report) override;
  void OnArtifact(const ArtifactReport& report) override;
  void OnNotice(NoticeLevel level, const std::string& message) override;
  bool ShouldStop() const override { return options_.should_stop(); }

  void WriteEvaluation(const v1::Evaluation& evaluation);
  void WriteScanProgress(int64_t files_scanned, int64_t files_total);
  void WriteScanReport(const worker::v1::ScanReport& report);
  /// Writes the last event; durable on return when ok. Where `status()` is a failure, a run that
  /// succeeded has FAILED, with the cause STORAGE: what it found is not all there.
  Status WriteOutcome(const worker::v1::Outcome& outcome);

  /// Returns the first failure to write what counts (all but progress), or ok.
  const Status& status() const { return status_; }

 private:
  JournalWriter(Options options, const Clock& clock, JournalAppender appender)
      : options_(std::move(options)), clock_(&clock), appender_(std::move(appender)) {}

  void Write(worker::v1::RunEvent event, bool is_durable);

  Options options_;
  const Clock* clock_;
  JournalAppender appender_;
  int64_t next_sequence_ = 1;
  Status status_;
};

}  // namespace distill::core
