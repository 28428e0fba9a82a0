#pragma once

#include "core/base/clock.h"
#include "server/job/job_events.h"
#include "server/job/job_manager.h"
#include "server/job/job_store.h"
#include "server/job/run_preparer.h"
#include "server/rpc/call_access.h"
#include "server/rpc/pumped_stream.h"
#include "server/rpc/submit_rate.h"
#include "server/spec/file_locator.h"

namespace distill::server {

/// What the daemon has and services work on; all must outlive them.
struct Backend {
  JobStore& store;
  JobManager& manager;
  RunPreparer& preparer;
  JobEvents& events;
  const FileLocator& files;
  const Clock& clock;
};

/// What services are made of; all must outlive them.
struct ServiceDependencies {
  Backend backend;
  const CallAccess& access;
  SubmitRate& submit_rate;
  StreamEnvironment stream_environment;
};

}  // namespace distill::server
