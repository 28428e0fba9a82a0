#include "core/worker/train_run.h"

#include <array>
#include <string>
#include <utility>

#include "core/train/trainer.h"
#include "core/worker/enum_conversion.h"
#include "core/worker/input_roots.h"
#include "core/worker/lineage.h"
#include "core/worker/teacher_conversion.h"

namespace distill::core {
namespace {

void ReadLoss(const v1::TrainJob& job, TrainOptions& options) {
  const v1::TaskLoss& loss = job.loss();
  options.loss.kind = ToTaskLossKind(loss.kind());
  options.loss.label_smoothing = loss.label_smoothing();
  options.loss.poly_epsilon = loss.poly_epsilon();
  options.loss.focal_gamma = loss.focal_gamma();
  options.class_balance = loss.class_balance();
  if (job.has_rdrop()) {
    options.r_drop = RDropOptions{job.rdrop().weight(), ToRDropReduction(job.rdrop().reduction())};
  }
}

void ReadOptimization(const v1::TrainJob& job, TrainOptions& options) {
  options.optimizer.kind = ToOptimizerKind(job.optimizer().kind());
  options.optimizer.weight_decay = job.optimizer().weight_decay();
  options.optimizer.momentum = job.optimizer().momentum();
  if (job.optimizer().has_nesterov()) options.optimizer.nesterov = job.optimizer().nesterov();
  options.optimizer.decay_all = job.optimizer().decay_all();
  const v1::Schedule& schedule = job.schedule();
  options.schedule.kind = ToScheduleKind(schedule.kind());
  options.schedule.epochs = job.epochs();
  options.schedule.learning_rate = job.optimizer().learning_rate();
  options.schedule.min_learning_rate = schedule.min_learning_rate();
  options.schedule.warmup = schedule.warmup();
  options.schedule.warmup_ratio = schedule.warmup_ratio();
  if (schedule.has_step_epochs()) options.schedule.step_epochs = schedule.step_epochs();
  options.schedule.milestones.assign(schedule.milestones().begin(), schedule.milestones().end());
  options.schedule.step_factor = schedule.step_factor();
  options.schedule.polynomial_power = schedule.polynomial_power();
  if (job.has_ema()) {
    options.average.emplace();
    options.average->decay = job.ema().decay();
    options.average->ramp_updates = job.ema().ramp_steps();
  }
  options.gradient_clip_norm = job.gradient_clip_norm();
  if (job.amp()) options.amp = ToAmpRequest(job.amp_type());
}

void ReadAugmentation(const v1::Augmentation& from, TrainOptions& options) {
  AugmentationOptions& to = options.augmentation;
  to.policy = ToAugmentationPolicy(from.policy());
  to.flip_probability = from.flip_probability();
  to.crop_padding = from.crop_padding();
  to.cutout_holes = from.cutout_holes();
  to.cutout_length = from.cutout_length();
  to.rand_augment_operations = from.rand_augment_operations();
  to.rand_augment_magnitude = from.rand_augment_magnitude();
  options.mix.kind = ToBatchMixKind(from.mix());
  options.mix.probability = from.mix_probability();
  options.mix.alpha = from.mix_alpha();
}

DistillationTermOptions ToTermOptions(const v1::DistillationTerm& from) {
  DistillationTermOptions to;
  to.method = ToDistillationMethod(from.method());
  if (from.has_weight()) to.weight = from.weight();
  if (from.has_temperature()) to.temperature = from.temperature();
  to.blocks.assign(from.blocks().begin(), from.blocks().end());
  if (from.has_form()) to.form = ToLossForm(from.form());
  if (from.has_mgd_mask_ratio()) to.mask_ratio = from.mgd_mask_ratio();
  if (from.has_mgd_alpha()) to.mgd_alpha = from.mgd_alpha();
  to.standardize_logits = from.standardize_logits();
  if (from.has_dkd_alpha()) to.dkd_alpha = from.dkd_alpha();
  if (from.has_dkd_beta()) to.dkd_beta = from.dkd_beta();
  if (from.has_dist_beta()) to.dist_beta = from.dist_beta();
  if (from.has_dist_gamma()) to.dist_gamma = from.dist_gamma();
  if (from.has_rkd_distance()) to.rkd_distance = from.rkd_distance();
  if (from.has_rkd_angle()) to.rkd_angle = from.rkd_angle();
  if (from.has_crd_negatives()) to.crd_negatives = from.crd_negatives();
  if (from.has_crd_temperature()) to.crd_temperature = from.crd_temperature();
  if (from.has_crd_momentum()) to.crd_momentum = from.crd_momentum();
  return to;
}

void ReadDistillation(const worker::v1::WorkerSpec& spec, TrainOptions& options) {
  const worker::v1::TrainTask& task = spec.train();
  if (!task.job().has_distillation()) return;
  DistillationOptions& distillation = options.distillation.emplace();
  distillation.ensemble = ToEnsembleMode(task.job().distillation().ensemble());
  for (const worker::v1::ResolvedTeacher& teacher : task.teachers()) {
    distillation.teachers.push_back(ToTeacherOptions(teacher, spec));
  }
  if (task.job().has_task_weight()) distillation.task_weight = task.job().task_weight();
  distillation.warmup_epochs = task.job().distillation_warmup_epochs();
  for (const v1::DistillationTerm& term : task.job().distillation().terms()) {
    distillation.terms.push_back(ToTermOptions(term));
  }
}

void ReadData(const worker::v1::WorkerSpec& spec, TrainOptions& options) {
  const worker::v1::TrainTask& task = spec.train();
  const v1::Input& input = task.job().input();
  options.manifest = task.dataset_manifest();
  options.dataset_roots = DatasetRoots(spec);
  options.num_bad_files = task.num_bad_files();
  options.image_size = input.image_size();
  options.normalization =
      NormalizationOf(input, ToNormalization(task.dataset_mean(), task.dataset_std()));
  options.data_threads =
      task.job().data_threads() > 0 ? task.job().data_threads() : std::max(1, spec.num_threads());
}

}  // namespace

Result<TrainOptions> ToTrainOptions(const worker::v1::WorkerSpec& spec,
                                    const std::filesystem::path& run_directory) {
  const worker::v1::TrainTask& task = spec.train();
  const v1::TrainJob& job = task.job();
  TrainOptions options;
  options.model = job.model();
  options.run_directory = run_directory;
  options.device = spec.device();
  options.memory_limit_bytes = spec.gpu_memory_bytes();
  options.other_devices.assign(spec.other_devices().begin(), spec.other_devices().end());
  options.initial_weights = task.initial_weights();
  options.weights_roots = WeightsRoots(spec, job.initial_weights().job());
  options.resume_from.assign(task.resume_from().begin(), task.resume_from().end());
  ReadData(spec, options);
  ReadAugmentation(job.augmentation(), options);
  ReadLoss(job, options);
  ReadOptimization(job, options);
  ReadDistillation(spec, options);
  options.epochs = job.epochs();
  options.batch_size = job.batch_size();
  options.seed = static_cast<uint64_t>(job.seed());
  options.selection = ToSelectionMetric(job.selection_metric());
  options.patience = job.patience();
  options.time_limit_seconds = job.time_limit_seconds();
  options.validate_with_tta = job.validate_with_tta();
  return options;
}

std::string NoticeOfConstantChannels(const v1::Input& input,
                                     const InputNormalization& normalization) {
  if (input.normalization() != v1::NORMALIZATION_DATASET) return "";
  constexpr std::array<const char*, 3> kNames = {"red", "green", "blue"};
  std::string constant;
  for (size_t channel = 0; channel < kNames.size(); ++channel) {
    // No deviation of values in [0, 1] is above 0.5.
    if (normalization.std[channel] < 1) continue;
    constant += (constant.empty() ? "" : ", ") + std::string(kNames[channel]);
  }
  if (constant.empty()) return "";
  return "the data set holds next to one value everywhere in the channels " + constant +
         ": their deviation counts as 1, not as 0";
}

Status RunTraining(const worker::v1::WorkerSpec& spec, const std::filesystem::path& run_directory,
                   JournalWriter& journal) {
  DISTILL_ASSIGN_OR_RETURN(TrainOptions options, ToTrainOptions(spec, run_directory));
  RunLineage lineage = LineageOf(spec);
  DISTILL_RETURN_IF_ERROR(WriteLineage(lineage.facts, run_directory, journal));
  options.lineage = MetadataOf(lineage.facts);
  options.inputs = std::move(lineage.files);
  const std::string constant =
      NoticeOfConstantChannels(spec.train().job().input(), options.normalization);
  if (!constant.empty()) journal.OnNotice(NoticeLevel::kWarning, constant);
  return Train(options, journal).status();
}

}  // namespace distill::core
