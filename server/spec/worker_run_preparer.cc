#include "server/spec/worker_run_preparer.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <system_error>

#include "core/base/architecture.h"
#include "core/base/durable_file.h"
#include "core/base/log.h"
#include "core/base/rooted_file.h"
#include "server/job/device.h"
#include "server/spec/dataset_facts.h"
#include "server/spec/file_locator.h"
#include "server/spec/job_resolver.h"
#include "server/spec/name_rules.h"

namespace distill::server {
namespace {

namespace fs = std::filesystem;

Status Missing(const std::string& what) { return {Code::kFailedPrecondition, what}; }

bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// Looks at weights that a request named as they lie now: they were found at the submit. The worker,
// which reads them, looks once more.
Status CheckWeights(const std::string& path, const worker::v1::WorkerSpec& spec) {
  const Roots roots(spec.weights_roots().begin(), spec.weights_roots().end());
  const Status opened = OpenInside(path, roots).status();
  if (opened.ok()) return {};
  if (opened.code() == Code::kNotFound) {
    return Missing("a weights file is no longer there: " + path);
  }
  return Missing("a weights file is not what it was at the submit (" + opened.message() +
                 "); put it inside weights_roots and submit again");
}

// Makes `directory` and its parents, durably.
Status MakeDirectory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return ErrnoStatus("make " + directory.string(), error.value());
  DISTILL_RETURN_IF_ERROR(SyncDirectory(directory.parent_path()));
  return SyncDirectory(directory.parent_path().parent_path());
}

Status WriteSpec(const fs::path& directory, const worker::v1::WorkerSpec& spec) {
  google::protobuf::util::JsonPrintOptions format;
  format.add_whitespace = true;
  format.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(spec, &json, format);
  if (!status.ok()) return {Code::kInternal, "write the spec as JSON: " + status.ToString()};
  return ReplaceFile(directory / "spec.json", json);
}

using Environment = std::vector<std::pair<std::string, std::string>>;

// A device that is no GPU sees none: nothing may allocate on one by accident.
Environment MakeEnvironment(const std::vector<std::string>& devices, int num_threads) {
  const bool is_on_cpu = IsCpu(devices.front());
  const int num_teams = is_on_cpu ? static_cast<int>(devices.size()) : 1;
  return {{"CUDA_DEVICE_ORDER", "PCI_BUS_ID"},
          {"CUDA_VISIBLE_DEVICES", is_on_cpu ? "" : DevicesText(devices)},
          {"OMP_NUM_THREADS", std::to_string(std::max(1, num_threads / num_teams))},
          // A thread that waits for the others must not hold the core that they need.
          {"OMP_WAIT_POLICY", "PASSIVE"},
          {"LANG", "C.UTF-8"}};
}

// Tells the worker its devices by the names that they have in its environment.
void FillDevices(const std::vector<std::string>& devices, worker::v1::WorkerSpec& spec) {
  for (size_t i = 0; i < devices.size(); ++i) {
    const std::string name = IsCpu(devices[i]) ? "cpu" : "cuda:" + std::to_string(i);
    if (i == 0) spec.set_device(name);
    if (i > 0) spec.add_other_devices(name);
  }
}

// Decoding shares the cores with the steps of a CPU job, and has them alone beside a GPU.
int DataThreads(int asked, const worker::v1::WorkerSpec& spec) {
  constexpr int kMaxByDefault = 16;
  if (asked > 0) return asked;
  const int share = spec.device() == "cpu" ? spec.num_threads() / 2 : spec.num_threads();
  return std::clamp(share, 1, kMaxByDefault);
}

// Whether the teachers that an evaluation compares with are its job's, and nobody named them.
bool HasDefaultTeachers(const JobSpec& spec) {
  v1::Job given;
  return given.ParseFromString(spec.given) && given.eval().teachers().empty();
}

}  // namespace

fs::path WorkerRunPreparer::JobDirectory(JobId job) const {
  return options_.state_directory / "runs" / std::to_string(job);
}

fs::path WorkerRunPreparer::RunDirectory(JobId job, int attempt) const {
  return JobDirectory(job) / std::to_string(attempt);
}

