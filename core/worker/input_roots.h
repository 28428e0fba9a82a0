#pragma once

#include <string>

#include "core/base/rooted_file.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Returns where weights may be read from: those of `job`, which the daemon found, anywhere; those
/// of no job (""), which a request named, inside the server's folders of weights.
inline Roots WeightsRoots(const worker::v1::WorkerSpec& spec, const std::string& job) {
  if (!job.empty()) return {};
  return {spec.weights_roots().begin(), spec.weights_roots().end()};
}

/// Returns where the images of a data set may be read from.
inline Roots DatasetRoots(const worker::v1::WorkerSpec& spec) {
  return {spec.dataset_roots().begin(), spec.dataset_roots().end()};
}

}  // namespace distill::core
