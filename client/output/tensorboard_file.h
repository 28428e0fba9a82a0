#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "distill/v1/job.pb.h"

namespace distill::client {

/// Returns the content of a TensorBoard event file: the file's version and, for each epoch, one
/// event for each series with the epoch as its step. Ordered by epoch, so that the file of a job
/// that goes on begins with what it held before. `created_at_unix_ms` is the time of the file.
std::string TensorBoardFile(const std::vector<v1::MetricSeries>& series,
                            int64_t created_at_unix_ms);

/// Returns one record as TensorFlow frames it: length, masked CRC-32C of the length, `data`, masked
/// CRC-32C of the data.
std::string TfRecord(const std::string& data);

}  // namespace distill::client
