#include "core/worker/teacher_conversion.h"

#include "core/worker/enum_conversion.h"
#include "core/worker/input_roots.h"

namespace distill::core {

TeacherOptions ToTeacherOptions(const worker::v1::ResolvedTeacher& from,
                                const worker::v1::WorkerSpec& spec) {
  TeacherOptions to;
  to.model = from.model();
  to.weights = from.weights();
  to.normalization = ToNormalization(from.mean(), from.std());
  to.class_outputs.assign(from.class_outputs().begin(), from.class_outputs().end());
  to.num_outputs = from.num_outputs();
  to.weight = from.weight() == 0 ? 1 : from.weight();
  to.image_size = from.image_size();
  to.roots = WeightsRoots(spec, from.job());
  return to;
}

}  // namespace distill::core
