#pragma once

#include <filesystem>
#include <memory>

#include "core/base/clock.h"
#include "core/base/durable_file.h"
#include "distill/v1/job_service.pb.h"
#include "server/job/job_store.h"
#include "server/job/run_preparer.h"
#include "server/rpc/job_veil.h"
#include "server/rpc/stream_source.h"
#include "server/rpc/verified_files.h"

namespace distill::server {

/// Where streams read from; all must outlive them.
struct JobStreamInputs {
  JobStore& store;
  RunPreparer& preparer;
  const Clock& clock;
  VerifiedFiles& verified;
};

/// The job now and at each change, heartbeats when nothing changes, and the end after the snapshot
/// of a job that has ended; what `veil` takes out left out.
std::unique_ptr<StreamSource<v1::WatchJobResponse>> MakeWatchSource(const JobStreamInputs& inputs,
                                                                    JobId job, JobVeil veil);

/// The log of an attempt from `request.offset` on. When following the newest attempt, goes on with
/// the next one (after an interruption or a requeue), until the job has ended. kOutOfRange: the
/// offset lies behind the end of the log. kNotFound: no such attempt.
Result<std::unique_ptr<StreamSource<v1::TailLogsResponse>>> MakeLogSource(
    const JobStreamInputs& inputs, JobId job, const v1::TailLogsRequest& request);

/// A file that a job registered, in pieces, from request.offset on. Steps before the first piece
/// look at the whole content, unless inputs.verified knows it. kNotFound: no artifact of this name.
/// kOutOfRange: the offset lies behind its end. kUnavailable: the file is being replaced, try
/// again. kDataLoss: it is not what was registered; both of these may come from a step, too.
Result<std::unique_ptr<StreamSource<v1::DownloadArtifactResponse>>> MakeArtifactSource(
    const JobStreamInputs& inputs, JobId job, const v1::DownloadArtifactRequest& request);

}  // namespace distill::server
