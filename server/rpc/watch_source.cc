#include <string>
#include <utility>

#include "server/rpc/job_messages.h"
#include "server/rpc/job_streams.h"
#include "server/spec/message_bytes.h"

namespace distill::server {
namespace {

constexpr std::chrono::milliseconds kHeartbeat{15'000};

class WatchSource final : public StreamSource<v1::WatchJobResponse> {
 public:
  WatchSource(const JobStreamInputs& inputs, JobId job, JobVeil veil)
      : inputs_(inputs), job_(job), veil_(std::move(veil)) {}

  StreamStep Next(v1::WatchJobResponse& message) override {
    if (has_ended_) return StreamStep::End();
    Result<JobRecord> record = inputs_.store.FindJob(job_);
    if (!record.ok()) return StreamStep::End(record.status());
    v1::Job job = ToMessage(*record, veil_);
    std::string snapshot = StableBytes(job);
    const int64_t now = inputs_.clock.MonotonicMillis();
    if (snapshot != last_snapshot_) {
      last_snapshot_ = std::move(snapshot);
      last_sent_at_ = now;
      has_ended_ = IsTerminal(record->state);
      *message.mutable_job() = std::move(job);
      return StreamStep::Send();
    }
    const auto due_in = kHeartbeat - std::chrono::milliseconds(now - last_sent_at_);
    if (due_in.count() > 0) return StreamStep::Wait(due_in);
    last_sent_at_ = now;
    message.set_heartbeat(true);
    return StreamStep::Send();
  }

 private:
  const JobStreamInputs inputs_;
  const JobId job_;
  JobVeil veil_;
  bool has_ended_ = false;
  std::string last_snapshot_;
  int64_t last_sent_at_ = 0;
};

}  // namespace

std::unique_ptr<StreamSource<v1::WatchJobResponse>> MakeWatchSource(const JobStreamInputs& inputs,
                                                                    JobId job, JobVeil veil) {
  return std::make_unique<WatchSource>(inputs, job, std::move(veil));
}

}  // namespace distill::server
