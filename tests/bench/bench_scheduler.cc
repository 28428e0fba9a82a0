// Prints how long one pass of the scheduler takes over a long queue: bench_scheduler [JOBS].
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "server/job/scheduler.h"

namespace {

using distill::server::DeviceInfo;
using distill::server::JobId;
using distill::server::JobSnapshot;
using distill::server::JobState;
using distill::server::SchedulerSnapshot;

constexpr int kGpus = 8;
constexpr JobId kEachWide = 10;  // one in so many needs several GPUs

SchedulerSnapshot MakeSnapshot(JobId num_jobs) {
  distill::Random random(1);
  SchedulerSnapshot snapshot;
  snapshot.now_unix_ms = 1'000'000'000;
  for (int index = 0; index < kGpus; ++index) {
    DeviceInfo& gpu = snapshot.devices.emplace_back();
    gpu.id = "GPU-" + std::to_string(index);
    gpu.index = index;
    gpu.memory_total_bytes = int64_t{80} << 30;
    JobSnapshot& holder = snapshot.jobs.emplace_back();
    holder.id = num_jobs + 1 + index;
    holder.owner = "user" + std::to_string(index);
    holder.state = JobState::kRunning;
    holder.held_devices = {gpu.id};
  }
  for (JobId id = 1; id <= num_jobs; ++id) {
    JobSnapshot& job = snapshot.jobs.emplace_back();
    job.id = id;
    job.owner = "user" + std::to_string(random.Below(20));
    job.priority = static_cast<int>(random.Below(5));
    job.waiting_since_unix_ms = static_cast<int64_t>(random.Below(1'000'000'000));
    if (random.Chance(0.5)) job.gpu_memory_bytes = int64_t{12} << 30;
    if (id % kEachWide == 0) {
      job.gpu_memory_bytes = 0;
      job.num_devices = 2 + static_cast<int>(id / kEachWide % 3);
    }
    if (id % 4 == 0) job.time_limit_ms = 3'600'000;
    if (id > 1 && random.Chance(0.2)) {
      job.depends_on = {static_cast<JobId>(1 + random.Below(static_cast<uint64_t>(id - 1)))};
      snapshot.dependency_states[job.depends_on[0]] = JobState::kQueued;
    }
    snapshot.users[job.owner].last_uses["GPU-0"] = 5;
  }
  return snapshot;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr JobId kJobs = 10'000;
  constexpr int kPasses = 50;
  const JobId num_jobs = argc > 1 ? std::strtoll(argv[1], nullptr, 10) : kJobs;
  const SchedulerSnapshot snapshot = MakeSnapshot(num_jobs);
  std::vector<double> millis;
  size_t num_waiting = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    num_waiting = distill::server::Schedule(snapshot).waiting.size();
    millis.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::sort(millis.begin(), millis.end());
  std::printf("one pass over %zu waiting jobs: median %.1f ms, worst %.1f ms of %d passes\n",
              num_waiting, millis[millis.size() / 2], millis.back(), kPasses);
  return 0;
}
