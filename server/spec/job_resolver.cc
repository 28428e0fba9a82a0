#include "server/spec/job_resolver.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <random>
#include <set>

#include "core/base/architecture.h"
#include "server/spec/dataset_facts.h"
#include "server/spec/job_lookup.h"
#include "server/spec/memory_key.h"
#include "server/spec/spec_defaults.h"
#include "server/spec/spec_rules.h"

namespace distill::server {
namespace {

using Doubles = google::protobuf::RepeatedField<double>;
using worker::v1::ScanReport;

constexpr std::array<double, 3> kImageNetMean = {0.485, 0.456, 0.406};
constexpr std::array<double, 3> kImageNetStd = {0.229, 0.224, 0.225};
constexpr int kDefaultInterruptions = 3;
constexpr int kMostBlocks = 4;  // of any architecture
constexpr int kDefaultDeviceErrors = 1;
constexpr int kDefaultPreemptions = 10;

void SetImageNet(Doubles& mean, Doubles& std) {
  mean = Doubles(kImageNetMean.begin(), kImageNetMean.end());
  std = Doubles(kImageNetStd.begin(), kImageNetStd.end());
}

// Writes the numbers that `input` normalises by. EXPLICIT has them already.
void WriteNormalization(const ScanReport& report, v1::Input& input) {
  if (input.normalization() == v1::NORMALIZATION_EXPLICIT) return;
  if (input.normalization() == v1::NORMALIZATION_IMAGENET) {
    SetImageNet(*input.mutable_mean(), *input.mutable_std());
    return;
  }
  *input.mutable_mean() = report.mean();
  *input.mutable_std() = report.std();
}

// A name for a job that was given none: what it works on, and something unlike any other.
std::string MakeName(const std::string& stem) {
  constexpr size_t kMaxStem = 50;
  std::random_device device;
  std::array<char, 9> suffix{};
  std::snprintf(suffix.data(), suffix.size(), "%08x", device());
  return stem.substr(0, kMaxStem) + "-" + suffix.data();
}

// Resolves one job. Owned by one thread, used once.
class JobResolution {
 public:
  JobResolution(JobLookup& lookup, const FileLocator& files, const v1::Job& given)
      : lookup_(lookup), files_(files), given_(given) {}

  void Run(const std::string& owner);

  const ViolationList& violations() const { return violations_; }
  const JobSpec& spec() const { return spec_; }
  const v1::Job& resolved() const { return resolved_; }

 private:
  void ResolveTrain();
  void ResolveInitialWeights(v1::TrainJob& train);
  void ResolveTeacher(const std::string& path, const v1::Input& input, const ClassNames& classes,
                      v1::Teacher& teacher);
  void ResolveTorchScript(const std::string& path, const v1::Input& input, v1::Teacher& teacher);
  void ResolveEval();
  void ResolveEvalInput(const ReferredJob* source, const ScanReport& report);
  void ResolveEvalTeachers(const ReferredJob* source, const ScanReport& report);
  void ResolveAfter();
  void FillRetry();
  void CheckSplits(const ScanReport& report);
  void CheckClassesOfModel(const ReferredJob& source, const ScanReport& report);
  void CheckModel(const std::string& field, const std::string& model);
  void CheckBlocksOf(const std::string& who, const std::string& model);
  std::optional<ReferredJob> Need(const std::string& field, const std::string& reference);
  void FindFile(const std::string& field, std::string& path);
  void WriteSpec(const std::string& owner);