fs::path WorkerRunPreparer::DatasetDirectory(int64_t dataset) const {
  return options_.state_directory / "datasets" / std::to_string(dataset);
}

fs::path WorkerRunPreparer::ManifestPath(const DatasetRecord& dataset) const {
  return DatasetDirectory(dataset.id) / "manifest.csv";
}

Result<DatasetRecord> WorkerRunPreparer::ReadyDataset(const std::string& name) {
  Result<DatasetRecord> dataset = store_.FindDataset(name);
  if (dataset.status().code() == Code::kNotFound) {
    return Missing("its data set was deleted: " + name);
  }
  if (!dataset.ok()) return dataset.status();
  if (dataset->state != DatasetState::kReady || !IsFile(ManifestPath(*dataset))) {
    return Missing("its data set is not READY: " + name);
  }
  return dataset;
}

Result<JobId> WorkerRunPreparer::DependencyId(const JobRecord& job, const std::string& reference) {
  for (const JobId id : job.spec.depends_on) {
    if (std::to_string(id) == reference) return id;
    if (IsDigits(reference)) continue;
    DISTILL_ASSIGN_OR_RETURN(const JobRecord needed, store_.FindJob(id));
    if (needed.spec.name == reference) return id;
  }
  return Missing("a job that it needs was deleted: " + reference);
}

Result<std::string> WorkerRunPreparer::FindModel(JobId id, v1::CheckpointKind kind) {
  const std::string file =
      kind == v1::CHECKPOINT_KIND_LAST ? "last.safetensors" : "best.safetensors";
  DISTILL_ASSIGN_OR_RETURN(std::vector<AttemptRecord> attempts, store_.ListAttempts(id));
  std::sort(attempts.begin(), attempts.end(),
            [](const auto& left, const auto& right) { return left.number > right.number; });
  for (const AttemptRecord& attempt : attempts) {
    const fs::path path = RunDirectory(id, attempt.number) / file;
    if (IsFile(path)) return path.string();
  }
  return Missing("job " + std::to_string(id) + " has written no " + file);
}

Status WorkerRunPreparer::FillTrainTask(const JobRecord& job,
                                        const std::vector<AttemptRecord>& earlier,
                                        worker::v1::WorkerSpec& spec) {
  worker::v1::TrainTask& task = *spec.mutable_train();
  v1::TrainJob& train = *task.mutable_job();
  train.set_data_threads(DataThreads(train.data_threads(), spec));
  DISTILL_ASSIGN_OR_RETURN(const DatasetRecord dataset, ReadyDataset(train.dataset()));
  DISTILL_ASSIGN_OR_RETURN(const worker::v1::ScanReport report, ScanReportOf(dataset));
  task.set_dataset_manifest(ManifestPath(dataset).string());
  *task.mutable_dataset_mean() = report.mean();
  *task.mutable_dataset_std() = report.std();
  task.set_num_bad_files(report.num_bad_files());
  v1::InitialWeights& weights = *train.mutable_initial_weights();
  if (weights.has_file()) {
    DISTILL_RETURN_IF_ERROR(CheckWeights(weights.file(), spec));
    task.set_initial_weights(weights.file());
  } else if (weights.has_job()) {
    DISTILL_ASSIGN_OR_RETURN(const JobId source, DependencyId(job, weights.job()));
    DISTILL_ASSIGN_OR_RETURN(*task.mutable_initial_weights(),
                             FindModel(source, v1::CHECKPOINT_KIND_BEST));
    weights.set_job(std::to_string(source));
  }
  if (train.has_distillation()) {
    DISTILL_RETURN_IF_ERROR(FillTeachers(
        job, spec, *train.mutable_distillation()->mutable_teachers(), *task.mutable_teachers()));
  }
  AddResumePoints(job.id, earlier, task);
  return {};
}

