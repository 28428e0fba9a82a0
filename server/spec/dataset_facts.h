#pragma once

#include <string>

#include "core/base/status.h"
#include "distill/v1/dataset_service.pb.h"
#include "distill/worker/v1/worker.pb.h"
#include "server/job/dataset.h"
#include "server/spec/field_violation.h"
#include "server/spec/file_locator.h"

namespace distill::server {

/// Returns what the scan of `dataset` found; empty when there is nothing yet. kDataLoss: the stored
/// report cannot be read.
Result<worker::v1::ScanReport> ScanReportOf(const DatasetRecord& dataset);

/// Returns how many images `report` counts in `split`.
int64_t ImagesIn(const worker::v1::ScanReport& report, v1::Split split);

/// Checks a request for a data set and returns it with defaults filled in; what it returns counts
/// only when nothing was added to `violations`. Blocks on disk.
DatasetRecord ResolveDataset(const v1::Dataset& given, const std::string& owner,
                             const FileLocator& files, ViolationList& violations);

}  // namespace distill::server
