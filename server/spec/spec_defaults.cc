#include "server/spec/spec_defaults.h"

#include <algorithm>

#include "core/base/architecture.h"

namespace distill::server {
namespace {

// Sets optional field `name` of `message` to `value` unless it is set.
#define DISTILL_DEFAULT(message, name, value) \
  if (!(message).has_##name()) (message).set_##name(value)

// What is known of `model`; of one that does not exist, what most have: its name is refused
// elsewhere.
Architecture ArchitectureOr(std::string_view model) {
  const Result<Architecture> found = FindArchitecture(model);
  return found.ok() ? *found : Architectures().front();
}

void FillAugmentation(v1::Augmentation& augmentation) {
  DISTILL_DEFAULT(augmentation, policy, v1::AUGMENTATION_POLICY_NONE);
  DISTILL_DEFAULT(augmentation, flip_probability, 0.0);
  DISTILL_DEFAULT(augmentation, cutout_holes, 0);
  DISTILL_DEFAULT(augmentation, cutout_length, 16);
  DISTILL_DEFAULT(augmentation, mix, v1::BATCH_MIX_NONE);
  DISTILL_DEFAULT(augmentation, mix_probability, 0.5);
  DISTILL_DEFAULT(augmentation, mix_alpha, 1.0);
  DISTILL_DEFAULT(augmentation, rand_augment_operations, 2);
  DISTILL_DEFAULT(augmentation, rand_augment_magnitude, 9);
  DISTILL_DEFAULT(augmentation, crop_padding, 0);
}

void FillLoss(v1::TaskLoss& loss) {
  DISTILL_DEFAULT(loss, kind, v1::TASK_LOSS_KIND_CROSS_ENTROPY);
  DISTILL_DEFAULT(loss, label_smoothing, 0.1);
  DISTILL_DEFAULT(loss, class_balance, false);
  DISTILL_DEFAULT(loss, poly_epsilon, 2.0);
  DISTILL_DEFAULT(loss, focal_gamma, 2.0);
}

void FillOptimizer(v1::Optimizer& optimizer) {
  DISTILL_DEFAULT(optimizer, kind, v1::OPTIMIZER_KIND_ADAMW);
  DISTILL_DEFAULT(optimizer, learning_rate, 1e-3);
  DISTILL_DEFAULT(optimizer, weight_decay, 5e-4);
  DISTILL_DEFAULT(optimizer, momentum, 0.9);
  DISTILL_DEFAULT(optimizer, nesterov, true);
  DISTILL_DEFAULT(optimizer, decay_all, false);
}

void FillSchedule(double learning_rate, v1::Schedule& schedule) {
  DISTILL_DEFAULT(schedule, kind, v1::SCHEDULE_KIND_COSINE);
  DISTILL_DEFAULT(schedule, warmup, false);
  DISTILL_DEFAULT(schedule, warmup_ratio, 0.05);
  DISTILL_DEFAULT(schedule, min_learning_rate, std::min(1e-6, learning_rate));
  if (schedule.milestones().empty()) DISTILL_DEFAULT(schedule, step_epochs, 5);
  DISTILL_DEFAULT(schedule, step_factor, 0.8);
  DISTILL_DEFAULT(schedule, polynomial_power, 1.0);
}

void FillLogits(v1::DistillationTerm& term) {
  DISTILL_DEFAULT(term, standardize_logits, false);
  DISTILL_DEFAULT(term, temperature, term.standardize_logits() ? 2.0 : 4.0);
}

// `num_blocks`: of the student.
void FillTerm(v1::DistillationTerm& term, double kd_ratio, int num_blocks) {
  DISTILL_DEFAULT(term, weight, DefaultWeight(term, kd_ratio));
  switch (term.method()) {
    case v1::DISTILLATION_METHOD_SOFT_TARGET:
      FillLogits(term);
      break;
    case v1::DISTILLATION_METHOD_DKD:
      FillLogits(term);
      DISTILL_DEFAULT(term, dkd_alpha, 1.0);
      DISTILL_DEFAULT(term, dkd_beta, 8.0);
      break;
    case v1::DISTILLATION_METHOD_DIST:
      DISTILL_DEFAULT(term, temperature, 1.0);
      DISTILL_DEFAULT(term, dist_beta, 1.0);
      DISTILL_DEFAULT(term, dist_gamma, 1.0);
      DISTILL_DEFAULT(term, form, v1::LOSS_FORM_REFERENCE);
      break;
    case v1::DISTILLATION_METHOD_FITNET:
      if (term.blocks().empty()) term.add_blocks(num_blocks - 1);
      DISTILL_DEFAULT(term, form, v1::LOSS_FORM_PAPER);
      break;
    case v1::DISTILLATION_METHOD_CRD:
      DISTILL_DEFAULT(term, crd_negatives, 16384);
      DISTILL_DEFAULT(term, crd_temperature, 0.07);
      DISTILL_DEFAULT(term, crd_momentum, 0.5);
      break;
    case v1::DISTILLATION_METHOD_RKD:
      DISTILL_DEFAULT(term, rkd_distance, 25.0);
      DISTILL_DEFAULT(term, rkd_angle, 50.0);
      break;
    case v1::DISTILLATION_METHOD_MGD:
      if (term.blocks().empty()) term.add_blocks(num_blocks);
      DISTILL_DEFAULT(term, mgd_mask_ratio, 0.15);
      DISTILL_DEFAULT(term, mgd_alpha, 7e-5);
      break;
    case v1::DISTILLATION_METHOD_SP:
    case v1::DISTILLATION_METHOD_AT:
      if (term.blocks().empty()) {
        term.add_blocks(num_blocks - 1);
        term.add_blocks(num_blocks);
      }
      DISTILL_DEFAULT(term, form,
                      term.method() == v1::DISTILLATION_METHOD_SP ? v1::LOSS_FORM_PAPER
                                                                  : v1::LOSS_FORM_REFERENCE);
      break;
    default:
      break;
  }
}

void FillTeacher(v1::Teacher& teacher) {
  if (teacher.has_job()) DISTILL_DEFAULT(teacher, checkpoint, v1::CHECKPOINT_KIND_BEST);
  DISTILL_DEFAULT(teacher, weight, 1.0);
}

void FillDistillation(v1::Distillation& distillation, int num_blocks) {
  DISTILL_DEFAULT(distillation, kd_ratio, 0.7);
  DISTILL_DEFAULT(distillation, ensemble, v1::ENSEMBLE_MEAN_KL);
  for (v1::Teacher& teacher : *distillation.mutable_teachers()) FillTeacher(teacher);
  for (v1::DistillationTerm& term : *distillation.mutable_terms()) {
    FillTerm(term, distillation.kd_ratio(), num_blocks);
  }
}

void FillRegularisation(v1::TrainJob& job) {
  if (job.has_ema()) {
    DISTILL_DEFAULT(*job.mutable_ema(), decay, 0.9999);
    DISTILL_DEFAULT(*job.mutable_ema(), ramp_steps, 2000.0);
  }
  if (job.has_rdrop()) {
    DISTILL_DEFAULT(*job.mutable_rdrop(), weight, 0.3);
    DISTILL_DEFAULT(*job.mutable_rdrop(), reduction, v1::R_DROP_REDUCTION_SUM);
  }
}

}  // namespace

double DefaultWeight(const v1::DistillationTerm& term, double kd_ratio) {
  switch (term.method()) {
    case v1::DISTILLATION_METHOD_DKD:
    case v1::DISTILLATION_METHOD_RKD:
      return 1;
    case v1::DISTILLATION_METHOD_DIST:
      return 2;
    case v1::DISTILLATION_METHOD_FITNET:
      return 100;
    case v1::DISTILLATION_METHOD_PKT:
      return 30000;
    case v1::DISTILLATION_METHOD_CRD:
      return 0.8;
    case v1::DISTILLATION_METHOD_AT:
      return kd_ratio;
    default:
      break;
  }
  if (term.standardize_logits()) return 9;
  return kd_ratio < 1 ? kd_ratio / (1 - kd_ratio) : kd_ratio;
}

void FillDefaults(std::string_view model, v1::Input& input) {
  DISTILL_DEFAULT(input, image_size, ArchitectureOr(model).image_size);
  DISTILL_DEFAULT(input, normalization, v1::NORMALIZATION_DATASET);
}

void FillDefaults(v1::TrainJob& job) {
  FillDefaults(job.model(), *job.mutable_input());
  FillAugmentation(*job.mutable_augmentation());
  FillLoss(*job.mutable_loss());
  FillOptimizer(*job.mutable_optimizer());
  FillSchedule(job.optimizer().learning_rate(), *job.mutable_schedule());
  FillRegularisation(job);
  if (job.has_distillation()) {
    FillDistillation(*job.mutable_distillation(), ArchitectureOr(job.model()).num_blocks());
    DISTILL_DEFAULT(job, task_weight, 1.0);
    DISTILL_DEFAULT(job, distillation_warmup_epochs, 0);
  }
  DISTILL_DEFAULT(job, epochs, 100);
  DISTILL_DEFAULT(job, batch_size, 64);
  DISTILL_DEFAULT(job, amp, false);
  if (job.amp()) {
    DISTILL_DEFAULT(job, amp_type, v1::AMP_TYPE_AUTO);
  }
  DISTILL_DEFAULT(job, gradient_clip_norm, 0.0);
  DISTILL_DEFAULT(job, selection_metric, v1::SELECTION_METRIC_VAL_ACCURACY);
  DISTILL_DEFAULT(job, patience, 30);
  DISTILL_DEFAULT(job, seed, 0);
  DISTILL_DEFAULT(job, time_limit_seconds, 0);
  DISTILL_DEFAULT(job, validate_with_tta, false);
  DISTILL_DEFAULT(job, data_threads, 0);
}

void FillDefaults(v1::EvalJob& job) {
  if (job.has_job()) {
    DISTILL_DEFAULT(job, checkpoint, v1::CHECKPOINT_KIND_BEST);
  }
  if (job.passes().empty()) job.add_passes()->set_split(v1::SPLIT_TEST);
  for (v1::Teacher& teacher : *job.mutable_teachers()) FillTeacher(teacher);
  DISTILL_DEFAULT(job, batch_size, 64);
  DISTILL_DEFAULT(job, amp, false);
  DISTILL_DEFAULT(job, data_threads, 0);
  DISTILL_DEFAULT(job, time_limit_seconds, 0);
}

#undef DISTILL_DEFAULT

}  // namespace distill::server
