#include "core/eval/input_reading.h"

#include "core/base/fault_point.h"
#include "core/eval/failure.h"

namespace distill::core {

Status ReadInputs(const std::vector<HashedFile>& inputs, const std::function<Status()>& read) {
  FaultPoint("input.before_read");
  return CheckUnchanged(inputs, CatchTorchErrors<Status>(read));
}

}  // namespace distill::core
