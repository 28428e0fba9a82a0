#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "distill/v1/job_service.pb.h"
#include "distill/v1/server_service.pb.h"
#include "server/job/device_use.h"
#include "server/job/job.h"
#include "server/job/job_manager.h"
#include "server/job/job_store.h"
#include "server/rpc/job_veil.h"

namespace distill::server {

/// The daemon's own types as messages of the wire, for the reader of `veil`: what that one may not
/// know of other jobs, their numbers and what hangs on them, is left out. What the reader wrote
/// into an own spec stays. They block as JobVeil does.
v1::Job ToMessage(const JobRecord& job, JobVeil& veil);
v1::Attempt ToMessage(const AttemptRecord& attempt, JobVeil& veil);
v1::JobEvent ToMessage(const JobEventRecord& event, JobVeil& veil);
/// Of a hidden job, its memory is left, and that it is there.
v1::Device ToMessage(const DeviceUse& use, const JobVeil& veil);
v1::QueueEntry ToMessage(const QueueEntry& entry, JobVeil& veil);
v1::ExplainJobResponse ToMessage(const JobExplanation& explanation, JobVeil& veil);
v1::MemoryPeak ToMessage(const MemoryPeak& peak, JobVeil& veil);
/// Without `is_full`, per-class figures and confusion are left out.
v1::Evaluation ToMessage(const EvaluationRecord& evaluation, bool is_full, JobVeil& veil);

v1::Artifact ToMessage(const ArtifactRecord& artifact);

v1::ListMetricsResponse ToMessage(const MetricPage& page);

}  // namespace distill::server
