#pragma once

#include <vector>

#include "client/output/result_table.h"
#include "client/output/text_table.h"
#include "distill/v1/job.pb.h"

namespace distill::client {

/// Returns a row for each set of jobs that differ in nothing but seed and name: the figures' mean
/// and sample standard deviation (n - 1) over the seeds that have them; "-" for the deviation of
/// one. A set is called after its first job, less the "-seed0" of `train --seeds`. `rows`: of
/// ComposeResults() for `jobs`. `is_split`: mean and deviation in columns of their own, for
/// programs.
TextTable SeedTable(const std::vector<v1::Job>& jobs, const std::vector<ResultRow>& rows,
                    bool is_split);

}  // namespace distill::client
