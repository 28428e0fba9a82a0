#pragma once

#include <vector>

#include "distill/v1/train.pb.h"

namespace distill::client {

/// A flag of `train` that sets a field of the distillation terms.
struct TermParameter {
  const char* flag;   // "--temperature"
  const char* field;  // "temperature"
  const char* help;
  std::vector<v1::DistillationMethod> methods;  // that have the field
};

/// Returns all of them, in the order in which help shows them.
const std::vector<TermParameter>& TermParameters();

}  // namespace distill::client
