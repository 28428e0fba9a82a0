#include "server/observe/server_metrics.h"

namespace distill::server {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildHistogram;
using prometheus::Histogram;

// From a row in memory to a client that gives up.
Histogram::BucketBoundaries Seconds() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
}

double ToSeconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string_view StartName(ServerMetrics::WorkerStart start) {
  switch (start) {
    case ServerMetrics::WorkerStart::kStarted:
      return "started";
    case ServerMetrics::WorkerStart::kAdopted:
      return "adopted";
    case ServerMetrics::WorkerStart::kFailed:
      return "failed";
  }
  return "";
}

std::string_view EndName(ServerMetrics::WorkerEnd end) {
  switch (end) {
    case ServerMetrics::WorkerEnd::kOk:
      return "ok";
    case ServerMetrics::WorkerEnd::kError:
      return "error";
    case ServerMetrics::WorkerEnd::kSignal:
      return "signal";
    case ServerMetrics::WorkerEnd::kUnknown:
      return "unknown";
  }
  return "";
}

std::string_view FateName(NotificationObserver::Fate fate) {
  switch (fate) {
    case NotificationObserver::Fate::kSent:
      return "sent";
    case NotificationObserver::Fate::kFailed:
      return "failed";
    case NotificationObserver::Fate::kDropped:
      return "dropped";
  }
  return "";
}

}  // namespace

ServerMetrics::ServerMetrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      moves_(BuildCounter()
                 .Name("distilld_job_transitions_total")
                 .Help("Changes of jobs' states, by the new state and its cause.")
                 .Register(*registry_)),
      call_durations_(BuildHistogram()
                          .Name("distilld_rpc_duration_seconds")
                          .Help("Unary calls, from arrival to answer, by method and status code.")
                          .Register(*registry_)),
      streams_(BuildCounter()
                   .Name("distilld_rpc_streams_total")
                   .Help("Streams that have ended, by method and status code.")
                   .Register(*registry_)),
      write_durations_(BuildHistogram()
                           .Name("distilld_store_write_duration_seconds")
                           .Help("Transactions that wrote, waiting included, by database.")
                           .Register(*registry_)),
      write_failures_(BuildCounter()
                          .Name("distilld_store_write_failures_total")
                          .Help("Transactions that the database refused, by database and reason.")
                          .Register(*registry_)),
      worker_starts_(BuildCounter()
                         .Name("distilld_worker_starts_total")
                         .Help("Workers started, adopted after a restart, or failed to start.")
                         .Register(*registry_)),
      worker_ends_(BuildCounter()
                       .Name("distilld_worker_exits_total")
                       .Help("Workers gone, by how; unknown: an adopted one, not our child.")
                       .Register(*registry_)),
      notifications_(BuildCounter()
                         .Name("distilld_notifications_total")
                         .Help("Notifications of hook and webhook, by what became of them.")
                         .Register(*registry_)),
      journal_events_(BuildCounter()
                          .Name("distilld_journal_events_total")
                          .Help("Events read from run journals and stored.")
                          .Register(*registry_)
                          .Add({})) {
  AddKnownSeries();
}

void ServerMetrics::AddKnownSeries() {
  for (int state = static_cast<int>(JobState::kQueued);
       state <= static_cast<int>(JobState::kCancelled); ++state) {
    moves_.Add({{"to", std::string(StateName(static_cast<JobState>(state)))}, {"cause", "NONE"}});
  }
  for (const char* const database : {"control", "metrics"}) {
    write_durations_.Add({{"database", database}}, Seconds());
    for (const Code code : {Code::kUnavailable, Code::kResourceExhausted, Code::kDataLoss}) {
      write_failures_.Add({{"database", database}, {"code", std::string(CodeName(code))}});
    }
  }
  for (const char* const kind : {"job", "scan"}) {
    for (const auto start : {WorkerStart::kStarted, WorkerStart::kAdopted, WorkerStart::kFailed}) {
      worker_starts_.Add({{"kind", kind}, {"result", std::string(StartName(start))}});
    }
    for (const auto end :
         {WorkerEnd::kOk, WorkerEnd::kError, WorkerEnd::kSignal, WorkerEnd::kUnknown}) {
      worker_ends_.Add({{"kind", kind}, {"result", std::string(EndName(end))}});
    }
  }
  for (const char* const sender : {"hook", "webhook"}) {
    for (const auto fate : {Fate::kSent, Fate::kFailed, Fate::kDropped}) {
      notifications_.Add({{"sender", sender}, {"result", std::string(FateName(fate))}});
    }
  }
  streams_.Add({{"method", "WatchJob"}, {"code", "OK"}});
  call_durations_.Add({{"method", "CreateJob"}, {"code", "OK"}}, Seconds());
}

void ServerMetrics::OnMove(const JobRecord& job, std::optional<JobState>) {
  const std::string_view cause = job.cause == Cause::kNone ? "NONE" : CauseName(job.cause);
  moves_.Add({{"to", std::string(StateName(job.state))}, {"cause", std::string(cause)}})
      .Increment();
}

void ServerMetrics::OnWrite(std::string_view database, std::chrono::nanoseconds duration,
                            Code code) {
  write_durations_.Add({{"database", std::string(database)}}, Seconds())
      .Observe(ToSeconds(duration));
  // Others are answers to a wrong request, not failures of the database.
  const bool is_failure = code == Code::kUnavailable || code == Code::kResourceExhausted ||
                          code == Code::kDataLoss || code == Code::kInternal ||
                          code == Code::kPermissionDenied;
  if (!is_failure) return;
  write_failures_.Add({{"database", std::string(database)}, {"code", std::string(CodeName(code))}})
      .Increment();
}

void ServerMetrics::OnCall(const Call& call) {
  const prometheus::Labels labels = {{"method", std::string(call.method)},
                                     {"code", std::string(CodeName(call.code))}};
  if (call.is_stream) {
    streams_.Add(labels).Increment();
  } else {
    call_durations_.Add(labels, Seconds()).Observe(ToSeconds(call.duration));
  }
}

void ServerMetrics::OnNotification(std::string_view sender, Fate fate) {
  notifications_.Add({{"sender", std::string(sender)}, {"result", std::string(FateName(fate))}})
      .Increment();
}

void ServerMetrics::OnWorkerStart(std::string_view kind, WorkerStart start) {
  worker_starts_.Add({{"kind", std::string(kind)}, {"result", std::string(StartName(start))}})
      .Increment();
}

void ServerMetrics::OnWorkerEnd(std::string_view kind, WorkerEnd end) {
  worker_ends_.Add({{"kind", std::string(kind)}, {"result", std::string(EndName(end))}})
      .Increment();
}

void ServerMetrics::OnJournalEvents(size_t count) {
  journal_events_.Increment(static_cast<double>(count));
}

}  // namespace distill::server
