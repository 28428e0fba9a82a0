#pragma once

#include <cstdint>
#include <filesystem>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace distill::server {

/// What Rebuild read from the run journals.
struct JournalReport {
  int64_t num_events = 0;
  int num_journals = 0;
  int num_damaged = 0;  // read up to the damage
};

/// Reads the journals of all attempts of all jobs into the databases of `state_directory`, from
/// where each stands: what is stored already is not stored again. Blocks on disk. Errors as
/// OpenSqliteJobStore.
Result<JournalReport> ReadJournalsAgain(const std::filesystem::path& state_directory,
                                        const Clock& clock);

}  // namespace distill::server
