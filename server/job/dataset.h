#pragma once

#include <cstdint>
#include <string>

namespace distill::server {

/// The numbers equal distill.v1.DatasetState; they are stored.
enum class DatasetState : int { kScanning = 1, kReady = 2, kFailed = 3 };

struct DatasetRecord {
  int64_t id = 0;  // names its folder; never used twice
  std::string name;
  std::string owner;
  std::string path;
  double val_fraction = 0;
  double test_fraction = 0;
  int64_t seed = 0;
  bool skips_bad_files = false;  // else they fail the scan
  DatasetState state = DatasetState::kScanning;
  std::string message;
  int64_t created_at_unix_ms = 0;
  int64_t files_scanned = 0;
  int64_t files_total = 0;
  /// distill.worker.v1.ScanReport, serialised; empty until READY (or FAILED with a list of faults).
  std::string report;
};

}  // namespace distill::server