Status WorkerRunPreparer::FillTeachers(const JobRecord& job, const worker::v1::WorkerSpec& spec,
                                       Teachers& teachers, ResolvedTeachers& all) {
  for (v1::Teacher& teacher : teachers) {
    if (teacher.model() == kTorchScript && !options_.allows_torch_script) {
      return Missing("this server does not run TorchScript files any more (allow_torchscript): " +
                     teacher.file());
    }
    worker::v1::ResolvedTeacher& resolved = *all.Add();
    if (teacher.has_job()) {
      DISTILL_ASSIGN_OR_RETURN(const JobId source, DependencyId(job, teacher.job()));
      DISTILL_ASSIGN_OR_RETURN(*resolved.mutable_weights(),
                               FindModel(source, teacher.checkpoint()));
      teacher.set_job(std::to_string(source));
      resolved.set_job(teacher.job());
    } else {
      DISTILL_RETURN_IF_ERROR(CheckWeights(teacher.file(), spec));
      resolved.set_weights(teacher.file());
    }
    resolved.set_model(teacher.model());
    *resolved.mutable_mean() = teacher.mean();
    *resolved.mutable_std() = teacher.std();
    *resolved.mutable_class_outputs() = teacher.class_outputs();
    if (!teacher.class_outputs().empty()) resolved.set_num_outputs(teacher.class_names_size());
    resolved.set_weight(teacher.weight());
    resolved.set_image_size(teacher.image_size());
  }
  return {};
}

void WorkerRunPreparer::AddResumePoints(JobId job, const std::vector<AttemptRecord>& earlier,
                                        worker::v1::TrainTask& task) const {
  for (auto attempt = earlier.rbegin(); attempt != earlier.rend(); ++attempt) {
    // Newest first; next.ckpt is one whose worker was killed before it could rename it.
    for (const char* name : {"next.ckpt", "last.ckpt", "last-1.ckpt"}) {
      const fs::path path = RunDirectory(job, attempt->number) / name;
      if (IsFile(path)) task.add_resume_from(path.string());
    }
  }
}

Status WorkerRunPreparer::FillEvalTask(const JobRecord& job, worker::v1::WorkerSpec& spec) {
  worker::v1::EvalTask& task = *spec.mutable_eval();
  v1::EvalJob& eval = *task.mutable_job();
  eval.set_data_threads(DataThreads(eval.data_threads(), spec));
  DISTILL_ASSIGN_OR_RETURN(const DatasetRecord dataset, ReadyDataset(eval.dataset()));
  task.set_dataset_manifest(ManifestPath(dataset).string());
  if (eval.has_job()) {
    DISTILL_ASSIGN_OR_RETURN(const JobId source, DependencyId(job, eval.job()));
    DISTILL_ASSIGN_OR_RETURN(*task.mutable_weights(), FindModel(source, eval.checkpoint()));
    eval.set_job(std::to_string(source));
    task.set_model_job(eval.job());
  } else {
    DISTILL_RETURN_IF_ERROR(CheckWeights(eval.file(), spec));
    task.set_weights(eval.file());
  }
  task.set_teachers_are_default(HasDefaultTeachers(job.spec));
  const Status taught = FillTeachers(job, spec, *eval.mutable_teachers(), *task.mutable_teachers());
  const bool is_gone = taught.code() == Code::kFailedPrecondition;
  if (is_gone && task.teachers_are_default()) {
    LogInfo("evaluated without its job's teachers",
            {{"job", std::to_string(job.id)}, {"reason", taught.message()}});
    eval.clear_teachers();
    task.clear_teachers();
  } else if (!taught.ok()) {
    return taught;
  }
  task.set_model(eval.model());
  task.set_image_size(eval.input().image_size());
  *task.mutable_mean() = eval.input().mean();
  *task.mutable_std() = eval.input().std();
  return {};
}

// The devices of the CPU share its threads.
int WorkerRunPreparer::ThreadsOn(const std::vector<std::string>& devices) const {
  if (!IsCpu(devices.front())) return options_.worker_threads;
  const int of_one = std::max(1, options_.worker_threads / std::max(1, options_.cpu_devices));
  return of_one * static_cast<int>(devices.size());
}

