#pragma once

#include <filesystem>

#include "core/base/status.h"

namespace distill::server {

/// Looks for committed transactions that the write-ahead log beside the database at `database` has
/// lost: SQLite takes a damaged or cut log for one that ends earlier, and says nothing. Compares
/// the log's sums with what follows them, and its length with what the last process noted in the
/// shared memory file. Call it before the database is opened: opening rewrites both. A torn end, as
/// a power cut leaves it before the commit was on disk, is no loss. `is_durable`: each commit was
/// synced (synchronous=FULL); without, only what was copied into the database already must be
/// there. Changes nothing. Blocks on disk for as long as reading the log takes. kDataLoss:
/// something is lost. kUnavailable, kPermissionDenied: the files cannot be read.
Status CheckWriteAheadLog(const std::filesystem::path& database, bool is_durable);

}  // namespace distill::server
