#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "distill/v1/job.pb.h"
#include "distill/worker/v1/worker.pb.h"
#include "server/job/job_store.h"
#include "server/job/run_preparer.h"

namespace distill::server {

struct WorkerRunPreparerOptions {
  std::filesystem::path state_directory;  // absolute; holds runs/ and datasets/
  int worker_threads = 1;                 // for a job that asks for no number of its own
  int cpu_devices = 1;                    // that share those threads
  /// Absolute. What a data set holds, and weights that a request names, must lie inside one of
  /// them when they are read; published weights may lie in pretrained_directory too, or where a
  /// link in it leads. Empty: anywhere.
  std::vector<std::filesystem::path> dataset_roots{};
  std::vector<std::filesystem::path> weights_roots{};
  std::filesystem::path pretrained_directory{};
  bool allows_torch_script = false;  // jobs with TorchScript teachers are refused without
};

/// Writes spec.json (distill.worker.v1.WorkerSpec as proto3 JSON) for workers, and finds the
/// checkpoints that a run starts from.
/// Thread-safe. Blocks on the store and on disk.
class WorkerRunPreparer final : public RunPreparer {
 public:
  /// `store` must outlive this object.
  WorkerRunPreparer(WorkerRunPreparerOptions options, JobStore& store)
      : options_(std::move(options)), store_(store) {}

  Result<LaunchRequest> PrepareJob(const JobRecord& job, const AttemptRecord& attempt,
                                   const std::vector<AttemptRecord>& earlier) override;
  Result<LaunchRequest> PrepareScan(const DatasetRecord& dataset) override;
  std::filesystem::path RunDirectory(JobId job, int attempt) const override;
  std::filesystem::path JobDirectory(JobId job) const override;
  std::filesystem::path DatasetDirectory(int64_t dataset) const override;

 private:
  Status FillTrainTask(const JobRecord& job, const std::vector<AttemptRecord>& earlier,
                       worker::v1::WorkerSpec& spec);
  using Teachers = google::protobuf::RepeatedPtrField<v1::Teacher>;
  using ResolvedTeachers = google::protobuf::RepeatedPtrField<worker::v1::ResolvedTeacher>;
  /// `spec` is that of the run, with its roots.
  Status FillTeachers(const JobRecord& job, const worker::v1::WorkerSpec& spec, Teachers& teachers,
                      ResolvedTeachers& all);
  void AddRoots(const v1::Job& job, worker::v1::WorkerSpec& spec) const;
  void AddResumePoints(JobId job, const std::vector<AttemptRecord>& earlier,
                       worker::v1::TrainTask& task) const;
  Status FillEvalTask(const JobRecord& job, worker::v1::WorkerSpec& spec);
  /// Returns the id of the dependency of `job` that its resolved request calls `reference`.
  Result<JobId> DependencyId(const JobRecord& job, const std::string& reference);
  /// Returns the newest model file of job `id`. kFailedPrecondition: it has none.
  Result<std::string> FindModel(JobId id, v1::CheckpointKind kind);
  int ThreadsOn(const std::vector<std::string>& devices) const;
  Result<DatasetRecord> ReadyDataset(const std::string& name);
  std::filesystem::path ManifestPath(const DatasetRecord& dataset) const;

  WorkerRunPreparerOptions options_;
  JobStore& store_;
};

}  // namespace distill::server
