#pragma once

#include <filesystem>

#include "core/base/status.h"
#include "server/job/job_store.h"

namespace distill::testing {

/// Stores a READY data set "birds" of ada's: two classes ("wren", "tern"), images in all splits.
/// It has no images on disk. Errors as JobStore::InsertDataset.
Status AddBirds(server::JobStore& store);

/// The same for the daemon that will start in the state folder `state`, with an empty manifest, so
/// that its jobs can be prepared. Blocks on disk.
Status AddBirdsTo(const std::filesystem::path& state);

}  // namespace distill::testing
