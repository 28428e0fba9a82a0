#include "tests/bench/server/baseline.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/bench/server/bench_lab.h"

namespace distill::bench {
namespace {

class EchoService final : public v1::JobService::Service {
 public:
  grpc::Status CreateJob(grpc::ServerContext*, const v1::CreateJobRequest* request,
                         v1::Job* response) override {
    *response = request->job();
    return grpc::Status::OK;
  }
};

}  // namespace

Timings MeasureEcho(int num_clients, int count) {
  EchoService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  std::vector<std::unique_ptr<v1::JobService::Stub>> stubs;
  for (int client = 0; client < num_clients; ++client) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stubs.push_back(v1::JobService::NewStub(grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments)));
  }
  const v1::CreateJobRequest request = TrainRequest();
  const auto call = [&](int client, int) {
    v1::Job job;
    Check(stubs[static_cast<size_t>(client)]->CreateJob(Context().get(), request, &job), "echo");
  };
  Measure(num_clients, 1, call);  // connects
  return Measure(num_clients, count, call);
}

Timings MeasureInsert(size_t bytes, int count) {
  const testing::TempDir folder;
  SQLite::Database database((folder.path() / "bare.db").string(),
                            SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE row (id INTEGER PRIMARY KEY, content BLOB)");
  SQLite::Statement insert(database, "INSERT INTO row (content) VALUES (?)");
  const std::string content(bytes, 'x');
  return Measure(1, count, [&](int, int) {
    insert.reset();
    insert.bind(1, content.data(), static_cast<int>(content.size()));
    insert.exec();
  });
}

}  // namespace distill::bench
