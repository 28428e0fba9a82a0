#include "core/worker/lineage.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "core/base/durable_file.h"
#include "core/base/sha256.h"
#include "core/base/version.h"
#include "core/data/manifest.h"
#include "core/device/device.h"
#include "core/worker/enum_conversion.h"

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

std::string HashOf(const std::filesystem::path& path) {
  const Result<std::string> hash = Sha256HexOfFile(path);
  return hash.ok() ? *hash : "";
}

v1::LineageFile FileOf(const std::string& path, const std::string& model, const std::string& job) {
  v1::LineageFile file;
  file.set_path(path);
  file.set_sha256(HashOf(path));
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!error) file.set_size_bytes(static_cast<int64_t>(size));
  file.set_model(model);
  file.set_job(job);
  return file;
}

void SetInput(int64_t image_size, const InputNormalization& normalization, v1::Lineage& lineage) {
  lineage.set_image_size(static_cast<int32_t>(image_size));
  for (const double mean : normalization.mean) lineage.add_mean(mean);
  for (const double std : normalization.std) lineage.add_std(std);
}

void SetManifest(const std::string& path, v1::Lineage& lineage) {
  const Result<Manifest> manifest = ReadManifest(path);
  if (!manifest.ok()) return;
  lineage.set_manifest_sha256(ManifestSha256(*manifest));
  for (const std::string& name : manifest->class_names) lineage.add_class_names(name);
}

void AddTeachers(const google::protobuf::RepeatedPtrField<worker::v1::ResolvedTeacher>& teachers,
                 v1::Lineage& lineage) {
  for (const worker::v1::ResolvedTeacher& teacher : teachers) {
    *lineage.add_teachers() = FileOf(teacher.weights(), teacher.model(), teacher.job());
  }
}

void SetTraining(const worker::v1::TrainTask& task, v1::Lineage& lineage) {
  const v1::TrainJob& job = task.job();
  lineage.set_spec_sha256(Sha256Hex(JsonOf(job)));
  lineage.set_model(job.model());
  lineage.set_dataset(job.dataset());
  SetManifest(task.dataset_manifest(), lineage);
  SetInput(job.input().image_size(),
           NormalizationOf(job.input(), ToNormalization(task.dataset_mean(), task.dataset_std())),
           lineage);
  if (!task.initial_weights().empty()) {
    *lineage.mutable_initial_weights() =
        FileOf(task.initial_weights(), job.model(), job.initial_weights().job());
  }
  AddTeachers(task.teachers(), lineage);
}

void SetEvaluation(const worker::v1::EvalTask& task, v1::Lineage& lineage) {
  lineage.set_spec_sha256(Sha256Hex(JsonOf(task.job())));
  lineage.set_model(task.model());
  lineage.set_dataset(task.job().dataset());
  SetManifest(task.dataset_manifest(), lineage);
  SetInput(task.image_size(), ToNormalization(task.mean(), task.std()), lineage);
  *lineage.mutable_evaluated_weights() = FileOf(task.weights(), task.model(), task.model_job());
  AddTeachers(task.teachers(), lineage);
}

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

v1::Lineage LineageOf(const worker::v1::WorkerSpec& spec) {
  v1::Lineage lineage;
  lineage.set_job(spec.job());
  lineage.set_attempt(spec.attempt());
  lineage.set_distill_version(std::string(kVersion));
  lineage.set_libtorch_version(LibTorchVersion());
  lineage.set_worker_sha256(HashOf("/proc/self/exe"));
  if (spec.has_train()) SetTraining(spec.train(), lineage);
  if (spec.has_eval()) SetEvaluation(spec.eval(), lineage);
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
