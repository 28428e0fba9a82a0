#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "client/job_client.h"
#include "core/base/status.h"

namespace distill::client {

struct ArtifactDownload {
  std::string job;
  std::string artifact;        // "" = the job's best model
  std::filesystem::path file;  // replaced only when all of it has come and is right
  StreamLimits limits;
  /// Called with the bytes that are there and the size of the whole. May be empty.
  std::function<void(int64_t done, int64_t size)> on_progress;
};

/// Fetches an artifact into FILE.part, going on where an earlier attempt (of this call or of one
/// before it) left off, and renames it to FILE when its SHA-256 is the server's. Blocks.
///
/// kDataLoss: a piece or the whole arrived damaged, again and again; the part is removed.
/// kResourceExhausted, kPermissionDenied: the file cannot be written.
/// kCancelled: interrupted; FILE.part stays, to go on from.
Result<v1::Artifact> DownloadToFile(const JobClient& client, const ArtifactDownload& download);

struct ArtifactRequest {
  std::string job;
  std::string artifact;
  int64_t max_bytes = 0;  // a larger one is refused
};

/// Returns an artifact whose SHA-256 is the server's. Blocks. Errors as
/// JobClient::DownloadArtifact; kResourceExhausted: it is larger than asked for; kDataLoss: it
/// arrived damaged.
Result<std::string> DownloadToMemory(const JobClient& client, const ArtifactRequest& request,
                                     const StreamLimits& limits);

}  // namespace distill::client
