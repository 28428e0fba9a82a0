#pragma once

#include <string>
#include <vector>

#include "distill/v1/job.pb.h"
#include "distill/v1/lineage.pb.h"

namespace distill::client {

/// A run with what the server knows of it and of the jobs that it rests on.
struct LineageStep {
  v1::Job job;
  v1::Lineage lineage;                  // job() is empty where the job left none
  std::vector<v1::Artifact> artifacts;  // of the job
  std::string reason;                   // why there is no lineage
};

/// Returns a paragraph on `steps[index]`: programs, spec, data, each weights file that it read with
/// its SHA-256, and the models that it wrote. Of a file that a job of `steps` wrote it says whether
/// that job has it still.
std::string LineageText(const std::vector<LineageStep>& steps, size_t index);

}  // namespace distill::client
