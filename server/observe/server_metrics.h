#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <string_view>

#include "server/job/job_observer.h"
#include "server/job/store_observer.h"
#include "server/notify/notification_sender.h"
#include "server/rpc/rpc_observer.h"

namespace distill::server {

/// What is counted as it happens. Every label has few values, known beforehand: states, causes,
/// codes, methods; never a name or an id. Thread-safe.
class ServerMetrics final : public JobObserver,
                            public StoreObserver,
                            public RpcObserver,
                            public NotificationObserver {
 public:
  enum class WorkerStart { kStarted, kAdopted, kFailed };
  enum class WorkerEnd { kOk, kError, kSignal, kUnknown };

  ServerMetrics();

  void OnMove(const JobRecord& job, std::optional<JobState> from) override;
  void OnWrite(std::string_view database, std::chrono::nanoseconds duration, Code code) override;
  void OnCall(const Call& call) override;
  void OnNotification(std::string_view sender, Fate fate) override;

  /// `kind` is "job" or "scan".
  void OnWorkerStart(std::string_view kind, WorkerStart start);
  void OnWorkerEnd(std::string_view kind, WorkerEnd end);
  void OnJournalEvents(size_t count);

  /// The registry that holds all of them.
  const std::shared_ptr<prometheus::Registry>& registry() const { return registry_; }

 private:
  // Makes the series whose labels are known, so that they start at 0 instead of missing.
  void AddKnownSeries();

  const std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& moves_;
  prometheus::Family<prometheus::Histogram>& call_durations_;
  prometheus::Family<prometheus::Counter>& streams_;
  prometheus::Family<prometheus::Histogram>& write_durations_;
  prometheus::Family<prometheus::Counter>& write_failures_;
  prometheus::Family<prometheus::Counter>& worker_starts_;
  prometheus::Family<prometheus::Counter>& worker_ends_;
  prometheus::Family<prometheus::Counter>& notifications_;
  prometheus::Counter& journal_events_;
};

}  // namespace distill::server