// Published weights are the administrator's, who may have put a link in their folder.
void WorkerRunPreparer::AddRoots(const v1::Job& job, worker::v1::WorkerSpec& spec) const {
  for (const fs::path& root : options_.dataset_roots) spec.add_dataset_roots(root.string());
  for (const fs::path& root : options_.weights_roots) spec.add_weights_roots(root.string());
  if (options_.pretrained_directory.empty()) return;
  spec.add_weights_roots(options_.pretrained_directory.string());
  const Result<Architecture> model = FindArchitecture(job.train().model());
  if (!model.ok() || !job.train().initial_weights().has_file()) return;
  FileLocatorOptions files;
  files.pretrained_directory = options_.pretrained_directory;
  const Result<std::string> published = FileLocator(files).FindPretrained(*model);
  if (published.ok() && *published == job.train().initial_weights().file()) {
    spec.add_weights_roots(*published);
  }
}

Result<LaunchRequest> WorkerRunPreparer::PrepareJob(const JobRecord& job,
                                                    const AttemptRecord& attempt,
                                                    const std::vector<AttemptRecord>& earlier) {
  DISTILL_ASSIGN_OR_RETURN(const v1::Job resolved, ResolvedRequest(job.spec));
  worker::v1::WorkerSpec spec;
  spec.set_job(std::to_string(job.id));
  spec.set_attempt(attempt.number);
  if (attempt.devices.empty()) return Status(Code::kInternal, "an attempt without a device");
  FillDevices(attempt.devices, spec);
  const int asked = resolved.resources().threads();
  spec.set_num_threads(asked > 0 ? asked : ThreadsOn(attempt.devices));
  spec.set_gpu_memory_bytes(resolved.resources().gpu_memory_bytes());
  AddRoots(resolved, spec);
  if (resolved.has_train()) {
    *spec.mutable_train()->mutable_job() = resolved.train();
    DISTILL_RETURN_IF_ERROR(FillTrainTask(job, earlier, spec));
  } else {
    *spec.mutable_eval()->mutable_job() = resolved.eval();
    DISTILL_RETURN_IF_ERROR(FillEvalTask(job, spec));
  }
  LaunchRequest request;
  request.key = {RunKey::Kind::kJob, job.id, attempt.number};
  request.run_directory = RunDirectory(job.id, attempt.number);
  request.environment = MakeEnvironment(attempt.devices, spec.num_threads());
  request.environment.emplace_back("DISTILL_JOB", spec.job());
  request.environment.emplace_back("DISTILL_ATTEMPT", std::to_string(attempt.number));
  std::error_code error;
  if (fs::exists(request.run_directory / "journal", error)) {
    return Status(Code::kInternal,
                  "the folder of the run is another's: " + request.run_directory.string());
  }
  DISTILL_RETURN_IF_ERROR(MakeDirectory(request.run_directory));
  DISTILL_RETURN_IF_ERROR(WriteSpec(request.run_directory, spec));
  return request;
}

Result<LaunchRequest> WorkerRunPreparer::PrepareScan(const DatasetRecord& dataset) {
  worker::v1::WorkerSpec spec;
  spec.set_attempt(1);
  spec.set_device("cpu");
  spec.set_num_threads(options_.worker_threads);
  worker::v1::ScanTask& task = *spec.mutable_scan();
  task.set_path(dataset.path);
  task.set_val_fraction(dataset.val_fraction);
  task.set_test_fraction(dataset.test_fraction);
  task.set_seed(dataset.seed);
  task.set_manifest(ManifestPath(dataset).string());
  for (const fs::path& root : options_.dataset_roots) task.add_allowed_roots(root.string());
  task.set_skips_bad_files(dataset.skips_bad_files);
  LaunchRequest request;
  request.key = {RunKey::Kind::kDatasetScan, dataset.id, 1};
  request.run_directory = DatasetDirectory(dataset.id);
  request.environment = MakeEnvironment({"cpu"}, spec.num_threads());
  DISTILL_RETURN_IF_ERROR(MakeDirectory(request.run_directory));
  DISTILL_RETURN_IF_ERROR(WriteSpec(request.run_directory, spec));
  return request;
}

}  // namespace distill::server
