#include "client/term_parameters.h"

#include <utility>

namespace distill::client {

namespace {

std::vector<TermParameter> OfSeveralMethods() {
  using enum v1::DistillationMethod;
  return {
      {"--kd-weight",
       "weight",
       "[METHOD=]W: total = task + sum of W * term; default: --kd-ratio, dkd and rkd 1, dist 2, "
       "fitnet 100, pkt 30000, crd 0.8",
       {DISTILLATION_METHOD_SOFT_TARGET, DISTILLATION_METHOD_MGD, DISTILLATION_METHOD_SP,
        DISTILLATION_METHOD_AT, DISTILLATION_METHOD_DKD, DISTILLATION_METHOD_DIST,
        DISTILLATION_METHOD_FITNET, DISTILLATION_METHOD_RKD, DISTILLATION_METHOD_PKT,
        DISTILLATION_METHOD_CRD}},
      {"--temperature",
       "temperature",
       "[METHOD=]T of soft-target and dkd (default 4) and dist (default 1)",
       {DISTILLATION_METHOD_SOFT_TARGET, DISTILLATION_METHOD_DKD, DISTILLATION_METHOD_DIST}},
      {"--standardize-logits",
       "standardize_logits",
       "[METHOD=]true: z-score the logits of soft-target or dkd first; then T 2 and, for "
       "soft-target, weight 9 by default",
       {DISTILLATION_METHOD_SOFT_TARGET, DISTILLATION_METHOD_DKD}},
      {"--kd-blocks",
       "blocks",
       "[METHOD=]B,B... from 1 to 4 (or 3); default MGD the last, FitNet the last but one, SP and "
       "AT "
       "the last two",
       {DISTILLATION_METHOD_MGD, DISTILLATION_METHOD_SP, DISTILLATION_METHOD_AT,
        DISTILLATION_METHOD_FITNET}},
      {"--kd-form",
       "form",
       "[METHOD=]paper or reference; default SP and FitNet paper, AT and DIST reference",
       {DISTILLATION_METHOD_SP, DISTILLATION_METHOD_AT, DISTILLATION_METHOD_DIST,
        DISTILLATION_METHOD_FITNET}}};
}

std::vector<TermParameter> OfOneMethod() {
  using enum v1::DistillationMethod;
  return {{"--mgd-mask",
           "mgd_mask_ratio",
           "share of channels; default 0.15",
           {DISTILLATION_METHOD_MGD}},
          {"--mgd-alpha", "mgd_alpha", "default 7e-5", {DISTILLATION_METHOD_MGD}},
          {"--dkd-alpha",
           "dkd_alpha",
           "weight of the target class's part; default 1",
           {DISTILLATION_METHOD_DKD}},
          {"--dkd-beta",
           "dkd_beta",
           "weight of the other classes' part; default 8",
           {DISTILLATION_METHOD_DKD}},
          {"--dist-beta",
           "dist_beta",
           "weight of the relation between classes; default 1",
           {DISTILLATION_METHOD_DIST}},
          {"--dist-gamma",
           "dist_gamma",
           "weight of the relation within a class; default 1",
           {DISTILLATION_METHOD_DIST}},
          {"--rkd-distance",
           "rkd_distance",
           "weight of distances; default 25",
           {DISTILLATION_METHOD_RKD}},
          {"--rkd-angle", "rkd_angle", "weight of angles; default 50", {DISTILLATION_METHOD_RKD}},
          {"--crd-negatives",
           "crd_negatives",
           "other images that each is told from; default 16384",
           {DISTILLATION_METHOD_CRD}},
          {"--crd-temperature", "crd_temperature", "default 0.07", {DISTILLATION_METHOD_CRD}},
          {"--crd-momentum",
           "crd_momentum",
           "of the memory's entries; default 0.5",
           {DISTILLATION_METHOD_CRD}}};
}

}  // namespace

const std::vector<TermParameter>& TermParameters() {
  static const std::vector<TermParameter> parameters = [] {
    std::vector<TermParameter> all = OfSeveralMethods();
    for (TermParameter& parameter : OfOneMethod()) all.push_back(std::move(parameter));
    return all;
  }();
  return parameters;
}

}  // namespace distill::client
