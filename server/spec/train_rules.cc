#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "server/spec/spec_rules.h"

namespace distill::server {
namespace {

constexpr int kMaxEpochs = 100'000;
constexpr int kMaxBatchSize = 65'536;
constexpr int64_t kMaxSeconds = 10LL * 366 * 24 * 3600;

void CheckAugmentation(const v1::Augmentation& given, const v1::Augmentation& filled,
                       ViolationList& violations) {
  const std::string path = "train.augmentation.";
  CheckEnum(path + "policy", filled.policy(), v1::AugmentationPolicy_IsValid, violations);
  CheckEnum(path + "mix", filled.mix(), v1::BatchMix_IsValid, violations);
  violations.CheckRange(path + "flip_probability", filled.flip_probability(), 0, 1);
  violations.CheckCount(path + "cutout_holes", filled.cutout_holes(), 0, 100);
  violations.CheckCount(path + "cutout_length", filled.cutout_length(), 1, 2048);
  violations.CheckRange(path + "mix_probability", filled.mix_probability(), 0, 1);
  violations.CheckPositive(path + "mix_alpha", filled.mix_alpha(), 1000);
  violations.CheckCount(path + "rand_augment_operations", filled.rand_augment_operations(), 1, 16);
  violations.CheckCount(path + "rand_augment_magnitude", filled.rand_augment_magnitude(), 0, 30);
  constexpr int kMaxCropPadding = 1024;
  violations.CheckCount(path + "crop_padding", filled.crop_padding(), 0, kMaxCropPadding);
  const bool is_rand_augment = filled.policy() == v1::AUGMENTATION_POLICY_RAND_AUGMENT;
  if (!is_rand_augment && given.has_rand_augment_operations()) {
    violations.Add(path + "rand_augment_operations",
                   std::to_string(given.rand_augment_operations()),
                   "belongs to the policy RAND_AUGMENT only");
  }
  if (!is_rand_augment && given.has_rand_augment_magnitude()) {
    violations.Add(path + "rand_augment_magnitude", std::to_string(given.rand_augment_magnitude()),
                   "belongs to the policy RAND_AUGMENT only");
  }
}

void CheckLoss(const v1::TaskLoss& filled, ViolationList& violations) {
  CheckEnum("train.loss.kind", filled.kind(), v1::TaskLossKind_IsValid, violations);
  const double smoothing = filled.label_smoothing();
  if (!(smoothing >= 0 && smoothing < 1)) {
    violations.Add("train.loss.label_smoothing", NumberText(smoothing),
                   "must be at least 0 and less than 1");
  }
  violations.CheckRange("train.loss.poly_epsilon", filled.poly_epsilon(), -1, 1000);
  violations.CheckRange("train.loss.focal_gamma", filled.focal_gamma(), 0, 100);
}

void CheckMilestones(const v1::Schedule& given, v1::ScheduleKind kind, ViolationList& violations) {
  const std::string path = "train.schedule.milestones";
  constexpr int kMaxMilestones = 100;
  if (given.milestones().empty()) return;
  if (kind != v1::SCHEDULE_KIND_STEP) {
    violations.Add(path, v1::ScheduleKind_Name(kind), "belongs to the kind STEP only");
  }
  if (given.has_step_epochs()) {
    violations.Add("train.schedule.step_epochs", std::to_string(given.step_epochs()),
                   "excludes milestones; give one of the two");
  }
  violations.CheckCount(path, given.milestones_size(), 0, kMaxMilestones);
  int previous = 0;
  for (const int milestone : given.milestones()) {
    if (milestone <= previous || milestone > kMaxEpochs) {
      violations.Add(path, std::to_string(milestone),
                     "must be epochs from 1 to 100000, each after the one before");
      return;
    }
    previous = milestone;
  }
}

void CheckOptimizer(const v1::Optimizer& given, const v1::TrainJob& filled,
                    ViolationList& violations) {
  const v1::Optimizer& optimizer = filled.optimizer();
  if (given.has_nesterov() && optimizer.kind() != v1::OPTIMIZER_KIND_SGD) {
    violations.Add("train.optimizer.nesterov", v1::OptimizerKind_Name(optimizer.kind()),
                   "belongs to SGD only");
  }
  CheckEnum("train.optimizer.kind", optimizer.kind(), v1::OptimizerKind_IsValid, violations);
  violations.CheckPositive("train.optimizer.learning_rate", optimizer.learning_rate(), 100);
  violations.CheckRange("train.optimizer.weight_decay", optimizer.weight_decay(), 0, 10);
  if (!(optimizer.momentum() >= 0 && optimizer.momentum() < 1)) {
    violations.Add("train.optimizer.momentum", NumberText(optimizer.momentum()),
                   "must be at least 0 and less than 1");
  }
}

// What decides the rate at each epoch.
void CheckSchedule(const v1::Schedule& given, const v1::TrainJob& filled,
                   ViolationList& violations) {
  const v1::Schedule& schedule = filled.schedule();
  CheckEnum("train.schedule.kind", schedule.kind(), v1::ScheduleKind_IsValid, violations);
  if (!(schedule.warmup_ratio() >= 0 && schedule.warmup_ratio() < 1)) {
    violations.Add("train.schedule.warmup_ratio", NumberText(schedule.warmup_ratio()),
                   "must be at least 0 and less than 1");
  }
  if (schedule.milestones().empty()) {
    violations.CheckCount("train.schedule.step_epochs", schedule.step_epochs(), 1, kMaxEpochs);
  }
  CheckMilestones(given, schedule.kind(), violations);
  violations.CheckPositive("train.schedule.step_factor", schedule.step_factor(), 1);
  violations.CheckPositive("train.schedule.polynomial_power", schedule.polynomial_power(), 100);
  const double lowest = schedule.min_learning_rate();
  const double rate = filled.optimizer().learning_rate();
  const bool is_above_the_rate = rate > 0 && lowest > rate;
  if (given.has_min_learning_rate() && (!(lowest >= 0) || is_above_the_rate)) {
    violations.Add("train.schedule.min_learning_rate", NumberText(lowest),
                   "must be at least 0 and at most optimizer.learning_rate");
  }
}

void CheckRegularisation(const v1::TrainJob& filled, ViolationList& violations) {
  if (filled.has_ema()) {
    const double decay = filled.ema().decay();
    if (!(decay >= 0 && decay < 1)) {
      violations.Add("train.ema.decay", NumberText(decay), "must be at least 0 and less than 1");
    }
    violations.CheckPositive("train.ema.ramp_steps", filled.ema().ramp_steps(), 1e9);
  }
  if (filled.has_rdrop()) {
    violations.CheckRange("train.rdrop.weight", filled.rdrop().weight(), 0, 1000);
    CheckEnum("train.rdrop.reduction", filled.rdrop().reduction(), v1::RDropReduction_IsValid,
              violations);
  }
}

void CheckBudget(const v1::TrainJob& filled, ViolationList& violations) {
  violations.CheckCount("train.epochs", filled.epochs(), 1, kMaxEpochs);
  violations.CheckCount("train.batch_size", filled.batch_size(), 1, kMaxBatchSize);
  if (filled.amp()) {
    CheckEnum("train.amp_type", filled.amp_type(), v1::AmpType_IsValid, violations);
  } else if (filled.has_amp_type()) {
    violations.Add("train.amp_type", v1::AmpType_Name(filled.amp_type()),
                   "is of mixed precision: set train.amp (--amp), or leave it out");
  }
  violations.CheckRange("train.gradient_clip_norm", filled.gradient_clip_norm(), 0, 1e9);
  CheckEnum("train.selection_metric", filled.selection_metric(), v1::SelectionMetric_IsValid,
            violations);
  violations.CheckCount("train.patience", filled.patience(), 0, kMaxEpochs);
  violations.CheckCount("train.seed", filled.seed(), 0, std::numeric_limits<int64_t>::max());
  violations.CheckCount("train.time_limit_seconds", filled.time_limit_seconds(), 0, kMaxSeconds);
  violations.CheckCount("train.data_threads", filled.data_threads(), 0, MaxThreads());
}

// What stands beside `distillation` and speaks of it.
void CheckShareOfTask(const v1::TrainJob& given, const v1::TrainJob& filled,
                      ViolationList& violations) {
  constexpr double kMaxTaskWeight = 1e6;
  if (given.has_distillation()) {
    violations.CheckRange("train.task_weight", filled.task_weight(), 0, kMaxTaskWeight);
    violations.CheckCount("train.distillation_warmup_epochs", filled.distillation_warmup_epochs(),
                          0, kMaxEpochs);
    return;
  }
  const std::string remedy = "is of a sum with distillation terms; leave it out, or distil";
  if (given.has_task_weight()) {
    violations.Add("train.task_weight", NumberText(given.task_weight()), remedy);
  }
  if (given.has_distillation_warmup_epochs()) {
    violations.Add("train.distillation_warmup_epochs",
                   std::to_string(given.distillation_warmup_epochs()), remedy);
  }
}

// Some methods read the true label of each image, or remember each.
void CheckLabelsAreTrue(const v1::TrainJob& given, ViolationList& violations) {
  const v1::BatchMix mix = given.augmentation().mix();
  if (mix != v1::BATCH_MIX_MIXUP && mix != v1::BATCH_MIX_CUTMIX) return;
  for (const v1::DistillationTerm& term : given.distillation().terms()) {
    const bool is_crd = term.method() == v1::DISTILLATION_METHOD_CRD;
    if (term.method() != v1::DISTILLATION_METHOD_DKD && !is_crd) continue;
    violations.Add("train.augmentation.mix", v1::BatchMix_Name(mix),
                   is_crd ? "must be NONE with CRD, which remembers each image"
                          : "must be NONE with DKD, which needs the true label of each image");
    return;
  }
}

}  // namespace

void CheckTrainRules(const v1::TrainJob& given, const v1::TrainJob& filled,
                     ViolationList& violations) {
  CheckInputRules("train.input", given.input(), filled.input(), violations);
  CheckAugmentation(given.augmentation(), filled.augmentation(), violations);
  CheckLoss(filled.loss(), violations);
  CheckOptimizer(given.optimizer(), filled, violations);
  CheckSchedule(given.schedule(), filled, violations);
  CheckShareOfTask(given, filled, violations);
  CheckRegularisation(filled, violations);
  CheckBudget(filled, violations);
  if (given.has_distillation()) {
    CheckDistillationRules(given.distillation(), filled.distillation(), violations);
    CheckLabelsAreTrue(given, violations);
  }
}

void CheckDevicesOf(const v1::TrainJob& filled, int num_devices, ViolationList& violations) {
  constexpr int kMinImages = 2;
  if (num_devices <= 1) return;
  const auto& terms = filled.distillation().terms();
  const bool has_crd = std::any_of(terms.begin(), terms.end(), [](const auto& term) {
    return term.method() == v1::DISTILLATION_METHOD_CRD;
  });
  if (has_crd) {
    violations.Add("resources.devices", std::to_string(num_devices),
                   "must be 1 with CRD, which has one memory of all images");
  }
  if (filled.batch_size() >= kMinImages * num_devices) return;
  violations.Add("train.batch_size", std::to_string(filled.batch_size()),
                 "must hold two images for each of the " + std::to_string(num_devices) +
                     " devices; make it larger, or take fewer devices");
}

namespace {

void CheckEvalTeachers(const v1::EvalJob& given, ViolationList& violations) {
  if (given.without_teachers() && !given.teachers().empty()) {
    violations.Add("eval.without_teachers", "true", "give teachers, or leave them out, not both");
  }
  CheckTeacherCount("eval.teachers", given.teachers_size(), violations);
  for (int i = 0; i < given.teachers_size(); ++i) {
    CheckTeacher("eval.teachers[" + std::to_string(i) + "]", given.teachers(i), violations);
  }
}

}  // namespace

void CheckEvalRules(const v1::EvalJob& given, const v1::EvalJob& filled,
                    ViolationList& violations) {
  violations.CheckCount("eval.batch_size", filled.batch_size(), 1, kMaxBatchSize);
  violations.CheckCount("eval.data_threads", filled.data_threads(), 0, MaxThreads());
  violations.CheckCount("eval.time_limit_seconds", filled.time_limit_seconds(), 0, kMaxSeconds);
  constexpr int kMaxPasses = 6;  // three splits, with and without TTA
  violations.CheckCount("eval.passes", filled.passes_size(), 1, kMaxPasses);
  for (int i = 0; i < filled.passes_size(); ++i) {
    CheckEnum("eval.passes[" + std::to_string(i) + "].split", filled.passes(i).split(),
              v1::Split_IsValid, violations);
  }
  CheckEvalTeachers(given, violations);
  if (given.source_case() == v1::EvalJob::SOURCE_NOT_SET) {
    violations.Add("eval.job", "", "name the training job to evaluate, or a weights file in file");
  }
  if (given.source_case() == v1::EvalJob::kFile) {
    if (given.model().empty()) violations.Add("eval.model", "", "say which architecture file is");
    if (given.dataset().empty()) violations.Add("eval.dataset", "", "must be given with file");
    if (given.has_checkpoint()) {
      violations.Add("eval.checkpoint", v1::CheckpointKind_Name(given.checkpoint()),
                     "belongs to job only, not to file");
    }
    return;
  }
  if (given.has_checkpoint()) {
    CheckEnum("eval.checkpoint", given.checkpoint(), v1::CheckpointKind_IsValid, violations);
  }
  if (!given.model().empty()) {
    violations.Add("eval.model", given.model(), "belongs to file only; the job's own is used");
  }
}

}  // namespace distill::server