  JobLookup& lookup_;
  const FileLocator& files_;
  const v1::Job& given_;
  ViolationList violations_;
  v1::Job resolved_;
  JobSpec spec_;
};

void JobResolution::CheckModel(const std::string& field, const std::string& model) {
  if (FindArchitecture(model).ok()) return;
  std::vector<std::string> names;
  std::string listed;
  for (const Architecture& architecture : Architectures()) {
    names.emplace_back(architecture.name);
    listed += (listed.empty() ? "" : ", ") + names.back();
  }
  const std::string nearest = NearestName(model, names);
  const bool is_script = model == kTorchScript;
  violations_.Add(field, model,
                  std::string(is_script ? "a TorchScript file can only be a teacher; " : "") +
                      (nearest.empty() ? "" : "did you mean " + nearest + "? ") +
                      "there are: " + listed);
}

// Whether a network has the blocks that the terms are of. `who`: the student or the teacher.
void JobResolution::CheckBlocksOf(const std::string& who, const std::string& model) {
  const Result<Architecture> architecture = FindArchitecture(model);
  if (!architecture.ok()) return;
  const int num_blocks = architecture->num_blocks();
  const v1::Distillation& distillation = resolved_.train().distillation();
  for (int i = 0; i < distillation.terms_size(); ++i) {
    const v1::DistillationTerm& term = distillation.terms(i);
    for (int j = 0; j < term.blocks_size(); ++j) {
      if (term.blocks(j) <= num_blocks || term.blocks(j) > kMostBlocks) continue;
      violations_.Add(
          "train.distillation.terms[" + std::to_string(i) + "].blocks[" + std::to_string(j) + "]",
          std::to_string(term.blocks(j)),
          "the " + who + ", " + model + ", has " + std::to_string(num_blocks) +
              " blocks; name blocks from 1 to " + std::to_string(num_blocks));
    }
  }
}

std::optional<ReferredJob> JobResolution::Need(const std::string& field,
                                               const std::string& reference) {
  std::optional<ReferredJob> found = lookup_.FindTraining(field, reference, violations_);
  if (!found) return found;
  std::vector<JobId>& needs = spec_.depends_on;
  if (std::find(needs.begin(), needs.end(), found->id) == needs.end()) needs.push_back(found->id);
  return found;
}

void JobResolution::FindFile(const std::string& field, std::string& path) {
  Result<std::string> found = files_.FindWeights(path);
  if (found.ok()) {
    path = *found;
  } else {
    violations_.Add(field, path, found.status().message());
  }
}

void JobResolution::ResolveInitialWeights(v1::TrainJob& train) {
  const std::string path = "train.initial_weights.";
  v1::InitialWeights& weights = *train.mutable_initial_weights();
  switch (weights.source_case()) {
    case v1::InitialWeights::kPretrained: {
      const Result<Architecture> architecture = FindArchitecture(train.model());
      if (!weights.pretrained() || !architecture.ok()) return;
      const Result<std::string> file = files_.FindPretrained(*architecture);
      if (file.ok()) {
        weights.set_file(*file);
      } else {
        violations_.Add(path + "pretrained", "true", file.status().message());
      }
      return;
    }
    case v1::InitialWeights::kFile:
      return FindFile(path + "file", *weights.mutable_file());
    case v1::InitialWeights::kJob: {
      const auto source = Need(path + "job", weights.job());
      if (!source) return;
      if (source->train.model() != train.model()) {
        violations_.Add(path + "job", weights.job(),
                        "trains " + source->train.model() + ", not " + train.model() +
                            "; name a job of the same model");
      }
      weights.set_job(source->reference);
      return;
    }
    case v1::InitialWeights::SOURCE_NOT_SET:
      return;
  }
}

void JobResolution::ResolveTorchScript(const std::string& path, const v1::Input& input,
                                       v1::Teacher& teacher) {
  if (!files_.allows_torch_script()) {
    violations_.Add(path + ".model", teacher.model(),
                    "a TorchScript file is a program, and this server runs none; whoever keeps it "
                    "can allow them (allow_torchscript), or name weights and their architecture");
  }
  if (teacher.mean().empty()) SetImageNet(*teacher.mutable_mean(), *teacher.mutable_std());
  if (!teacher.has_image_size()) teacher.set_image_size(input.image_size());
}

void JobResolution::ResolveTeacher(const std::string& path, const v1::Input& input,
                                   const ClassNames& classes, v1::Teacher& teacher) {
  if (teacher.source_case() == v1::Teacher::kFile) {
    FindFile(path + ".file", *teacher.mutable_file());
    if (teacher.model() == kTorchScript) {
      ResolveTorchScript(path, input, teacher);
    } else if (!teacher.model().empty()) {
      CheckModel(path + ".model", teacher.model());
    }
    if (teacher.mean().empty()) {
      *teacher.mutable_mean() = input.mean();
      *teacher.mutable_std() = input.std();
    }
  } else if (teacher.source_case() == v1::Teacher::kJob) {
    const auto source = Need(path + ".job", teacher.job());
    if (!source) return;
    teacher.set_job(source->reference);
    teacher.set_model(source->train.model());
    *teacher.mutable_mean() = source->train.input().mean();
    *teacher.mutable_std() = source->train.input().std();
    *teacher.mutable_class_names() = lookup_.ClassesOf(source->train.dataset());
  }
  if (!classes.empty()) ResolveClassMap(path, classes, teacher, violations_);
}

void JobResolution::ResolveTrain() {
  v1::TrainJob& train = *resolved_.mutable_train();
  FillDefaults(train);
  CheckTrainRules(given_.train(), train, violations_);
  CheckDevicesOf(train, resolved_.resources().devices(), violations_);
  CheckModel("train.model", train.model());
  const auto report = lookup_.FindReadyDataset("train.dataset", train.dataset(), violations_);
  if (report) {
    if (ImagesIn(*report, v1::SPLIT_TRAIN) == 0) {
      violations_.Add("train.dataset", train.dataset(), "has no training images");
    }
    if (ImagesIn(*report, v1::SPLIT_VAL) == 0) {
      violations_.Add("train.dataset", train.dataset(),
                      "has no validation images, which pick the best checkpoint; add it again with "
                      "a val_fraction (--val 0.1)");
    }
    WriteNormalization(*report, *train.mutable_input());
  }
  ResolveInitialWeights(train);
  const ClassNames classes = report ? report->class_names() : ClassNames();
  v1::Distillation& distillation = *train.mutable_distillation();
  for (int i = 0; i < distillation.teachers_size(); ++i) {
    ResolveTeacher("train.distillation.teachers[" + std::to_string(i) + "]", train.input(), classes,
                   *distillation.mutable_teachers(i));
  }
  if (given_.train().has_distillation()) CheckKnownClasses(distillation, classes, violations_);
  CheckBlocksOf("student", train.model());
  for (const v1::Teacher& teacher : distillation.teachers()) {
    CheckBlocksOf("teacher", teacher.model());
  }
  if (!given_.train().has_distillation()) train.clear_distillation();
  spec_.kind = JobKind::kTrain;
  spec_.num_epochs = train.epochs();
  spec_.dataset = train.dataset();
  spec_.model = train.model();
}

void JobResolution::CheckSplits(const ScanReport& report) {
  const v1::EvalJob& eval = resolved_.eval();
  for (int i = 0; i < eval.passes_size(); ++i) {
    const v1::Split split = eval.passes(i).split();
    if (split == v1::SPLIT_UNSPECIFIED || ImagesIn(report, split) > 0) continue;
    violations_.Add("eval.passes[" + std::to_string(i) + "].split", v1::Split_Name(split),
                    "the data set " + eval.dataset() + " has no images in this split");
  }
}

// A network knows its classes by their numbers: others of the same count would be measured as if
// they were its own.
void JobResolution::CheckClassesOfModel(const ReferredJob& source, const ScanReport& report) {
  const ClassNames trained = lookup_.ClassesOf(source.train.dataset());
  const ClassNames& given = report.class_names();
  if (trained.empty()) return;
  for (int i = 0; i < std::max(trained.size(), given.size()); ++i) {
    const std::string of_data = i < given.size() ? given[i] : "none";
    const std::string of_model = i < trained.size() ? trained[i] : "none";
    if (of_data == of_model) continue;
    violations_.Add("eval.dataset", resolved_.eval().dataset(),
                    "has " + std::to_string(given.size()) + " classes, the model was trained on " +
                        std::to_string(trained.size()) + ": number " + std::to_string(i) + " is " +
                        of_data + " and " + of_model +
                        "; name a data set of the same classes (of a part of them: a CSV file, "
                        "with all of them listed in NAME.classes.txt beside it)");
    return;
  }
}

void JobResolution::ResolveEvalInput(const ReferredJob* source, const ScanReport& report) {
  v1::Input& input = *resolved_.mutable_eval()->mutable_input();
  const bool has_normalization = input.has_normalization();
  if (source != nullptr) {
    const v1::Input& own = source->train.input();
    if (!input.has_image_size()) input.set_image_size(own.image_size());
    if (!has_normalization) {
      input.set_normalization(own.normalization());
      *input.mutable_mean() = own.mean();
      *input.mutable_std() = own.std();
      return;
    }
  }
  FillDefaults(resolved_.eval().model(), input);
  WriteNormalization(report, input);
}

// Those of the job are a default: where they are gone, or know other classes, there are none.
void JobResolution::ResolveEvalTeachers(const ReferredJob* source, const ScanReport& report) {
  v1::EvalJob& eval = *resolved_.mutable_eval();
  if (eval.without_teachers()) return;
  const bool are_given = !eval.teachers().empty();
  const ViolationList before = violations_;
  if (!are_given && source != nullptr) {
    *eval.mutable_teachers() = source->train.distillation().teachers();
  }
  for (int i = 0; i < eval.teachers_size(); ++i) {
    ResolveTeacher("eval.teachers[" + std::to_string(i) + "]", eval.input(), report.class_names(),
                   *eval.mutable_teachers(i));
  }
  if (are_given) CheckKnowTheSame("eval.teachers", eval.teachers(), violations_);
  if (are_given || violations_.violations() == before.violations()) return;
  violations_ = before;
  eval.clear_teachers();
}

void JobResolution::ResolveEval() {
  v1::EvalJob& eval = *resolved_.mutable_eval();
  FillDefaults(eval);
  CheckEvalRules(given_.eval(), eval, violations_);
  v1::Input filled = given_.eval().input();
  FillDefaults(given_.eval().model(), filled);
  CheckInputRules("eval.input", given_.eval().input(), filled, violations_);
  spec_.kind = JobKind::kEval;
  std::optional<ReferredJob> source;
  if (eval.source_case() == v1::EvalJob::kJob) {
    source = Need("eval.job", eval.job());
    if (!source) return;
    eval.set_job(source->reference);
    eval.set_model(source->train.model());
    if (eval.dataset().empty()) eval.set_dataset(source->train.dataset());
  } else if (eval.source_case() == v1::EvalJob::kFile) {
    FindFile("eval.file", *eval.mutable_file());
    if (!eval.model().empty()) CheckModel("eval.model", eval.model());
  }
  if (eval.dataset().empty()) return;
  const auto report = lookup_.FindReadyDataset("eval.dataset", eval.dataset(), violations_);
  if (!report) return;
  CheckSplits(*report);
  if (source) CheckClassesOfModel(*source, *report);
  ResolveEvalInput(source ? &*source : nullptr, *report);
  ResolveEvalTeachers(source ? &*source : nullptr, *report);
  spec_.dataset = eval.dataset();
  spec_.model = eval.model();
}

void JobResolution::WriteSpec(const std::string& owner) {
  if (resolved_.name().empty()) {
    const bool is_train = spec_.kind == JobKind::kTrain;
    resolved_.set_name(MakeName(is_train ? spec_.model : "eval-" + spec_.model));
  }
  spec_.name = resolved_.name();
  spec_.owner = owner;
  spec_.labels = {given_.labels().begin(), given_.labels().end()};
  spec_.priority = given_.priority();
  spec_.device = given_.resources().device();
  spec_.max_interruptions = resolved_.retry().max_interruptions();
  spec_.max_device_errors = resolved_.retry().max_device_errors();
  spec_.max_preemptions = resolved_.retry().max_preemptions();
  spec_.gpu_memory_bytes = given_.resources().gpu_memory_bytes();
  spec_.num_devices = resolved_.resources().devices();
  spec_.time_limit_seconds = resolved_.has_train() ? resolved_.train().time_limit_seconds()
                                                   : resolved_.eval().time_limit_seconds();
  spec_.group = given_.group();
  spec_.max_parallel = given_.max_parallel();
  spec_.memory_key = MemoryKey(resolved_);
  resolved_.SerializeToString(&spec_.resolved);
  v1::Job given = resolved_;
  if (given_.has_train()) {
    *given.mutable_train() = given_.train();
  } else {
    *given.mutable_eval() = given_.eval();
  }
  given.SerializeToString(&spec_.given);
}

void JobResolution::ResolveAfter() {
  *resolved_.mutable_after() = given_.after();
  for (int i = 0; i < resolved_.after_size(); ++i) {
    v1::After& after = *resolved_.mutable_after(i);
    if (after.condition() == v1::AFTER_CONDITION_UNSPECIFIED) {
      after.set_condition(v1::AFTER_CONDITION_OK);
    }
    const auto id =
        lookup_.FindAny("after[" + std::to_string(i) + "].job", *after.mutable_job(), violations_);
    if (id) spec_.after.push_back({*id, static_cast<AfterCondition>(after.condition())});
  }
}

void JobResolution::FillRetry() {
  v1::RetryPolicy& retry = *resolved_.mutable_retry();
  retry = given_.retry();
  if (!retry.has_max_interruptions()) retry.set_max_interruptions(kDefaultInterruptions);
  if (!retry.has_max_device_errors()) retry.set_max_device_errors(kDefaultDeviceErrors);
  if (!retry.has_max_preemptions()) retry.set_max_preemptions(kDefaultPreemptions);
}

void JobResolution::Run(const std::string& owner) {
  CheckJobRules(given_, violations_);
  resolved_.set_name(given_.name());
  *resolved_.mutable_labels() = given_.labels();
  resolved_.set_priority(given_.priority());
  *resolved_.mutable_resources() = given_.resources();
  resolved_.mutable_resources()->set_devices(std::max(1, given_.resources().devices()));
  resolved_.set_group(given_.group());
  resolved_.set_max_parallel(given_.max_parallel());
  FillRetry();
  ResolveAfter();
  switch (given_.spec_case()) {
    case v1::Job::kTrain:
      *resolved_.mutable_train() = given_.train();
      ResolveTrain();
      break;
    case v1::Job::kEval:
      *resolved_.mutable_eval() = given_.eval();
      ResolveEval();
      break;
    case v1::Job::SPEC_NOT_SET:
      violations_.Add("spec", "", "say what to do: set train or eval");
      break;
  }
  WriteSpec(owner);
}

}  // namespace

Result<Resolution> JobResolver::Resolve(const std::vector<v1::Job>& jobs,
                                        const Requester& requester, bool is_batch) const {
  Resolution resolution;
  JobLookup lookup(store_, requester);
  std::set<std::string> names;
  for (size_t i = 0; i < jobs.size(); ++i) {
    JobResolution one(lookup, files_, jobs[i]);
    one.Run(requester.name);
    DISTILL_RETURN_IF_ERROR(lookup.status());
    const std::string prefix = is_batch ? "jobs[" + std::to_string(i) + "]." : "";
    for (FieldViolation violation : one.violations().violations()) {
      violation.field.insert(0, prefix);
      resolution.violations.push_back(std::move(violation));
    }
    if (!names.insert(one.resolved().name()).second) {
      resolution.violations.push_back(
          {prefix + "name", one.resolved().name(), "must be given to one job of the list only"});
    }
    lookup.AddEarlier(one.resolved());
    resolution.specs.push_back(one.spec());
  }
  return resolution;
}

Result<v1::Job> ResolvedRequest(const JobSpec& spec) {
  v1::Job job;
  if (!job.ParseFromString(spec.resolved)) {
    return Status(Code::kDataLoss, "the stored request of a job is damaged: " + spec.name);
  }
  return job;
}

}  // namespace distill::server
