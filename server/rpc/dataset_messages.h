#pragma once

#include "distill/v1/dataset_service.pb.h"
#include "server/job/dataset.h"

namespace distill::server {

/// Returns a data set as clients see it, with what its scan found. Pure.
v1::Dataset ToMessage(const DatasetRecord& dataset);

}  // namespace distill::server
