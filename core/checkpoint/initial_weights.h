#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/model.h"
#include "core/model/named_tensor.h"

namespace distill::core {

struct LoadMatchingOptions {
  /// The share of the model's parameters outside the classifier that the file must hold, 0 to 1.
  double min_matched_share = 0.5;
};

/// What became of each tensor of a weights file and of each of a model.
struct LoadReport {
  struct Skipped {
    std::string name;
    std::string reason;
  };

  std::vector<std::string> loaded;
  /// In the file but not used.
  std::vector<Skipped> skipped;
  /// In the model but not loaded: these keep their fresh values.
  std::vector<std::string> missing;
  /// The class count of the file's classifier, where it differs and the head was left fresh; else
  /// 0.
  int64_t replaced_head_classes = 0;

  /// Returns one sentence for a log or a run's report, with a few names of each list.
  std::string ToString() const;
};

/// Copies into `model` each tensor of `tensors` that has the name and shape of one of its
/// parameters or buffers, converted to its dtype and device. Names may be timm's
/// (core/checkpoint/timm_names.h). Wrapper prefixes of the file's names ("module.", "model.", ...)
/// are seen through. The classifier keeps its fresh values when its
/// class count differs. Counters of batches (num_batches_tracked) may be absent without a word.
/// kInvalidArgument: nothing matched, or too little (see options), or the file is, as a whole, of
/// another architecture that we know; the message has names of both sides. kDataLoss: a value to
/// load is not finite. After a failure the model is unchanged. May throw c10::Error.
Result<LoadReport> LoadMatching(Model& model, const NamedTensors& tensors,
                                const LoadMatchingOptions& options = {});

/// As LoadMatching, but file and model must have the same tensors (num_batches_tracked may be
/// absent): for teachers and evaluation, where a fresh weight would make every number wrong.
/// kInvalidArgument: they differ; the message names the first few differences, or, when only the
/// classifier differs, the class counts. kDataLoss: a value is not finite. After a failure the
/// model is unchanged. May throw c10::Error.
Status LoadExact(Model& model, const NamedTensors& tensors);

}  // namespace distill::core
