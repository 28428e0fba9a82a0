#include "core/worker/enum_conversion.h"

#include "core/data/dataset_scan.h"

namespace distill::core {

TaskLossKind ToTaskLossKind(v1::TaskLossKind kind) {
  if (kind == v1::TASK_LOSS_KIND_POLY) return TaskLossKind::kPoly;
  if (kind == v1::TASK_LOSS_KIND_FOCAL) return TaskLossKind::kFocal;
  return TaskLossKind::kCrossEntropy;
}

RDropReduction ToRDropReduction(v1::RDropReduction reduction) {
  return reduction == v1::R_DROP_REDUCTION_BATCH_MEAN ? RDropReduction::kBatchMean
                                                      : RDropReduction::kSum;
}

OptimizerKind ToOptimizerKind(v1::OptimizerKind kind) {
  if (kind == v1::OPTIMIZER_KIND_SGD) return OptimizerKind::kSgd;
  if (kind == v1::OPTIMIZER_KIND_RMSPROP) return OptimizerKind::kRmsProp;
  return OptimizerKind::kAdamW;
}

ScheduleKind ToScheduleKind(v1::ScheduleKind kind) {
  switch (kind) {
    case v1::SCHEDULE_KIND_STEP:
      return ScheduleKind::kStep;
    case v1::SCHEDULE_KIND_POLYNOMIAL:
      return ScheduleKind::kPolynomial;
    case v1::SCHEDULE_KIND_CONSTANT:
      return ScheduleKind::kConstant;
    case v1::SCHEDULE_KIND_REFERENCE_COSINE:
      return ScheduleKind::kReferenceCosine;
    default:
      return ScheduleKind::kCosine;
  }
}

AugmentationPolicy ToAugmentationPolicy(v1::AugmentationPolicy policy) {
  switch (policy) {
    case v1::AUGMENTATION_POLICY_RAND_AUGMENT:
      return AugmentationPolicy::kRandAugment;
    case v1::AUGMENTATION_POLICY_AUTO_AUGMENT:
      return AugmentationPolicy::kAutoAugment;
    case v1::AUGMENTATION_POLICY_TRIVIAL_AUGMENT_WIDE:
      return AugmentationPolicy::kTrivialAugmentWide;
    case v1::AUGMENTATION_POLICY_AUG_MIX:
      return AugmentationPolicy::kAugMix;
    default:
      return AugmentationPolicy::kNone;
  }
}

BatchMixKind ToBatchMixKind(v1::BatchMix mix) {
  if (mix == v1::BATCH_MIX_MIXUP) return BatchMixKind::kMixup;
  if (mix == v1::BATCH_MIX_CUTMIX) return BatchMixKind::kCutmix;
  return BatchMixKind::kNone;
}

DistillationMethod ToDistillationMethod(v1::DistillationMethod method) {
  switch (method) {
    case v1::DISTILLATION_METHOD_MGD:
      return DistillationMethod::kMgd;
    case v1::DISTILLATION_METHOD_SP:
      return DistillationMethod::kSp;
    case v1::DISTILLATION_METHOD_AT:
      return DistillationMethod::kAt;
    case v1::DISTILLATION_METHOD_DKD:
      return DistillationMethod::kDkd;
    case v1::DISTILLATION_METHOD_DIST:
      return DistillationMethod::kDist;
    case v1::DISTILLATION_METHOD_FITNET:
      return DistillationMethod::kFitNet;
    case v1::DISTILLATION_METHOD_RKD:
      return DistillationMethod::kRkd;
    case v1::DISTILLATION_METHOD_PKT:
      return DistillationMethod::kPkt;
    case v1::DISTILLATION_METHOD_CRD:
      return DistillationMethod::kCrd;
    default:
      return DistillationMethod::kSoftTarget;
  }
}

LossForm ToLossForm(v1::LossForm form) {
  return form == v1::LOSS_FORM_REFERENCE ? LossForm::kReference : LossForm::kPaper;
}

EnsembleMode ToEnsembleMode(v1::Ensemble ensemble) {
  switch (ensemble) {
    case v1::ENSEMBLE_MEAN_PROB:
      return EnsembleMode::kMeanProb;
    case v1::ENSEMBLE_MEAN_LOGIT:
      return EnsembleMode::kMeanLogit;
    case v1::ENSEMBLE_RANDOM_ONE:
      return EnsembleMode::kRandomOne;
    default:
      return EnsembleMode::kMeanKl;
  }
}

AmpRequest ToAmpRequest(v1::AmpType type) {
  if (type == v1::AMP_TYPE_BFLOAT16) return AmpRequest::kBfloat16;
  if (type == v1::AMP_TYPE_FLOAT16) return AmpRequest::kFloat16;
  return AmpRequest::kAuto;
}

SelectionMetric ToSelectionMetric(v1::SelectionMetric metric) {
  if (metric == v1::SELECTION_METRIC_VAL_MPA) return SelectionMetric::kValMpa;
  if (metric == v1::SELECTION_METRIC_VAL_LOSS) return SelectionMetric::kValLoss;
  return SelectionMetric::kValAccuracy;
}

Split ToSplit(v1::Split split) {
  if (split == v1::SPLIT_VAL) return Split::kVal;
  if (split == v1::SPLIT_TEST) return Split::kTest;
  return Split::kTrain;
}

InputNormalization ToNormalization(const google::protobuf::RepeatedField<double>& mean,
                                   const google::protobuf::RepeatedField<double>& std) {
  InputNormalization normalization;
  if (mean.size() != 3 || std.size() != 3) return normalization;
  for (int channel = 0; channel < 3; ++channel) {
    normalization.mean[static_cast<size_t>(channel)] = mean[channel];
    normalization.std[static_cast<size_t>(channel)] = StdToDivideBy(std[channel]);
  }
  return normalization;
}

InputNormalization NormalizationOf(const v1::Input& input, const InputNormalization& of_dataset) {
  switch (input.normalization()) {
    case v1::NORMALIZATION_IMAGENET:
      return {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
    case v1::NORMALIZATION_EXPLICIT:
      return ToNormalization(input.mean(), input.std());
    default:
      return of_dataset;
  }
}

}  // namespace distill::core
