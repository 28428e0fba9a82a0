#pragma once

#include "core/eval/teacher.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::core {

/// Returns the options of a teacher of the run of `spec` as the daemon has found it.
TeacherOptions ToTeacherOptions(const worker::v1::ResolvedTeacher& from,
                                const worker::v1::WorkerSpec& spec);

}  // namespace distill::core
