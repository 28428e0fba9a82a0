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

namespace distill::server {

/// Conversions between the wire's messages and the daemon's own types; nothing else. Pure.
v1::Job ToMessage(const JobRecord& job);
v1::Attempt ToMessage(const AttemptRecord& attempt);
v1::JobEvent ToMessage(const JobEventRecord& event);
v1::Artifact ToMessage(const ArtifactRecord& artifact);
v1::Device ToMessage(const DeviceUse& use);
v1::QueueEntry ToMessage(const QueueEntry& entry);
v1::ExplainJobResponse ToMessage(const JobExplanation& explanation);

/// Without `is_full`, per-class figures and confusion are left out.
v1::Evaluation ToMessage(const EvaluationRecord& evaluation, bool is_full);

v1::ListMetricsResponse ToMessage(const MetricPage& page);

}  // namespace distill::server
