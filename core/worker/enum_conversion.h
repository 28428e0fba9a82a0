#pragma once

#include <google/protobuf/repeated_field.h>

#include "core/data/manifest.h"
#include "core/train/train_options.h"
#include "distill/v1/eval.pb.h"
#include "distill/v1/train.pb.h"

namespace distill::core {

/// The wire's values in the core's terms. Unspecified values, which a resolved spec does not hold,
/// become the core's defaults.
TaskLossKind ToTaskLossKind(v1::TaskLossKind kind);
RDropReduction ToRDropReduction(v1::RDropReduction reduction);
OptimizerKind ToOptimizerKind(v1::OptimizerKind kind);
ScheduleKind ToScheduleKind(v1::ScheduleKind kind);
AugmentationPolicy ToAugmentationPolicy(v1::AugmentationPolicy policy);
BatchMixKind ToBatchMixKind(v1::BatchMix mix);
DistillationMethod ToDistillationMethod(v1::DistillationMethod method);
LossForm ToLossForm(v1::LossForm form);
EnsembleMode ToEnsembleMode(v1::Ensemble ensemble);
AmpRequest ToAmpRequest(v1::AmpType type);
SelectionMetric ToSelectionMetric(v1::SelectionMetric metric);
Split ToSplit(v1::Split split);

/// Three means and three deviations; anything else is no normalisation. A deviation of next to
/// nothing, as scans of older versions reported of constant channels, is 1 (StdToDivideBy()).
InputNormalization ToNormalization(const google::protobuf::RepeatedField<double>& mean,
                                   const google::protobuf::RepeatedField<double>& std);

/// Returns the normalisation that `input` asks for; `of_dataset` is the data set's own.
InputNormalization NormalizationOf(const v1::Input& input, const InputNormalization& of_dataset);

}  // namespace distill::core
