#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/eventually.h"
#include "tests/integration/reflection.h"
#include "tests/integration/test_server.h"
#include "tests/raw_call.h"

namespace distill::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class ServerSurfaceTest : public ::testing::Test {
 protected:
  TestServer server_;
};

TEST_F(ServerSurfaceTest, HealthIsServingForTheWholeAndEachService) {
  // HealthCheckRequest{service = 1}; HealthCheckResponse{status = 1: SERVING = 1}.
  for (const std::string service : {"", "distill.v1.JobService"}) {
    std::string request;
    if (!service.empty()) {
      request = std::string("\x0a") + static_cast<char>(service.size()) + service;
    }
    std::string response;

    const grpc::Status status =
        testing::CallRaw(server_.channel(), Context(), "/grpc.health.v1.Health/Check",
                         {grpc::Slice(request)}, response);

    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response, std::string("\x08\x01")) << service;
  }
}

TEST_F(ServerSurfaceTest, InfoNamesVersionAndModels) {
  v1::ServerInfo info;

  ASSERT_TRUE(server_.server().GetServerInfo(Context().get(), {}, &info).ok());

  EXPECT_EQ(info.version(), "test");
  EXPECT_GE(info.schema_version(), 1);
  EXPECT_THAT(info.models(), ::testing::Contains("mobilenetv2"));
}

TEST_F(ServerSurfaceTest, DevicesSayWhichJobHoldsThem) {
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("holder");
  v1::Job job;
  ASSERT_TRUE(server_.jobs().CreateJob(Context().get(), request, &job).ok());
  ASSERT_TRUE(server_.WaitForState(job.id(), v1::JOB_STATE_RUNNING));
  v1::ListDevicesResponse devices;

  ASSERT_TRUE(server_.server().ListDevices(Context().get(), {}, &devices).ok());

  ASSERT_THAT(devices.devices(), SizeIs(1));
  EXPECT_EQ(devices.devices(0).id(), "cpu");
  EXPECT_EQ(devices.devices(0).job(), job.id());
}

TEST_F(ServerSurfaceTest, DatasetOutsideTheRootsIsRefusedByItsField) {
  v1::CreateDatasetRequest request;
  request.mutable_dataset()->set_name("secret");
  request.mutable_dataset()->set_path("/etc");
  v1::Dataset dataset;

  const grpc::Status status = server_.datasets().CreateDataset(Context().get(), request, &dataset);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FieldsOf(status), ElementsAre("dataset.path"));
}

TEST_F(ServerSurfaceTest, DatasetIsScannedAndThenReady) {
  server_.preparer().set_script("scan_report 3;outcome 8 0");
  std::filesystem::create_directory(server_.folder() / "fish");
  v1::CreateDatasetRequest request;
  request.mutable_dataset()->set_name("fish");
  request.mutable_dataset()->set_path((server_.folder() / "fish").string());
  v1::Dataset dataset;

  ASSERT_TRUE(server_.datasets().CreateDataset(Context().get(), request, &dataset).ok());

  EXPECT_DOUBLE_EQ(dataset.val_fraction(), 0.1);
  EXPECT_DOUBLE_EQ(dataset.test_fraction(), 0.2);
  v1::GetDatasetRequest get;
  get.set_name("fish");
  EXPECT_TRUE(testing::Eventually(std::chrono::seconds(20), [&] {
    return server_.datasets().GetDataset(Context().get(), get, &dataset).ok() &&
           dataset.state() == v1::DATASET_STATE_READY;
  }));
}

TEST_F(ServerSurfaceTest, DatasetShowsWhatItsScanFound) {
  v1::GetDatasetRequest get;
  get.set_name("birds");
  v1::Dataset dataset;

  ASSERT_TRUE(server_.datasets().GetDataset(Context().get(), get, &dataset).ok());

  EXPECT_THAT(dataset.class_names(), ElementsAre("wren", "tern"));
  ASSERT_THAT(dataset.splits(), SizeIs(3));
  EXPECT_EQ(dataset.splits(0).images(), 7);
}

TEST_F(ServerSurfaceTest, ReflectionListsTheServices) {
  grpc::Status status;

  EXPECT_THAT(ReflectedServices(server_.channel(), Context(), status),
              Contains("distill.v1.JobService"));
}

// A channel with a connection of its own.
std::shared_ptr<grpc::Channel> ConnectAlone(const TestServer& server) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server.port()),
                                   grpc::InsecureChannelCredentials(), arguments);
}

TEST(IdleConnectionTest, AConnectionWithoutACallIsClosedAndComesBackWithTheNext) {
  TestServer server({}, {}, 0, {.idle = std::chrono::milliseconds(200)});
  const auto watching = ConnectAlone(server);
  v1::CreateJobRequest request;
  *request.mutable_job() = MakeTrainJob("watched");
  v1::Job job;
  ASSERT_TRUE(server.jobs().CreateJob(Context().get(), request, &job).ok());
  v1::WatchJobRequest watched;
  watched.set_job(job.id());
  const auto context = Context();
  const auto watch = v1::JobService::NewStub(watching)->WatchJob(context.get(), watched);
  v1::WatchJobResponse change;
  ASSERT_TRUE(watch->Read(&change));

  const auto idle = ConnectAlone(server);
  const auto stub = v1::ServerService::NewStub(idle);
  v1::ServerInfo info;
  ASSERT_TRUE(stub->GetServerInfo(Context().get(), {}, &info).ok());
  EXPECT_TRUE(
      testing::Eventually(kDeadline, [&] { return idle->GetState(false) != GRPC_CHANNEL_READY; }));

  EXPECT_TRUE(stub->GetServerInfo(Context().get(), {}, &info).ok());
  EXPECT_EQ(watching->GetState(false), GRPC_CHANNEL_READY) << "a stream is a call";
  context->TryCancel();
}

}  // namespace
}  // namespace distill::server
