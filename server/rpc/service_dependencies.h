#pragma once

#include "core/base/clock.h"
#include "server/job/job_manager.h"
#include "server/job/job_store.h"
#include "server/job/run_preparer.h"
#include "server/rpc/call_access.h"
#include "server/rpc/pumped_stream.h"
#include "server/rpc/submit_rate.h"
#include "server/spec/file_locator.h"

namespace distill::server {

/// What services are made of; all must outlive them.
struct ServiceDependencies {
  JobStore& store;
  JobManager& manager;
  RunPreparer& preparer;
  const FileLocator& files;
  const Clock& clock;
  const CallAccess& access;
  SubmitRate& submit_rate;
  StreamEnvironment stream_environment;
};

}  // namespace distill::server
