#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace distill::core {

/// What several teachers are together. With teachers k of weights w_k (sum 1) and logits z_k:
enum class EnsembleMode {
  kMeanKl,     ///< every term is the mean of its values with each teacher
  kMeanProb,   ///< terms of logits see one teacher: the mean of softmax(z_k / T) at the term's T
  kMeanLogit,  ///< terms of logits see one teacher: the mean of z_k
  kRandomOne,  ///< each batch has one teacher, drawn with probability w_k
};

/// Returns logits [N, C], float32 or float64, that stand for all teachers in a term of logits at
/// `temperature` T:
/// - kMeanProb: T * log(sum of w_k * softmax(z_k / T)), from log-probabilities;
/// - kMeanLogit: sum of w_k * z_k.
/// The divergence from kMeanProb has the same gradient as the mean of the divergences (kMeanKl) and
/// another value. REQUIRES: as many weights as logits, at least one; one of these two modes.
at::Tensor EnsembleLogits(const std::vector<at::Tensor>& logits, const std::vector<double>& weights,
                          EnsembleMode mode, double temperature);

}  // namespace distill::core
