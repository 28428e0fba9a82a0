#include "tests/bench/server/baseline.h"
#include "tests/bench/server/measures.h"
#include "tests/bench/server/timings.h"

namespace distill::bench {
namespace {

constexpr int kManyClients = 32;

// `calls_per_second`: 0 = as fast as they can.
Timings MeasureSubmits(BenchLab& lab, int num_clients, int count, int calls_per_second) {
  std::vector<std::unique_ptr<v1::JobService::Stub>> stubs;
  for (int client = 0; client < num_clients; ++client) {
    stubs.push_back(v1::JobService::NewStub(lab.NewChannel()));
  }
  const auto submit = [&](int client, int) {
    v1::Job job;
    Check(stubs[static_cast<size_t>(client)]->CreateJob(Context().get(), TrainRequest(), &job),
          "submit");
  };
  Measure(num_clients, 1, submit);  // connects
  return calls_per_second == 0 ? Measure(num_clients, count, submit)
                               : MeasurePaced(num_clients, count, calls_per_second, submit);
}

// Returns the job at the front of the queue, or the one that was submitted last.
std::string EndOfTheQueue(BenchLab& lab, bool is_last) {
  if (is_last) return lab.Submit();
  v1::ListQueueRequest request;
  request.set_max_entries(1);
  v1::ListQueueResponse response;
  Check(lab.jobs().ListQueue(Context().get(), request, &response), "queue");
  return response.entries(0).job().id();
}

}  // namespace

void MeasureSubmit(BenchLab& lab) {
  constexpr int kCount = 600;
  // Workers that hold the devices and take no time of the processor.
  lab.SetScript("started;idle");
  const size_t bytes = TrainRequest().ByteSizeLong();
  const Timings echo = MeasureEcho(1, kCount);
  const Timings echo_many = MeasureEcho(kManyClients, kCount / 10);
  const Timings insert = MeasureInsert(bytes, kCount);
  const Timings submit = MeasureSubmits(lab, 1, kCount, 0);
  const Timings submit_many = MeasureSubmits(lab, kManyClients, kCount / 10, 0);
  const Timings submit_paced = MeasureSubmits(lab, kManyClients, kCount / 20, 100);
  Print("gRPC echo, 1 client", echo);
  Print("gRPC echo, 32 clients", echo_many);
  Print("SQLite insert of " + std::to_string(bytes) + " bytes, fsynced", insert);
  Print("submit, 1 client", submit);
  Print("submit, 32 clients, as fast as they can", submit_many);
  Print("submit, 32 clients, 100 a second", submit_paced);
  PrintFact("submit / (echo + insert), p50, 1 client",
            Fixed(submit.Quantile(0.5) / (echo.Quantile(0.5) + insert.Quantile(0.5)), 2));
  PrintFact("submits / inserts a second, 1 client",
            Fixed(submit.PerSecond() / insert.PerSecond(), 2));
  PrintFact("submits / inserts a second, 32 clients",
            Fixed(submit_many.PerSecond() / insert.PerSecond(), 2));
}

void MeasureList(BenchLab& lab, int num_jobs) {
  constexpr int kBatch = 500;
  constexpr int kCalls = 200;
  for (int made = 0; made < num_jobs; made += kBatch) {
    v1::BatchCreateJobsRequest request;
    request.set_request_id(NewUuid());
    for (int index = 0; index < kBatch; ++index) {
      *request.add_jobs() = TrainRequest().job();
    }
    v1::BatchCreateJobsResponse response;
    Check(lab.jobs().BatchCreateJobs(Context().get(), request, &response), "submit many");
  }
  const Timings list = Measure(1, kCalls, [&](int, int) {
    v1::ListJobsResponse response;
    Check(lab.jobs().ListJobs(Context().get(), {}, &response), "list");
  });
  Print("ls, first page of 50 of " + std::to_string(num_jobs) + "+ jobs", list);
  // Of the first in the queue and of the last.
  for (const bool is_last : {false, true}) {
    const std::string job = EndOfTheQueue(lab, is_last);
    const Timings why = Measure(1, kCalls, [&](int, int) {
      v1::ExplainJobRequest request;
      request.set_job(job);
      v1::ExplainJobResponse response;
      Check(lab.jobs().ExplainJob(Context().get(), request, &response), "why");
      if (!response.has_waiting()) Check({grpc::StatusCode::INTERNAL, "it does not wait"}, "why");
    });
    Print("why, of the " + std::string(is_last ? "last" : "first") + " of them", why);
  }
}

}  // namespace distill::bench
