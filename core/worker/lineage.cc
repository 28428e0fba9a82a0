#include "core/worker/lineage.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/base/durable_file.h"
#include "core/base/sha256.h"
#include "core/base/version.h"
#include "core/data/manifest.h"
#include "core/device/device.h"
#include "core/worker/enum_conversion.h"
#include "core/worker/input_roots.h"

namespace distill::core {
namespace {

constexpr char kLineageName[] = "lineage.json";

std::string JsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  // Only messages with an Any cannot be printed.
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return "{}";
  return text;
}

void SetInput(int64_t image_size, const InputNormalization& normalization, v1::Lineage& lineage) {
  lineage.set_image_size(static_cast<int32_t>(image_size));
  for (const double mean : normalization.mean) lineage.add_mean(mean);
  for (const double std : normalization.std) lineage.add_std(std);
}

// Hashes what a run of one kind reads.
class LineageBuilder {
 public:
  LineageBuilder(const worker::v1::WorkerSpec& spec, RunLineage& lineage)
      : spec_(spec), facts_(lineage.facts), files_(lineage.files) {}

  void AddTraining(const worker::v1::TrainTask& task) {
    const v1::TrainJob& job = task.job();
    facts_.set_spec_sha256(Sha256Hex(JsonOf(job)));
    facts_.set_model(job.model());
    facts_.set_dataset(job.dataset());
    AddManifest(task.dataset_manifest());
    SetInput(job.input().image_size(),
             NormalizationOf(job.input(), ToNormalization(task.dataset_mean(), task.dataset_std())),
             facts_);
    if (!task.initial_weights().empty()) {
      v1::LineageFile& file = *facts_.mutable_initial_weights();
      file = AddFile("initial weights", task.initial_weights(), job.initial_weights().job());
      file.set_model(job.model());
    }
    AddTeachers(task.teachers());
  }

  void AddEvaluation(const worker::v1::EvalTask& task) {
    facts_.set_spec_sha256(Sha256Hex(JsonOf(task.job())));
    facts_.set_model(task.model());
    facts_.set_dataset(task.job().dataset());
    AddManifest(task.dataset_manifest());
    SetInput(task.image_size(), ToNormalization(task.mean(), task.std()), facts_);
    v1::LineageFile& file = *facts_.mutable_evaluated_weights();
    file = AddFile("weights", task.weights(), task.model_job());
    file.set_model(task.model());
    AddTeachers(task.teachers());
  }

 private:
  // `job` is the one that wrote the file, or "".
  v1::LineageFile AddFile(const std::string& role, const std::string& path,
                          const std::string& job) {
    HashedFile hashed = HashFile(role, path, WeightsRoots(spec_, job));
    v1::LineageFile file;
    file.set_job(job);
    file.set_path(path);
    file.set_sha256(hashed.sha256);
    if (hashed.stamp) file.set_size_bytes(hashed.stamp->size_bytes);
    files_.push_back(std::move(hashed));
    return file;
  }

  void AddManifest(const std::string& path) {
    HashedFile hashed{"data set", path, "", StampOf(path)};
    const Result<Manifest> manifest = ReadManifest(path);
    if (manifest.ok()) {
      hashed.sha256 = ManifestSha256(*manifest);
      facts_.set_manifest_sha256(hashed.sha256);
      for (const std::string& name : manifest->class_names) facts_.add_class_names(name);
    }
    files_.push_back(std::move(hashed));
  }

  void AddTeachers(
      const google::protobuf::RepeatedPtrField<worker::v1::ResolvedTeacher>& teachers) {
    for (int i = 0; i < teachers.size(); ++i) {
      const worker::v1::ResolvedTeacher& teacher = teachers[i];
      const std::string number = teachers.size() == 1 ? "" : " " + std::to_string(i + 1);
      v1::LineageFile& file = *facts_.add_teachers();
      file = AddFile("teacher" + number, teacher.weights(), teacher.job());
      file.set_model(teacher.model());
    }
  }

  const worker::v1::WorkerSpec& spec_;
  v1::Lineage& facts_;
  std::vector<HashedFile>& files_;
};

// Texts that are no UTF-8 (a class named after a folder) have their bad bytes replaced.
template <typename List>
std::string ListText(const List& list) {
  return nlohmann::json(std::vector<typename List::value_type>(list.begin(), list.end()))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void AddFile(const std::string& name, const v1::LineageFile& file,
             std::map<std::string, std::string>& metadata) {
  metadata[name + "_file"] = std::filesystem::path(file.path()).filename().string();
  metadata[name + "_sha256"] = file.sha256();
  metadata[name + "_model"] = file.model();
  if (!file.job().empty()) metadata[name + "_job"] = file.job();
}

}  // namespace

RunLineage LineageOf(const worker::v1::WorkerSpec& spec) {
  RunLineage lineage;
  lineage.facts.set_job(spec.job());
  lineage.facts.set_attempt(spec.attempt());
  lineage.facts.set_distill_version(std::string(kVersion));
  lineage.facts.set_libtorch_version(LibTorchVersion());
  const Result<std::string> program = Sha256HexOfFile("/proc/self/exe");
  if (program.ok()) lineage.facts.set_worker_sha256(*program);
  LineageBuilder builder(spec, lineage);
  if (spec.has_train()) builder.AddTraining(spec.train());
  if (spec.has_eval()) builder.AddEvaluation(spec.eval());
  return lineage;
}

std::map<std::string, std::string> MetadataOf(const v1::Lineage& lineage) {
  std::map<std::string, std::string> metadata = {{"job", lineage.job()},
                                                 {"attempt", std::to_string(lineage.attempt())},
                                                 {"distill_version", lineage.distill_version()},
                                                 {"libtorch_version", lineage.libtorch_version()},
                                                 {"worker_sha256", lineage.worker_sha256()},
                                                 {"spec_sha256", lineage.spec_sha256()},
                                                 {"dataset", lineage.dataset()},
                                                 {"manifest_sha256", lineage.manifest_sha256()},
                                                 {"class_names", ListText(lineage.class_names())},
                                                 {"mean", ListText(lineage.mean())},
                                                 {"std", ListText(lineage.std())}};
  if (lineage.has_initial_weights()) {
    AddFile("initial_weights", lineage.initial_weights(), metadata);
  }
  for (int i = 0; i < lineage.teachers_size(); ++i) {
    const std::string name = i == 0 ? "teacher" : "teacher" + std::to_string(i + 1);
    AddFile(name, lineage.teachers(i), metadata);
  }
  return metadata;
}

Status WriteLineage(const v1::Lineage& lineage, const std::filesystem::path& run_directory,
                    JournalWriter& journal) {
  const Status written = ReplaceFile(run_directory / kLineageName, JsonOf(lineage));
  if (!written.ok()) return {Code::kAborted, written.WithContext("write lineage").message()};
  journal.OnArtifact({run_directory / kLineageName, "lineage", 0});
  return Status::Ok();
}

}  // namespace distill::core
