// A request for jobs, in the wire's form or (after a 'j') as JSON. One without a violation must be
// stored and read back.
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "distill/v1/job_service.pb.h"
#include "server/spec/job_resolver.h"
#include "server/store/sqlite_job_store.h"
#include "tests/fakes/birds_dataset.h"

namespace {

using namespace distill;          // NOLINT(google-build-using-namespace)
using namespace distill::server;  // NOLINT(google-build-using-namespace)

std::unique_ptr<JobStore> StoreWithBirds() {
  google::protobuf::SetLogHandler(nullptr);
  SqliteJobStoreOptions options;
  options.state_directory = ":memory:";
  auto store = std::move(OpenSqliteJobStore(options, SystemClock())).value();
  if (!distill::testing::AddBirds(*store).ok()) std::abort();
  return store;
}

bool Parse(const uint8_t* data, size_t size, v1::BatchCreateJobsRequest& request) {
  if (size > 0 && data[0] == 'j') {
    const std::string json(reinterpret_cast<const char*>(data) + 1, size - 1);
    return google::protobuf::util::JsonStringToMessage(json, &request).ok();
  }
  return request.ParseFromArray(data, static_cast<int>(size));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<JobStore> store = StoreWithBirds();
  static const FileLocator files({{"/nowhere"}, {"/nowhere"}, "/nowhere"});
  v1::BatchCreateJobsRequest request;
  if (!Parse(data, size, request)) return 0;
  const std::vector<v1::Job> jobs(request.jobs().begin(), request.jobs().end());
  const auto resolution =
      JobResolver(*store, files).Resolve(jobs, {"ada", false}, /*is_batch=*/true);
  if (!resolution.ok() || !resolution->violations.empty()) return 0;
  if (resolution->specs.size() != jobs.size()) std::abort();
  for (const JobSpec& spec : resolution->specs) {
    if (!ResolvedRequest(spec).ok()) std::abort();
  }
  return 0;
}
